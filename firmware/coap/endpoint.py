# SPDX-License-Identifier: MIT
"""A CoAP endpoint, client and server at once, that never waits: RFC 7252 sections 4 and 5.

It is driven: `receive` for each datagram, `poll` when `next_deadline` has come, and after each of these
(and after `request`, `respond`) everything that `outgoing` and `next_event` have to give is taken out.
Peers are compared and used as dict keys, nothing else: (host, port) pairs, or what the link likes.
"""

from . import numbers
from .compat import earliest, random_octets, ticks_diff
from .exchange import (
    ACKNOWLEDGED,
    INCOMPLETE,
    QUEUED,
    REFUSED,
    RESET,
    RESPONSE,
    SENT,
    TIMEOUT,
    Duplicates,
    Exchange,
)
from .message import Message, MessageError, decode, encode, has_blocks, unrecognized
from .serving import Serving


class Busy(Exception):
    """Too many exchanges are open; try again when one has ended."""


class Endpoint(Serving):
    """See the module. `random(n)` gives n random octets; `max_datagram` is the longest datagram either way,
    `max_body` the longest body that may come in blocks (RFC 7959); with 0, Block options are not understood.

    `admit(message, peer)`, if given, is asked about each request before anything is kept of it: None lets
    it in, a response code (an int) refuses it with that code and no state.

    `security`, if given, is an `oscore.Security`: the messages that go in and come out here are plain, those on the
    link are protected, and its judgement comes before `admit`.
    """

    MAX_EXCHANGES = 8  # own requests open at once, all peers together
    MAX_INCOMING = 8  # requests of peers not answered yet
    MAX_INCOMING_PER_PEER = 4
    MAX_DUPLICATES = 32
    MAX_ANSWER_OCTETS = 4096
    MAX_QUEUE = 24  # datagrams that wait for outgoing()
    ACK_DELAY = 250  # ms that a handler has for a piggybacked response (section 5.2.2)

    def __init__(
        self,
        parameters=None,
        max_datagram=1152,
        random=random_octets,
        admit=None,
        max_body=4096,
        security=None,
    ):
        self.parameters = parameters or numbers.Parameters()
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
        }
        self._random = random
        self._admit = admit
        self.security = security
        self._mid = int.from_bytes(random(2), "big")
        self.observations = ()  # a list as soon as `observe` has one
        self._exchanges = []
        self._incoming = []
        self._duplicates = Duplicates(self.MAX_DUPLICATES, self.MAX_ANSWER_OCTETS)
        self._bodies = []
        self._queue = []
        self._events = []

    # --- what the layer above calls -----------------------------------------------------------------

    def request(self, message, peer, now, tag=None):
        """Sends a request; gives the Exchange that its event will name.

        `message.type` says CON or NON. The message ID is chosen here, the token too where it is empty.
        Raises Busy when MAX_EXCHANGES are open, MessageError when the message does not fit a datagram; with
        `security`, oscore.StateError and OSError where it cannot be protected.
        """
        if len([e for e in self._exchanges if e.incoming is None]) >= self.MAX_EXCHANGES:
            raise Busy("%d exchanges are open" % self.MAX_EXCHANGES)
        if message.code and not message.token:
            message.token = self._new_token(peer)
        message.mid = self._next_mid()
        binding = None
        if self.security and message.code:
            message, binding = self.security.protect_request(message)
            self.security.peer = peer
        exchange = self._start(peer, message, message.token if message.code else None, now, tag, None)
        exchange.binding = binding
        return exchange

    def ping(self, peer, now, tag=None):
        """Sends an empty confirmable message (section 4.3); a live peer answers it with Reset."""
        return self.request(Message(numbers.EMPTY), peer, now, tag)

    def cancel(self, exchange, now):
        """Forgets an exchange: no more retransmissions, no event. What comes for it counts as unmatched."""
        if exchange in self._exchanges:
            self._exchanges.remove(exchange)
            self._pump(now)

    def receive(self, datagram, peer, now):
        """Takes one datagram, which may hold anything at all. Raises nothing."""
        self.stats["received"] += 1
        self._duplicates.expire(now)
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
        if message.options:
            unrecognized(
                message, self.max_body
            )  # elective options that are not as they should be are gone now
        if message.code == numbers.EMPTY:
            self._receive_empty(message, peer, now)
        elif message.code < 32:
            self._receive_request(message, peer, now, len(datagram))
        else:
            self._receive_response(message, peer, now)
        self._pump(now)

    def poll(self, now):
        """Does what is due: retransmissions, time-outs, empty acknowledgements."""
        for exchange in self._exchanges[:]:
            if exchange.deadline is not None and ticks_diff(now, exchange.deadline) >= 0:
                self._expire(exchange, now)
        for incoming in self._incoming[:]:
            if incoming.deadline is not None and ticks_diff(now, incoming.deadline) >= 0:
                if incoming.acknowledged or incoming.message.type == numbers.NON:
                    self.stats["abandoned"] += 1
                    self._incoming.remove(incoming)
                    if incoming.entry.answer is None:
                        incoming.entry.answer = b""
                else:
                    self._acknowledge(incoming, now)
        for observation in self.observations:
            observation.poll(now)
        self._duplicates.expire(now)
        if self.security:
            self.security.poll(now)
        if self._bodies:
            self._bodies = [body for body in self._bodies if ticks_diff(body.deadline, now) > 0]
        self._pump(now)

    def next_deadline(self):
        """The tick when `poll` is needed next, or None."""
        deadline = None
        for group in (self._exchanges, self._incoming, self._bodies, self.observations):
            for each in group:
                deadline = earliest(deadline, each.deadline)
        return deadline

    def outgoing(self):
        """The next (octets, peer) for the link, or None."""
        if not self._queue:
            return None
        self.stats["sent"] += 1
        return self._queue.pop(0)

    def next_event(self):
        """The next (kind, exchange or incoming or observation, message or None), or None."""
        return self._events.pop(0) if self._events else None

    # --- sending ------------------------------------------------------------------------------------

    def _next_mid(self):
        self._mid = (self._mid + 1) & 0xFFFF
        return self._mid

    def _new_token(self, peer):
        while True:
            token = self._random(4)
            open = (self._exchanges, self.observations)
            if not [e for group in open for e in group if e.token == token and e.peer == peer]:
                return token

    def _encode(self, message):
        datagram = encode(message)
        if len(datagram) > self.max_datagram:
            raise MessageError("%d octets: max_datagram is %d" % (len(datagram), self.max_datagram))
        return datagram

    def _put(self, datagram, peer):
        if len(self._queue) >= self.MAX_QUEUE:
            # A lost datagram is what CoAP is made to survive; a full heap is not.
            self.stats["dropped"] += 1
            self._queue.pop(0)
        self._queue.append((datagram, peer))

    def _reset(self, mid, peer):
        if len(self._queue) > self.MAX_QUEUE // 2:
            self.stats["dropped"] += 1  # before a flood of these makes our own messages drop
            return
        self._put(encode(Message(numbers.EMPTY, type=numbers.RST, mid=mid)), peer)

    def _start(self, peer, message, token, now, tag, incoming):
        confirmable = message.type == numbers.CON
        exchange = Exchange(peer, self._encode(message), message.mid, token, confirmable, tag, incoming)
        self._exchanges.append(exchange)
        self._pump(now)
        return exchange

    def _pump(self, now):
        """Puts queued exchanges on the air, at most NSTART confirmable ones a peer (section 4.7)."""
        for exchange in self._exchanges:
            if exchange.state != QUEUED:
                continue
            if exchange.confirmable:
                peer = exchange.peer
                on_air = [e for e in self._exchanges if e.state == SENT and e.confirmable and e.peer == peer]
                if len(on_air) >= self.parameters.nstart:
                    continue
                # ACK_TIMEOUT * (1 .. ACK_RANDOM_FACTOR), section 4.2
                shortest = self.parameters.ack_timeout
                spread = shortest * (self.parameters.ack_random_factor - 1)
                exchange.timeout = shortest + int(spread * int.from_bytes(self._random(2), "big")) // 65535
            else:
                exchange.timeout = self.parameters.non_lifetime
            exchange.state = SENT
            exchange.deadline = now + exchange.timeout
            self._put(exchange.datagram, exchange.peer)

    def _expire(self, exchange, now):
        if (
            exchange.state == SENT
            and exchange.confirmable
            and exchange.retransmissions < self.parameters.max_retransmit
        ):
            exchange.retransmissions += 1
            exchange.timeout *= 2
            exchange.deadline = now + exchange.timeout
            self.stats["retransmitted"] += 1
            self._put(exchange.datagram, exchange.peer)
            return
        refusal = exchange.refusal
        if refusal and refusal.code == numbers.EMPTY:
            self._finish(exchange, RESET, None, now)
            return
        if refusal:
            self.security.ended(refusal)
        self.stats["timeouts"] += 1
        self._finish(exchange, REFUSED if refusal else TIMEOUT, refusal, now)

    def _finish(self, exchange, kind, message, now):
        """Ends an exchange in one of the five ways: 1 response, 2 reset, 3 time-out (REFUSED where something came
        that did not verify), 4 a separate response of ours was acknowledged (no event: nobody waits), 5 the same
        was reset or timed out (no event)."""
        self._exchanges.remove(exchange)
        for observation in self.observations:
            if observation.exchange is exchange:
                observation.answered(kind, message, now)
                break
        if exchange.incoming is None:
            self._events.append((kind, exchange, message))
        elif exchange.incoming in self._incoming:
            self._incoming.remove(exchange.incoming)

    # --- receiving ----------------------------------------------------------------------------------

    def _receive_empty(self, message, peer, now):
        if message.type == numbers.CON:  # ping, section 4.3
            self._reset(message.mid, peer)
            return
        for exchange in self._exchanges:
            if exchange.mid == message.mid and exchange.peer == peer and exchange.state == SENT:
                if message.type == numbers.RST and exchange.binding:
                    self._doubt(exchange, message, now)
                elif message.type == numbers.RST:
                    self._finish(exchange, RESET, None, now)
                elif exchange.token is not None and exchange.confirmable:
                    # The response comes separately; how long it may take, RFC 7252 does not say.
                    exchange.state = ACKNOWLEDGED
                    if exchange.datagram[1] != numbers.GET and not exchange.binding:
                        exchange.datagram = None  # needed to ask for the next block, or again with Echo
                    exchange.deadline = now + self.parameters.max_transmit_wait
                elif exchange.incoming is not None:
                    self._finish(exchange, RESPONSE, None, now)
                else:
                    break  # an acknowledged ping, or one for a NON: no such thing
                return
        self.stats["unmatched"] += 1

    def _receive_response(self, message, peer, now):
        if message.type != numbers.ACK:
            entry = self._duplicates.find(peer, message.mid, now)
            if entry is not None:
                if entry.mark is None:  # a response, then; else one forged under the ID of a request
                    self._repeat(entry, now)
                return
        for observation in self.observations:
            if observation.token == message.token and observation.peer == peer:
                if observation.take(message, now):
                    return
                break
        for exchange in self._exchanges:
            # Token and peer make the match (section 5.3.2), for a piggybacked one the message ID as well.
            if exchange.token == message.token and exchange.peer == peer and exchange.state != QUEUED:
                break
        else:
            exchange = None
        if exchange is not None and message.type == numbers.ACK and exchange.mid != message.mid:
            exchange = None
        plain = message
        if exchange is not None and exchange.binding:
            plain = self.security.unprotect_response(message, exchange.binding, now)
            if plain is None:
                self._doubt(exchange, message, now)
        acceptable = exchange is not None and plain and unrecognized(plain, self.max_body) is None
        if not acceptable:
            # A notification of what is not observed any more ends by that, also one that wants no acknowledgement.
            if message.type == numbers.CON or (
                message.type == numbers.NON
                and exchange is None
                and message.option(numbers.OBSERVE) is not None
            ):
                self._reset(message.mid, peer)
        elif message.type == numbers.CON:
            self._accept(message, peer, now)
        if not acceptable:
            self.stats["unmatched"] += 1
            return
        kind = RESPONSE
        request = None
        if plain.code == numbers.UNAUTHORIZED and plain.option(numbers.ECHO):
            # RFC 8613 appendix B.1.2: the peer wants to see that this is no replay. Once, and then it is an answer.
            request = self._request_of(exchange)
            if request and request.option(numbers.ECHO) is None:
                request.options.append((numbers.ECHO, plain.option(numbers.ECHO)))
                kind = None
        elif self.max_body and has_blocks(plain):
            from .blockwise import join

            request = self._request_of(exchange)
            kind = join(exchange, request, plain, self.max_body)
        if kind is None and self._ask_again(exchange, request):
            return
        self._finish(exchange, kind or INCOMPLETE, plain, now)

    def _accept(self, message, peer, now):
        """Acknowledges a confirmable response, also when it comes again."""
        entry = self._duplicates.add(peer, message.mid, now + self.parameters.exchange_lifetime, now)
        answer = encode(Message(numbers.EMPTY, type=numbers.ACK, mid=message.mid))
        self._duplicates.answer(entry, answer)
        self._put(answer, peer)

    def _doubt(self, exchange, message, now):
        """What came does not verify, or is a Reset, which can't. It may be forged, so the true response has
        ACK_TIMEOUT more to come."""
        exchange.refusal = message
        exchange.retransmissions = self.parameters.max_retransmit
        soon = now + self.parameters.ack_timeout
        if ticks_diff(exchange.deadline, soon) > 0:
            exchange.deadline = soon

    def _request_of(self, exchange):
        """The plain request of an exchange; None where it was not kept."""
        if exchange.datagram is None:
            return None
        request = decode(exchange.datagram)
        return self.security.read_own(request, exchange.binding) if exchange.binding else request

    def _ask_again(self, exchange, request):
        """Another request goes out in the place of an exchange's; gives False where it cannot."""
        request.token = self._new_token(exchange.peer)
        request.mid = self._next_mid()
        outer = request
        try:
            if exchange.binding:
                outer, exchange.binding = self.security.protect_request(request)
            exchange.datagram = self._encode(outer)
        except Exception:  # it does not fit a datagram any more, or the storage fails
            return False
        exchange.token = request.token
        exchange.mid = request.mid
        exchange.state = QUEUED
        exchange.retransmissions = 0
        exchange.deadline = None
        exchange.refusal = None
        return True
