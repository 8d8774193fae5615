# SPDX-License-Identifier: MIT
"""The asyncio tasks that drive a sans-IO client: one reads the link, one sleeps until the next deadline.

An application lives in the same interpreter. It may stop any of these tasks: by cancelling it, by taking all
memory, by Ctrl-C within asyncio or within a call of ours. So a task counts as alive by what it does, not because it
exists.
"""

import asyncio
import gc
import select
import sys

import coap.aio.waiting as waiting
from coap.compat import const, drop_half_modules, ticks_diff

from . import health
from .health import log
from .health import now as _now

_TYPING = const(False)
if _TYPING:
    from msgin5g.client import Client

# of msgin5g.events
_EVENT_REGISTRATION = const(1)
_EVENT_CHANGED = const(2)
_EVENT_MESSAGE = const(3)

_LARGE = const(512)  # octets of a datagram after which the heap is collected while the line brings the next
_BURST = const(8)  # datagrams read before other tasks get their turn
_SEND_RETRY = const(20)  # ms until a link that was busy is asked again
_BEAT = const(5000)  # ms that the timer task sleeps at most
_LATE = const(10000)  # ms that a task may be behind, for an application that computes
_NO_MEMORY = const(100)  # ms until it is tried again
_STORAGE = const(60000)  # ms that the storage may fail

waiting.mend()  # for the application's own `wait_for(client.receive(), 1)`

STOPPED = "the client was stopped"

running: list = []  # the client that was started and not stopped: one at the most
lent = None  # the message that receive() is about to return; Ctrl-C may come before the application has it


def keep():
    """Begin the task of health that looks after the client, anew where there was one."""
    health.keep(fault)


def fault():
    """Return what is wrong with the client, in words; None while each part of it is alive. Where no watchdog waits
    for that, the application is told.
    """
    for client in running:
        fault = client.fault()
        if fault is not None:
            if not health.watching and client.broken:
                client.fail(fault)
            return fault
    return None


