# SPDX-License-Identifier: MIT
"""The Gateway UE's MSGin5G Client for Application Clients on other UEs: TS 24.538 clauses 6.3.2 and 6.4.2.

Decisions only. Toward the server it is a UE for each application; toward the application it says Registered, Refused,
Deliver or Reported, which `l3lines` and `appjson` put in their formats. Segments end here: the server sees messages
of at most its size, the application whole ones.
"""

import hashlib
import hmac
import secrets

from tools.gateway.arriving import Arrivals, deliveries_of, names
from tools.gateway.arriving import Deliver as Deliver
from tools.gateway.arriving import Reported as Reported
from tools.gateway.running.asking import asking
from tools.server.settings import LARGEST_PAYLOAD
from tools.wire import bodies, l3, segments
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


def digest(credential):
    return hashlib.sha256(credential).digest()


def peer_of(number):
    """The Peer of the UE with this number. Each is a host of its own where requests of one host are limited."""
    return Peer("%s %d" % (HOST, number), number)


def is_peer(where):
    """Whether a push goes to applications here."""
    return isinstance(where, Peer) and where.host.split(" ")[0] == HOST


class Applications(Arrivals):
    """`request(peer, content_format, octets, now)` is the server's; `in_use(identifier)` says whether somebody is
    heard at that transport identifier now."""

    def __init__(self, store, settings, request, emit, in_use=lambda identifier: False):
        super().__init__()
        self._store = store
        self._settings = settings
        self._request = request
        self._emit = emit
        self.in_use = in_use
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
        if application.identifier not in (None, identifier):
            why = "it has registered at %s" % identifier
            self._heard.pop(application.identifier, None)
            self._emit("application-deregistered", application=app_id, ue=application.ue, cause=why)
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
        if not self._store.applications_at(application.identifier):
            self._heard.pop(application.identifier, None)
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
        named = names(app_id)
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
            delivery = self._store.seen(deliveries_of(application), reply_to)
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


def _cause(answer):
    """A.2.2.17 has few causes; only these two say that a later try may succeed."""
    if answer.code in ("4.29", "5.03"):
        return l3.CONGESTION
    if answer.code.startswith("5.") and answer.code != "5.01":
        return l3.LACK_OF_RESOURCES
    return l3.PROTOCOL_ERROR
