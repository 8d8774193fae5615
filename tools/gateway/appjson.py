# SPDX-License-Identifier: MIT
"""MSGin5G-5 over CoAP and JSON: TS 24.538 Annex A.3. Spelt REQUEST, read as REQEUST too."""

import uuid

from tools.gateway.applications import Deliver, RefusedError
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome
from tools.store.gateway.apptables import app_id_of
from tools.wire import bodies, l3
from tools.wire.a3 import REGISTRATION_IDS
from tools.wire.answers import Answer
from tools.wire.bodies import Malformed
from tools.wire.identity import Peer

# A.2.2.17, which gives the words for both formats
CAUSES = {
    l3.NO_GATEWAY_ACCESS: "Access via a Gateway UE is not allowed",
    l3.INVALID_CREDENTIALS: "Invalid credentials",
    l3.IDENTIFIER_CONFLICT: "Conflict of transport identifier for unicast communication is detected",
    l3.CONNECTION_GONE: "Connection is not available anymore",
    l3.LACK_OF_RESOURCES: "Lack of resources for lower layer",
    l3.CONGESTION: "Congestion situation",
    l3.UNKNOWN_DEVICE: "Unknown device",
    l3.PROTOCOL_ERROR: "Protocol error, unspecified",
}


class ApplicationJson:
    """`await event(method, *arguments)` gives the result of a method of Applications;
    `exchange(peer, body)` asks a device: (Outcome, payload of the response)."""

    def __init__(self, applications, event, exchange):
        self._applications = applications
        self._event = event
        self._exchange = exchange

    async def answer(self, peer, octets):
        """The Answer to a body of Annex A.3."""
        try:
            body = bodies.parse(octets)
            kind = bodies.text(body, "msgType", "MESSAGE SENDING REQUEST").strip().upper()
            kind = kind.replace("REQEUST", "REQUEST")
            handler = {
                "REG": self._register,
                "DEREG": self._deregister,
                "MESSAGE SENDING REQUEST": self._send,
                "DELIVERY REPORT SENDING REQUEST": self._report,
            }.get(kind)
            if handler is None:
                raise Malformed("msgType", "%s is nothing that this gateway takes" % kind)
            return await handler("coap:%s" % (peer,), body)
        except Malformed as error:
            return Answer("4.00", None, str(error))

    async def _register(self, identifier, body):
        app_id = body.get("appId", body.get("appID"))  # A.3.2.7 has both
        if (
            not isinstance(app_id, str | int)
            or isinstance(app_id, bool)
            or not bodies.is_service_id(str(app_id))
        ):
            raise Malformed("appId", "not a number from 0 to 65535, nor text of 1 to 255 octets")
        app_id = app_id_of(app_id)
        try:
            credential = bytes.fromhex(bodies.text(body, "credential", longest=131070))
        except ValueError as error:
            raise Malformed("credential", "not hexadecimal digits") from error
        try:
            event = self._event(self._applications.register, identifier, app_id, credential)
            given = await event
        except RefusedError as refused:
            return Answer("2.04", {"result": False, "failure reason": CAUSES[refused.cause]})
        return Answer("2.04", {"result": True, "registration ID": given.hex()})

    async def _deregister(self, identifier, body):
        name = next(name for name in REGISTRATION_IDS if name in body)
        digits = bodies.text(body, name)
        try:
            event = self._event(self._applications.deregister, identifier, bytes.fromhex(digits))
            await event
        except ValueError as error:
            raise Malformed(name, "not hexadecimal digits") from error
        except RefusedError as refused:
            return Answer("2.04", {"result": False, "failure reason": CAUSES[refused.cause]})
        return Answer("2.04", {"result": True, "registration ID": digits})

    async def _send(self, identifier, body):
        answer = {"msgType": "MESSAGE SENDING RESPONSE", "result": "SUCCESS"}
        address = bodies.address(body, "destAddr", ("UE", "AS", "GROUP"))
        msg_id, value = bodies.message_id(body), bodies.whole_payload(body)
        if value is None:  # A.3.2.1 requires it
            raise Malformed("payload", "missing")
        app_id = bodies.applications(
            {"appId": str(body["appId"])} if type(body.get("appId")) is int else body
        )
        try:
            target = self._applications.address(*address, literal=True)
            report = bodies.flag(body, "isDelivStatReq")
            event = self._event(self._applications.send, identifier, target, msg_id, value, report, app_id)
            await event
        except RefusedError as refused:
            answer |= {"result": "FAILED", "failReason": CAUSES[refused.cause]}
        return Answer("2.05", answer)

    async def _report(self, identifier, body):
        status = bodies.text(body, "deliveryStatus").upper()
        if status not in ("SUCCESS", "FAILED"):
            raise Malformed("deliveryStatus", "not SUCCESS or FAILED")
        try:
            # A.3.2.2 does not require it: then the report has the ID of the message itself
            reply_to = bodies.message_id(
                body, "reply2msgId" if body.get("reply2msgId") is not None else "msgId"
            )
            event = self._event(self._applications.report, identifier, reply_to, status == "SUCCESS")
            await event
        except RefusedError as refused:
            code = "4.01" if refused.cause == l3.CONNECTION_GONE else "5.03"
            return Answer(code, None, CAUSES[refused.cause])
        return Answer("2.04")

    async def bring(self, identifier, what):
        """Brings a Deliver or Reported to the device at this identifier; the Outcome."""
        host, _, port = identifier.removeprefix("coap:").rpartition(":")
        peer = Peer(host.strip("[]"), int(port))
        if not isinstance(what, Deliver):
            body = {
                "msgType": "DELIVERY REPORT RECEIVED REQUEST",
                "msgId": str(uuid.uuid4()),
                "reply2msgId": what.reply_to,
                "deliveryStatus": "SUCCESS" if what.delivered else "FAILED",
            }
            return (await self._exchange(peer, body))[0]
        body = {"msgType": "MESSAGE RECEIVED REQUEST", "msgId": what.msg_id, "oriAddr": what.originator}
        if what.group:
            body["groupId"] = what.group
        body["payload"] = what.value
        if what.report:
            body["isDelivStatReq"] = True
        outcome, octets = await self._exchange(peer, body)
        if outcome.verdict != DONE:
            return outcome
        try:
            answer = bodies.parse(octets)
            if bodies.text(answer, "result").upper() == "SUCCESS":
                return outcome
            reason = bodies.text(answer, "failReason", "no cause given", longest=1024)
        except Malformed as error:
            return Outcome(REFUSED, "answer not understood, %s" % error)
        later = reason in (CAUSES[l3.CONGESTION], CAUSES[l3.LACK_OF_RESOURCES])
        return Outcome(LATER if later else REFUSED, reason)
