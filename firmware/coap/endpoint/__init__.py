# SPDX-License-Identifier: MIT
"""A CoAP endpoint, client and server at once, that never waits: RFC 7252 sections 4 and 5.

It is driven: `receive` for each datagram, `poll` when `next_deadline` has come, and after each of these
(and after `request`, `respond`) everything that `outgoing` and `next_event` have to give is taken out.
Peers are compared and used as dict keys, nothing else: (host, port) pairs, or what the link likes.
"""

from ..compat import const, drop_half_modules, earliest, later, random_octets, ticks_diff, whole
from ..message import Message, MessageError, decode, empty, encode
from .parameters import Exchange, Parameters, postpone

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Octets, Peer, Security, Sink, Tick

    from .duplicates import Duplicates, Incoming
    from .serving import Serving
else:
    Serving = object  # its methods come with the first that is called

# Of `numbers` and `exchange`, and used for each message: the compiler puts the figures in their place
_CON = const(0)
_NON = const(1)
_ACK = const(2)
_EMPTY = const(0)
_RST = const(3)
_OBSERVE = const(6)
_BLOCK2 = const(23)  # the lowest of an option that says more than what the response is
_TOO_LARGE = const(141)
_INTERNAL_ERROR = const(160)
_UNAVAILABLE = const(163)
_MAX_AGE = const(14)
_NO_RESPONSE = const(258)
_RESPONSE = const(2)
_QUEUED = const(0)
_SENT = const(1)
_SECOND = const(1000)

_PARTS = const(
    "coap.endpoint.options Recognizing unrecognized\n"
    "coap.endpoint.continuing Continuing\n"
    "coap.endpoint.serving Serving"
)


