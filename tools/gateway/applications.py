# SPDX-License-Identifier: MIT
"""The Gateway UE's MSGin5G Client for Application Clients on other UEs: TS 24.538 clauses 6.3.2 and 6.4.2.

Decisions only. Toward the server it is a UE for each application; toward the application it says Registered, Refused,
Deliver or Reported, which `l3lines` and `appjson` put in their formats. Segments end here: the server sees messages
of at most its size, the application whole ones.
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass

from tools.gateway.running.asking import asking
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome
from tools.server.settings import LARGEST_PAYLOAD
from tools.store.gateway.apptables import app_id_of
from tools.wire import aggregates, bodies, l3, segments
from tools.wire import payload as payloads
from tools.wire.a3 import is_json_of_application as is_json_of_application
from tools.wire.bodies import Address, Segment
from tools.wire.identity import Peer

HOST = "application"  # of the Peer that the server knows an application by
JSON = 50


class RefusedError(Exception):
    """The request is answered with a cause of A.2.2.17."""

    def __init__(self, cause):
        super().__init__("cause 0x%02x" % cause)
        self.cause = cause


@dataclass(frozen=True)
class Deliver:
    """A whole message for the application."""

    msg_id: str
    originator: str
    group: str | None
    report: bool
    value: str  # of `payload`


@dataclass(frozen=True)
class Reported:
    """What became of a message of the application."""

    reply_to: str
    delivered: bool


def digest(credential):
    return hashlib.sha256(credential).digest()


def peer_of(number):
    """The Peer of the UE with this number. Each is a host of its own where requests of one host are limited."""
    return Peer("%s %d" % (HOST, number), number)


def is_peer(where):
    """Whether a push goes to applications here."""
    return isinstance(where, Peer) and where.host.split(" ")[0] == HOST


class Applications:
    """`request(peer, content_format, octets, now)` is the server's; `in_use(identifier)` says whether somebody is
    heard at that transport identifier now."""

    def __init__(self, store, settings, request, emit, in_use=lambda identifier: False):
        self._store = store
        self._settings = settings
        self._request = request
        self._emit = emit
        self.in_use = in_use
        self._sets = {}  # ue: (segId, Assembly, parts, [head]) of the one that the server is sending
        self._heard = {}  # identifier: when it last asked for something

    # ---- what an application asks ------------------------------------------------------------------------------------

    @asking
    def register(self, identifier, app_id, credential, now):
        """The Registration ID. Raises RefusedError."""
        application = self._store.application(app_id)
        cause = None
        if application is None:
            cause = l3.NO_GATEWAY_ACCESS
        elif not hmac.compare_digest(application.credential, digest(credential)):
            cause = l3.INVALID_CREDENTIALS
        elif application.identifier not in (None, identifier) and self.in_use(application.identifier):
            cause = l3.IDENTIFIER_CONFLICT
        elif not (yield from self._make_way(application, identifier, now)):
            cause = l3.IDENTIFIER_CONFLICT
        else:
            cause = yield from self._register_upstream(application.ue, now)
        if cause is not None:
            self._emit(
                "refused",
                peer=identifier,
                kind="REG",
                code="0x%02x" % cause,
                reason="application %s" % app_id,
            )
            raise RefusedError(cause)
        registration_id = application.registration_id or secrets.token_bytes(6)
        self._store.register_application(app_id, identifier, registration_id)
        self._heard[identifier] = now
        self._emit("application-registered", application=app_id, ue=application.ue, at=identifier)
        return registration_id

    def _make_way(self, application, identifier, now):
        """Whether this application can have the identifier. Applications behind one UE share one. An application of
        another UE that is registered there loses it only after a registration lifetime without a request: the
        gateway could not tell whose a request is, nor a device whom a message is for."""
        others = [other for other in self._store.applications_at(identifier) if other.ue != application.ue]
        if not others:
            return True
        if now - self._heard.setdefault(identifier, now) < self._settings.lifetime:
            return False
        for other in others:
            yield from self._end(
                other, now, "silent, and application %s is at its transport identifier" % application.app_id
            )
        return True

    def _register_upstream(self, ue, now):
        answer = yield self._ask(ue, self._own(ue, "REG", regExpTime=int(self._settings.lifetime)))
        if not answer.code.startswith("2."):
            return _cause(answer)
        try:
            return None if bodies.succeeded(answer.body or {}, False) else l3.NO_GATEWAY_ACCESS
        except bodies.Malformed:
            return l3.PROTOCOL_ERROR

    @asking
    def refresh(self, now):
        """Registers all again, before their registrations with the server end."""
        for ue in sorted({each.ue for each in self._store.applications() if each.identifier is not None}):
            yield from self._register_upstream(ue, now)

    @asking
    def deregister(self, identifier, registration_id, now):
        """Raises RefusedError for a Registration ID that is none of this transport identifier."""
        for application in self._store.applications_at(identifier):
            if application.registration_id == registration_id:
                yield from self._end(application, now)
                return
        raise RefusedError(l3.UNKNOWN_DEVICE)

    def _end(self, application, now, cause=None):
        self._store.deregister_application(application.app_id)
        if all(each.identifier is None for each in self._store.applications_of(application.ue)):
            yield self._ask(application.ue, self._own(application.ue, "DEREG"))
        fields = {"cause": cause} if cause else {}
        self._emit("application-deregistered", application=application.app_id, ue=application.ue, **fields)

    def _here(self, identifier, now):
        """The applications at a transport identifier, which are of one UE. Raises RefusedError."""
        found = self._store.applications_at(identifier)
        if not found:
            raise RefusedError(l3.CONNECTION_GONE)
        self._heard[identifier] = now
        return found

    def address(self, target_type, target, literal):
        """The service ID of a target: by the table, or as it is where the format can say one. Raises RefusedError."""
        service_id = self._store.target(target) or (target if literal else None)
        if service_id is None:
            raise RefusedError(l3.UNKNOWN_DEVICE)
        return Address(target_type, service_id)

    @asking
    def send(self, identifier, target, msg_id, value, report, app_id, now):
        """MESSAGE SENDING REQUEST: to the server, in segments where it must be. `app_id` is as bodies.applications
        gives it. Raises RefusedError."""
        here = self._here(identifier, now)
        named = _names(app_id)
        sender = next((each for each in here if str(each.app_id) in named), here[0])
        ue = sender.ue
        head = self._own(ue, "MSG", destAddr=bodies.destination(target))
        if app_id is not None:
            head["appId"] = app_id
        head["msgId"] = msg_id
        if report:
            head["isDelivStatReq"] = True
        # The message's report, or the response that it failed, may come before the answer to it.
        remembered = "%d %s" % (report, sender.app_id)
        self._store.remember("sent " + ue, msg_id, remembered, self._settings.remembered)
        for body in self._cut(head, value):
            body["sfFlag"] = False
            yield from self._must(ue, body, now)

    def _cut(self, head, value):
        """One MSG, or the segments of one."""
        whole = bodies.msg(head, value)
        room = self._settings.room - len(',"sfFlag":false')
        if payloads.size(value) <= LARGEST_PAYLOAD and len(bodies.encode(whole)) <= room:
            return [whole]
        set_id = secrets.token_hex(8)
        widest = Segment(set_id, segments.MAX_SEGMENTS, segments.MAX_SEGMENTS, True)
        space = room - len(bodies.encode(bodies.msg(head, "", widest)))
        parts = segments.cut(value, LARGEST_PAYLOAD, space)
        return [
            bodies.msg(head, part, Segment(set_id, number, len(parts), number == len(parts)))
            for number, part in enumerate(parts, 1)
        ]

    @asking
    def report(self, identifier, reply_to, delivered, now):
        """DELIVERY REPORT SENDING REQUEST on a message that was delivered. Raises RefusedError."""
        for application in self._here(identifier, now):
            delivery = self._store.seen(_delivered(application), reply_to)
            if delivery:
                kind, msg_id, service_id = delivery.split(" ", 2)
                to = bodies.destination(Address(kind, service_id))
                body = self._own(application.ue, "IMDN", destAddr=to, msgId=msg_id)
                body["DelSta"] = "success" if delivered else "failure"
                yield from self._must(application.ue, body, now)
                return
        self._emit(
            "discarded", kind="IMDN", msgId=reply_to, to="", cause="not a message that was delivered here"
        )

    def _own(self, ue, msg_type, **members):
        origin = bodies.origin(Address("UE", ue))
        return {"msgIden": self._settings.service, "msgType": msg_type, "oriAddr": origin} | members

    def _ask(self, ue, body):
        """A question to the server, from this UE."""
        return peer_of(self._store.application_ue_number(ue)), JSON, bodies.encode(body)

    def _must(self, ue, body, now):
        answer = yield self._ask(ue, body)
        if answer.code == "4.01":  # the server has forgotten it, the gateway has not
            yield from self._register_upstream(ue, now)
            answer = yield self._ask(ue, body)
        if not answer.code.startswith("2."):
            raise RefusedError(_cause(answer))

    # ---- what the server pushes --------------------------------------------------------------------------------------

    @asking
    def pushed(self, peer, body, now):
        """[(Application, what to bring there)] of a push, or an Outcome where there is nothing to bring."""
        ue = self._store.application_ue(peer.port)
        applications = self._store.applications_of(ue)
        here = [each for each in applications if each.identifier is not None]
        if not here:
            return Outcome(LATER, "the application is not registered", answered=False)
        kind = body["msgType"]
        if kind == "MSG":
            return (yield from self._message(ue, applications, body, now))
        if kind == "IMDN" and "msgList" in body:  # MSGin5G-5 has single ones only
            each = (self._what_became(ue, here, one) for one in aggregates.single_reports(body))
            return [told for found in each for told in found]
        if kind in ("IMDN", "MSGRESP"):
            return self._what_became(ue, here, body)
        if kind == "SEGREC":
            return Outcome(REFUSED, "4.04 nothing is held of this segment set")
        return Outcome(DONE)

    def _what_became(self, ue, here, body):
        """A report, or a response that says failure, for the application that sent the message; a report on what is
        not known any more goes to each."""
        wanted, _, app_id = (self._store.seen("sent " + ue, body["msgId"]) or "").partition(" ")
        delivered = body["DelSta"] == "success"
        if body["msgType"] == "MSGRESP" and (body["DelSta"] != "failure" or wanted != "1"):
            return Outcome(DONE)
        reported = Reported(body["msgId"], delivered)
        return [(each, reported) for each in _once_each(here) if not app_id or str(each.app_id) == app_id]

    def _message(self, ue, applications, body, now):
        segment = bodies.segment(body)
        if segment is None:
            return self._deliver(applications, body, body.get("payload") or "")
        held = self._sets.get(ue)
        if held is None or held[0] != segment.set_id:
            held = self._sets[ue] = (segment.set_id, segments.Assembly(now), {}, [body])
            if segment.number > 1:  # the segments before it were taken by a gateway that has restarted since
                yield self._ask(
                    ue, bodies.segrec(self._settings.service, segment.set_id, range(1, segment.number))
                )
        _, assembly, parts, head = held
        try:
            assembly.feed(segment.number, segment.total, segment.last, now)
        except segments.Contradiction as error:
            return Outcome(REFUSED, "4.00 segParams: %s" % error)
        parts[segment.number] = body.get("payload") or ""
        if segment.number == 1:
            head[0] = body
        if not assembly.whole:
            return Outcome(DONE)
        return self._deliver(
            applications, head[0], segments.join([parts[number] for number in sorted(parts)])
        )

    def _deliver(self, applications, body, value):
        """Delivers to the applications that the message's `appId` names, else to all; not again to one that has
        it."""
        named = _names(body.get("appId"))
        to = [each for each in applications if str(each.app_id) in named] or applications
        to = [each for each in to if each.identifier is not None]
        if not to:
            return Outcome(REFUSED, "4.04 the application is not registered")
        target = body.get("oriDestAddr") or body["destAddr"]
        group = target["addr"] if target["destAddrType"] == "GROUP" else None
        report = bool(body.get("isDelivStatReq"))
        origin = body["oriAddr"]["addr"]
        items, refusals = [], []
        for application in _once_each(to):
            brought = self._store.seen(_brought(application), _key(body))
            if brought is None:
                msg_id = self._msg_id(application, body)
                items.append((application, Deliver(msg_id, origin, group, report, value)))
            elif brought:
                refusals.append(brought)
        return items or (Outcome(REFUSED, refusals[0]) if refusals else Outcome(DONE))

    def _msg_id(self, application, body):
        """The Message ID on MSGin5G-5, which the application's report names: the message's own, or another one
        where two originators have sent messages with the same ID."""
        address = "%s %s %s" % (body["oriAddr"]["oriAddrType"], body["msgId"], body["oriAddr"]["addr"])
        key, msg_id = _delivered(application), body["msgId"]
        known = self._store.seen(key, msg_id)
        if known is not None and known.split(" ", 2)[::2] != address.split(" ", 2)[::2]:
            msg_id = str(uuid.uuid5(uuid.UUID(msg_id), address))
            known = self._store.seen(key, msg_id)
        if known is None:  # the report may come before the response
            self._store.remember(key, msg_id, address, self._settings.remembered)
        return msg_id

    def brought(self, application, what, body, outcome, now):
        """Takes the Outcome of one push to one application."""
        if isinstance(what, Deliver) and outcome.verdict in (DONE, REFUSED):
            detail = outcome.detail if outcome.verdict == REFUSED else ""
            self._store.remember(_brought(application), _key(body), detail, self._settings.remembered)

    @asking
    def refused(self, peer, body, outcome, now):
        """One message of an aggregated one was refused, others were taken: who wants a report of it hears that."""
        ue = self._store.application_ue(peer.port)
        self._emit("discarded", kind="MSG", msgId=body["msgId"], to=ue, cause=outcome.detail)
        if body.get("isDelivStatReq"):
            to = Address(body["oriAddr"]["oriAddrType"], body["oriAddr"]["addr"])
            service, who = self._settings.service, Address("UE", ue)
            yield self._ask(ue, bodies.imdn(service, who, to, body["msgId"], False, outcome.detail))

    @asking
    def ended(self, peer, body, outcome, now):
        """Takes the Outcome of a MSG for all its applications: confirms a segment set to the server."""
        segment = bodies.segment(body) if body["msgType"] == "MSG" else None
        ue = self._store.application_ue(peer.port)
        if segment is None or outcome.verdict == LATER or ue not in self._sets:
            return
        _, assembly, _, _ = self._sets[ue]
        if assembly.whole or outcome.verdict != DONE:
            del self._sets[ue]
            if outcome.verdict == DONE:  # of a refusal the server hears by the answer to its last segment
                yield self._ask(ue, bodies.segconfir(self._settings.service, segment.set_id, True))


def _names(app_id):
    """The Application IDs of an `appId`, as text in the one form of app_id_of."""
    listed = app_id if isinstance(app_id, list) else [] if app_id is None else [app_id]
    return {str(app_id_of(each)) for each in listed}


def _once_each(applications):
    """One application for each transport identifier: what is brought there names no application."""
    return list({each.identifier: each for each in applications}.values())


def _delivered(application):
    return "delivery %s" % application.app_id


def _brought(application):
    return "brought %s" % application.app_id


def _key(body):
    """Of a message: its originator and its ID."""
    origin = "%s %s" % (body["oriAddr"]["oriAddrType"], body["oriAddr"]["addr"])
    return "%s %s" % (body["msgId"], hashlib.sha256(origin.encode()).hexdigest()[:16])


def _cause(answer):
    """A.2.2.17 has few causes; only these two say that a later try may succeed."""
    if answer.code in ("4.29", "5.03"):
        return l3.CONGESTION
    if answer.code.startswith("5.") and answer.code != "5.01":
        return l3.LACK_OF_RESOURCES
    return l3.PROTOCOL_ERROR
