# SPDX-License-Identifier: MIT
"""The asyncio tasks that drive a sans-IO client: one reads the link, one sleeps until the next deadline."""

import asyncio
import sys
import time

from coap.compat import const, ticks_diff
from msgin5g import CHANGED, FAILED, MESSAGE, REPORT, TOPIC, Config, Ended

from . import health
from .health import now as _now
from .log import log

_CONFIG = "msgin5g.json"
_TICK_MASK = const((1 << 29) - 1)  # the period of coap.compat.ticks_diff
_BURST = const(8)  # datagrams read before other tasks get their turn
_LINK_RETRY = const(5000)  # ms between tries to bring the link up
_WARN_AGAIN = const(60000)  # ms until the same trouble is told again
_SEND_RETRY = const(20)  # ms until a link that was busy is asked again
_STOP_WAIT = const(5000)  # ms for the de-registration, whose loss is harmless
_LATE = const(10000)  # ms that the timer task may be behind, for an application that computes

running = []  # the clients that were started and not stopped


def _clock():
    """Seconds since 1970, or None where the clock was never set."""
    seconds = time.time()
    year = time.gmtime(seconds)[0]
    if year < 2024:
        return None
    # some ports count from 2000
    return seconds + (946684800 if time.gmtime(0)[0] == 2000 else 0)


async def start(config=None, board=None):
    """A running client. Returns at once: the link and the registration come up in the background, for ever.

    `config` is a Config, a dict or a path (default: msgin5g.json); `board` a Board (default: this board's).
    Raises msgin5g.ConfigError, device.links.Unsupported for a `peer` that the board has no link for.
    """
    if board is None:
        from board import Board

        board = Board()
    if config is None or isinstance(config, str):
        config = Config.load(config or _CONFIG)
    elif isinstance(config, dict):
        config = Config(config)
    link = board.links(config)
    if config.security["mode"] == "none":
        log('warning: security.mode is "none": anyone on the path can read, change and forge messages')
    # Only the role that this device has is imported.
    if config.role == "client":
        from msgin5g import Client as Role
    else:
        from msgin5g import ApplicationClient as Role
    core = Role(config, board.storage, clock=_clock)
    health.look(board)
    # not before the core: what it finds in the storage may take it longer than a watchdog waits
    health.watch(board, config.watchdog, _fault)
    return RunningClient(core, link)


def _fault():
    """What is wrong with a client, in words; None while each part of each is alive."""
    for client in running:
        fault = client.fault()
        if fault is not None:
            return fault
    return None


class Outgoing:
    """A message on its way: `message_id`, `state`, `cause`, and `wait` for its end."""

    def __init__(self, runner, core):
        self._runner = runner
        self._core = core
        self.message_id = core.message_id

    @property
    def state(self):
        return self._core.state

    @property
    def cause(self):
        return self._core.cause

    @property
    def reports(self):
        """{"success": n, "failure": m} of a message to many with a report, else None."""
        return self._core.reports

    @property
    def on_report(self):
        """What is called with (reporter, success, cause) for each report of one of many; None to begin with."""
        return self._core.on_report

    @on_report.setter
    def on_report(self, function):
        self._core.on_report = function

    @property
    def final(self):
        """Whether `state` is the last one."""
        return self._core.final

    def __repr__(self):
        return repr(self._core)

    async def wait(self, timeout_s=None):
        """The final state: "delivered", "accepted", "stored", "failed" or "expired".

        Raises asyncio.TimeoutError after `timeout_s` seconds; the message goes on all the same. Raises EOFError
        when the client is stopped before that.
        """
        if not self._core.final:
            self._runner.check()
            ended = self._runner.watch(self.message_id)
            if timeout_s is None:
                await ended.wait()
            else:
                await asyncio.wait_for_ms(ended.wait(), int(timeout_s * 1000))
            if not self._core.final:
                self._runner.check()
        return self._core.state


class _Messages:
    """What `async for` goes through; MicroPython has no asynchronous generators."""

    def __init__(self, client):
        self._client = client

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return await self._client.receive()
        except EOFError:
            raise StopAsyncIteration


