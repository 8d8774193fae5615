# SPDX-License-Identifier: MIT
"""What every running program has: a store, its events, and a round of work whenever something is due.

Every event is committed before its answer leaves, with those that came beside it (`commits`); what the decisions told
is published only then. All decisions are made in one thread, so that an event is never seen half done.
"""

import asyncio
import contextlib

from tools.gateway.applications import RefusedError
from tools.gateway.running import captured
from tools.gateway.running.commits import Commits, Event
from tools.gateway.running.draining import Draining, why_not
from tools.gateway.running.options import AddressInUse
from tools.gateway.running.rekeying import Rekeying
from tools.page import status
from tools.page.events import Events
from tools.page.past.history import History
from tools.page.past.sent import Sent
from tools.page.tallies import Tallies
from tools.page.view import View
from tools.server.clock import SteadyClock, away
from tools.server.isolation import place_of, reason_of
from tools.store.faults import Unavailable, busy, store_failed
from tools.store.opening import open_store
from tools.transport.coap import CoapTransport, peer_of
from tools.transport.discovery import discovery_of
from tools.transport.security import ContextBinding, Guard
from tools.transport.unguarded import Unguarded
from tools.transport.web.tls import CertificateError, tls_of
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Address, Malformed
from tools.words import in_words

_ANSWERS = (Refusal, Malformed, RefusedError)
LOOK = 2.0  # s, the longest without a look at the store: a command in another process may have written
SINK_LOOK = 0.5  # s, the same while events wait for a sink that takes none
CERTIFICATE_LOOK = 10.0  # s, between two looks whether the files of the certificate are others
NOTED = 60.0  # s, the longest until the time is written into the store
LONGEST_BRAKE = 10.0  # s, between two tries to work while the store takes nothing
_OWN = "an error of the gateway's own; it is told there"


def _name(function):
    return getattr(function, "__name__", "event").strip("_")


def _nothing(peer, now):
    """Only the number is used up."""


def _strike_of(event):
    """Of the peer that an event is about, where that is one whose request waits for it."""
    return getattr(event.arguments[0], "strike", None) if event.arguments else None


class _Work(Event):
    """A round of work of these decisions."""

    __slots__ = ("of",)
    is_work = True

    def __init__(self, of, now):
        super().__init__(of.work, (), now)
        self.of = of


