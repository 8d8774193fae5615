# SPDX-License-Identifier: MIT
"""The MSGin5G Server, with the Gateway UE before it: which procedure a request belongs to, and who works when.

It decides nothing about messages itself: that is in `procedures`, a file for each of TS 24.538 clause 6, and in what
they share (`speakers`, `routing`, `delivery`). No socket, no HTTP, no SQLite: requests and time come in, answers go
out, `work` says what to send, `outcome` hears what came of it.
"""

import collections
import random

from tools.server.appservers import ApplicationServers
from tools.server.counters import Counters
from tools.server.delivery.exposure import Exposure
from tools.server.delivery.queues import Deliveries
from tools.server.delivery.tidying import Tidying
from tools.server.elsewhere import Elsewhere
from tools.server.flood import Flood, SharedFlood, in_json, of_json
from tools.server.isolation import RESTS, SET_ASIDE, Isolation, place_of, reason_of
from tools.server.procedures import TABLE
from tools.server.procedures.procedure import Core
from tools.server.quarantine import Quarantine
from tools.server.routing import Routing
from tools.server.speakers import Speakers
from tools.store.faults import store_failed
from tools.store.states import QUEUED, STEP
from tools.store.tables import DATA
from tools.wire import bodies, restreading, seal
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Address, Malformed
from tools.wire.identity import AddressBinding

JSON = 50  # Content-Format application/json
# Refusals of one host that are told: a second, and how many seconds' worth at once.
_TOLD, _TOLD_BURST = 5, 20


