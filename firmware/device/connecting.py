# SPDX-License-Identifier: MIT
"""From a client that was made to one that runs: its link opens, and its tasks begin. Unloaded then."""

import asyncio

from coap.compat import const, unload

from .health import log, now

_TYPING = const(False)
if _TYPING:
    from typing import Any

_LINK_RETRY = const(5000)  # ms between tries to bring the link up


class Connecting:
    """Methods of RunningClient, whose attributes they use. They do not come into it, since it needs them once."""

    async def connect(self: "Any") -> None:
        """Open the link, as often as it takes, and begin all tasks."""
        core = self.core
        while True:
            try:
                await self._link.open()
                break
            except OSError as error:
                log("no link to %s yet (%s)", core.config.peer, error)
                await asyncio.sleep_ms(_LINK_RETRY)  # type: ignore[attr-defined]
            except MemoryError:
                await self._short(0)
        core.peer = self._peer = self._link.peer
        self._link.on_back = self._back
        self._within(core.start, now())
        self._open = True
        Connecting.begin_all(self)
        del self._tasks["link"]
        unload("device.connecting")

    def begin_all(self: "Any") -> None:
        """Begin all tasks of a client whose link is open."""
        config = self.core.config
        # To another link a modem may come with them: `triggered` is called then.
        if config.triggers is not None and config.peer_scheme in ("coap", "discover"):
            from . import trigger_port

            trigger_port.begin(self)  # before the timer's task sends what announces it
            self._begin("triggers", lambda: trigger_port.serve(self))
        if config.counters is not None:
            from . import counters

            counters.begin(self)
        if config.update is not None:
            from . import update

            self._begin("update", update.begin(self))
        self._begin("timer", self._tick)
        self._begin("reader", self._read)
