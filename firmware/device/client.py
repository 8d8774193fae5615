# SPDX-License-Identifier: MIT
"""The running client as the application sees it: what `await start()` gives. runner.py has the tasks below it."""

import asyncio

import coap.aio.waiting as waiting
from coap.compat import const, ticks_diff
from msgin5g import FinishedMessage

from . import health, runner

_TYPING = const(False)
if _TYPING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import Any, BinaryIO

    from contracts import Link, Storage
    from msgin5g.base_client import BaseClient
    from msgin5g.procedures.groups import Group
    from msgin5g.store.message import Message
    from msgin5g.store.outgoing import Outgoing as CoreOutgoing

    from .calls.applications import Application

    Payload = str | bytes | BinaryIO | tuple[BinaryIO, int]

_TURN = const(250)  # ms that the copying of a file waits at most for the line
_STOP_WAIT = const(5000)  # ms for the de-registration, whose loss is harmless


class Outgoing:
    """A message on its way: `message_id`, `state`, `cause`, and `wait` for its end."""

    def __init__(self, client: "RunningClient", core: "CoreOutgoing") -> None:
        self._client = client
        self._core = core
        self.message_id = core.message_id

    @property
    def state(self) -> str:
        """One of "queued", "sent", "accepted", "stored", "delivered", "failed", "expired"."""
        return self._core.state

    @property
    def cause(self) -> str | None:
        """Why it failed, in words, or None."""
        return self._core.cause

    @property
    def reports(self) -> dict[str, int] | None:
        """{"success": n, "failure": m} of a message to many with a report, else None."""
        return self._core.reports

    @property
    def on_report(self) -> "Callable[[str, bool, str | None], object] | None":
        """What is called with (reporter, success, cause) for each report of one of many; None to begin with."""
        return self._core.on_report

    @on_report.setter
    def on_report(self, function: "Callable[[str, bool, str | None], object] | None") -> None:
        self._core.on_report = function  # type: ignore[assignment]

    @property
    def final(self) -> bool:
        """Whether `state` is the last one."""
        return self._core.final

    def __repr__(self):
        return repr(self._core)

    async def wait(self, timeout_s: float | None = None) -> str:
        """Wait for the end of the message and return its final state: "delivered", "accepted", "stored", "failed" or
        "expired".

        Raise asyncio.TimeoutError after `timeout_s` seconds (None: never), and the message goes on all the same;
        msgin5g.StoppedError when the client is stopped before.
        """
        limit = runner.countdown(timeout_s)
        while not self._core.final:
            self._client.check()
            await waiting.wait_for_ms(self._client.watch(self.message_id).wait(), runner.left(limit))
        return self._core.state

    async def update(self, expires: float, timeout_s: float | None = 60) -> bool:
        """Have a message that waits, here or at the server, end in `expires` seconds (TS 23.554 V19 clause 8.3.6.1).

        Return False where it does not wait any more. Raise msgin5g.UpdateError where the server refuses, or does not
        answer within `timeout_s` seconds; ValueError, msgin5g.StorageError.
        """
        from .calls.stored import changed

        return await changed(self._client, "update", self._core, timeout_s, expires)

    async def discard(self, timeout_s: float | None = 60) -> bool:
        """Take a message back that waits, here or at the server: `state` is "failed" then, `cause` "discarded".

        Return False where it does not wait any more. Raise as `update` does.
        """
        from .calls.stored import changed

        return await changed(self._client, "discard", self._core, timeout_s)


class _Messages:
    """What `async for` goes through; MicroPython has no asynchronous generators."""

    def __init__(self, client, inbox):
        self._client = client
        self._inbox = inbox  # the client, or one of its applications

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return await self._inbox.receive()
        except EOFError:  # StoppedError is one
            if self._client.fault() != runner.STOPPED:
                raise
            raise StopAsyncIteration


