# SPDX-License-Identifier: MIT
"""MSGin5G-5 over CoAP and JSON: TS 24.538 Annex A.3.

Written with the spelling REQUEST, read as REQEUST too, as the schemas print it. `registration ID` and
`failure reason` are keys with a space there; keys without are read as well.
"""

import binascii

from coap import exchange as coap_exchange
from coap import numbers
from coap.compat import unload
from coap.message import Message as CoapMessage
from coap.message import MessageError, encode, uint_octets

from ..rules.refusals import Refusal, later, response
from ..security import overhead
from ..wire import bodies, causes, payload
from ..wire.answer import Answer
from ..wire.identifiers import BodyError, id_text

_PATH = "/msgin5g"
_TARGET_TYPES = ("UE", "AS", "GROUP")
_PRIORITIES = ("LOW", "MEDIUM", "NORMAL", "MIDDLE", "HIGH")
_TOKEN = 4  # octets, which the endpoint adds


class JsonWire:
    """Requests out and in, for an ApplicationClient (`owner`)."""

    text = True  # a payload says whether it is text

    def __init__(self, config, owner, random, storage):
        self.peer = (config.peer_host, config.peer_port)
        if config.peer_scheme == "coap+uart":
            self.peer = config.peer_host
        self.stats = owner.stats
        self._config = config
        self._owner = owner
        self._random = random
        from ..procedures import opening

        self.endpoint = opening.endpoint(config, storage, random, self._admit)
        unload(opening.__name__)  # it has done its work
        self._exchange = None  # of the request that is open

    # --- requests of ours -----------------------------------------------------------------------------

    def check(self, to, to_type, app_id, size):
        """Raise ValueError for a message that cannot be sent, whatever its payload."""
        if to_type not in _TARGET_TYPES:
            raise ValueError("to_type must be one of " + ", ".join(_TARGET_TYPES))

    def check_whole(self, outgoing):
        """Raise ValueError where the message does not fit a datagram."""
        limit = self._config.coap["max_datagram"]
        head = len(encode(self._request(_message(outgoing, b'""')))) + _TOKEN + overhead(self._config)
        # the largest that could fit needs no escapes; only what may fit is read
        if head + outgoing.size <= limit:
            if head + len(payload.value_of(outgoing.source)) - 2 <= limit:
                return
        raise ValueError(
            "payload: %d octets do not fit coap.max_datagram (%d), and MSGin5G-5 has no segments"
            % (outgoing.size, limit)
        )

    def idle(self, now):
        return self._exchange is None

    def free(self, tag):
        return True

    def request(self, tag, content, now):
        """Send what `content` says: the kind and the subject. Raise OSError where the storage lost the payload."""
        kind, subject = content
        body = self._body(kind, subject)
        try:
            self._exchange = self.endpoint.request(self._request(body), self.peer, now, (tag, kind))
        except MessageError as error:  # a service ID or a credential that is too long
            self._owner.unsendable(tag, str(error), now)
        except OSError:  # of the storage: OSCORE has no number to send with
            self._owner.answered(tag, None, now)

    def _body(self, kind, subject):
        service = ("msgIden", self._config.service_identifier)
        if kind == "MSG":
            return _message(subject, payload.value_of(subject.source))
        if kind == "IMDN":
            return bodies.write(
                ("msgType", "DELIVERY REPORT SENDING REQUEST"),
                ("msgId", id_text(subject.id)),
                ("reply2msgId", subject.message.message_id),
                ("deliveryStatus", "SUCCESS" if subject.success else "FAILED"),
            )
        if kind == "REG":
            return bodies.write(
                service,
                ("msgType", kind),
                ("appId", str(subject["app_id"])),
                ("credential", str(binascii.hexlify(subject["credential"]), "ascii")),
            )
        return bodies.write(
            service, ("msgType", kind), ("registrationID", str(binascii.hexlify(subject), "ascii"))
        )

    def cancel(self, item, now):
        if self._exchange is not None and self._exchange.tag[0][1] is item:
            self.endpoint.cancel(self._exchange, now)
            self._exchange = None

    def _request(self, body):
        options = [
            (numbers.URI_PATH, _PATH[1:].encode()),
            (numbers.CONTENT_FORMAT, uint_octets(numbers.JSON)),
        ]
        return CoapMessage(numbers.POST, body, options)

    # --- driven by the owner --------------------------------------------------------------------------

    def outgoing(self):
        return self.endpoint.outgoing()

    def poll(self, now):
        self.endpoint.poll(now)
        self._events(now)

    def next_deadline(self, now):
        return self.endpoint.next_deadline()

    def receive(self, datagram, peer, now):
        # a copy, since its events may wait for memory until the next one comes
        self.endpoint.receive(bytes(datagram), peer, now)
        self._events(now)

    def _events(self, now):
        while True:
            event = self.endpoint.next_event()
            if event is None:
                return
            kind, subject, message = event
            if kind == coap_exchange.REQUEST:
                try:
                    self.endpoint.respond(subject, self._serve(message, now), now)
                except MemoryError:
                    self.endpoint.respond(subject, response(later(), self.stats), now)
                continue
            self._exchange = None
            tag, kind_sent = subject.tag
            self._owner.event = tag  # until it is done: what finds no memory is not forgotten
            answer = None
            if kind == coap_exchange.RESPONSE:
                answer = self._answer(kind_sent, message)
            self._owner.answered(tag, answer, now)

    def _answer(self, what, message):
        if not numbers.is_success(message.code):
            max_age = message.uint(numbers.MAX_AGE)
            return Answer(False, None, bodies.failure(message), None, max_age, message.code)
        if what == "IMDN":
            return Answer(True)
        try:
            return _read_answer(what, bodies.Body.read(message.payload))
        except BodyError as error:
            self.stats["malformed"] += 1
            return Answer(False, causes.PROTOCOL_ERROR, "answer not understood, %s" % error)

    # --- what comes in --------------------------------------------------------------------------------

    def _admit(self, message, peer):
        """Without OSCORE the address is all there is to know a peer by; its port may change (NAT)."""
        if peer == self.peer or (isinstance(peer, tuple) and peer[0] == self.peer[0]):
            return None
        return numbers.FORBIDDEN

    def _serve(self, message, now):
        try:
            if message.path != _PATH:
                raise Refusal(numbers.NOT_FOUND, "only " + _PATH)
            if message.code != numbers.POST:
                raise Refusal(numbers.METHOD_NOT_ALLOWED, "only POST")
            if message.uint(numbers.CONTENT_FORMAT, numbers.JSON) != numbers.JSON:
                raise Refusal(numbers.UNSUPPORTED_CONTENT_FORMAT, "only application/json (50)")
            body = bodies.Body.read(message.payload)
            kind = body.text("msgType").upper().replace("REQEUST", "REQUEST")
            if kind == "MESSAGE RECEIVED REQUEST":
                cause = self._owner.message(*_read_message(body, self._owner), now)
                answer = bodies.write(
                    ("msgType", "MESSAGE RECEIVED RESPONSE"),
                    ("result", "SUCCESS" if cause is None else "FAILED"),
                    ("failReason", None if cause is None else causes.text(cause)),
                )
                options = [(numbers.CONTENT_FORMAT, uint_octets(numbers.JSON))]
                return CoapMessage(numbers.CONTENT, answer, options)
            if kind == "DELIVERY REPORT RECEIVED REQUEST":
                status = _choice(body, "deliveryStatus", ("SUCCESS", "FAILED"))
                # A.3.2.4 does not require it: then the report has the ID of the message itself
                about = body.text("reply2msgId") if "reply2msgId" in body else body.message_id()
                self._owner.reported(about.lower(), status == "SUCCESS", None, now)
                return CoapMessage(numbers.CHANGED)
            raise BodyError("msgType", "unknown")
        except (BodyError, Refusal, MemoryError, RuntimeError) as error:
            return response(error, self.stats)