class RunningClient:
    """A client that runs until `stop()`.

    `on_failed`, which an application may set, is called with (sender, message ID, cause) of a message to this device
    that it will never have.
    """

    def __init__(self, core, link):
        self.core = core
        self._link = link
        self.on_failed = None
        self._arrived = asyncio.Event()
        self._kick = asyncio.Event()
        self._drained = asyncio.Event()
        self._armed = None  # the deadline that the timer task sleeps until
        self._watched = {}
        self._unsent = None
        self._state = ("stopped", None)  # what was told last
        self._warned = {}  # when which trouble was; there are some ten kinds
        self._ended = None  # the exception for all who still want something
        self._promise = None  # the tick until which the application shall be heard of
        self._tasks = {}  # by what each does
        self._begin("link", self._open)
        running.append(self)

    # --- the application's calls --------------------------------------------------------------------

    async def send(self, to, payload, **options):
        """Takes a message; gives its Outgoing once it is in the outbox.

        `payload` is str, bytes, a binary file, or (binary file, size). Options: to_type="UE", app_id=None,
        report=False, priority="NORMAL", store_forward=False, expires=None (seconds), volatile=False.
        Raises ValueError for what cannot be sent, msgin5g.OutboxFull, EOFError after `stop`.
        """
        self.check()
        outgoing = self.core.send(to, payload, _now(), **options)
        self._flush()
        return Outgoing(self, outgoing)

    async def subscribe(self, topic, timeout_s=60):
        """Returns when the server has granted it: from then on, over restarts too, messages to the topic are received.

        Raises msgin5g.SubscriptionError where it refuses, or has not answered within `timeout_s` seconds (and then the
        device goes on trying); ValueError for what can be no topic, and for the ninth; msgin5g.StorageError.
        """
        from .topics import settle

        self.check()
        subscription = self.core.subscribe(topic, _now())
        self._flush()
        await settle(self, subscription, timeout_s)

    async def unsubscribe(self, topic, timeout_s=60):
        """Returns when the server has ended it, at once where there was no subscription. Raises as `subscribe`."""
        from .topics import settle

        self.check()
        subscription = self.core.unsubscribe(topic, _now())
        self._flush()
        await settle(self, subscription, timeout_s)

    async def receive(self):
        """The next received Message, each one once. A large one can be read until the next is taken.

        Raises EOFError when the client is stopped; `messages()` just ends then.
        """
        while True:
            self.check()
            message = self.core.take(_now())
            if message is not None:
                self._flush()
                return message
            self._arrived.clear()
            await self._arrived.wait()

    def messages(self):
        """For `async for message in client.messages()`."""
        return _Messages(self)

    def outbox(self):
        """What became of the messages, over restarts too: those that wait, in order, then the last that ended."""
        outbox = self.core.outbox
        ended = [Ended(*ending) for ending in outbox.endings()]
        waiting = [core for core in outbox.waiting if not core.final]  # some are only counted for
        return [Outgoing(self, core) for core in outbox.queue + waiting + ended]

    async def drain(self, timeout_s=None):
        """Waits until everything is accepted and every report is out; False where `timeout_s` was over before.

        Then an application may sleep or switch the board off: nothing waits but reports of the other side.
        """
        try:
            while not self.core.idle:
                self._drained.clear()
                if timeout_s is None:
                    await self._drained.wait()
                else:
                    start = _now()
                    await asyncio.wait_for_ms(self._drained.wait(), int(timeout_s * 1000))
                    timeout_s = max(0, timeout_s - ticks_diff(_now(), start) / 1000)
        except asyncio.TimeoutError:
            pass
        self.core.settle()
        return self.core.idle

    def next_wake(self):
        """Milliseconds until the protocol wants to run next, for `board.sleep`; None for never."""
        deadline = self.core.next_deadline()
        if self._unsent is not None:
            return 0
        return None if deadline is None else max(0, ticks_diff(deadline, _now()))

    async def stop(self):
        """De-registers, where the peer can be reached within 5 s, and closes the link."""
        if self in running:
            running.remove(self)
            if self._ended is None:
                await self._deregister()
            self._close()

    def abandon(self):
        """Closes the link at once and leaves all else to the next client, as a power cut does."""
        if self in running:
            running.remove(self)
            self._close()

    def _close(self):
        for task in self._tasks.values():
            task.cancel()
        self._link.close()
        self._end(EOFError("the client was stopped"))

    async def _deregister(self):
        registration = self.core.registration
        # Who is not registered has nothing to wait for. What may be under way expires at the server.
        wait = _STOP_WAIT if self.registered else 0
        self.core.stop(_now())
        self._flush()
        while wait > 0 and registration.state != "stopped":
            await asyncio.sleep_ms(50)
            wait -= 50
        if registration.state != "stopped":
            log("stopped; the de-registration got no answer" if self.registered else "stopped")

    def alive(self, seconds):
        """The application promises to call this again within so many seconds (up to a day): a watchdog that runs is not
        fed after that. None ends the promise.
        """
        self._promise = None if seconds is None else (_now() + int(seconds * 1000)) & _TICK_MASK

    def fault(self):
        """What keeps this client from its work, in words; None while each part is alive."""
        if self._ended is not None:
            return "the client ended: %r" % self._ended
        for name, task in self._tasks.items():
            if task.done():
                return "the %s task ended" % name
        if not getattr(self._link, "alive", True):
            return "the link's own task ended"
        deadline = self.core.next_deadline() if "timer" in self._tasks else None
        if deadline is not None and ticks_diff(_now(), deadline) > _LATE:
            return "the timer task is %d ms late" % ticks_diff(_now(), deadline)
        if self._promise is not None and ticks_diff(_now(), self._promise) > 0:
            return "the application did not call alive() in time"
        return None

    @property
    def registered(self):
        return self.core.registered

    @property
    def stats(self):
        """Counters of the service; "link_" and "coap_" begin those of the layers below. "boots" counts the starts of
        the board, "reset_cause" is why it started last.
        """
        stats = dict(self.core.stats)
        stats["boots"] = health.starts.boots
        stats["reset_cause"] = health.starts.cause
        stats["link_dropped"] = self._link.dropped
        security = getattr(self.core.endpoint, "security", None)
        for prefix, layer in (("coap_", self.core.endpoint), ("oscore_", security), ("link_", self._link)):
            for name, value in getattr(layer, "stats", {}).items():  # L3 has no CoAP, UDP no frames
                stats[prefix + name] = value
        return stats

    def watch(self, key):
        """The Event of the end of a message (by its ID), or of the next change of a subscription."""
        event = self._watched.get(key)
        if event is None:
            event = self._watched[key] = asyncio.Event()
        return event

    def check(self):
        """Raises what ended the client."""
        if self._ended is not None:
            raise self._ended

    # --- the tasks ----------------------------------------------------------------------------------

    def _begin(self, name, function):
        self._tasks[name] = asyncio.create_task(self._guarded(name, function))

    async def _guarded(self, name, function):
        # A task that dies unseen leaves a device that looks alive and is deaf. The application's next call, or the one
        # that it waits in, raises the same error, and the device can start anew: what was accepted is in the storage.
        try:
            await function()
        except KeyboardInterrupt:
            # Ctrl-C hits whoever happens to run. An end in good order still needs this task.
            self._begin(name, function)
            raise
        except Exception as error:
            sys.print_exception(error)
            self._end(error)

    def _end(self, error):
        if self._ended is None:
            self._ended = error
        self._arrived.set()
        for event in self._watched.values():
            event.set()
        self._watched.clear()

    async def _open(self):
        core = self.core
        while True:
            try:
                await self._link.open()
                break
            except OSError as error:
                log("no link to %s yet (%s)", core.config.peer, error)
                await asyncio.sleep_ms(_LINK_RETRY)
        core.peer = self._link.peer
        self._link.on_back = self._back
        core.start(_now())
        self._begin("timer", self._tick)
        self._begin("reader", self._read)
        del self._tasks["link"]
        self._flush()

    def _back(self):
        self.core.link_is_back(_now())
        self._flush()

    async def _read(self):
        core = self.core
        burst = 0
        while True:
            octets, address = await self._link.receive()
            core.receive(octets, address, _now())
            self._flush()
            burst += 1
            if burst == _BURST:
                burst = 0
                await asyncio.sleep_ms(0)

    async def _tick(self):
        core = self.core
        while True:
            now = _now()
            core.poll(now)
            self._flush()
            await asyncio.sleep_ms(0)  # the link begins with what there is
            core.prepare()
            now = _now()
            self._kick.clear()
            deadline = self._armed = core.next_deadline()
            if self._unsent is not None:
                wait = _SEND_RETRY
            elif deadline is None:
                wait = None
            else:
                wait = max(0, ticks_diff(deadline, now))
            try:
                if wait is None:
                    await self._kick.wait()
                else:
                    await asyncio.wait_for_ms(self._kick.wait(), wait)
            except asyncio.TimeoutError:
                pass

    def _flush(self):
        """After each call of the core: datagrams to the link, events to those who wait for them."""
        core = self.core
        while True:
            item = self._unsent or core.outgoing()
            if item is None:
                break
            self._unsent = None
            try:
                if not self._link.send(*item):
                    self._unsent = item
                    break
            except OSError as error:
                # lost like any datagram: CoAP sends it again
                log("could not send to %s: %s", item[1], error)
        while True:
            event = core.next_event()
            if event is None:
                break
            kind, subject = event
            if kind == MESSAGE:
                self._arrived.set()
            elif kind == CHANGED:
                if subject.final:
                    self._wake(subject.message_id)
            elif kind == TOPIC:
                log(
                    "topic %s: %s%s",
                    subject.topic,
                    subject.state,
                    ": " + subject.cause if subject.cause else "",
                )
                self._wake(subject)
            elif kind == REPORT:
                self._call(subject[0].on_report, subject[1:])
            elif kind == FAILED:
                log("a message from %s failed: %s", subject[0], subject[2])
                self._call(self.on_failed, subject)
            else:
                self._tell()
        if core.idle:
            self._drained.set()
        security = getattr(core.endpoint, "security", None)
        if security is not None and security.trouble is not None:
            self._warn(security)
        if self._unsent is not None or core.next_deadline() != self._armed:
            self._kick.set()

    def _call(self, function, arguments):
        """Calls what the application set. What that raises is told, and is no affair of the client."""
        if function is not None:
            try:
                function(*arguments)
            except Exception as error:
                sys.print_exception(error)

    def _wake(self, key):
        waiting = self._watched.pop(key, None)
        if waiting is not None:
            waiting.set()

    def _warn(self, security):
        """What OSCORE refuses, each kind once a minute: a flood must not become one of lines."""
        trouble = security.trouble
        security.trouble = None
        now = _now()
        if trouble not in self._warned or ticks_diff(now, self._warned[trouble]) > _WARN_AGAIN:
            self._warned[trouble] = now
            log("security: %s", trouble)

    def _tell(self):
        registration = self.core.registration
        told = (registration.state, registration.cause)
        if told != self._state:
            self._state = told
            log("%s%s", told[0], ": " + told[1] if told[1] else "")
