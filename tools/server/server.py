# SPDX-License-Identifier: MIT
"""The decisions of the MSGin5G Server and of the Gateway UE before it.

TS 24.538 clauses 6.3.1.2 (registration), 6.3.5 (gateway service), 6.4.1.2 (messages, responses, reports), 6.5.3
(segments). No socket, no HTTP, no SQLite: requests and time come in, answers go out,
`work` says what to send, `outcome` hears what came of it.
"""

import random

from tools.server.appservers import ApplicationServers
from tools.server.delivery import Deliveries, Item
from tools.server.flood import Again, Flood
from tools.server.inbound import Inbound
from tools.server.isolation import RESTS, SET_ASIDE, Isolation, place_of, reason_of
from tools.server.quarantine import Quarantine
from tools.server.settings import LARGEST_PAYLOAD
from tools.server.topics import Topics
from tools.store.states import FAILED, QUEUED, REGISTRATION, STEP, STORED
from tools.store.tables import DATA
from tools.store.transactions import store_failed
from tools.wire import aggregates, bodies, rest
from tools.wire import payload as payloads
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Address, Malformed
from tools.wire.identity import AddressBinding
from tools.wire.segments import read_ranges

JSON = 50  # Content-Format application/json
LARGEST_PROFILE = 4096
_TOLD, _TOLD_BURST = (
    5,
    20,
)  # refusals of one host that are told: a second, and how many seconds' worth at once
_LISTS = {
    "regList",
    "deregList",
    "totalRegCount",
    "totalDeregCount",
}  # clause 6.3.4.3: of a gateway's bulk requests


