# SPDX-License-Identifier: MIT
"""The MSGin5G Client: TS 24.538 clauses 6.3, 6.4.1.1 and 6.5 behind one CoAP endpoint, without waiting.

It is driven like `coap.Endpoint`: `receive` for each datagram, `poll` when `next_deadline` has come, and after
each call everything is taken out of `outgoing` and `next_event`.
"""

from coap import exchange as coap_exchange
from coap import numbers
from coap.compat import const, earliest, random_octets
from coap.message import Message as CoapMessage
from coap.message import MessageError, encode, uint_octets

from . import security
from .errors import BodyError, ConfigError
from .incoming.receiver import Receiver, Refusal
from .outgoing.compose import PATH, TOKEN, BodyComposer, request
from .outgoing.sender import Sender
from .procedures.registration import Registration
from .role import STARVED, Role
from .wire import bodies

_RESERVE = const(448)  # octets of a datagram that are not payload, in what the device tells others to send
_FROM_PEER = (coap_exchange.REQUEST, coap_exchange.NOTIFICATION)


def _later():
    """The answer to a request that there is no memory for."""
    return CoapMessage(numbers.SERVICE_UNAVAILABLE, b"", [(numbers.MAX_AGE, uint_octets(10))])


class Client(Role):
    """See the module. `config` is a Config, `storage` as store/storage.py describes, `random(n)` gives n octets.

    `peer` is the address that the link sends to and is heard from, (host, port) for UDP; the link may set
    it anew. `clock()`, where a board has one, gives seconds since 1970, or None while it is not set.
    `lent` is a message that was taken from an earlier Client on this storage, and can still be read.
    Raises ConfigError where the configuration asks for what this class is not.
    """

    def __init__(self, config, storage, random=random_octets, clock=None, lent=None):
        if config.role != "client":
            raise ConfigError("role", 'must be "client" for a Client')
        super().__init__(config, storage, lent)
        self.stats["recoveries"] = 0  # times that missing segments were asked for
        self.stats["given_up"] = 0  # messages whose segments never came
        self.peer = (config.peer_host, config.peer_port)
        max_datagram = config.coap["max_datagram"]
        self.endpoint = security.endpoint(config, storage, random, self._admit)
        largest = min(config.segments["size"], max_datagram - _RESERVE)
        self.registration = Registration(config, (("maxSegSize", largest),), random)
        self._sender = Sender(config, self.outbox, self.stats, self._changed, self._cancel, random)
        self._receiver = Receiver(config, storage, self._ledger, self.stats, self._failed, random)
        self._composer = BodyComposer(config, storage, self._ledger, self.outbox, random, clock)
        self._on_air = 0
        self._storage = storage
        self._random = random
        self._topics = None
        if storage.read("topics", 0, 1):
            self._open_topics()
        for step in ("GWREG", "REG"):
            needed = len(encode(request(config, self.registration.body(step), True))) + TOKEN
            needed += security.overhead(config)
            if needed > max_datagram:
                raise ConfigError("coap.max_datagram", "must be %d or more with these service IDs" % needed)

    # --- what the application's side calls, beside what Role has -----------------------------------------

    def subscribe(self, topic, now):
        """Gives the Subscription of a Messaging Topic, which the storage keeps (clause 6.6).

        Raises ValueError for what can be no topic, and for one too many; StorageError.
        """
        subscription = self._open_topics().subscribe(topic, now)
        self._work(now)
        return subscription

    def unsubscribe(self, topic, now):
        """Ends it; gives its Subscription. Raises StorageError."""
        subscription = self._open_topics().unsubscribe(topic, now)
        self._work(now)
        return subscription

    def _open_topics(self):
        if self._topics is None:
            from .procedures.topics import Topics  # here, so that its memory is only spent where it is needed

            self._topics = Topics(self, self._storage, self._random, self._serve, self._events)
        return self._topics

    # --- what the runner calls --------------------------------------------------------------------------

    def receive(self, datagram, peer, now):
        self._now = now
        told = True
        try:
            # What tells us nothing, a flood, costs no look at all that could be done.
            told = self.endpoint.receive(datagram, peer, now)
        except STARVED:
            self._starve(now)  # as if it had been lost
        if told:
            self._work(now)

    def poll(self, now):
        try:
            self.endpoint.poll(now)
        except STARVED:
            self._starve(now)
        self._work(now)

    def outgoing(self):
        """The next (octets, peer) for the link, or None."""
        return self.endpoint.outgoing()

    def _link_deadline(self, now):
        deadline = self.endpoint.next_deadline()
        return earliest(deadline, self._topics.next_deadline(now)) if self._topics else deadline

    # --- what is sent -----------------------------------------------------------------------------------

    def _do(self, now):
        """Everything that can be done now: events of the endpoint, what is due, what may go out."""
        if self._event is not None:
            self._undo(now)
        while True:
            self._event = event = self.endpoint.next_event()
            if event is None:
                break
            if event[0] not in _FROM_PEER:
                self._on_air -= 1
            self._handle(event, now)
        self.registration.poll(now)
        self._sender.poll(now)
        self._receiver.poll(now)
        if self._topics:
            self._topics.poll(now)
        while self._on_air < self.config.coap["nstart"] and self._send_next(now):
            pass
        self._announce()

    def _undo(self, now):
        event = self._event
        if event is None:
            return
        kind, subject, _ = event
        if kind == coap_exchange.REQUEST:
            self._event = None  # where this fails too, the peer's repeat is another try
            self.endpoint.respond(subject, _later(), now)
        elif kind != coap_exchange.NOTIFICATION:  # one that is not accepted comes again
            source, item = subject.tag
            source.unanswered(item, now)
        self._event = None

    def _send_next(self, now):
        sources = (self.registration, self._receiver, self._topics, self._sender)
        for source in sources if self.registered and not self.registration.stopping else sources[:1]:
            job = source and source.next(now)
            if job is not None:
                item, body, confirmable = job
                try:
                    message = request(self.config, body, confirmable)
                    if source is self._topics:
                        source.ask(item, message, now)
                    else:
                        exchange = self.endpoint.request(message, self.peer, now, (source, item))
                except MessageError as error:
                    source.impossible(item, str(error), now)
                    return True
                except OSError:  # of the storage: OSCORE has no number to send with
                    source.unanswered(item, now)
                    return True
                except MemoryError:
                    source.unanswered(item, now)
                    raise
                self._on_air += 1
                if source is self._sender:
                    item.exchange = exchange
                return True
        return False

    def _cancel(self, exchange, now):
        self.endpoint.cancel(exchange, now)
        self._on_air -= 1

    # --- what comes in ------------------------------------------------------------------------------------

    def _admit(self, message, peer):
        """Without OSCORE the address is all there is to know a peer by; its port may change (NAT)."""
        if peer == self.peer or (isinstance(peer, tuple) and peer[0] == self.peer[0]):
            return None
        return numbers.FORBIDDEN

    def _handle(self, event, now):
        kind, subject, message = event
        if kind == coap_exchange.REQUEST:
            self._heard()
            self.endpoint.respond(subject, self._serve(message, now), now)
            return
        if kind == coap_exchange.NOTIFICATION:
            self._heard()
            self._topics.notified(subject, message, now)
            return
        source, item = subject.tag
        if kind == coap_exchange.REFUSED and source is self.registration:
            source.unanswered(item, now, self.endpoint.security.explain(message))
            return
        if kind != coap_exchange.RESPONSE:
            source.unanswered(item, now)
            return
        self._heard()
        if source is not self.registration:
            if message.code == numbers.UNAUTHORIZED:
                self.registration.required(now)
            elif message.code >> 5 == 2:
                self.registration.proved()
        source.answered(item, message, now)

    def _heard(self):
        super()._heard()
        if self._topics:
            self._topics.heard()

    def _serve(self, message, now):
        """Return the response to a request of the peer (docs/wire-profile.md, "Answers"), or to a notification."""
        options = []
        diagnostic = b""
        try:
            code = self._dispatch(message, now)
        except BodyError as error:
            self.stats["malformed"] += 1
            code = numbers.BAD_REQUEST
            diagnostic = str(error).encode()
        except Refusal as refusal:
            code = refusal.code
            diagnostic = str(refusal).encode()
            if refusal.max_age is not None:
                options.append((numbers.MAX_AGE, uint_octets(refusal.max_age)))
        except OSError as error:
            code = numbers.INTERNAL_SERVER_ERROR
            diagnostic = b"storage: " + str(error).encode()
        except STARVED:
            # The message is not in the inbox: the sender keeps it and comes again.
            self.stats["starved"] += 1
            return _later()
        return CoapMessage(code, diagnostic, options)

    def _dispatch(self, message, now):
        if message.code < 32:
            if message.path != PATH:
                raise Refusal(numbers.NOT_FOUND, "only " + PATH)
            if message.code != numbers.POST:
                raise Refusal(numbers.METHOD_NOT_ALLOWED, "only POST")
        if message.uint(numbers.CONTENT_FORMAT, numbers.JSON) != numbers.JSON:
            raise Refusal(numbers.UNSUPPORTED_CONTENT_FORMAT, "only application/json (50)")
        body = bodies.Body.read(message.payload)
        if body.text("msgIden") != self.config.service_identifier:
            raise BodyError("msgIden", "not " + self.config.service_identifier)
        kind = body.text("msgType").upper()
        if kind == "MSG":
            before = len(self._receiver.inbox)
            self._receiver.message(body, now)
            if len(self._receiver.inbox) > before:
                self._came()
        elif kind == "IMDN":
            self._report(body, now)
        elif kind == "MSGRESP":
            self._response(body, now)
        elif kind == "SEGREC":
            ranges = bodies.read_ranges(body.text("segNoList", longest=1024))
            if not self._sender.recovery(body.text("segId"), ranges, now):
                raise Refusal(numbers.NOT_FOUND, "segId: nothing is held of this message")
        elif kind in ("SEGCONFIR", "SEGCOFIR"):  # the second is a misprint of clause 6.5.3.5
            self._expected(self._sender.confirmation(body.text("segId"), body.flag("result"), now))
        elif kind in ("REGRESP", "DEREGRESP"):
            self._expect_own(body, "oriAddr")
            self.registration.pushed(body, now)
        else:
            raise BodyError("msgType", "unknown")
        return numbers.CHANGED

    def _expect_own(self, body, name):
        """What is for another UE is not ours to act on. A member that is missing says nothing."""
        if (
            name in body
            and body.address(name, name[:-4] + "AddrType", ("UE", "AS"))[1] != self.config.ue_service_id
        ):
            raise Refusal(numbers.NOT_FOUND, name + ": not this UE")

    def _report(self, body, now):
        sender = body.originator()[1]
        self._expect_own(body, "destAddr")
        if "msgList" in body:  # an aggregated report, clause 6.4.1.1.9
            elements = body.elements()
        else:
            elements = (body,)
        for element in elements:
            status, cause = element.status()
            self._expected(self._sender.report(sender, element.message_id(), status, cause, now))

    def _response(self, body, now):
        self._expect_own(body, "oriAddr")
        status, cause = body.status(None)
        if status is None and cause is not None:
            status = bodies.FAILURE
        if cause is not None and "not registered" in cause.lower():
            self.registration.required(now)
        self._expected(self._sender.response(body.message_id(), status, cause, now))