def _message(outgoing, value):
    """MESSAGE SENDING REQUEST, clause A.3.2.1."""
    return bodies.write(
        ("msgType", "MESSAGE SENDING REQUEST"),
        ("appId", None if outgoing.app_id is None else str(outgoing.app_id)),
        ("msgId", outgoing.message_id),
        ("isDelivStatReq", True if outgoing.report else None),
        ("destAddr", bodies.destination(outgoing.to_type, outgoing.to)),
        ("payload", value),
    )


def _read_message(body, owner):
    """Return (Message, payload value) of clause A.3.2.3. Its descriptions of oriAddr and groupId are swapped; the
    names are what counts here."""
    priority = "MEDIUM"
    if "priority" in body:
        priority = _choice(body, "priority", _PRIORITIES)
    message = owner.new_message(
        body.message_id().lower(),
        body.text("oriAddr", ""),
        body.text("groupId", None),
        body.flag("isDelivStatReq", False),
        priority if priority in ("LOW", "HIGH") else "NORMAL",
    )
    return message, str(body.payload(...), "utf-8")


def _read_answer(what, body):
    if what == "MSG":
        accepted = _choice(body, "result", ("SUCCESS", "FAILED")) == "SUCCESS"
        why = None if accepted else body.text("failReason", "no cause given", longest=1024)
    else:
        accepted = body.flag("result", None)
        if accepted is None:
            raise BodyError("result", "missing")
        why = None if accepted else body.cause() or "no cause given"
    if not accepted:
        return Answer(False, causes.cause(why), why)
    registration_id = None
    if what == "REG":
        name = "registration ID" if "registration ID" in body else "registrationID"
        digits = body.text(name)
        try:
            registration_id = binascii.unhexlify(digits)
        except ValueError:
            raise BodyError(name, "not hexadecimal digits")
    return Answer(True, None, None, registration_id)


def _choice(body, name, choices):
    value = body.text(name).upper()
    if value not in choices:
        raise BodyError(name, "not one of " + ", ".join(choices))
    return value