class Server:
    """`emit(event, **fields)` hears what happens; `table`: the procedures that it has."""

    def __init__(
        self, store, settings, emit=lambda event, **fields: None, binding=None, rng=None, table=TABLE
    ):
        self._store = store
        self._settings = settings
        self.isolation = Isolation(store, settings, emit)
        self._emit = emit = self.isolation.emit
        self.is_node = store.node is not None  # one of several
        self._flood = SharedFlood(settings.rate) if self.is_node else Flood(settings.rate)
        self._told = Flood(_TOLD, burst=_TOLD_BURST)
        self.refusals = collections.Counter()  # by code
        self.counters = Counters(store.kept())
        elsewhere = Elsewhere(store)
        self._deliveries = Deliveries(store, settings, self.isolation, elsewhere, rng or random.Random())
        turns, responses = self._deliveries.turns, self._deliveries.responses
        quotas = self._deliveries.quotas
        self.turns, self.binding = turns, binding or AddressBinding(store)
        self._speakers = Speakers(store, settings, self.binding, turns, self._deliveries.served, emit)
        self.is_registered, self.sleeps = self._speakers.is_registered, self._speakers.sleeps
        arrived = self._deliveries.joining.arrived
        routing = Routing(store, settings, responses, turns.windows, quotas, elsewhere, emit, arrived)
        self.exposure = Exposure(settings, turns)
        core = Core(
            store,
            settings,
            self.isolation,
            self._speakers,
            routing,
            self._deliveries,
            elsewhere,
            self.exposure,
            self._emit_refused,
        )
        self._on = {}  # msgType: the Procedure that receives it
        self._procedures = core.procedures
        for row in table:
            procedure = row.procedure(core)
            self._procedures[procedure.name] = procedure
            self._on |= dict.fromkeys(row.types, procedure)
            routing.routes |= dict.fromkeys(row.targets, procedure.route)
            self._deliveries.quotas.spreads |= dict.fromkeys(row.targets, procedure.recipients)
        self.updates = self._procedures.get("updates")
        self._tidying = Tidying(store, settings, self._deliveries)
        confirm, report = self._procedures["segments"].confirm, self._procedures["reports"].report
        self.quarantine = Quarantine(store, settings, self.isolation, self._deliveries, confirm, emit)
        self.application_servers = ApplicationServers(
            store, settings, self._deliveries, elsewhere, emit, routing.accept, report
        )
        asked = (self.application_servers, *self._procedures.values())
        self.routes = [route for each in asked for route in each.routes()]  # over HTTP
        self._to_start = ()
        store.told["changed"] = lambda payload, node: self.changed()

    # ---- requests of UEs ---------------------------------------------------------------------------------------------

    def request(self, peer, content_format, octets, now):
        """The Answer to a POST on the MSGin5G path: 5.00 with nothing done where an exception ends it. Raises only what
        says that the store as a whole has failed (`faults.store_failed`)."""
        return self._guarded("request", peer, now, self._request, peer, content_format, octets, now)

    def topic(self, peer, topic, observe, content_format, octets, now):
        """The Answer to a GET on the path of a topic, or of a sequence of topics; otherwise as `request`."""
        return self._guarded(
            "topic", peer, now, self._topic, peer, topic, observe, content_format, octets, now
        )

    def configuration(self, peer, request, now, peers=()):
        """The Answer to a `Request` below `su-uc`; `peers` is as in `procedures.configuration`; otherwise as
        `request`."""
        decide, about = self._procedures["configuration"].request, {"kind": "configuration"}
        answer = self._guarded(
            "configuration", peer, now, self._judged, peer, now, about, decide, peer, request, now, peers
        )
        return seal.told(answer, request)

    def groups(self, peer, request, now):
        """The Answer to a `Request` below `su-gm`; otherwise as `request`."""
        judge = self._judge if request.again else self._judged
        decide, about = self._procedures["groups"].request, {"kind": "groups"}
        answer = self._guarded("groups", peer, now, judge, peer, now, about, decide, peer, request, now)
        return seal.told(answer, request)

    def count(self, peer, request, now):
        """The Answer to a `Request` below `counters`; otherwise as `request`."""
        about = {"kind": "counters"}
        return self._guarded(
            "counters", peer, now, self._judged, peer, now, about, self._count, peer, request, now
        )

    def _count(self, peer, request, now):
        return self.counters.take(self._speakers.registered(peer, now), request, now)

    def bulk(self, peers, octets, now):
        """As `request`, of a bulk request of the gateway function in this program; `peers`: whom each element of its
        list came from, in order."""
        decide, about = self._procedures["bulk"].of_devices, {"kind": "bulk"}
        judged = (peers[0], JSON, octets, now, about, decide, peers, now)
        return self._guarded("bulk", peers[0], now, self._judged_json, *judged)

    def _guarded(self, kind, peer, now, function, *arguments):
        try:
            return self.isolation.answer(now, function, *arguments)
        except Exception as error:
            if store_failed(error):
                raise
            reason, place = reason_of(error), place_of(error)
            self._emit("error", kind=kind, peer=str(peer), code="5.00", reason=reason, place=place)
            return Answer("5.00", None, "an error of the gateway's own; it is told there")

    def _request(self, peer, content_format, octets, now):
        about = {"kind": ""}
        return self._judged_json(peer, content_format, octets, now, about, self._dispatch, peer, now, about)

    def _dispatch(self, body, peer, now, about):
        if bodies.text(body, "msgIden") != self._settings.service:
            raise Malformed("msgIden", "is not %s" % self._settings.service)
        kind = about["kind"] = bodies.text(body, "msgType").upper()
        if kind not in self._on:
            raise Malformed("msgType", "%s is nothing that this server takes" % kind)
        return self._on[kind].receive(kind, peer, body, now)

    def _topic(self, peer, topic, observe, content_format, octets, now):
        request = self._procedures["topics"].request
        return self._judged_json(
            peer, content_format, octets, now, {"kind": "topic"}, request, peer, topic, observe, now
        )

    def _judged_json(self, peer, content_format, octets, now, about, decide, *arguments):
        """What `decide(body, *arguments)` answers to a JSON body; as `_judged`."""

        def read():
            if content_format not in (None, JSON):
                raise Refusal("4.15", "the body must be application/json (50)")
            about["of"] = bodies.parse(octets)
            return decide(about["of"], *arguments)

        return self._judged(peer, now, about, read)

    def _judged(self, peer, now, about, decide, *arguments):
        """As `_judge`, of a request that came in: of one peer so many are taken and no more."""
        if not self._flood.allows(self._speakers.source(peer, now), now):
            return Answer("4.29", None, "too many requests", max_age=1)
        return self._judge(peer, now, about, decide, *arguments)

    def _judge(self, peer, now, about, decide, *arguments):
        """What `decide(*arguments)` answers, or why it was refused, which is told with what it is `about`."""
        try:
            return _writable(decide(*arguments) or Answer("2.04"))
        except Malformed as error:
            answer = Answer("4.00", None, str(error))
        except Refusal as refusal:
            answer = refusal.answer
        named = _named(about.pop("of", None))
        self._emit_refused(peer, now, **about, **named, code=answer.code, reason=answer.diagnostic)
        return answer

    def _emit_refused(self, peer, now, **fields):
        """Rate-limited, so that a peer that is refused all the time cannot fill the disk: all refusals are counted,
        the first of each host are told."""
        self.refusals[fields["code"]] += 1
        if self._told.allows(peer.host, now):
            self._emit("refused", peer=str(peer), **fields)

    def take_spent(self, seconds):
        """For the other nodes, where there are some: what sources have spent here in a period of so many seconds."""
        return [[in_json(source), tokens] for source, tokens in self._flood.take_spent(seconds)]

    def spent_elsewhere(self, told, now):
        """What another node has told of that."""
        for source, tokens in told:
            self._flood.spent_elsewhere(of_json(source), tokens, now)

    @property
    def refused(self):
        """How many requests were refused."""
        return self.refusals.total()

    def push(self, body, now):
        """For tests: a body to be sent to a UE as it is. {"to": UE Service ID, "body": object}"""
        to, content = restreading.read_push(body)
        if self._store.registration(to, now) is None:
            raise Refusal("4.04", "%s is not registered" % to)
        if len(bodies.encode(content)) > self._settings.room:
            raise Refusal("4.13", "the body does not fit a datagram")
        row = self._store.add(
            DATA, "PUSH", Address("UE", to), None, content, [], QUEUED, now + self._settings.keep
        )
        return {"id": row}

    # ---- time and what is to be sent ---------------------------------------------------------------------------------

    # A round of work that ends with an exception (of the store) has begun none of its Pushes: what is kept in memory of
    # them goes back with the transaction.

    def start(self, now):
        """Before the first request. What was unfinished goes on with the first `work`, and so does what fails here."""
        if not self._store.leads:  # others serve already
            return
        self._to_start = (
            *(("start of " + each.name, each.resume, now) for each in self._procedures.values()),
            ("expiries", self._store.cap_expiry, now + self._settings.keep),
            ("what is remembered", self._store.tidy, now),
        )
        self._start(now)

    def _start(self, now):
        self._to_start = tuple(
            (name, function, argument)
            for name, function, argument in self._to_start
            if self.isolation.run(STEP, name, now, function, argument) is RESTS
        )

    def work(self, now):
        """Does what is due by now; the Pushes to begin."""
        if self._to_start:
            self._start(now)
        step, pushes, leads = self.isolation.step, [], self._store.leads
        for each in self._procedures.values():
            if leads or not each.of_leader:
                step(each.name, now, each.work, now, pushes)
        if leads:
            step("messages that are over", now, self._deliveries.ends.overdue, now)
            step("quarantine", now, self.quarantine.expire, now)
        step("recipients", now, self._deliveries.work, now, pushes)
        step("tidying", now, self._tidying.work, now)
        return pushes

    def may_go(self, push):
        """Of a Push that was `behind` another one, which was answered for good: whether it is still to be sent."""
        return self._deliveries.may_go(push)

    def outcome(self, push, outcome, now):
        """What came of a Push; each Push gets one."""
        receiver = push.of or self._deliveries
        done = self.isolation.attempt(*push.unit, now, receiver.outcome, push, outcome, now)
        if done in (SET_ASIDE, RESTS):
            self._deliveries.release(push)

    def broken(self, push, error, now):
        """Called where the outcome of a Push cannot be handled: what it carried is set aside, and its recipient is
        free."""
        self.isolation.set_aside(*push.unit, error, now)
        self._deliveries.release(push)

    def changed(self):
        """Another process has written into the store: the next `work` looks at everything."""
        self._deliveries.turns.look_again()
        for each in self._procedures.values():
            each.look_again()

    def clock_set(self, seconds):
        """The clock was set, and with it all times in the store: the ones in memory are, too."""
        parts = (self._deliveries.turns, self._deliveries.joining, self.isolation, self._flood, self._told)
        for part in (*parts, self.counters, self._tidying, *self._procedures.values()):
            part.clock_set(seconds)

    def deadline(self, now):
        """When `work`, last done at `now`, is next needed even if nothing comes in, or None. Work that is due by
        now has failed, and is not tried again at once."""
        leads = self._store.leads
        procedures = (each for each in self._procedures.values() if leads or not each.of_leader)
        parts = (self._deliveries, self.isolation, self._tidying, *procedures)
        times = [time for time in (part.deadline(now) for part in parts) if time is not None]
        return min((time if time > now else now + 1 for time in times), default=None)


def _named(body):
    """Whom a body that was refused says that it is of: {"ue": UE Service ID}, or nothing."""
    try:
        return {"ue": bodies.address(body, "oriAddr", ("UE",)).id} if body else {}
    except Malformed:
        return {}


def _writable(answer):
    """The Answer, once it is sure that it can be written."""
    if answer.body is not None:
        bodies.encode(answer.body)
    return answer
