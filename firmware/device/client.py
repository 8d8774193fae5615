# SPDX-License-Identifier: MIT
"""The running client as the application sees it: what `await start()` gives. runner.py has the tasks below it."""

import coap.aio.waiting as waiting
from coap.compat import const, later, whole

from . import runner  # and by that asyncio and health: each name has its place in this module, too

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

    from contracts import Link, Storage
    from msgin5g.base_client import BaseClient
    from msgin5g.store.outgoing import Outgoing as CoreOutgoing

    from .calls.applications import Application, Applications
    from .calls.asking import Asking
    from .calls.ending import Ending
    from .calls.groups import Groups
    from .calls.outgoing import Watching
    from .calls.receiving import Receiving
    from .calls.restarting import Restarting

    class Serving(Applications, Asking, Ending, Groups, Receiving, Restarting, runner.Serving):
        """All of them."""

    Payload = str | bytes | BinaryIO | tuple[BinaryIO, int]
else:
    Watching = object  # these methods come with the first that is called
    Serving = runner.Serving

_TURN = const(250)  # ms that the copying of a file waits at most for the line
_WATCHING = const("device.calls.outgoing Watching")
# A module, a class in it, and its methods
_CALLS = const(
    "device.calls.ending Ending drain next_wake stop\n"
    "device.calls.receiving Receiving messages next_message receive\n"
    "device.calls.asking Asking alive call ended outbox stats subscribe triggered unsubscribe\n"
    "device.calls.restarting Restarting _use again\n"
    "device.calls.warning Warning _forget_warnings _on_other _warn\n"
    "device.calls.groups Groups group_members groups join leave\n"
    "device.calls.applications Applications application"
)


class Outgoing(Watching):
    """A message on its way: `message_id`, `state`, `cause`, and `wait` for its end."""

    def __init__(self, client: "RunningClient", core: "CoreOutgoing") -> None:
        self._client = client
        self._core = core
        self.message_id = core.message_id

    # Here, since what is set does not ask for a method that could come later.
    @property
    def on_report(self) -> "Callable[[str, bool, str | None], object] | None":
        """What is called with (reporter, success, cause) for each report of one of many; None to begin with."""
        return self._core.on_report

    @on_report.setter
    def on_report(self, function: "Callable[[str, bool, str | None], object] | None") -> None:
        self._core.on_report = function  # type: ignore[assignment]

    def __getattr__(self, name):
        later(Outgoing, name, _WATCHING)
        return getattr(self, name)

    def __repr__(self):
        return repr(self._core)


class RunningClient(Serving):
    """A client that runs until `stop()`.

    `on_failed`, which an application may set, is called with (sender, message ID, cause) of a message to this device
    that it will never have; `on_group` with (group ID, "announced", "left" or "gone"), once `groups` was called;
    `on_trigger` with the address (None: none was named) that a trigger asks to contact; `on_update` with (name,
    version) of an update that was verified: where it returns True the board starts anew.
    """

    if _TYPING:
        registered: bool  # whether the server or gateway holds a registration of ours, as far as we know

    applications: "dict[str, Application] | None" = None  # those that are open
    outgoing = Outgoing

    def __init__(self, core: "BaseClient", link: "Link", storage: "Storage") -> None:
        from .connecting import Connecting  # first, as there may be no memory for it

        super().__init__(core, link, storage)
        self.stopping = False
        self.left = False  # whether its application has ended and left it running
        self._promise = None  # the time within which the application shall be heard of
        runner.running.append(self)
        self._begin("link", lambda: Connecting.connect(self))

    async def send(self, to: str, payload: "Payload", **options: "Any") -> Outgoing:
        """Put a message in the outbox and return its Outgoing; it is on flash then, and survives a power cut. One from
        a file goes out while it is copied; who cancels this call takes it back.

        `to` is a service ID (str); `payload` is str, bytes, a binary file, or (binary file, size).
        Options: to_type="UE", app_id=None, report=False, priority="NORMAL", store_forward=False, expires=None
        (seconds), volatile=False, as docs/application.md, "The calls" says.
        Raise ValueError for what can never be sent, msgin5g.OutboxFull when there is no room now,
        msgin5g.StorageError where the storage failed, msgin5g.StoppedError after `stop`.
        """
        core = self.core
        outgoing = self._call(core.offer, to, payload, runner.health.now(), **options)
        try:
            while outgoing.spool is not None and not self._call(core.spool, outgoing, runner.health.now()):
                await self._turn(outgoing)
        finally:
            if outgoing.spool is not None and not self._inside and self._ended is None:
                self._call(core.drop, outgoing, runner.health.now())
        return Outgoing(self, outgoing)

    async def _turn(self, outgoing):
        """Wait until a piece of a file can be copied without a pause on the line: when a segment is on it, and the next
        one is made."""
        if outgoing.exchange is None:
            await waiting.sleep_ms(0)
            return
        self._prepared.clear()
        try:
            await waiting.wait_for_ms(self._prepared.wait(), _TURN)
        except waiting.asyncio.TimeoutError:
            pass

    def __getattr__(self, name):
        if name == "registered":
            return self.core.registration.registered
        later(RunningClient, name, _CALLS)
        return getattr(self, name)

    def abandon(self) -> None:
        """Close the link at once and leave all else to the next client, as a power cut does."""
        if self in runner.running:
            runner.running.remove(self)
            tasks = list(self._tasks.values())
            self._tasks.clear()
            for task in tasks:
                waiting.cancel(task, self._queue)
            try:
                self._link.close()
            except Exception as error:
                runner.log("%r", error)  # Ctrl-C has left the core or the link broken
            self._end(runner.STOPPED)

    def fault(self) -> str | None:
        """Return what keeps this client, or the application, from its work, in words; None while each part is
        alive."""
        fault = super().fault()
        self.broken = fault is not None  # the client itself, not a promise of the application
        if fault is None and self._promise is not None:
            from .calls import left

            if left(self._promise) <= 0:
                fault = "the application did not call alive() in time"
        return fault


whole(Outgoing, _WATCHING)
whole(RunningClient, _CALLS, asked="registered")
