# SPDX-License-Identifier: MIT
"""The Gateway UE's MSGin5G Client for Application Clients on other UEs: TS 24.538 clauses 6.3.2 and 6.4.2.

Decisions only. Toward the server it is a UE for each application; toward the application it says Registered, Refused,
Deliver or Reported, which `l3lines` and `appjson` put in their formats. Segments end here: the server sees messages
of at most its size, the application whole ones.
"""

import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import dataclass

from tools.gateway import bodies, l3, segments
from tools.gateway import payload as payloads
from tools.gateway.bodies import Address, Segment
from tools.gateway.delivery import DONE, LATER, REFUSED, Outcome
from tools.gateway.identity import Peer
from tools.gateway.settings import LARGEST_PAYLOAD

HOST = "application"  # of the Peer that the server knows an application by
MOST_SETS = 16  # unfinished segment sets on their way to one application
JSON = 50


class Refused(Exception):
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


def peer_of(app_id):
    return Peer(HOST, app_id)


class Applications:
    """`request(peer, content_format, octets, now)` is the server's; `in_use(identifier)` says whether somebody is
    heard at that transport identifier now."""

    def __init__(self, store, settings, request, tell, in_use=lambda identifier: False):
        self._store = store
        self._settings = settings
        self._request = request
        self._tell = tell
        self.in_use = in_use
        self._sets = {}  # (app_id, segId, msgId): [Assembly, parts, head]
        self._wanted = {}  # msgId: whether its application wants a report, to answer a MSGRESP with one

    # ---- what an application asks ------------------------------------------------------------------------------------

    def register(self, identifier, app_id, credential, now):
        """The Registration ID. Raises Refused."""
        application = self._store.application(app_id)
        cause = None
        if application is None:
            cause = l3.NO_GATEWAY_ACCESS
        elif not hmac.compare_digest(application.credential, digest(credential)):
            cause = l3.INVALID_CREDENTIALS
        elif application.identifier not in (None, identifier) and self.in_use(application.identifier):
            cause = l3.IDENTIFIER_CONFLICT
        else:
            cause = self._register_upstream(application, now)
        if cause is not None:
            self._tell(
                "refused",
                peer=identifier,
                kind="REG",
                code="0x%02x" % cause,
                reason="application %d" % app_id,
            )
            raise Refused(cause)
        registration_id = application.registration_id or secrets.token_bytes(6)
        self._store.register_application(app_id, identifier, registration_id)
        self._tell("application-registered", application=app_id, ue=application.ue, at=identifier)
        return registration_id

    def _register_upstream(self, application, now):
        body = self._own(application, "REG", regExpTime=int(self._settings.lifetime))
        answer = self._ask(application, body, now)
        if answer.code == "2.04":
            return None if (answer.body or {}).get("result") else l3.NO_GATEWAY_ACCESS
        return _cause(answer)

    def refresh(self, now):
        """Registers all again, before their registrations with the server end."""
        for application in self._store.applications():
            if application.identifier is not None:
                self._register_upstream(application, now)

    def deregister(self, identifier, registration_id, now):
        """Raises Refused for a Registration ID that is not the one of this transport identifier."""
        application = self._store.application_at(identifier)
        if application is None or application.registration_id != registration_id:
            raise Refused(l3.UNKNOWN_DEVICE)
        self._store.deregister_application(application.app_id)
        self._ask(application, self._own(application, "DEREG"), now)
        self._tell("application-deregistered", application=application.app_id, ue=application.ue)

    def _here(self, identifier):
        application = self._store.application_at(identifier)
        if application is None:
            raise Refused(l3.CONNECTION_GONE)
        return application

    def address(self, target_type, target, literal):
        """The service ID of a target: by the table, or as it is where the format can say one. Raises Refused."""
        service_id = self._store.target(target) or (target if literal else None)
        if service_id is None:
            raise Refused(l3.UNKNOWN_DEVICE)
        return Address(target_type, service_id)

    def send(self, identifier, target, msg_id, value, report, app_id, now):
        """MESSAGE SENDING REQUEST: to the server, in segments where it must be. Raises Refused."""
        application = self._here(identifier)
        head = self._own(application, "MSG", destAddr=bodies.destination(target))
        if app_id is not None:
            head["appId"] = str(app_id)
        head["msgId"] = msg_id
        if report:
            head["isDelivStatReq"] = True
        self._wanted[msg_id] = report
        while len(self._wanted) > 1000:
            del self._wanted[next(iter(self._wanted))]
        for body in self._cut(head, value):
            body["sfFlag"] = False
            self._must(application, body, now)

    def _cut(self, head, value):
        """One MSG, or the segments of one."""
        whole = bodies.msg(head, value)
        room = self._settings.room - len(',"sfFlag":false')
        if payloads.size(value) <= LARGEST_PAYLOAD and len(bodies.encode(whole)) <= room:
            return [whole]
        set_id = secrets.token_hex(8)
        widest = Segment(set_id, segments.MOST, segments.MOST, True)
        space = room - len(bodies.encode(bodies.msg(head, "", widest)))
        parts = segments.cut(value, LARGEST_PAYLOAD, space)
        return [
            bodies.msg(head, part, Segment(set_id, number, len(parts), number == len(parts)))
            for number, part in enumerate(parts, 1)
        ]

    def report(self, identifier, reply_to, delivered, now):
        """DELIVERY REPORT SENDING REQUEST on a message that was delivered. Raises Refused."""
        application = self._here(identifier)
        origin = self._store.seen("delivered %d" % application.app_id, reply_to)
        if not origin:
            self._tell(
                "discarded", kind="IMDN", msgId=reply_to, to="", cause="not a message that was delivered here"
            )
            return
        kind, _, service_id = origin.partition(" ")
        body = self._own(application, "IMDN", destAddr=bodies.destination(Address(kind, service_id)))
        body |= {"msgId": reply_to, "DelSta": "success" if delivered else "failure"}
        self._must(application, body, now)

    def _own(self, application, msg_type, **members):
        origin = bodies.origin(Address("UE", application.ue))
        return {"msgIden": self._settings.service, "msgType": msg_type, "oriAddr": origin} | members

    def _ask(self, application, body, now):
        return self._request(peer_of(application.app_id), JSON, bodies.encode(body), now)

    def _must(self, application, body, now):
        answer = self._ask(application, body, now)
        if answer.code == "4.01":  # the server has forgotten it, the gateway has not
            self._register_upstream(application, now)
            answer = self._ask(application, body, now)
        if not answer.code.startswith("2."):
            raise Refused(_cause(answer))

    # ---- what the server pushes --------------------------------------------------------------------------------------

    def pushed(self, peer, body, now):
        """(identifier, what to bring there) of a push, or an Outcome where there is nothing to bring."""
        application = self._store.application(peer.port)
        if application is None or application.identifier is None:
            return Outcome(LATER, "the application is not registered", answered=False)
        kind = body["msgType"]
        if kind == "MSG":
            return self._message(application, body, now)
        if kind == "IMDN":
            return application.identifier, Reported(body["msgId"], body["DelSta"] == "success")
        if kind == "MSGRESP":
            if body["DelSta"] == "failure" and self._wanted.get(body["msgId"]):
                return application.identifier, Reported(body["msgId"], False)
            return Outcome(DONE)
        if kind == "SEGREC":
            return Outcome(REFUSED, "4.04 nothing is held of this segment set")
        return Outcome(DONE)

    def _message(self, application, body, now):
        if "msgList" in body:
            return Outcome(REFUSED, "4.00 MSGin5G-5 has no aggregated messages")
        segment = bodies.segment(body)
        if segment is None:
            return self._deliver(application, body, body.get("payload") or "")
        key = (application.app_id, segment.set_id, body["msgId"])
        held = self._sets.get(key)
        if held is None:
            if len(self._sets) >= MOST_SETS:
                del self._sets[next(iter(self._sets))]
            held = self._sets[key] = [segments.Assembly(now), {}, body]
        assembly, parts, _ = held
        try:
            assembly.feed(segment.number, segment.total, segment.last, now)
        except segments.Contradiction as error:
            return Outcome(REFUSED, "4.00 segParams: %s" % error)
        parts[segment.number] = body.get("payload") or ""
        if segment.number == 1:
            held[2] = body
        if not assembly.whole:
            return Outcome(DONE)
        value = segments.join([parts[number] for number in sorted(parts)])
        return self._deliver(application, held[2], value)

    def _deliver(self, application, body, value):
        # The report may be here before the response: who wanted it is known before the message goes out.
        key, origin = "delivered %d" % application.app_id, body["oriAddr"]
        if self._store.seen(key, body["msgId"]) is None:
            address = "%s %s" % (origin["oriAddrType"], origin["addr"])
            self._store.remember(key, body["msgId"], address, self._settings.remembered)
        target = body.get("oriDestAddr") or body["destAddr"]
        group = target["addr"] if target["destAddrType"] == "GROUP" else None
        report = bool(body.get("isDelivStatReq"))
        return application.identifier, Deliver(body["msgId"], origin["addr"], group, report, value)

    def outcome(self, peer, body, what, outcome, now):
        """After a Deliver: confirms a segment set to the server."""
        if not isinstance(what, Deliver) or outcome.verdict == LATER:
            return
        application = self._store.application(peer.port)
        if application is None:
            return
        segment = bodies.segment(body)
        if segment is not None:
            self._sets.pop((application.app_id, segment.set_id, what.msg_id), None)
            if outcome.verdict == DONE:  # of a refusal the server hears by the answer to its last segment
                done = bodies.segconfir(self._settings.service, segment.set_id, True)
                self._ask(application, done, now)


