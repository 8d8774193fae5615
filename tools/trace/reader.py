# SPDX-License-Identifier: MIT
"""What a message says. CoAP and OSCORE are read by aiocoap, bodies as the emulated gateway reads them."""

import aiocoap
from aiocoap import error, oscore

from tools.trace.steps import Said, printable
from tools.transport.lines import COAP, L3
from tools.wire import bodies, l3, payload
from tools.words import counted

_KEPT = 1024  # requests whose answer may still come
_IN_PICTURE = 60  # characters of a payload

# Annex A.2.1
L3_NAMES = {
    l3.SENDING: "MESSAGE SENDING REQUEST",
    l3.SENDING_RESPONSE: "MESSAGE SENDING RESPONSE",
    l3.RECEIVED: "MESSAGE RECEIVED REQUEST",
    l3.RECEIVED_RESPONSE: "MESSAGE RECEIVED RESPONSE",
    l3.REPORT_SENDING: "DELIVERY REPORT SENDING REQUEST",
    l3.REPORT_RECEIVED: "DELIVERY REPORT RECEIVED REQUEST",
    l3.REGISTRATION: "REGISTRATION REQUEST",
    l3.REGISTRATION_ACCEPT: "REGISTRATION ACCEPT",
    l3.REGISTRATION_REJECT: "REGISTRATION REJECT",
    l3.DEREGISTRATION: "DEREGISTRATION REQUEST",
    l3.DEREGISTRATION_REJECT: "DEREGISTRATION REJECT",
    l3.DEREGISTRATION_ACCEPT: "DEREGISTRATION ACCEPT",
}


class Reader:
    """Keeps what it must know of requests to understand their answers. `keys`: of devices, see tools.gateway.keys;
    `payloads`: whether the payloads of messages are shown."""

    def __init__(self, keys=(), payloads=False):
        self._payloads = payloads
        ends = [_Listener(each, turned) for each in keys for turned in (False, True)]
        self._pairs = list(zip(ends, (ends[at ^ 1] for at in range(len(ends))), strict=True))
        self._requests = {}  # (who asked, whom, token): (the context of its answer, aiocoap's request_id)

    def read(self, heard):
        """The Said of a Heard, of which a terminal obeys nothing."""
        said = Said(heard.seconds, heard.who, heard.to)
        self._read(said, heard)
        for name in ("text", "kind", "what", "message_id", "more"):
            setattr(said, name, printable(getattr(said, name)))
        return said

    def _read(self, said, heard):
        size = f"{counted(len(heard.octets), 'octet')}"
        if heard.kind == L3:
            name = L3_NAMES.get(heard.octets[0], "unknown") if heard.octets else "empty"
            said.kind, said.what, said.text = "L3", f"L3 {name}", f"L3 {name}, {size}"
            return
        if heard.kind != COAP:
            said.kind = said.what = "text"
            said.text = "text: " + heard.octets.decode(errors="replace")
            return
        try:
            message = aiocoap.Message.decode(heard.octets, remote=heard.source)
        except (error.UnparsableMessage, UnicodeError):  # the latter for a text option that is none
            said.kind = said.what = "not CoAP"
            said.text = f"not CoAP, {size}"
            return
        said.type, said.mid, said.token = message.mtype.name, message.mid, message.token.hex()
        said.code = _code(message)
        head = f"{said.type} {said.code} {message.mid:04x} {said.token or '-'}"
        said.kind, inside = self._inside(message, heard, said)
        said.text = f"{head:26} {inside}{', ' if inside else ''}{size}"

    def _inside(self, message, heard, said):
        """(a word, what the message carries)."""
        if message.opt.oscore is None:
            return self._body(message, said)
        plain = None
        if message.code.is_request():
            fields = _fields(message)
            if fields is None:
                return "OSCORE", "OSCORE, its option is broken"
            outside = f"OSCORE of {fields[0].hex() or '(empty)'}, number {int.from_bytes(fields[1], 'big')}"
            said.what, said.more = "OSCORE", outside.removeprefix("OSCORE ")
            plain = self._request(message, heard, fields[0])
        else:
            outside = said.more = "OSCORE"
            known = self._requests.get((heard.destination, heard.source, message.token))
            plain = known and known[0].read(message, known[1])
        if not plain:
            return "OSCORE", outside
        plain, _ = plain
        said.code, said.what, said.more = _code(plain), "", ""
        kind, inside = self._body(plain, said)
        return kind, f"{outside}: {said.code} {inside}".rstrip()

    def _request(self, message, heard, kid):
        for context, answering in self._pairs:
            if context.recipient_id == kid:
                plain = context.read(message, None)
                if plain:
                    self._requests[heard.source, heard.destination, message.token] = answering, plain[1]
                    if len(self._requests) > _KEPT:
                        del self._requests[next(iter(self._requests))]
                    return plain
        return None

    def _body(self, message, said):
        """(a word, the body's summary) of a plain message."""
        if not message.payload:
            path = "/".join(message.opt.uri_path)
            said.more = path and f"/{path}"
            return message.code.dotted if message.code.is_response() else "CoAP", said.more
        try:
            body = bodies.parse(message.payload)
        except bodies.Malformed:
            text = message.payload[:80].decode(errors="replace")
            if message.code.is_response():
                said.more = text
                return "not JSON", f'"{text[:40]}"'
            return "not JSON", "not JSON"
        kind = str(body.get("msgType", "answer"))
        if "msgType" in body:
            said.what = kind
        _facts(body, said)
        summary = " ".join([kind, *_members(body)])
        if self._payloads and isinstance(body.get("payload"), str):
            shown = " " + _shown(body["payload"])
            summary += shown
            if not said.parts:
                said.more += shown if len(shown) <= _IN_PICTURE else shown[:_IN_PICTURE] + "..."
        return kind, summary


