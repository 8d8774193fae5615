# SPDX-License-Identifier: MIT
"""A running gateway: the server's decisions, their transactions, and the two transports.

Every event is one transaction of the store, committed before its answer leaves; what the decisions told is published
only then. All of it happens in one thread, so that an event is never seen half done.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field, replace

from tools.gateway import applications
from tools.gateway.appjson import ApplicationJson
from tools.gateway.applications import Applications, is_json_of_application
from tools.gateway.l3lines import L3Line
from tools.gateway.sending import Sender
from tools.page import status
from tools.page.events import Events
from tools.server.callers import Callers
from tools.server.clock import SteadyClock, away
from tools.server.delivery.pushes import DONE
from tools.server.isolation import place_of, reason_of
from tools.server.server import Server
from tools.server.settings import PORT, Settings
from tools.server.unrecorded import Unrecorded
from tools.store.store import Store
from tools.store.transactions import busy, store_failed
from tools.transport.coap import SMALL, CoapTransport, peer_of
from tools.transport.http import HttpTransport
from tools.transport.lines import Line
from tools.transport.security import ContextBinding, Guard
from tools.transport.unguarded import Unguarded
from tools.wire import l3
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Malformed


@dataclass(frozen=True)
class Options:
    settings: Settings = field(default_factory=Settings)
    coap: tuple = ("127.0.0.1", PORT)
    http: tuple = ("127.0.0.1", 8065)
    store: str = "gateway.db"
    ack_timeout: float = 2.0
    admin: bool = False
    serial: tuple = ()  # paths of serial lines
    baudrate: int = 115200
    max_frame: int = 1152  # of an L3 message on a line
    security: str = "none"  # or "oscore"
    http_hosts: tuple = ()  # more names that the HTTP side is called by


_ANSWERS = (Refusal, Malformed, applications.RefusedError)
LOOK = 2.0  # s, the longest without a look at the store: a command in another process may have written
SINK_LOOK = 0.5  # s, the same while events wait for a sink that takes none
NOTED = 60.0  # s, the longest until the time is written into the store
LONGEST_BRAKE = 10.0  # s, between two tries to work while the store takes nothing


def _name(function):
    return getattr(function, "__name__", "event").strip("_")


class AddressInUse(OSError):
    """Which of the two, and what to say."""


class Gateway:
    """`async with Gateway(options) as gateway:` runs it; `.coap_port`, `.http_port`, `.events`."""

    def __init__(self, options, events=None, clock=None):
        self.options = options
        self.clock = clock or SteadyClock()
        self.events = events or Events(clock=self.clock)
        self.store = Store(options.store)
        self.store.wait_for_nobody()
        binding = guard = None
        settings = options.settings
        if options.security == "oscore":
            settings = replace(settings, protected=True)
            binding = ContextBinding(self.store)
            guard = Guard(self.store, self.events.emit, peer_of)
        self.server = Server(self.store, settings, self._emit, binding)
        limit = 2 * options.settings.max_message + 4096  # JSON may escape; more is not worth a buffer
        self._body_limit = limit
        self.lines = [
            Line(name, options.baudrate, options.max_frame, self.events.emit) for name in options.serial
        ]
        watch = guard or Unguarded(self.events.emit, self._is_registered, peer_of, settings.rate)
        self.coap = CoapTransport(
            self._request,
            self._topic,
            self._limit_for,
            options.ack_timeout,
            self.lines,
            guard,
            watch,
            settings.rate,
            limit,
        )
        self.applications = Applications(
            self.store, options.settings, self.server.request, self._emit, self._in_use
        )
        self._l3 = {}
        self._callers = Callers(self.store, self.events.emit, options.http[0], options.http_hosts)
        self._json = ApplicationJson(self.applications, self._application_event, self.coap.exchange)
        self.http = HttpTransport(
            self.server, self._event, self.snapshot, limit, options.admin, self._callers
        )
        self._sender = Sender(self, self._event, self._emit_error, self._json, self._l3)
        self.coap_port = self.http_port = None
        self._told = []
        self._tasks = set()
        self._timer = None
        self._pumping = False
        self._noted = 0.0  # when the time was last written into the store
        self._due = 0.0  # when work is next due, by the loop's clock
        self._brake = 0.0  # s, the last pause after work that the store did not take
        self._store_version = None
        self._started = False
        self._stopped = False
        self.unrecorded = Unrecorded(self._record, self._later)

    async def __aenter__(self):
        try:
            self.http_port = await self._listen(self.http, "http")
            with contextlib.suppress(Refusal):  # the store is busy: it is done before the first work
                self._start()
            self.coap_port = await self._listen(self.coap, "coap")
        except BaseException:
            await self.stop()
            raise
        for line in self.lines:
            bridge = L3Line(line, self.applications, self._application_event, self.options.ack_timeout)
            self._l3[bridge.identifier] = bridge
            line.start()
        self._tasks.add(asyncio.get_running_loop().create_task(self._refresh()))
        for event, fields in self.store.file.news() if self.store.file else ():
            self.events.emit(event, **fields)
        self.events.emit("listening", coap=self.address("coap"), http="http://" + self.address("http"))
        self._pump()
        return self

    async def __aexit__(self, *exception):
        await self.stop()

    async def _listen(self, transport, name):
        host, port = getattr(self.options, name)
        try:
            return await transport.start(host, port)
        except OSError as error:
            raise AddressInUse(
                "cannot listen on %s port %s of %s (%s): give another --%s HOST:PORT"
                % ({"coap": "UDP", "http": "TCP"}[name], port, host, error.strerror or error, name)
            ) from error

    def address(self, name):
        """host:port of "coap" or "http"."""
        host = getattr(self.options, name)[0]
        return "%s:%s" % (("[%s]" if ":" in host else "%s") % host, getattr(self, name + "_port"))

    async def stop(self):
        """Orderly; what was not delivered goes on at the next start."""
        if self._timer:
            self._timer.cancel()
        self.unrecorded.stop()
        self._stopped = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for bridge in self._l3.values():
            bridge.stop()
        for part in (*self.lines, self.http, self.coap):
            try:
                await part.stop()
            except Exception as error:  # the others end in order all the same, and the store
                self._emit_error("stop", error)
        self.store.close()

    # ---- events ------------------------------------------------------------------------------------------------------

    def _emit(self, event, **fields):
        self._told.append((event, fields))

    def _run(self, function, *arguments, now=None):
        """One event: decided, committed, told. Whatever goes wrong becomes a Refusal, except for the answers that
        the decisions themselves raise."""
        now = self.clock() if now is None else now
        try:
            before = self.store.changes
            result = self._committed(function, *arguments, now)
            if self.store.changes != before:
                self._brake = 0.0  # the store takes something again
            return result
        except _ANSWERS:
            raise
        except Exception as error:
            self._told = []
            if store_failed(error):
                self._told = [("store-error", {"reason": reason_of(error)})]
                raise Refusal("5.03", "the store is not working", max_age=1 if busy(error) else 10) from error
            fields = {"kind": _name(function), "reason": reason_of(error), "place": place_of(error)}
            self._told = [("error", fields)]
            raise Refusal("5.00", "an error of the gateway's own; it is told there") from error
        finally:
            told, self._told = self._told, []
            for event, fields in told:
                self.events.emit(event, **fields)

    def _committed(self, function, *arguments):
        """In a transaction of its own; begun again whenever a row could not be read and was set aside."""
        for _ in range(100):
            self._told = []
            try:
                before = self.store.changes
                with self.store.transaction():
                    result = function(*arguments)
                    if self.store.changes != before:
                        self._noted = arguments[-1]
                        self.store.note_time(self._noted)
                    return result
            except Exception as error:
                culprit = getattr(error, "culprit", None)
                if culprit is None:
                    raise
                with self.store.transaction():
                    self.server.isolation.set_aside(*culprit, error, arguments[-1])
        return function(*arguments)

    def _event(self, function, *arguments):
        try:
            return self._run(function, *arguments)
        finally:
            self._pump_soon()

    def _application_event(self, function, *arguments):
        """As _event, for MSGin5G-5, which says in its own words what went wrong here."""
        try:
            return self._event(function, *arguments)
        except Refusal as refusal:
            later = refusal.answer.code == "5.03"
            raise applications.RefusedError(l3.CONGESTION if later else l3.LACK_OF_RESOURCES) from refusal

    def _request(self, peer, content_format, octets):
        return self._answer("request", peer, self._decide, peer, content_format, octets)

    def _decide(self, peer, content_format, octets):
        if is_json_of_application(octets):
            return self._json.request(peer, octets)
        return self._event(self.server.request, peer, content_format, octets)

    def _topic(self, peer, topic, observe, content_format, octets):
        return self._answer(
            "topic", peer, self._event, self.server.topic, peer, topic, observe, content_format, octets
        )

    def _answer(self, kind, peer, function, *arguments):
        """The Answer to a request, whatever happens."""
        try:
            return function(*arguments)
        except Refusal as refusal:
            return refusal.answer
        except Exception as error:
            self._emit_error(kind, error, peer=str(peer))
            return Answer("5.00", None, "an error of the gateway's own; it is told there")

    def _limit_for(self, peer):
        return self._body_limit if self._is_registered(peer) else SMALL

    def _is_registered(self, peer):
        try:
            return bool(self.store.ues_at(peer, self.clock()))
        except Exception:  # the store cannot be read: the request itself will tell why
            return False

    # ---- work --------------------------------------------------------------------------------------------------------

    def _pump_soon(self):
        """After the answer to the event at hand is out."""
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self):
        self._pumping = False
        if self._stopped:
            return
        if self._timer:
            self._timer.cancel()
        self._timer = None
        loop = asyncio.get_running_loop()
        pause = 1.0
        try:
            now = self.clock()
            if not self._started:
                self._start()
            self._keep_time()
            now = self.clock()
            for push in self._run(self.server.work, now=now):
                task = loop.create_task(self._send(push))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            self._brake = 0.0
            # Ask for the time when the work began, not for now: what came due since then was not done.
            deadline = self.server.deadline(now)
            pause = 3600 if deadline is None else max(deadline - self.clock(), 0.001)
        except Refusal:
            pause = self._brake = min(max(self._brake * 2, 0.1), LONGEST_BRAKE)
        except Exception as error:  # an error in looking for the deadline
            self._emit_error("work", error)
        self._store_version = self._version()
        self._due = loop.time() + pause
        self._wait_to_look()

    def _wait_to_look(self):
        loop = asyncio.get_running_loop()
        longest = SINK_LOOK if self.events.flush() else LOOK
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

    def _start(self):
        self._run(self._resume)
        self._run(self.server.start)
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
        with contextlib.suppress(Refusal):  # the store is busy: soon
            seconds = self.clock.jump() if hasattr(self.clock, "jump") else 0.0
            if seconds:
                self._run(self._set_clock, seconds, now=self.clock() + seconds)
                self.server.clock_set(seconds)
                self.clock.step(seconds)
                self.events.emit("clock-set", seconds=round(seconds), at="work")
            elif self.clock() - self._noted > NOTED:
                self._noted = self.clock()  # also where this fails: it is tried again a minute later
                self._run(self.store.note_time)

    def _set_clock(self, seconds, now):
        self.store.shift_times(seconds)
        self.store.note_time(now)

    def _later(self, seconds, function):
        return asyncio.get_running_loop().call_later(seconds, function)

    async def _send(self, push):
        outcome = await self._sender.send(push)
        self.unrecorded.add(push, outcome)

    def _record(self, push, outcome):
        try:
            self._event(self.server.outcome, push, outcome)
        except Exception as failure:
            if isinstance(failure, Refusal) and failure.answer.code == "5.03":
                raise
            error = failure.__cause__ or failure
            error.taken = outcome.verdict == DONE
            self._event(self.server.broken, push, error)

    def _emit_error(self, kind, error, **fields):
        self.events.emit("error", kind=kind, reason=reason_of(error), place=place_of(error), **fields)

    def _in_use(self, identifier):
        return identifier in self._l3 and self._l3[identifier].open

    async def _refresh(self):
        while True:
            await asyncio.sleep(self.options.settings.lifetime / 2)
            with contextlib.suppress(Exception):  # the error was told, and the next try comes soon
                self._event(self.applications.refresh)

    def snapshot(self):
        """The status for people and programs: what cannot be read now is left out, and `errors` says why."""
        return status.snapshot(self)