def _cause(answer):
    """A.2.2.17 has few causes; of those, these two say that it may go better later."""
    if answer.code in ("4.29", "5.03"):
        return l3.CONGESTION
    if answer.code.startswith("5.") and answer.code != "5.01":
        return l3.LACK_OF_RESOURCES
    return l3.PROTOCOL_ERROR


def octets_of(value):
    """A `payload` value as the octets that L3 carries."""
    return payloads.to_octets(value) if payloads.is_octets(value) else value.encode()


def value_of(octets):
    """L3 octets as a `payload` value: printable UTF-8 is text, all else octets (L3 does not say which it is)."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return payloads.from_octets(octets)
    if all(character.isprintable() or character in "\t\r\n" for character in text):
        return payloads.from_text(text)
    return payloads.from_octets(octets)


def id_text(octets):
    return str(uuid.UUID(bytes=octets))


def is_json_of_application(octets):
    """Whether a body is one of Annex A.3: registrations there share their msgType with those of clause 7.3."""
    try:
        body = json.loads(octets)
    except (ValueError, RecursionError):
        return False
    if not isinstance(body, dict):
        return False
    kind = str(body.get("msgType", "")).upper()
    return (
        kind.startswith(("MESSAGE SENDING", "DELIVERY REPORT SENDING"))
        or (kind == "REG" and "credential" in body)
        or (kind == "DEREG" and "registrationID" in body)
    )
