# SPDX-License-Identifier: MIT
"""The part of an Endpoint for exchanges that take more than one datagram each way: retransmissions and time-outs,
empty messages, responses that do not verify, the next block, the same request with Echo. RFC 7252 sections 4.2, 4.3
and 5.2.2.
"""

from .. import numbers
from ..compat import const, ticks_diff
from ..message import Message, MessageError, decode, empty
from .options import has_blocks

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Peer, Tick

    from .duplicates import Duplicates
    from .parameters import Exchange, Parameters

# of coap.exchange
_RESPONSE = const(2)
_RESET = const(3)
_TIMEOUT = const(4)
_INCOMPLETE = const(5)
_REFUSED = const(6)
_QUEUED = const(0)
_SENT = const(1)
_ACKNOWLEDGED = const(2)


class Continuing:
    """Methods of Endpoint, whose attributes they use. They come into it with the first exchange that goes on."""

    if _TYPING:
        MAX_EXCHANGES: int
        max_body: int
        parameters: Parameters
        security: Any
        stats: dict[str, int]
        observers: Any
        put: Callable[..., None]
        emit: Callable[..., None]
        next_mid: Callable[..., int]
        encoded: Callable[..., bytearray]
        _new_token: Callable[..., bytes]
        _exchanges: list
        _duplicates: Any
        _finish: Callable[..., None]

    MAX_DUPLICATES = 32
    MAX_ANSWER_OCTETS = 4096

    def ping(self: "Any", peer: "Peer", now: "Tick", tag: object = None) -> "Exchange":
        """Send an empty confirmable message (section 4.3); a live peer answers it with Reset."""
        return self.request(Message(numbers.EMPTY), peer, now, tag)

    def is_open(self: "Any", exchange: "Any") -> bool:
        """Return whether something is still expected for an exchange or a stream, or a request of a peer has no answer
        yet."""
        return (
            exchange in self._exchanges
            or exchange in self.bodies
            or exchange in self._incoming
            and not exchange.response
        )

    def seen(self: "Any") -> "Duplicates":
        """Return what is kept of messages of peers, for when they come again."""
        if self._duplicates is None:
            from .duplicates import Duplicates

            self._duplicates = Duplicates(self.MAX_DUPLICATES, self.MAX_ANSWER_OCTETS)
        return self._duplicates

    def _reset(self, mid, peer):
        self._put_unless_flooded(empty(numbers.RST, mid), peer)

    def _reject(self, message, peer, unknown):
        """Reject a response that is not used (section 4.2); `unknown` where it belongs to no exchange."""
        # A Reset ends an observation that we have dropped, so a non-confirmable notification gets one as well.
        if message.type == numbers.CON or (
            message.type == numbers.NON and unknown and message.option(numbers.OBSERVE) is not None
        ):
            self._reset(message.mid, peer)
        self.stats["unmatched"] += 1

    def _check(self, message):
        """Raise MessageError for what is no request, BusyError where as many requests of ours are open as there may be.
        Our separate responses are none."""
        if message.code >> 5 or message.type >> 1:
            code = numbers.code_text(message.code)
            raise MessageError("code %s in a message of type %d is no request" % (code, message.type))
        open = 0
        for exchange in self._exchanges:
            if exchange.incoming is None:
                open += 1
        if open >= self.MAX_EXCHANGES:
            from ..errors import BusyError

            raise BusyError("%d exchanges are open" % self.MAX_EXCHANGES)

    def expire(self, exchange: "Exchange", now: "Tick") -> None:
        """Handle an exchange whose deadline has come: send its message again, or end it."""
        if exchange.state == _QUEUED:
            exchange.deadline = None  # it is tried again: there was no memory to put it on the air
            return
        if (
            exchange.state == _SENT
            and exchange.confirmable
            and exchange.retransmissions < self.parameters.max_retransmit
        ):
            if exchange.incoming and self.observers and self.observers.renew(exchange, now):
                return
            timeout = 2 * exchange.timeout
            exchange.deadline = now + timeout
            exchange.timeout = timeout
            exchange.retransmissions += 1
            self.stats["retransmitted"] += 1
            self.put(exchange.datagram, exchange.peer)
            return
        refusal = exchange.refusal
        if (
            exchange.silence is not None
            and refusal is None
            and (not exchange.confirmable or exchange.state == _ACKNOWLEDGED)
        ):
            self._finish(exchange, _RESPONSE, None, now)
            return
        if refusal and refusal.code == numbers.EMPTY:
            self._finish(exchange, _RESET, None, now)
            return
        if refusal:
            self.security.ended(refusal, exchange.binding)
        self._finish(exchange, _REFUSED if refusal else _TIMEOUT, refusal, now)
        self.stats["timeouts"] += 1

    def _receive_empty(self, message, peer, now):
        if message.type == numbers.CON:  # ping, section 4.3
            self._reset(message.mid, peer)
            return
        for exchange in self._exchanges:
            if exchange.mid == message.mid and exchange.peer == peer and exchange.state == _SENT:
                if message.type == numbers.RST and exchange.binding:
                    self._doubt(exchange, message, now)
                elif message.type == numbers.RST:
                    self._finish(exchange, _RESET, None, now)
                elif exchange.token is not None and exchange.confirmable:
                    # The response comes separately. RFC 7252 does not say how long that may take.
                    wait = self.parameters.max_transmit_wait
                    exchange.deadline = now + (wait if exchange.silence is None else exchange.silence)
                    exchange.state = _ACKNOWLEDGED
                elif exchange.incoming is not None:
                    self._finish(exchange, _RESPONSE, None, now)
                else:
                    break  # neither a ping nor a NON is acknowledged
                return
        if message.type == numbers.RST and self.observers and self.observers.rejected(message.mid, peer, now):
            return
        self.stats["unmatched"] += 1

    def accept(self, message: "Message", peer: "Peer", now: "Tick") -> None:
        """Acknowledge a confirmable response, also when it comes again. Raise nothing."""
        try:
            self.put(self._remember(message, peer, now), peer)
        except MemoryError:
            self.stats["dropped"] += 1

    def _came_again(self, message, peer, now):
        """Return whether a response that is no acknowledgement came before; it is acknowledged again then."""
        from .duplicates import named

        entry = self._duplicates.find(peer, named(message.mid, message.token), now)
        if entry is not None:
            self._repeat(entry, message, now)
        return entry is not None

    def _remember(self, message, peer, now):
        """Return the acknowledgement of a confirmable response. It is kept, for when that response comes again."""
        from .duplicates import named

        answer = empty(numbers.ACK, message.mid)
        name = named(message.mid, message.token)
        entry = self.seen().add(peer, name, now + self.parameters.exchange_lifetime, now)
        self.seen().answer(entry, answer)
        return answer

    def _take_one(self, exchange, message, peer, now):
        """Take one of many responses. A confirmable one is remembered already."""
        if message.type != numbers.CON:
            from .duplicates import named

            lifetime = self.parameters.non_lifetime
            name = named(message.mid, message.token)
            self.seen().add(peer, name, now + lifetime, now).answer = b""
        message.peer = peer
        self.emit((_RESPONSE, exchange, message))

    def _doubt(self, exchange, message, now):
        """Take note that the response does not verify, or that it is a Reset, which nothing protects. It may be
        forged, so the true response may still come within ACK_TIMEOUT."""
        message.payload = bytes(message.payload)  # a copy, as the next datagram may lie where this one lies
        soon = now + self.parameters.ack_timeout
        exchange.refusal = message
        exchange.retransmissions = self.parameters.max_retransmit
        if ticks_diff(exchange.deadline, soon) > 0:
            exchange.deadline = soon

    def _go_on(self, exchange, response):
        """Where the response does not end the exchange, send the request that follows: for the next block, or the
        same one with Echo. Return None then, else the kind of event that ends the exchange. Raise MemoryError: then
        the response may come again."""
        body = exchange.body
        try:
            if exchange.binding and exchange.binding.again:
                # RFC 8613: the next outer block (section 4.1.3.4.2), or the same with a new key (appendix B.2)
                return self.ask_again(exchange, self.request_of(exchange), body)
            echo = response.option(numbers.ECHO)
            if echo and response.code == numbers.UNAUTHORIZED and not (body and body.source):
                # RFC 8613 appendix B.1.2: the peer wants proof that this is no replay. A second such response is
                # taken as the answer.
                request = self.request_of(exchange)
                if request.option(numbers.ECHO) is None:
                    request.options.append((numbers.ECHO, echo))
                    return self.ask_again(exchange, request, body)
            elif body is None and self.max_body and has_blocks(response):
                from ..blockwise import begun

                body = exchange.body = begun(self, exchange, response)
            return body.go_on(self, exchange, response) if body else _RESPONSE
        except MemoryError:
            raise
        except Exception as error:
            # of a payload or `into`, which are the caller's; of the storage; or there can be no next block
            self.failure = error
            if body:
                body.failure = error
            return _INCOMPLETE

    def request_of(self, exchange: "Exchange") -> "Message":
        """Return the plain request of an exchange, without its token."""
        request = decode(exchange.datagram)
        if exchange.binding:
            request = self.security.read_own(request, exchange.binding)
        request.token = b""
        return request

    def ask_again(self, exchange: "Exchange", request: "Message", body: "Any") -> None:
        """Replace the request of an exchange by this one, and send it, behind what waits; `body` is what deals with the
        response. Raise MessageError, MemoryError, OSError: then the exchange is as before."""
        token = request.token or self._new_token(exchange.peer)
        mid = self.next_mid()
        binding = exchange.binding
        type = request.type
        if binding:
            request, binding = self.security.protect_request(request, exchange.peer, binding)
        datagram = self.encoded(request, type, mid, token)
        exchange.body = body
        exchange.datagram = datagram
        if binding:
            exchange.binding = binding
            exchange.refusal = None
        exchange.token = token
        exchange.mid = mid
        exchange.state = _QUEUED
        exchange.retransmissions = 0
        exchange.deadline = None
        # Transfers to one peer take turns. By hand, as it must want no memory.
        group = self._exchanges
        index = group.index(exchange) + 1
        while index < len(group):
            group[index - 1] = group[index]
            index += 1
        group[-1] = exchange
