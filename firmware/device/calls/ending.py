# SPDX-License-Identifier: MIT
"""How an application pauses or ends its client. Imported with the first of these calls."""

import asyncio
import sys

import coap.aio.waiting as waiting
from coap.compat import const, ticks_diff

from .. import health, runner
from . import countdown, left

_TYPING = const(False)
if _TYPING:
    from typing import Any

_LOOK = const(50)  # ms from look to look whether what is waited for was done
_STOP_WAIT = const(
    5000
)  # ms for an update to come on, and as many for the de-registration, whose loss is harmless


class Ending:
    """Methods of RunningClient, whose attributes they use."""

    async def drain(self: "Any", timeout_s: float | None = None) -> bool:
        """Wait until everything is accepted and every report is out, and return True; False where `timeout_s` seconds
        were over before, or where there was no memory for what has to be written.

        Then an application may sleep or switch the board off: nothing waits but reports of the other side. A device
        with `availability` in its configuration listens first until its window is over.
        """
        limit = countdown(timeout_s)
        if self.core.config.aggregation["wait"] and self._ended is None:
            self.call("sender", "hurry")
        try:
            while self._awake() and self._ended is None:
                self._drained.clear()
                wait = left(limit)
                if self._updates() and wait != 0:
                    await asyncio.sleep_ms(_LOOK)  # type: ignore[attr-defined]
                else:
                    await waiting.wait_for_ms(self._drained.wait(), wait)
        except asyncio.TimeoutError:
            pass
        try:
            self._within(self.core.flush)
        except MemoryError:
            return False  # the deferred records are written with the next message
        return not self._awake()

    def _awake(self: "Any"):
        # Behind a sleep a window may have begun that the core has not heard of.
        idle = self.core.idle and not self._updates()
        return not idle or (self.core.config.availability is not None and self.next_wake() == 0)

    def _updates(self: "Any"):
        """Return whether an update has something to do before the device may sleep. Its own task does not wait for
        itself."""
        update = sys.modules.get("device.update")
        return update is not None and update.due() and waiting.current() is not self._tasks.get("update")

    def next_wake(self: "Any") -> int | None:
        """Return milliseconds until the protocol wants to run next, for `board.sleep`; None for never.

        With `availability` in the configuration it is 0 while the device must listen, and else the time until the next
        window, or until what comes before.
        """
        core = self.core
        deadline = core.next_deadline()
        if self._unsent is not None:
            return 0
        if core.config.availability is not None and (
            not self._open or core.procedure("availability").listens
        ):
            return 0
        return None if deadline is None else max(0, ticks_diff(deadline, health.now()))

    async def stop(self: "Any", urgent: bool = True) -> None:
        """De-register, where the peer can be reached within 5 s, and close the link. A second call does nothing.

        Where it is not `urgent`, a gateway may keep the de-registration and send it with those of others (TS 24.538
        clause 6.3.4.2.2): the device is gone as soon as the gateway has it.
        """
        if self in runner.running and not self.stopping:
            self.stopping = True
            try:
                if self._ended is None and not self._inside:
                    await self._deregister(urgent)
            finally:
                self.abandon()

    async def _deregister(self: "Any", urgent):
        registration = self.core.registration
        wait = _STOP_WAIT
        while wait > 0 and self._updates() and self._ended is None:
            await asyncio.sleep_ms(_LOOK)  # type: ignore[attr-defined]
            wait -= _LOOK
        # Who is not registered has nothing to wait for. What may be under way expires at the server.
        wait = _STOP_WAIT if self.registered else 0
        self._call(self.core.stop, health.now(), urgent)
        while wait > 0 and registration.state != "stopped" and self._ended is None:
            await asyncio.sleep_ms(_LOOK)  # type: ignore[attr-defined]
            wait -= _LOOK
        if registration.state != "stopped":
            runner.log("stopped; the de-registration got no answer" if self.registered else "stopped")