class Endpoint(Serving):
    """An endpoint for any number of peers. Sizes are in octets, times in ms.

    `parameters` are coap.Parameters (RFC 7252 section 4.8), `random(n)` returns n random octets. `max_datagram` is
    the longest datagram either way, `max_body` the longest body that may come in blocks (RFC 7959); with 0, Block
    options are not understood.

    `admit(message, peer)`, if given, is asked about each request before anything is kept of it. It returns None to
    let it in, or a response code (int), which is the answer then.

    `security`, if given, is an oscore.Security: messages are plain here and protected on the link, and it judges
    before `admit`.
    """

    MAX_EXCHANGES = 8  # own requests open at once, all peers together
    MAX_INCOMING = 8  # requests of peers not answered yet, and half as many that came by multicast
    MAX_INCOMING_PER_PEER = 4  # of these, and half as many of those
    MAX_QUEUE = 24  # datagrams that wait for outgoing()
    # `streams(message, peer)`, if set, says which bodies of peers are not collected but taken block by block:
    # blockwise.streams
    streams: "Callable[[Message, Peer], object] | None" = None
    # The tag of a request, to be set before it: it waits until one with an equal tag has got a response of success, and
    # goes out in that moment. Where that one ends otherwise it waits on: `cancel` it.
    held: object = None
    ACK_DELAY = 250  # ms that a handler has for a piggybacked response (section 5.2.2)
    # Critical options of requests that the application evaluates, and that are refused otherwise: `conditions.OPTIONS`
    understands: "tuple[int, ...]" = ()
    observers: "Any" = None  # who observes resources of ours, as soon as there is a list of them

    def __init__(
        self,
        parameters: Parameters | None = None,
        max_datagram: int = 1152,
        random: "Callable[[int], bytes]" = random_octets,
        admit: "Callable[[Message, Peer], int | None] | None" = None,
        max_body: int = 4096,
        security: "Security | None" = None,
    ) -> None:
        self.parameters = parameters or Parameters()
        self.max_datagram = max_datagram
        self.max_body = max_body
        self.stats = {
            "received": 0,
            "sent": 0,
            "retransmitted": 0,
            "timeouts": 0,
            "duplicates": 0,  # messages that came again
            "malformed": 0,  # not CoAP
            "unmatched": 0,  # responses, acknowledgements and resets that belong to nothing
            "refused": 0,  # requests not let in: unknown critical option, too long, flood, not admitted
            "dropped": 0,  # datagrams not sent because the link does not take them away
            "abandoned": 0,  # requests of peers that were never answered
            "failed": 0,  # datagrams that could not be handled: no memory, or an error of `admit` or the storage
        }
        self.random = random
        self._admit = admit
        self.security = security
        self._mid = int.from_bytes(random(2), "big")
        self.observations: "Any" = ()  # a list as soon as `observe` has one
        self._exchanges: list = []
        self._incoming: list = []
        self.failure = None  # the last of these errors
        self._leisure = None  # of the datagram that is being received, where it came by multicast
        self._seen = None  # what OSCORE had seen before the datagram that is being received
        self._duplicates: "Duplicates | None" = None  # as soon as there may be one
        self.bodies: list = []
        self._queue: list = []
        self._events: list = []

    def __getattr__(self, name):
        later(Endpoint, name, _PARTS)
        return getattr(self, name)

    # --- what the layer above calls -----------------------------------------------------------------

    def request(
        self,
        message: Message,
        peer: "Peer",
        now: "Tick",
        tag: object = None,
        into: "Sink | None" = None,
        alone: bool = False,
        many: int | None = None,
    ) -> Exchange:
        """Send `message` (a Message) to `peer`, and return the Exchange that its event will name; `tag` is kept there.

        `message.type` says CON or NON. `message` stays as it is: the message ID is chosen here, the token too where
        it is empty. A payload that does not fit a datagram, or has `read(n)`, goes out in blocks (RFC 7959), of the
        size that a Block1 option says at most; it must not change until the event. With `into` the body of a
        successful response is written there, by `write(octets)`, as it comes. `alone` has no blocks put together.

        `many` says that `peer` is a group (section 8): for so many ms each answer of somebody in it is a RESPONSE,
        whose message has a `peer`; a RESPONSE with None is the end. MessageError where it is confirmable, or protected.

        Raise BusyError when MAX_EXCHANGES are open, MessageError when it is no request or does not fit a datagram,
        MemoryError; with
        `security` also oscore.StateError and OSError where it cannot be protected; what reading the payload raises.
        Then nothing was sent.
        """
        if len(self._exchanges) >= self.MAX_EXCHANGES or message.code >> 5 or message.type >> 1:
            self._check(message)
        token = binding = body = silence = None
        quiet = many is not None
        if alone or many is not None:
            body = alone is not True and alone  # of `blockwise`, which deals with the response then
        elif (
            into is not None
            or hasattr(message.payload, "read")
            or (len(message.payload) > self.max_datagram and self.max_body)
        ):
            from ..blockwise import begin

            return begin(self, message, peer, now, tag, into)
        outer = message
        if message.code:
            token = message.token or self._new_token(peer)
            if self.security:
                outer, binding = self.security.protect_request(message, peer)
        for option in message.options:  # not by `option`, which is a call for each request
            quiet |= option[0] == _NO_RESPONSE
        if quiet:
            from .silence import expected

            silence = expected(message, binding, many, self.parameters)
        try:
            return self.start(peer, outer, message.type, token, now, tag, None, binding, body, silence)
        except MessageError:
            if body is not None or not (message.payload and self.max_body):
                raise
        from ..blockwise import begin

        return begin(self, message, peer, now, tag, into)

    def cancel(self, exchange: Exchange, now: "Tick") -> None:
        """Forget an exchange: no more retransmissions, no event. What comes for it counts as unmatched."""
        if exchange in self._exchanges:
            self._exchanges.remove(exchange)
            try:
                self._pump(now)
            except RuntimeError:
                pass  # a stack that is too deep: what waits has its turn with the next datagram or poll

    def receive(self, datagram: "Octets", peer: "Peer", now: "Tick", leisure: "int | None" = None) -> bool:
        """Take one datagram, which may hold anything at all. Return whether there are events to take. Raise nothing.

        With `leisure` it came by multicast (section 8.2). A non-confirmable request is let in, and what answers it goes
        out after a random part of so many ms, errors and what has nothing to say not at all (`incoming.quiet`); all
        else is refused, in silence.

        Where there is no memory for it, or `admit` or the storage fails, it counts as "failed" and is treated as
        lost: nothing of it is kept, and it is handled when it comes again. A request is answered 5.03 then, but with
        `security`.
        """
        self._seen = None
        self._leisure = leisure
        try:
            self.stats["received"] += 1
            if self._duplicates is not None:
                self._duplicates.fresh = None
                self._duplicates.expire(now)
            self._take(datagram, peer, now)
        except Exception as error:
            self._undo(error, datagram, peer)
        if self._exchanges:
            self._pump(now)
        return True if self._events else False

    def _take(self, datagram, peer, now):
        if self._leisure is not None:
            from .multicast import admits

            if not admits(self, datagram, peer, self._incoming):
                self.stats["refused"] += 1
                return
        if len(datagram) > self.max_datagram:
            self._refuse_long(datagram, peer)
            return
        try:
            message = decode(datagram)
        except MessageError as error:
            self.stats["malformed"] += 1
            if error.reset is not None:
                self._reset(error.reset, peer)
            return
        if message.options and not self.security:  # under OSCORE those inside count, once decrypted
            self.unrecognized(message)  # has removed elective options of a wrong form
        if message.code == _EMPTY:
            self._receive_empty(message, peer, now)
        elif 0 < message.code < 32:
            self._receive_request(message, peer, now, datagram)
        else:
            self._receive_response(message, peer, now)

    def _undo(self, error, datagram, peer):
        """Undo what `receive` could not finish. Raise nothing."""
        self.stats["failed"] += 1
        self.failure = error
        drop_half_modules()
        entry = self._duplicates and self._duplicates.release()
        if entry is not None:
            _drop(self._incoming, entry)
            _drop(self.bodies, entry)
        if self._seen is not None:
            self.security.restore(self._seen)
        if (
            self.security
            or self._leisure is not None
            or len(datagram) < 4
            or datagram[0] & 0xF0 != 0x40
            or not 0 < datagram[1] < 32
        ):
            return  # only a confirmable request to us alone, and under OSCORE not by an unprotected error
        try:
            code = _UNAVAILABLE
            if not isinstance(error, (MemoryError, OSError)):
                code = _INTERNAL_ERROR
            token = bytes(datagram[4 : 4 + min(8, datagram[0] & 15)])
            answer = Message(code, options=((_MAX_AGE, b"\x02"),))
            mid = datagram[2] << 8 | datagram[3]
            self._put_unless_flooded(encode(answer, _ACK, mid, token), peer)
        except MemoryError:
            pass  # no answer: the peer sends it again

    def poll(self, now: "Tick") -> None:
        """Do what is due: retransmissions, time-outs, empty acknowledgements. Raise nothing: whatever lacks memory
        is tried again after a second."""
        self._poll(self._exchanges, now)
        self._poll(self._incoming, now)
        self._poll(self.bodies, now)
        self._poll(self.observations, now)
        try:
            if self._duplicates is not None:
                self._duplicates.expire(now)
            if self.security:
                self.security.poll(now)
        except MemoryError:
            pass  # at the next poll: nothing waits for it
        self._pump(now)

    def _poll(self, group, now):
        # By index, since an iterator takes memory on CPython, and since an item's poll() may remove it from the
        # group.
        index = 0
        while index < len(group):
            item = group[index]
            try:
                if item.deadline is not None and ticks_diff(now, item.deadline) >= 0:
                    item.poll(self, now)
            except MemoryError:
                postpone(item, now)
            if index < len(group) and group[index] is item:
                index += 1

    def next_deadline(self) -> "Tick | None":
        """Return the tick when `poll` is needed next, or None. It is needed once a day in any case: ticks wrap, and
        one that is kept for more than 3.1 days would seem to lie ahead."""
        deadline = None
        if self._exchanges:
            deadline = _soonest(None, self._exchanges)
        if self._incoming:
            deadline = _soonest(deadline, self._incoming)
        if self.bodies:
            deadline = _soonest(deadline, self.bodies)
        return _soonest(deadline, self.observations) if self.observations else deadline

    def outgoing(self) -> "tuple[bytes | bytearray, Peer] | None":
        """Return the next (octets, peer) for the link, or None."""
        if not self._queue:
            return None
        self.stats["sent"] += 1
        return self._queue.pop(0)

    def next_event(self) -> "tuple[int, Any, Message | None] | None":
        """Return the next (kind, exchange or incoming or observation, message or None), or None."""
        return self._events.pop(0) if self._events else None

    # --- what its parts call ------------------------------------------------------------------------
    # Observations, observers, exchanges and bodies in blocks use this, `random`, `bodies`, `security`, `parameters`,
    # `stats`, and `accept`, `expire`, `overdue`, `request_of`, `ask_again`, `shaped` of the base classes;
    # nothing else of an endpoint.

    def put(self, datagram: "Octets", peer: "Peer") -> None:
        """Queue a datagram. Raise nothing: where there is no memory it is dropped, as CoAP survives a lost
        datagram."""
        try:
            self._queue.append((datagram, peer))
        except MemoryError:
            self.stats["dropped"] += 1
        if len(self._queue) > self.MAX_QUEUE:
            self.stats["dropped"] += 1
            self._queue.pop(0)

    def emit(self, event: "tuple[int, object, Message | None]") -> None:
        """Have `next_event` give this one."""
        self._events.append(event)

    # --- sending ------------------------------------------------------------------------------------

    def next_mid(self) -> int:
        """Return the next Message ID (section 4.4)."""
        self._mid = (self._mid + 1) & 0xFFFF
        return self._mid

    def _new_token(self, peer):
        while True:
            token = self.random(4)
            if not self._exchanges and not self.observations:
                return token
            if _holder(self._exchanges, token, peer) is _holder(self.observations, token, peer):
                return token  # both None

    def encoded(self, message: Message, type: int, mid: int, token: bytes) -> bytearray:
        """Return the octets of a message. Raise MessageError where they are more than a datagram may have."""
        datagram = encode(message, type, mid, token)
        if len(datagram) > self.max_datagram:
            raise MessageError("%d octets: max_datagram is %d" % (len(datagram), self.max_datagram))
        return datagram

    def _put_unless_flooded(self, datagram, peer):
        """Queue what others can make us send at will, unless the queue is half full."""
        if len(self._queue) > self.MAX_QUEUE // 2:
            self.stats["dropped"] += 1  # so that a flood of these does not push out our own messages
        else:
            self.put(datagram, peer)

    def start(
        self,
        peer: "Peer",
        message: Message,
        type: int,
        token: bytes | None,
        now: "Tick",
        tag: object,
        incoming: "Incoming | None",
        binding: "Any",
        body: "Any" = None,
        silence: "tuple[int, bool] | None" = None,
    ) -> Exchange:
        """Send a message that something is expected for; return its Exchange. Raise MessageError, MemoryError: then it
        was not started."""
        mid = self.next_mid()
        datagram = self.encoded(message, type, mid, token or b"")
        confirmable = type == _CON
        # A separate response has the token of the peer's request: nothing that comes in may be matched with that
        # token.
        exchange = Exchange(peer, datagram, mid, None if incoming else token, confirmable, tag, incoming)
        if binding:
            exchange.binding = binding
            exchange.refusal = None
        if body is not None:
            exchange.body = body
        if silence is not None:
            exchange.silence, exchange.many = silence
        self._exchanges.append(exchange)
        self._pump(now)
        return exchange

    def _pump(self, now):
        """Put queued exchanges on the air, at most NSTART confirmable ones a peer (section 4.7). Raise nothing."""
        index = 0
        exchanges = self._exchanges
        while index < len(exchanges):
            exchange = exchanges[index]
            index += 1
            if exchange.state == _QUEUED:
                try:
                    self._launch(exchange, now)
                except MemoryError:
                    postpone(exchange, now)
                except RuntimeError:  # a stack that is too deep, also for what `postpone` calls
                    exchange.deadline = now + _SECOND

    def _launch(self, exchange, now):
        if self.held is not None and exchange.tag is self.held:
            return
        parameters = self.parameters
        if exchange.confirmable:
            if len(self._exchanges) > 1:
                peer = exchange.peer
                on_air = 0
                for each in self._exchanges:
                    if each.state == _SENT and each.confirmable and each.peer == peer:
                        on_air += 1
                if on_air >= parameters.nstart:
                    return
            # ACK_TIMEOUT * (1 .. ACK_RANDOM_FACTOR), section 4.2
            shortest = parameters.ack_timeout
            spread = shortest * (parameters.ack_random_factor - 1)
            timeout = shortest + int(spread * int.from_bytes(self.random(2), "big")) // 65535
        else:
            timeout = exchange.silence
            if timeout is None:
                timeout = parameters.non_timeout or parameters.non_lifetime
        exchange.timeout = timeout
        exchange.deadline = now + timeout
        exchange.state = _SENT
        self.put(exchange.datagram, exchange.peer)

    def _finish(self, exchange, kind, message, now):
        """End an exchange in one of the five ways: 1 response, 2 reset, 3 time-out (REFUSED where something came
        that did not verify), 4 a separate response of ours was acknowledged (no event: nobody waits), 5 the same
        was reset or timed out (no event). Raise MemoryError: then it has not ended."""
        if exchange.incoming is None:
            self._events.append((kind, exchange, message))
            # Nothing may want memory from here on: the event would come a second time. `held` is an attribute of the
            # object where it is not None, so that setting it wants none.
            if self.held is not None and exchange.tag == self.held and kind == _RESPONSE:
                if message is not None and message.code >> 5 == 2:
                    self.held = None
        else:
            if self.observers:
                self.observers.ended(exchange, kind, now)
            if exchange.incoming in self._incoming:
                self._incoming.remove(exchange.incoming)
        self._exchanges.remove(exchange)
        index = 0
        while index < len(self.observations):
            observation = self.observations[index]
            index += 1
            if observation.exchange is exchange:
                try:
                    observation.answered(kind, message, now)
                except MemoryError:
                    observation.forget()
                return

    # --- receiving ----------------------------------------------------------------------------------

    def _receive_response(self, message, peer, now):
        confirmable = message.type == _CON
        if message.type != _ACK and self._duplicates is not None and self._came_again(message, peer, now):
            return
        if self.observations:
            observation = _holder(self.observations, message.token, peer)
            if observation and observation.on_notification(message, now):
                return
        exchange = self._exchange_of(message, peer)
        verify = exchange is not None and (message.options or exchange.binding)
        plain = self._verified(exchange, message, now) if verify else message
        if exchange is None or plain is None:
            self._reject(message, peer, exchange is None)
            return
        # All that can fail is done before the exchange changes, so that the response can be taken when it comes
        # again.
        acknowledgement = self._remember(message, peer, now) if confirmable else None
        if exchange.many:
            kind = self._take_one(exchange, plain, peer, now)
        else:
            more = (plain.options or exchange.body) and _may_go_on(exchange, plain)
            kind = self._go_on(exchange, plain) if more else _RESPONSE
        if kind is not None:
            self._finish(exchange, kind, plain, now)
        if acknowledgement:
            self.put(acknowledgement, peer)

    def _verified(self, exchange, message, now):
        """Return the plain response to an exchange; None for one that does not verify or cannot be understood."""
        if exchange.binding:
            plain = self.security.unprotect_response(message, exchange.binding, now)
            if plain is None:
                self._doubt(exchange, message, now)
                return None
            message = plain
        if message.options and self.unrecognized(message) is not None:
            return None
        return message

    def _exchange_of(self, message, peer):
        """Return the exchange that a response answers, or None. Token and peer make the match (section 5.3.2), for
        a piggybacked response the message ID as well."""
        for exchange in self._exchanges:
            if (
                exchange.token == message.token
                and (exchange.peer == peer or exchange.many)
                and exchange.state != _QUEUED
            ):
                return None if message.type == _ACK and exchange.mid != message.mid else exchange
        return None


def _may_go_on(exchange, response):
    """Return whether a response may not be the end of its exchange: a device that gets no such one never loads what
    deals with it."""
    if exchange.body:
        return True
    for number, _ in response.options:
        if number >= _BLOCK2 or response.code == _TOO_LARGE or exchange.binding and exchange.binding.again:
            return True
    return False


def _holder(group, token, peer):
    for each in group:
        if each.token == token and each.peer == peer:
            return each
    return None


def _soonest(deadline, group):
    for each in group:
        deadline = earliest(deadline, each.deadline)
    return deadline


def _drop(group, entry):
    index = len(group)
    while index:
        index -= 1
        if group[index].entry is entry:
            group.pop(index)


whole(Endpoint, _PARTS)