class Running:
    """`async with PROGRAM(options) as program:` runs it; `.coap_port`, `.http_port`, `.events`.

    `decisions`: what has `start(now)`, `work(now)`, `deadline(now)`, `changed()`, `clock_set(seconds)` and `refusals`;
    `transports`: what listens, by the name of its option.
    """

    mode = ""  # of `page.view`
    sends_as = None  # the AS Service ID that the page sends as
    windows = None  # of the devices that it knows
    decisions = ()
    transports = ()
    lines = ()  # serial lines, which CoAP is heard on as well
    rekeying = None  # brings devices new keys, where they have some

    def __init__(self, options, events=None, clock=None):
        self.options = options
        self.clock = clock or SteadyClock()
        self.events = events or Events(clock=self.clock)
        self.tallies = Tallies()
        self.events.callbacks.append(self.tallies.hear)
        self._metrics = None
        self.store = self.opened(options.store)
        self.store.wait_for_nobody()
        self.coap_port = self.http_port = None
        self.history = History(self.events, "gateway" if self.mode == "gateway" else "server")
        self.sent = Sent(self.history, self.clock)
        self.view = View(self, self.history)
        self._commits = Commits(self.store, self)
        self.store.later = self.quietly
        self._told = []
        self._capture = None
        self._tasks = set()
        self._timer = None
        self._noted = 0.0  # when the time was last written into the store
        self._due = 0.0  # when work is next due, by the loop's clock
        self._brake = 0.0  # s, the last pause after work that the store did not take
        self._store_version = None  # the last one seen
        self._other_version = False  # whether that it changed is to be told
        self._started = False
        self._stopped = False
        self.listens = False  # to all that it was asked to
        self.draining = Draining(self)
        self.tls = tls_of(options.tls, options.ca)
        self.certificate = self.tls.ours

    # ---- what a program adds -----------------------------------------------------------------------------------------

    def opened(self, where):
        """The store. Raises StoreError."""
        return open_store(where)

    def begin(self, decisions, item):
        """A coroutine that does what a round of work of these decisions gave."""
        raise NotImplementedError

    def status_parts(self, now):
        """For the status: what there is to say, by name; or what gives it when it is called."""
        return status.common(self, now)

    def set_aside(self, culprit, error, now):
        """A row cannot be read: puts it where it is met no more."""
        raise error

    def changed(self):
        """Another process has written into the store."""

    def open(self):
        """What else it has to begin, once it listens."""

    def stopping(self):
        """At once, before what listens is closed."""

    # ---- toward the devices ------------------------------------------------------------------------------------------

    def secured(self):
        """(binding, guard) of --security oscore; None twice without keys."""
        if self.options.security != "oscore":
            return None, None
        guard = Guard(self.store, self.events.emit, peer_of, note=self.note_strike)
        return ContextBinding(self.store), guard

    async def note_strike(self, speaker):
        """Brings the Strike of a request to the disk, of which nothing else is an event. Raises Refusal."""
        await self._event(_nothing, speaker)

    def south(self, guard, is_known, handle, topic, limit_for):
        """The CoapTransport that devices speak to. `is_known(peer)`: whether it has registered; the others are those of
        CoapTransport."""
        settings, emit = self.options.settings, self.events.emit
        watch = guard or Unguarded(emit, is_known, peer_of, settings.rate)
        transport = CoapTransport(
            handle,
            topic,
            limit_for,
            self.options.ack_timeout,
            self.lines,
            guard,
            watch,
            settings.rate,
            self.body_limit,
            discovery_of(self.options, emit),
        )
        transport.again.came_again = self.history.came_again
        transport.again.retransmitted = self.sent.sent_again
        transport.again.acknowledged = self.sent.acknowledged
        return transport

    def rekeys(self, guard, where):
        """Behind `coap` and `windows`: more decisions, where devices have keys. `where` is as Rekeying has it, but for
        windows."""
        if guard is None:
            return ()

        def reached(ue, now):
            return where(ue, now) if self.windows.opens(Address("UE", ue), now) is None else None

        self.rekeying = Rekeying(
            self.store, self.options.settings, self._emit, reached, self.coap.relay, self.note_down
        )
        self.windows.on_spoke.append(self.rekeying.spoke)
        return (self.rekeying,)

    @property
    def body_limit(self):
        """Octets of a body: JSON may escape; more is not worth a buffer."""
        return 2 * self.options.settings.max_message + 4096

    @property
    def counters(self):
        """What devices have counted themselves."""
        return self.decisions[0].counters

    def counted(self, answer):
        """The Answer to what a device has told of that: whoever looks at it sees what is new."""
        if answer.about:
            self.history.note(tuple(answer.about))
        return answer

    # ---- its life ----------------------------------------------------------------------------------------------------

    async def __aenter__(self):
        try:
            await self._listen("http")
            with contextlib.suppress(Refusal):  # the store is busy: it is done before the first work
                self._start()
            await self.listen()
            self._capture = captured.begin(self)
        except BaseException:
            await self.stop()
            raise
        self.open()
        loop = asyncio.get_running_loop()
        self.store.begin_serving(loop, self._pump_soon, self.address("coap"), self.address("http"))
        self.listens = True
        if self.certificate is not None:
            self.task(self._follow_certificate())
        for event, fields in self.store.news():
            self.events.emit(event, **fields)
        self.events.emit("listening", coap=self.address("coap"), http=self.http_uri)
        self._pump_soon()
        return self

    async def listen(self):
        """Begins to listen, last of all."""
        await self._listen("coap")

    async def __aexit__(self, *exception):
        await self.stop()

    async def _listen(self, name):
        host, port = getattr(self.options, name)
        try:
            port_of = getattr(self, name).start(host, port, self.options.reuse_port)
            setattr(self, name + "_port", await port_of)
        except OSError as error:
            raise AddressInUse(
                "cannot listen on %s port %s of %s (%s): give another --%s HOST:PORT"
                % ({"coap": "UDP", "http": "TCP"}[name], port, host, in_words(error), name)
            ) from error

    def address(self, name):
        """host:port of "coap" or "http"."""
        host = getattr(self.options, name)[0]
        return "%s:%s" % (("[%s]" if ":" in host else "%s") % host, getattr(self, name + "_port"))

    @property
    def http_uri(self):
        """Where the HTTP side listens."""
        return "%s://%s" % ("https" if self.certificate else "http", self.address("http"))

    def look_at_certificate(self, asked=False):
        """Takes another certificate where there is one, or where that is asked for."""
        if self.certificate is None or not (asked or self.certificate.has_changed):
            return
        try:
            self.certificate.load()
        except CertificateError as error:  # the old one stays
            self.events.emit("certificate-refused", reason=str(error))
        else:
            self.events.emit("certificate", file=self.options.tls[0])

    async def _follow_certificate(self):
        while True:
            await asyncio.sleep(CERTIFICATE_LOOK)
            self.look_at_certificate()

    def task(self, coroutine):
        """It runs beside, and not longer than the program."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def why_not_ready(self):
        """A sentence on why nobody should send it anything now, None where it serves."""
        return why_not(self)

    @property
    def undecided(self):
        """How many events wait to be decided."""
        return self._commits.waiting

    @property
    def conflicts(self):
        """How many rounds were undone since another node was first."""
        return self._commits.conflicts

    @property
    def brake(self):
        """The last pause after work that the store did not take, 0 where it took it."""
        return LONGEST_BRAKE if not self._started else self._brake

    async def drain(self, seconds):
        """Begins nothing new, and returns once what is under way is over, or after so many seconds: how much of it was
        left. `stop` comes next."""
        self.draining.begin()
        return await self.draining.over(seconds)

    async def stop(self):
        """Orderly; what was not delivered goes on at the next start."""
        if self._timer:
            self._timer.cancel()
        self._stopped = True
        self.stopping()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._commits.empty()  # and their answers leave
        for part in self.transports:
            try:
                await part.stop()
            except Exception as error:  # the others end in order all the same, and the store
                self._emit_error("stop", error)
        if self._started:
            self.quietly(self._note_all)
        await self._commits.empty()
        self.store.end_serving()
        self._commits.stop()
        if self._metrics is not None:
            self._metrics.close()
        if self._capture:
            self._capture.close()
        self.store.close()

    # ---- events ------------------------------------------------------------------------------------------------------

    def _emit(self, event, **fields):
        self._told.append((event, fields))

    def _event(self, function, *arguments):
        """One event, to be awaited: decided, committed with those beside it, told. Whatever goes wrong becomes a
        Refusal, except for the answers that the decisions themselves raise."""
        return self._commits.add(Event(function, arguments))

    def _run(self, function, *arguments, now=None):
        """The same by itself and at once: everything waits for it."""
        return self._commits.now(Event(function, arguments, now))

    def decide(self, event):
        """For Commits, as all that follows."""
        now = self.clock() if event.now is None else event.now
        event.result = event.error = None
        self._told = []
        try:
            self._strike(event)
            event.result = self._decided(event.function, *event.arguments, now)
        except _ANSWERS as answer:
            event.error = answer
        except Exception as error:
            self.failed(event, error)
            return
        event.told = self._told

    def _strike(self, event):
        """The number of the request that it is of is used up, whatever becomes of the event."""
        strike = _strike_of(event)
        if strike is not None:
            with self.store.savepoint():
                strike.use(self.store)

    def _decided(self, function, *arguments):
        """In a savepoint of its own; begun again whenever a row could not be read and was set aside."""
        for _ in range(100):
            self._told = []
            try:
                with self.store.savepoint():
                    return function(*arguments)
            except Exception as error:
                culprit = getattr(error, "culprit", None)
                if culprit is None:
                    raise
                with self.store.savepoint():
                    self.set_aside(culprit, error, arguments[-1])
        with self.store.savepoint():
            return function(*arguments)

    def failed(self, event, error):
        if store_failed(error):
            event.told = [("store-error", {"reason": reason_of(error)})]
            event.error = Refusal("5.03", "the store is not working", max_age=1 if busy(error) else 10)
        else:
            fields = {"kind": _name(event.function), "reason": reason_of(error), "place": place_of(error)}
            event.told = [("error", fields)]
            event.error = Refusal("5.00", _OWN)
        event.error.__cause__ = error

    def note(self):
        self._noted = self.clock()
        self.store.note_time(self._noted)

    def ended(self, events, written):
        rounds = [event for event in events if event.is_work]
        if written and not rounds:
            self._brake = 0.0  # the store takes something again
        with self.events.together():
            for event in events:
                for name, fields in event.told:
                    self.events.emit(name, **fields)
        for event in events:
            strike = _strike_of(event)
            if strike is not None:
                strike.over(written)
            event.end()
        if rounds:
            self._worked(rounds)

    def quietly(self, function, *arguments):
        """An event whose result nobody waits for: what went wrong is told."""
        self._event(function, *arguments)

    async def note_down(self, function, *arguments):
        """An event that must be in the store. Raises Refusal where the store takes nothing now."""
        try:
            await self._event(function, *arguments)
        except Refusal as refusal:
            if refusal.answer.code == "5.03":
                raise

    async def _answer(self, kind, peer, event):
        """The Answer to a request, which is that of this event, whatever happens."""
        try:
            return await event
        except Exception as error:
            return self._answer_of(kind, peer, error)

    def _answer_of(self, kind, peer, error):
        if isinstance(error, Refusal):
            return error.answer
        self._emit_error(kind, error, peer=str(peer))
        return Answer("5.00", None, _OWN)

    def _respond(self, respond, kind, peer, function, *arguments):
        """As `_event`, whose Answer goes to `respond`."""

        def then(event):
            respond(event.result if event.error is None else self._answer_of(kind, peer, event.error))

        self._commits.add(Event(function, arguments, then=then))

    def _emit_error(self, kind, error, **fields):
        if isinstance(error, Unavailable):  # the database is away: no error of ours
            self.events.emit("store-error", reason=reason_of(error))
            return
        self.events.emit("error", kind=kind, reason=reason_of(error), place=place_of(error), **fields)

    def snapshot(self):
        """The status for people and programs: what cannot be read now is left out, and `errors` says why."""
        return status.snapshot(self)

    async def measured(self):
        """The octets of /metrics."""
        if self._metrics is None:
            from tools.page.metrics import Metrics  # by who is asked: few programs are

            self._metrics = Metrics(self)
        return await self._metrics.text()

    # ---- work --------------------------------------------------------------------------------------------------------

    def _pump_soon(self):
        """A round of work, with the events that wait or by itself."""
        if not self._stopped:
            self._commits.wake()

    def prepare(self):
        """For Commits, before a round of events and work."""
        try:
            self._hear()
            if not self._started:
                self._start()
            self._keep_time()
        except Refusal:
            self._wait(self._braked())

    def _hear(self):
        """What other nodes have told."""
        try:
            self.store.hear()
        except Exception as error:  # of that: the round goes on
            if not store_failed(error):
                self._emit_error("work", error)

    def work(self):
        """For Commits: what ends a round."""
        if self._stopped or self.draining.begun or not self._started:
            return ()
        if self._timer:
            self._timer.cancel()
        self._timer = None
        version = self._version()  # nobody else can write now; once this is on the disk, somebody may have
        if version != self._store_version:
            self._other_version = True
            restored = self.store.take_restored()
            if restored:
                self.events.emit("store-restored", **restored)
            try:
                for each in self.decisions:
                    each.changed()
                self._store_version = version
            except Exception as error:  # of that: the round goes on, and the next one tries again
                self._emit_error("work", error)
        # Ask for the time when the work began, not for now: what came due since then was not done.
        now = self.clock()
        return [_Work(each, now) for each in self.decisions]

    def _worked(self, rounds):
        """What the work gave begins, and when there is to be more is known."""
        if self._stopped:
            return
        for each in rounds:  # what one has begun is out, whatever became of the others
            for item in () if each.error else each.result:
                begun = each.of.begin(item) if each.of is self.rekeying else self.begin(each.of, item)
                self.draining.follow(self.task(begun))
        if any(each.error is not None for each in rounds):
            pause = self._braked()
        else:
            pause = self._pause(rounds)
        if self._other_version:
            self._other_version = False
            try:
                self.changed()
            except Exception as error:
                self._emit_error("work", error)
        self._wait(pause)

    def _pause(self, rounds):
        """Seconds until there is more to do, after rounds of work that the store took."""
        if len(rounds) == len(self.decisions):  # else another one of the same time may have failed
            self._brake = 0.0
        try:
            deadlines = [each.deadline(rounds[0].now) for each in self.decisions]
            deadline = min((each for each in deadlines if each is not None), default=None)
            return max(3600 if deadline is None else deadline - self.clock(), 0.001, self._brake)
        except Exception as error:  # an error in looking for the deadline
            self._emit_error("work", error)
            return 1.0

    def _braked(self):
        self._brake = min(max(self._brake * 2, 0.1), LONGEST_BRAKE)
        return self._brake

    def _wait(self, pause):
        self._due = asyncio.get_running_loop().time() + pause
        self._wait_to_look()

    def _wait_to_look(self):
        loop = asyncio.get_running_loop()
        longest = SINK_LOOK if self.events.flush() else LOOK
        if self._timer:
            self._timer.cancel()
        self._timer = loop.call_later(min(max(self._due - loop.time(), 0), longest), self._look)

    def _look(self):
        """The next round of work is due; or it is time to see whether a command beside us has written."""
        loop = asyncio.get_running_loop()
        self._keep_time()
        if loop.time() >= self._due - 0.001 or self._version() != self._store_version:
            self._pump_soon()
        else:
            self._wait_to_look()

    def _version(self):
        try:
            return self.store.version
        except Exception:  # then it is time to look what the work says to it
            return None

    # ---- time --------------------------------------------------------------------------------------------------------

    def _start(self):
        self._hear()  # who leads does what a start asks for
        self._run(self._resume)
        for each in self.decisions:
            self._run(each.start)
        self._started = True

    def _resume(self, now):
        """Sets the times in the store where the system's clock is behind them or years ahead, so that nothing ends
        by that."""
        last = self.store.last_time()
        seconds = away(now, now if last is None else last)
        if seconds:
            self.store.shift_times(seconds)
            self._emit("clock-set", seconds=round(seconds), at="start")
        self.store.note_time(now)

    def _keep_time(self):
        """Follows the system's clock: where it was set, all times that are kept are shifted by as much, so that
        nothing ends early or late. And writes the time into the store now and then."""
        try:
            seconds = self.clock.jump() if hasattr(self.clock, "jump") else 0.0
            if seconds:
                self._run(self._set_clock, seconds, now=self.clock() + seconds)
                self.clock.step(seconds)
                for each in self.decisions:
                    each.clock_set(seconds)
                self.history.known.clock_set(seconds)
                self.events.emit("clock-set", seconds=round(seconds), at="work")
            elif self.clock() - self._noted > NOTED:
                self._noted = self.clock()  # also where this fails: it is tried again a minute later
                self._commits.add(Event(self._note_times, (), then=self._noted_times))
        except Refusal:
            pass  # the store is busy: soon
        except Exception as error:  # of that: the round goes on
            self._emit_error("clock", error)

    def _note_times(self, now):
        self.store.note_time(now)
        due = self.history.known.to_note()
        self.store.note_heard(due)
        return due

    def _noted_times(self, event):
        if event.error is None:
            self.history.known.is_noted(event.result)

    def _note_all(self, now):
        self.store.note_heard(self.history.known.to_note(at_end=True))

    def _set_clock(self, seconds, now):
        self.store.shift_times(seconds)
        self.store.note_time(now)

    def _later(self, seconds, coroutine_function):
        """What it gives is begun then; a handle to `cancel` that."""
        loop = asyncio.get_running_loop()
        return loop.call_later(seconds, lambda: self.task(coroutine_function()))