class Server:
    def __init__(self, store, settings, tell=lambda event, **fields: None, binding=None, chance=None):
        self._store = store
        self._settings = settings
        self.isolation = Isolation(store, settings, tell)
        self._tell = tell = self.isolation.tell
        self._binding = binding or AddressBinding(store)
        self._flood = Flood(settings.rate)
        self._told = Flood(_TOLD, burst=_TOLD_BURST)
        self.refused = 0
        self._again = Again()
        self._deliveries = Deliveries(store, settings, self.isolation, chance or random.Random())
        self._inbound = Inbound(store, settings, self._deliveries, self.isolation, self._whole)
        self.quarantine = Quarantine(
            store, settings, self.isolation, self._deliveries, self._inbound.confirm, tell
        )
        self._to_start = ()
        self._on = {
            "REG": self._reg,
            "GWREG": self._gwreg,
            "DEREG": self._dereg,
            "MSG": self._msg,
            "IMDN": self._imdn,
            "SEGREC": self._segrec,
            "SEGCONFIR": self._segconfir,
            "SEGCOFIR": self._segconfir,  # so spelt in clause 6.5.3.5
        }
        self._topics = Topics(store, settings, tell, self._speaks_for, self._to_ue)
        # One message in, none, one or many out: groups and areas will be further entries.
        self._routes = {"UE": self._to_ue, "AS": self._to_as, "TOPIC": self._topics.route}
        self.application_servers = ApplicationServers(
            store, settings, self._deliveries, tell, self._accept, self._report
        )

    # ---- requests of UEs ---------------------------------------------------------------------------------------------

    def request(self, peer, content_format, octets, now):
        """The Answer to a POST on the MSGin5G path: 5.00 with nothing done where an exception ends it. Raises only what
        says that the store as a whole has failed (`transactions.store_failed`)."""
        return self._guarded("request", peer, now, self._request, peer, content_format, octets, now)

    def _guarded(self, kind, peer, now, function, *arguments):
        try:
            return self.isolation.answer(now, function, *arguments)
        except Exception as error:
            if store_failed(error):
                raise
            reason, place = reason_of(error), place_of(error)
            self._tell("error", kind=kind, peer=str(peer), code="5.00", reason=reason, place=place)
            return Answer("5.00", None, "an error of the gateway's own; it is told there")

    def _request(self, peer, content_format, octets, now):
        msg_type = ""
        if not self._flood.allows(self._source(peer, now), now):
            return Answer("4.29", None, "too many requests", max_age=1)
        try:
            if content_format not in (None, JSON):
                raise Refusal("4.15", "the body must be application/json (50)")
            body = bodies.parse(octets)
            if bodies.text(body, "msgIden") != self._settings.service:
                raise Malformed("msgIden", "is not %s" % self._settings.service)
            msg_type = bodies.text(body, "msgType").upper()
            if msg_type in ("BREG", "BDEREG") or msg_type in ("REG", "DEREG") and _LISTS & body.keys():
                raise Refusal("5.01", "bulk registration is not supported by this server yet")
            if msg_type not in self._on:
                raise Malformed("msgType", "%s is nothing that this server takes" % msg_type)
            return _writable(self._on[msg_type](peer, body, now) or Answer("2.04"))
        except Malformed as error:
            answer = Answer("4.00", None, str(error))
        except Refusal as refusal:
            answer = refusal.answer
        self._tell_refused(peer, now, kind=msg_type, code=answer.code, reason=answer.diagnostic)
        return answer

    def topic(self, peer, topic, observe, content_format, octets, now):
        """The Answer to a GET on the path of a topic; otherwise as `request`."""
        return self._guarded(
            "topic", peer, now, self._topic, peer, topic, observe, content_format, octets, now
        )

    def _topic(self, peer, topic, observe, content_format, octets, now):
        if not self._flood.allows(self._source(peer, now), now):
            return Answer("4.29", None, "too many requests", max_age=1)
        try:
            if content_format not in (None, JSON):
                raise Refusal("4.15", "the body must be application/json (50)")
            return _writable(self._topics.request(peer, topic, observe, bodies.parse(octets), now))
        except Malformed as error:
            answer = Answer("4.00", None, str(error))
        except Refusal as refusal:
            answer = refusal.answer
        self._tell_refused(peer, now, kind="topic", code=answer.code, reason=answer.diagnostic)
        return answer

    def _source(self, peer, now):
        """Whose requests are counted: those of a key, of an address that is registered, or of all others of a host."""
        identity = getattr(peer, "identity", None)
        if identity is None and self._store.ues_at(peer, now):
            return peer
        return identity or peer.host

    def _tell_refused(self, peer, now, **fields):
        """So that who is refused all the time fills no disk: each is counted, the first of each host are told."""
        self.refused += 1
        if self._told.allows(peer.host, now):
            self._tell("refused", peer=str(peer), **fields)

    def _reg(self, peer, body, now):
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        profile = bodies.record(body, "cliProfile")
        if len(bodies.encode(profile)) > LARGEST_PROFILE:
            raise Malformed("cliProfile", "larger than %d octets" % LARGEST_PROFILE)
        max_segment = bodies.number(profile, "maxSegSize", 1, 2**31)
        asked = bodies.number(body, "regExpTime", 1, 2**31)
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        cause = self._may_register(peer, ue)
        if cause:
            self._tell_refused(peer, now, kind="REG", ue=ue, code="2.04", reason=cause)
            return Answer("2.04", head | {"result": False, "cause": cause})
        granted = int(min(asked or self._settings.lifetime, self._settings.lifetime))
        self._store.register(ue, peer, now, now + granted, max_segment, profile)
        self._deliveries.available(Address("UE", ue), peer)
        limit = min(max_segment or LARGEST_PAYLOAD, LARGEST_PAYLOAD)
        self._tell("registered", ue=ue, peer=str(peer), lifetime=granted, maxSegSize=limit)
        if self._again.third(ue, peer, now, granted):
            self._tell("registers-again", ue=ue, peer=str(peer))
        return Answer("2.04", head | {"result": True, "regExpTime": granted})

    def _may_register(self, peer, ue):
        """The cause of a refusal, or None."""
        if not (self._settings.open or self._store.provisioned(ue)):
            return "unknown UE service ID"
        if not self._binding.may_register(peer, ue):
            return "not allowed for this identity"
        if (
            self._settings.open
            and not self._store.known(ue)
            and not self._store.forget_ues(self._settings.ues)
        ):
            return "too many UEs are registered"
        return None

    def _gwreg(self, peer, body, now):
        """Gateway service: the answer is all there is to it until bulk registration comes (clause 6.3.4)."""
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        asked = bodies.number(body, "expiredTime", 1, 2**31)
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        cause = self._may_register(peer, ue)
        if cause:
            self._tell_refused(peer, now, kind="GWREG", ue=ue, code="2.04", reason=cause)
            return Answer("2.04", head | {"result": False, "failure reason": cause})
        granted = int(min(asked or self._settings.lifetime, self._settings.lifetime))
        self._tell("gateway-registered", ue=ue, peer=str(peer), lifetime=granted)
        return Answer("2.04", head | {"result": True, "acceptedTime": granted})

    def _dereg(self, peer, body, now):
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        if self._store.registration(ue, now) is None:
            return Answer("2.04", head | {"result": False, "cause": "not registered"})
        self._speaks_for(peer, ue, now)
        self._store.end_registration(ue)
        self._tell("deregistered", ue=ue)
        self._deliveries.unavailable(Address("UE", ue), now, "the recipient has de-registered")
        return Answer("2.04", head | {"result": True})

    def _speaks_for(self, peer, ue, now):
        """Refuses a body whose originator the peer is not; binds a registered UE to its new address."""
        here = self._binding.ues(peer, now)
        if here and ue not in here:
            raise Refusal("4.03", self._binding.FOREIGN % ue)
        registration = self._store.registration(ue, now)
        if registration is None or not (here or self._binding.same(peer, registration.peer)):
            raise Refusal("4.01", "not registered")
        if registration.peer != peer:
            self._store.rebind(ue, peer)
            self._deliveries.moved(Address("UE", ue), peer)
            self._tell("rebound", ue=ue, peer=str(peer))
        self._deliveries.alive(Address("UE", ue))

    def _ues(self, peer, now):
        """Who a body without an originator may come from."""
        ues = {ue for ue in self._binding.ues(peer, now) if self._store.registration(ue, now)}
        if not ues:
            raise Refusal("4.01", "not registered")
        for ue in ues:
            self._deliveries.alive(Address("UE", ue))
        return ues

    def _msg(self, peer, body, now):
        origin = bodies.address(body, "oriAddr", ("UE",))
        target = bodies.address(body, "destAddr", bodies.TARGETS)
        head = bodies.head(self._settings.service, origin, target, body)
        segment = bodies.segment(body)
        value = bodies.payload(body) if segment else bodies.whole_payload(body)
        listed = aggregates.aggregate(body)
        if segment and listed:
            raise Malformed("isSegmented", "an aggregated message is not segmented")
        store_forward, expires = self._store_and_forward(body)
        self._speaks_for(peer, origin.id, now)

        if self._seen(origin, head["msgId"]):  # acknowledged and not delivered again
            if segment:
                self._inbound.confirm(origin.id, segment.set_id, True, now)
            return
        self._deliveries.refuse_large(value)
        self._deliveries.refuse_full(target, origin)
        if segment:
            kept = head | {"sfFlag": store_forward, "expires": expires}
            self._inbound.segment(origin.id, kept, segment, value, now)
            return
        if listed:
            listed = self._new_elements(origin, head["msgId"], listed)
            head = head | {"totalMsgCount": len(listed), "msgList": listed}
        parts = [] if value is None else [value]
        self._remember(origin, head["msgId"])
        if listed != []:  # else each of its elements was sent before
            self._accept(Item(origin, target, head, parts, store_forward, expires), now)

    def _seen(self, origin, msg_id):
        """Whether a message with this ID was taken from this originator, or a segment of one."""
        return any(self._store.seen(key, msg_id) is not None for key in (origin.key, _segments_of(origin)))

    def _remember(self, origin, msg_id, set_id=""):
        self._store.remember(origin.key, msg_id, set_id, self._settings.remembered)

    def _new_elements(self, origin, outer, listed):
        """The elements of an aggregated message that were not sent before, singly or in another one."""
        new = {}
        for item in listed:
            msg_id = bodies.same(item["msgId"])
            # an element may have the ID of the whole, which is not remembered yet
            if msg_id not in new and not self._seen(origin, msg_id):
                new[msg_id] = item
        for msg_id in new.keys() - {bodies.same(outer)}:
            self._remember(origin, msg_id)
        return list(new.values())

    @staticmethod
    def _store_and_forward(body):
        """(wanted, expiry or None) of `sfFlag` and `sfParam`."""
        wanted = bodies.flag(body, "sfFlag")
        until = bodies.record(body, "sfParam").get("expireTime")
        return wanted, bodies.moment(until, "sfParam.expireTime") if wanted and until is not None else None

    def _whole(self, set_, parts, now):
        """A segment set is complete."""
        head = dict(set_.body)
        store_forward, expires = head.pop("sfFlag"), head.pop("expires")
        origin, target = Address("UE", set_.originator), _target(head)
        for msg_id in self._store.segment_msg_ids(set_.id):
            if msg_id != bodies.same(set_.msg_id):
                key, most = _segments_of(origin), self._settings.remembered
                self._store.remember(key, msg_id, set_.set_id, most)
        if self._store.seen(origin.key, set_.msg_id) is not None:
            return  # sent unsegmented meanwhile
        self._remember(origin, set_.msg_id, set_.set_id)
        self._accept(Item(origin, target, head, parts, store_forward, expires, set_.set_id), now)

    def _imdn(self, peer, body, now):
        """A report is routed like a message and kept for a recipient that is away; a repeat ends here."""
        origin = bodies.address(body, "oriAddr", ("UE",))
        target = bodies.address(body, "destAddr", ("UE", "AS"))
        reports = [bodies.report(item) for item in aggregates.elements(body) or [body]]
        self._speaks_for(peer, origin.id, now)
        for msg_id, *_ in reports:
            self._deliveries.refuse_report(origin, target, msg_id)
        for report in reports:
            self._report(origin, target, *report, now)

    def _report(self, origin, target, msg_id, delivered, cause, now):
        if delivered:
            self._deliveries.proved(origin, target, msg_id)
        known = self._store.known if target.type == "UE" else self._store.application_server
        if not known(target.id):
            self._tell("discarded", kind="IMDN", msgId=msg_id, to=target.id, cause="unknown recipient")
        elif self._deliveries.first_report(origin, target, msg_id):
            body = bodies.imdn(self._settings.service, origin, target, msg_id, delivered, cause)
            self._deliveries.control(target, "IMDN", body, now, origin)

    def _segrec(self, peer, body, now):
        ues = self._ues(peer, now)
        set_id = bodies.text(body, "segId")
        listed = bodies.text(body, "segNoList", longest=65535)
        try:
            ranges = read_ranges(listed)
        except ValueError as error:
            raise Malformed("segNoList", str(error)) from error
        found = self._deliveries.recover(set_id, ranges, ues)
        if found is None:
            raise Refusal("4.04", "nothing is held of this segment set")
        row, count = found
        self._tell("segment-recovery-asked", segId=set_id, to=row.target.id, segments=listed, found=count)

    def _segconfir(self, peer, body, now):
        ues = self._ues(peer, now)
        set_id = bodies.text(body, "segId")
        if "result" not in body:
            raise Malformed("result", "missing")
        self._deliveries.confirmed(set_id, bodies.flag(body, "result"), ues, now)

    # ---- routing -----------------------------------------------------------------------------------------------------

    def _accept(self, item, now):
        """Routes a message; what it comes to is (state, cause): the originator hears of all but QUEUED."""
        route = self._routes.get(item.target.type)
        fields = {
            "kind": "MSG",
            "msgId": item.head["msgId"],
            "from": item.origin.id,
            "to": item.target.id,
            "octets": sum(map(payloads.content_size, item.parts)),
        }
        self._tell("accepted", **fields, **({"peer": item.peer} if item.peer else {}))
        if route is None:
            state, cause = FAILED, "%s targets are not supported by this server yet" % item.target.type
        elif item.expires is not None and item.expires <= now:
            state, cause = FAILED, "message expired"
        else:
            state, cause = route(item, now)
        if state != QUEUED:
            self._tell(state, **fields, **({"cause": cause} if cause else {}))
            if item.origin.type == "UE":
                self._deliveries.notify(item, state == STORED, cause, now)
        return state, cause

    def _to_ue(self, item, now):
        if not self._store.known(item.target.id):
            return FAILED, "unknown recipient"
        registration = self._store.registration(item.target.id)
        live = self._store.registration(item.target.id, now)
        store_forward = item.store_forward and not (registration and _opted_out(registration.profile))
        if live is None and not store_forward:
            return FAILED, "the recipient is not registered"
        state = QUEUED if live else STORED
        self._queue(item, state, store_forward, now)
        return state, ""

    def _to_as(self, item, now):
        if item.origin.type == "AS":
            return FAILED, "an application server may not send to an application server"
        server = self._store.application_server(item.target.id)
        if server is None:
            return FAILED, "unknown recipient"
        if not server.target_uri:
            return FAILED, rest.UNREACHABLE
        if "msgList" in item.head:  # TS 29.538 has no aggregated message
            for head, value in aggregates.singles(item.head, item.head["msgList"]):
                parts = [] if value is None else [value]
                single = Item(item.origin, item.target, head, parts, item.store_forward, item.expires)
                self._queue(single, QUEUED, item.store_forward, now)
        else:
            self._queue(item, QUEUED, item.store_forward, now)
        return QUEUED, ""

    def _queue(self, item, state, store_forward, now):
        self._store.add(
            DATA,
            "MSG",
            item.target,
            item.origin,
            item.head,
            item.parts,
            state,
            min(now + self._settings.keep, item.expires or now + self._settings.keep),
            origin_set=item.origin_set,
            store_forward=store_forward,
        )

    def push(self, body, now):
        """For tests: a body to be sent to a UE as it is. {"to": UE Service ID, "body": object}"""
        to = bodies.text(body, "to")
        content = bodies.record(body, "body")
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
        self._to_start = (
            ("unfinished segment sets", self._store.resume_sets, now),
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
        step, pushes = self.isolation.step, []
        step("registrations", now, self._expire, now)
        step("messages that are over", now, self._deliveries.overdue, now)
        step("quarantine", now, self.quarantine.expire, now)
        step("segment sets", now, self._inbound.work, now, pushes)
        step("recipients", now, self._deliveries.work, now, pushes)
        return pushes

    def _expire(self, now):
        for ue in self._store.expired_registrations(now):
            self.isolation.run(REGISTRATION, ue, now, self._expired, ue, now)

    def _expired(self, ue, now):
        self._store.end_registration(ue)
        self._tell("expired", ue=ue)
        self._deliveries.unavailable(Address("UE", ue), now, "the recipient's registration has expired")

    def outcome(self, push, outcome, now):
        """What came of a Push; each Push gets one."""
        receiver = self._inbound if push.kind == "SEGREC" else self._deliveries
        done = self.isolation.attempt(*push.unit, now, receiver.outcome, push, outcome, now)
        if done in (SET_ASIDE, RESTS):
            self._deliveries.release(push)

    def broken(self, push, error, now):
        """What came of a Push can't be handled at all: what it brought is set aside, its recipient is free."""
        self.isolation.set_aside(*push.unit, error, now)
        self._deliveries.release(push)

    def clock_set(self, seconds):
        """The clock was set, and with it all times in the store: the ones in memory are, too."""
        self._deliveries.clock_set(seconds)
        self.isolation.clock_set(seconds)
        self._flood.clock_set(seconds)
        self._told.clock_set(seconds)
        self._again.clock_set(seconds)

    def deadline(self, now):
        """When `work`, last done at `now`, is next needed even if nothing comes in, or None. What is due by now was not
        done, and is not tried at once again."""
        parts = (self._deliveries, self._inbound, self.isolation)
        times = [time for time in (part.deadline(now) for part in parts) if time is not None]
        return min((time if time > now else now + 1 for time in times), default=None)


def _writable(answer):
    """The Answer, once it is sure that it can be written."""
    if answer.body is not None:
        bodies.encode(answer.body)
    return answer


def _opted_out(profile):
    """Clause 6.3.1.1.1, "Store and forward option": the client does not want it for what comes in."""
    available = profile.get("comAvail")
    try:
        return isinstance(available, dict) and bodies.mark(available, "storeForward")
    except Malformed:  # whatever it is, it is said
        return True


def _segments_of(origin):
    """As the originator's key, for the msgIds of single segments, which must not push out those of messages."""
    return "segments of " + origin.key


def _target(head):
    return Address(head["destAddr"]["destAddrType"], head["destAddr"]["addr"])