def _fields(message):
    """(kid, Partial IV) of a protected request."""
    try:
        fields = oscore.verify_start(message)
        return fields[oscore.COSE_KID], fields[oscore.COSE_PIV]
    except (oscore.NotAProtectedMessage, oscore.DecodeError, IndexError, KeyError):
        return None


class _Listener(oscore.CanUnprotect, oscore.SecurityContextUtils):
    """Reads what one end sends. It takes no part: whether a number was seen before is for the other end to say."""

    alg_aead = oscore.AES_CCM_16_64_128()
    hashfun = oscore.hashfunctions["sha256"]
    echo_recovery = None

    class _AllNew:
        is_initialized = staticmethod(lambda: True)
        is_valid = staticmethod(lambda number: True)
        strike_out = staticmethod(lambda number: None)

    recipient_replay_window = _AllNew()

    def __init__(self, keys, turned):
        """`turned`: what the gateway sends, else the device."""
        ids = keys.sender_id, keys.recipient_id
        self.sender_id, self.recipient_id = ids[::-1] if turned else ids
        self.id_context = keys.id_context
        self.derive_keys(keys.salt, keys.secret)

    def read(self, message, request_id):
        """aiocoap's (plain message, request_id); None where the key is another."""
        try:
            return self.unprotect(message, request_id)
        except (oscore.ProtectionInvalid, oscore.DecodeError, error.Error, ValueError, IndexError):
            return None


def _code(message):
    code = message.code
    return "empty" if code == aiocoap.EMPTY else code.name if code.is_request() else code.dotted


def _facts(body, said):
    """Puts what tells one message from another into a Said; whatever a peer may have put there."""
    if isinstance(body.get("msgId"), str):
        said.message_id = body["msgId"][:8]
    segment = body.get("segParams")
    if isinstance(segment, dict):
        part, parts = segment.get("segNumb"), segment.get("totalSegCount")
        if type(part) is int and type(parts) is int and 0 < part and 0 <= parts:
            said.part, said.parts = part, max(part, parts)
    said.more = " ".join(_addresses(body))


def _addresses(body):
    for member, word in (("oriAddr", "from"), ("destAddr", "to")):
        address = body.get(member)
        if isinstance(address, dict):
            yield f"{word} {address.get('addr')}"


def _members(body):
    """The few that tell one message from another; whatever a peer may have put there."""
    if isinstance(body.get("msgId"), str):
        yield body["msgId"][:8]
    segment = body.get("segParams")
    if isinstance(segment, dict):
        yield f"{segment.get('segNumb', '?')}/{segment.get('totalSegCount', '?')}"
    elif "segId" in body:
        yield f"set {body['segId']} {body.get('segNoList', '')}".rstrip()
    yield from _addresses(body)
    for member in ("regList", "deregList", "result", "DelSta"):
        value = body.get(member)
        if value is not None:  # the lists are a Gateway UE's, for many UEs
            yield f"for {len(value)}" if isinstance(value, list) else str(value).lower()
    if isinstance(body.get("payload"), str):
        yield f"payload of {payload.content_size(body['payload'])}"


def _shown(value):
    """A `payload` member, for people: its text, or the octets in hex."""
    if payload.is_octets(value):
        try:
            return payload.to_octets(value).hex(" ")
        except ValueError:
            pass
    return f'"{value}"'