class RunningClient(runner.Serving):
    """A client that runs until `stop()`.

    `on_failed`, which an application may set, is called with (sender, message ID, cause) of a message to this device
    that it will never have; `on_group` with (group ID, "announced", "left" or "gone"), once `groups` was called;
    `on_trigger` with the address (None: none was named) that a trigger asks to contact.
    """

    applications: "dict[str, Application] | None" = None  # those that are open

    def __init__(self, core: "BaseClient", link: "Link", storage: "Storage") -> None:
        super().__init__(core, link, storage)
        self.stopping = False
        self.left = False  # whether its application has ended and left it running
        self._promise = None  # the time within which the application shall be heard of
        runner.running.append(self)
        self._begin("link", self._connect)

    def again(self) -> bool:
        """Begin all tasks anew; False where the core cannot go on, and a new client must."""
        if self._ended is None and not self._inside:
            super().again()
            runner.keep()
            if super().fault() is None:
                return True
        return False

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
        outgoing = self._call(core.offer, to, payload, health.now(), **options)
        try:
            while not self._call(core.spool, outgoing, health.now()):
                await self._turn(outgoing)
        finally:
            if outgoing.spool is not None and not self._inside and self._ended is None:
                self._call(core.drop, outgoing, health.now())
        return Outgoing(self, outgoing)

    async def _turn(self, outgoing):
        """Wait until a piece of a file can be copied without a pause on the line: when a segment is on it, and the next
        one is made."""
        if outgoing.exchange is None:
            await asyncio.sleep_ms(0)  # type: ignore[attr-defined]
            return
        self._prepared.clear()
        try:
            await waiting.wait_for_ms(self._prepared.wait(), _TURN)
        except asyncio.TimeoutError:
            pass

    async def subscribe(self, topic: str, timeout_s: float | None = 60) -> None:
        """Subscribe to a Messaging Topic (str), and return when the server has granted it: from then on, over restarts
        too, messages to the topic are received (TS 24.538 clause 6.6.2.1).

        Raise msgin5g.SubscriptionError where it refuses, or has not answered within `timeout_s` seconds (and then the
        device goes on trying); ValueError for what can be no topic, and for the ninth; msgin5g.StorageError.
        """
        from .calls.granted import subscribed

        await subscribed(self, self._call(self.core.subscribe, topic, health.now()), timeout_s)

    async def unsubscribe(self, topic: str, timeout_s: float | None = 60) -> None:
        """End a subscription, and return when the server has ended it, at once where there was none (clause 6.6.2.2).

        Raise as `subscribe` does.
        """
        from .calls.granted import subscribed

        await subscribed(self, self._call(self.core.unsubscribe, topic, health.now()), timeout_s)

    def __getattr__(self, name):
        # A method in the class costs each device heap, what nobody calls too.
        from .calls import bound

        return bound(self, name)

    if _TYPING:  # what is found so: see calls/groups.py, calls/applications.py
        groups: Callable[..., Awaitable[list[Group]]]
        join: Callable[..., Awaitable[None]]
        leave: Callable[..., Awaitable[None]]
        group_members: Callable[..., Awaitable[list[str]]]
        application: Callable[[str], Application]

    def call(self, name: str, method: str, *arguments: "Any") -> "Any":
        """Call a method of the procedure `name` of a Client, at once, and return what it returned: for a procedure that
        has no call of its own here. The method's last argument, the tick, is added.

        Raise KeyError where there is no such procedure, what the method raises, msgin5g.StoppedError after `stop`.
        """
        return self._call(self.core.call, name, method, *arguments, health.now())

    async def receive(self, timeout_s: float | None = None) -> "Message":
        """Wait for the next received Message and return it, each one once. A large one can be read until the next
        is taken.

        Raise asyncio.TimeoutError when none came within `timeout_s` seconds (None: for ever), and then none was taken;
        msgin5g.StoppedError when the client is stopped.
        """
        return await self.next_message(runner, None, timeout_s)

    async def next_message(
        self, holder: "Any", application: str | None, timeout_s: float | None
    ) -> "Message":
        """Do what `receive` does for one of several applications; `holder.lent` is its message that is on its way."""
        limit = runner.countdown(timeout_s)
        core = self.core
        while True:
            # Taking is the last step, and nothing is awaited after it: who is cancelled has taken nothing.
            self.check()
            if holder.lent is not None and holder.lent.is_in(core.inbox):
                holder.lent = None
            if holder.lent is None:
                holder.lent = core.first(application)
                if holder.lent is not None:
                    of = () if application is None else (application,)
                    holder.lent = self._call(core.take, health.now(), *of)
            message = holder.lent
            if message is not None:
                # Ctrl-C comes before these two lines, and then the next call gives the message, or after them.
                holder.lent = None
                return message
            self._arrived.clear()
            try:
                await waiting.wait_for_ms(self._arrived.wait(), runner.left(limit))
            except asyncio.TimeoutError:
                if core.first(application) is None:
                    raise

    def messages(self, inbox: "Any" = None) -> "AsyncIterator[Message]":
        """Return what `async for message in client.messages()` goes through; it ends when the client is stopped.
        `inbox` is one of several applications, None for the client's own."""
        return _Messages(self, inbox or self)

    def outbox(self) -> list[Outgoing]:
        """Return the messages, over restarts too: those that wait, in order, then the last that ended."""
        outbox = self.core.outbox
        ended = [FinishedMessage(*each) for each in outbox.history()]
        waiting = [core for core in outbox.waiting if not core.final]  # some are only counted for
        return [Outgoing(self, core) for core in outbox.queue + waiting + ended]

    async def drain(self, timeout_s: float | None = None) -> bool:
        """Wait until everything is accepted and every report is out, and return True; False where `timeout_s` seconds
        were over before, or where there was no memory for what has to be written.

        Then an application may sleep or switch the board off: nothing waits but reports of the other side. A device
        with `availability` in its configuration listens first until its window is over.
        """
        limit = runner.countdown(timeout_s)
        if self.core.config.aggregation["wait"] and self._ended is None:
            self.call("sender", "hurry")
        try:
            while self._awake() and self._ended is None:
                self._drained.clear()
                await waiting.wait_for_ms(self._drained.wait(), runner.left(limit))
        except asyncio.TimeoutError:
            pass
        try:
            self._within(self.core.flush)
        except MemoryError:
            return False  # the deferred records are written with the next message
        return not self._awake()

    def _awake(self):
        # Behind a sleep a window may have begun that the core has not heard of.
        return not self.core.idle or (self.core.config.availability is not None and self.next_wake() == 0)

    def next_wake(self) -> int | None:
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

    async def stop(self, urgent: bool = True) -> None:
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

    def triggered(self, octets: bytes) -> bool:
        """Take a trigger (TS 23.554 clause 8.9.3) that the board's modem was sent, and return whether anything is done
        for it: not where it is none, or comes too soon behind another. Raise msgin5g.StoppedError after `stop`.
        """
        return self.call("triggers", "triggered", octets)

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

    async def _deregister(self, urgent):
        registration = self.core.registration
        # Who is not registered has nothing to wait for. What may be under way expires at the server.
        wait = _STOP_WAIT if self.registered else 0
        self._call(self.core.stop, health.now(), urgent)
        while wait > 0 and registration.state != "stopped" and self._ended is None:
            await asyncio.sleep_ms(50)
            wait -= 50
        if registration.state != "stopped":
            runner.log("stopped; the de-registration got no answer" if self.registered else "stopped")

    def alive(self, seconds: float | None) -> None:
        """Promise to call this again within so many seconds. If the call does not come, a running watchdog is not
        fed any more. None ends the promise.
        """
        self._promise = runner.countdown(seconds)

    def fault(self) -> str | None:
        """Return what keeps this client, or the application, from its work, in words; None while each part is
        alive."""
        fault = super().fault()
        self.broken = fault is not None  # the client itself, not a promise of the application
        if fault is None and self._promise is not None and runner.left(self._promise) <= 0:
            fault = "the application did not call alive() in time"
        return fault

    @property
    def ended(self) -> bool:
        """Whether an error ended it: its next call raises that."""
        return self._ended is not None

    @property
    def registered(self) -> bool:
        """Whether the server or gateway holds a registration of ours, as far as we know."""
        return self.core.registered

    @property
    def stats(self) -> dict[str, "int | str"]:
        """Counters of the service; "journal_", "link_" and "coap_" begin those of the layers below. "boots" counts the
        starts of the board, "reset_cause" is why it started last.
        """
        stats: dict[str, int | str] = dict(self.core.stats)
        stats["boots"] = health.starts.boots
        stats["reset_cause"] = health.starts.cause
        journal = self.core.journal
        for name in ("failed", "torn", "damaged", "unknown", "newer"):
            stats["journal_" + name] = getattr(journal, name)
        stats["journal_unread"] = int(journal.unread is not None)
        stats["link_dropped"] = self._link.dropped
        security = getattr(self.core.endpoint, "security", None)
        for prefix, layer in (("coap_", self.core.endpoint), ("oscore_", security), ("link_", self._link)):
            for name, value in getattr(layer, "stats", {}).items():  # L3 has no CoAP, UDP no frames
                stats[prefix + name] = value
        return stats