class Serving:
    """A core and its link, and the tasks between them."""

    on_group = on_trigger = None  # of the class: most applications have none

    if _TYPING:
        core: Client  # or ApplicationClient, which has the same calls, and no topics

    def __init__(self, core, link, storage):
        self.core = core
        self._link = link
        self._storage = storage
        self._queue = waiting.loop()  # of the event loop that the tasks live in
        self.on_failed = None
        self._arrived = asyncio.Event()
        self._kick = asyncio.Event()
        self._drained = asyncio.Event()
        self._prepared = asyncio.Event()  # all that could be done ahead is
        self._armed = None  # the deadline that the timer task sleeps until
        self._watched = {}
        self._unsent = None
        self._event = None  # what is being handed on, and what there was no memory for
        self._behind = False  # memory lacked to hand on all that the core gave
        self._peer = None  # what core and link agree on, once that is open
        self._state = ("stopped", None)  # what was told last
        self._large = False  # whether a large datagram came since the heap was collected
        self._warned = {}  # kind of trouble: when it was last told; there are some ten kinds
        self._ended = None  # for all who still want something: a task's exception, or words (STOPPED, or why)
        self._inside = False  # a call of the core has begun; true outside of one: Ctrl-C interrupted it
        self._open = False  # the link is, and the core has started
        self._beat = _now()  # when the timer task was last seen
        self._seen = None  # that moment, when it was looked at last
        self._reads = 0
        self._unread = None  # (self._reads, since when) something can be read
        self._starved = [None, 0, None, 0]  # since when the timer has no memory, and till when; the reader
        self._failing = None  # since when the storage fails
        self._written = (0, 0)  # what its journal counted then
        self._tasks = {}  # by what each does

    # --- calls of the core --------------------------------------------------------------------------

    def _within(self, function, *arguments, **options):
        """Call the core. If Ctrl-C interrupts the call, this core is never called again: the storage has what
        counts, and the next client begins with that.
        """
        if self._inside:
            self.fail("a call of the client was interrupted")
        self.check()
        self._inside = True
        try:
            result = function(*arguments, **options)
        except Exception:
            self._inside = False
            raise
        self._inside = False
        return result

    def _call(self, function, *arguments, **options):
        """Call the core, then hand on its datagrams and events; where memory lacks for that, the call has not
        failed."""
        # Not by `_within`: of the stack, too, each call takes a part.
        if self._inside:
            self.fail("a call of the client was interrupted")
        self.check()
        self._inside = True
        try:
            result = function(*arguments, **options)
        except Exception:
            self._inside = False
            raise
        try:
            if self._open and self.core.peer != self._peer:
                self._use(self.core.peer)
            self._flush()
        except MemoryError:
            drop_half_modules()
            self._behind = True
            self._kick.set()
        except Exception:
            self._inside = False
            raise
        self._inside = False
        return result

    def check(self):
        """Raise what ended the client.

        Our own errors are loaded here. Where there is no memory for that, which may be the very fault, it is the
        built-in class that each of them is too: whoever catches one by its name has loaded it.
        """
        why = self._ended
        if why is None:
            return
        if not isinstance(why, str):
            raise why
        try:
            from msgin5g import ClientError, StoppedError
        except MemoryError:
            ClientError, StoppedError = RuntimeError, EOFError
        raise StoppedError(why) if why is STOPPED else ClientError(why + "; start() begins anew")

    def fail(self, why):
        """End the client for a reason in words: the application's next call raises it, or the one that it waits in."""
        self._end(why)

    def _end(self, why):
        if self._ended is None:
            self._ended = why
        self._arrived.set()
        self._drained.set()
        for event in self._watched.values():
            event.set()
        self._watched.clear()

    # --- the tasks ----------------------------------------------------------------------------------

    def _begin(self, name, function):
        self._tasks[name] = asyncio.create_task(self._guarded(name, function))

    async def _guarded(self, name, function):
        # A task that dies unseen leaves a device that looks alive and is deaf. The application's next call, or the one
        # that it waits in, raises the same error, and the device can start anew: what was accepted is in the storage.
        try:
            await function()
        except KeyboardInterrupt:
            # Ctrl-C interrupts whatever task happens to run. Stopping in good order still needs this one.
            if not self._inside:
                self._begin(name, function)
            raise
        except asyncio.CancelledError:
            if self._tasks.get(name) is asyncio.core.cur_task:
                self.fail("the %s task ended" % name)
            raise
        except Exception as error:
            self._end(error)
            try:
                sys.print_exception(error)
            except Exception:
                pass

    def _back(self):
        self.core.peer = self._peer = self._link.peer
        self._call(self.core.link_is_back, _now())

    async def _read(self):
        core = self.core
        burst = 0
        while True:
            try:
                octets, address = await self._link.receive()
                self._reads += 1
                self._large = self._large or len(octets) > _LARGE
                self._call(core.receive, octets, address, _now(), self._transmit)
                octets = None  # so that its place is free for the next one
                self._starved[2] = None
                burst += 1
                if burst == _BURST:
                    burst = 0
                    await asyncio.sleep_ms(0)
            except MemoryError:
                # The core has not changed. The datagram is lost, as on a network.
                await self._short(2)

    async def _tick(self):
        core = self.core
        kicked = False
        while self._ended is None:
            try:
                self._beat = _now()
                if self._peer != self._link.peer:  # its name stands for another address now
                    self._back()
                deadline = core.next_deadline()
                # A kick alone asks for no more than to sleep until another moment.
                due = deadline is not None and ticks_diff(self._beat, deadline) >= 0
                rests = kicked and not (due or self._behind)
                kicked = self._behind = False
                if not rests:
                    self._call(core.poll, self._beat)
                if self._warned:
                    self._forget_warnings(self._beat)
                await asyncio.sleep_ms(0)  # let the link send what there is
                datagram = self._within(core.prepare)
                if datagram is not None and hasattr(self._link, "prepare"):
                    self._link.prepare(datagram)
                self._prepared.set()
                self._tidy()
                now = self._beat = _now()  # the application may have put the board to sleep meanwhile
                self._kick.clear()
                deadline = self._armed = core.next_deadline()
                if self._unsent is not None:
                    wait = _SEND_RETRY
                elif deadline is None:
                    wait = _BEAT
                else:
                    wait = min(_BEAT, max(0, ticks_diff(deadline, now)))
                self._starved[0] = None
                await waiting.wait_for_ms(self._kick.wait(), wait)
                kicked = True
            except asyncio.TimeoutError:
                pass
            except MemoryError:
                await self._short(0)

    def _tidy(self):
        if self._behind:
            raise MemoryError  # a pause, and then it is tried again
        # Where a large datagram came another may be on its way, and its octets come in by themselves meanwhile.
        if self._large:
            self._large = False
            gc.collect()

    async def _short(self, at):
        """Note that a task has no memory, at its place in the list; the application may give some back."""
        starved = self._starved
        drop_half_modules()
        starved[at + 1] = _now()
        if starved[at] is None:
            starved[at] = starved[at + 1]
        gc.collect()
        await asyncio.sleep_ms(_NO_MEMORY)

    def _transmit(self):
        while True:
            item = self._unsent or self.core.outgoing()
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

    def _flush(self):
        """After each call of the core: datagrams to the link, events to those who wait for them."""
        core = self.core
        self._transmit()
        while True:
            if self._event is None:
                self._event = core.next_event()
            event = self._event
            if event is None:
                break
            kind, subject = event
            self._on_event(kind, subject)
            if self._event is event:
                self._event = None  # else the application has called the client meanwhile
        if core.idle:
            self._drained.set()
        security = getattr(core.endpoint, "security", None)
        if security is not None and security.trouble is not None:
            self._warn(security)
        if self._unsent is not None or core.next_deadline() != self._armed:
            self._kick.set()

    def _on_event(self, kind, subject):
        if kind == _EVENT_MESSAGE:
            self._arrived.set()
        elif kind == _EVENT_CHANGED:
            if subject.final:
                self.wake(subject.message_id)
        elif kind == _EVENT_REGISTRATION:
            self._tell()
        else:
            self._on_other(kind, subject)

    def watch(self, key):
        """Return the Event of the end of a message (by its ID), or of the next change of a subscription."""
        event = self._watched.get(key)
        if event is None:
            event = self._watched[key] = asyncio.Event()
        return event

    def wake(self, key):
        """Have those who wait for this go on."""
        event = self._watched.pop(key, None)
        if event is not None:
            event.set()

    def _tell(self):
        registration = self.core.registration
        told = (registration.state, registration.cause)
        if told != self._state:
            self._state = told
            log("%s%s", told[0], ": " + told[1] if told[1] else "")

    def idle_ms(self):
        """Return how long ago the timer task ran last."""
        return ticks_diff(_now(), self._beat)

    # --- whether they live --------------------------------------------------------------------------

    def fault(self):
        """Return what keeps this client from its work, in words; None while each part of it is alive."""
        if self._ended is not None:
            return self._ended if isinstance(self._ended, str) else "the client ended: %r" % self._ended
        if self._inside:
            return "a call of the client was interrupted"
        if self._queue is not waiting.loop():
            return "the event loop was replaced"
        for name in ("timer", "reader") if self._open else ("link",):
            if name not in self._tasks or self._tasks[name].done():
                return "the %s task ended" % name
        if not getattr(self._link, "alive", True):
            return "the link's own task ended"
        now = _now()
        return self._delay(now) or ("the storage fails" if self._storage_fails(now) else None)

    def _delay(self, now):
        """Return which task is behind with its work, in words, or None."""
        if self._open:
            late = self.idle_ms() - _BEAT
            seen, self._seen = self._seen, self._beat
            if (
                late > _LATE and seen == self._beat
            ):  # it had no turn since the last look: no sleep of the board
                return "the timer task is %d ms late" % late
            if self._deaf(now):
                return "the reader task does not read what there is"
            # By the last try, not by now: for the reader there may be nothing to read since.
            since, last, deaf_since, deaf = self._starved
            if (since is not None and ticks_diff(last, since) > _LATE) or (
                deaf_since is not None and ticks_diff(deaf, deaf_since) > _LATE
            ):
                return "there is no memory"
        return None

    def _deaf(self, now):
        """Return whether something to read has waited too long: then the task that reads is gone, even if asyncio
        still lists it."""
        source = getattr(self._link, "source", None)
        if source is None:
            return False
        poller = select.poll()
        poller.register(source, select.POLLIN)
        if not poller.poll(0):
            self._unread = None
        elif self._unread is None or self._unread[0] != self._reads:
            self._unread = (self._reads, now)
        else:
            return ticks_diff(now, self._unread[1]) > _LATE
        return False

    def _storage_fails(self, now):
        """Return whether nothing could be written for a minute, though it was tried. Then it is tried again."""
        journal = self.core.journal
        if journal.writes != self._written[0]:
            self._failing = None
        elif self._failing is None and journal.failed != self._written[1]:
            self._failing = now
        self._written = (journal.writes, journal.failed)
        if self._failing is None or ticks_diff(now, self._failing) < _STORAGE:
            return False
        if journal.unread is not None:
            return True  # only a new client lists the files again
        try:
            self._storage.replace("probe", b"?")
            self._storage.remove("probe")
        except OSError:
            return True
        self._failing = None
        return False
