# SPDX-License-Identifier: MIT
"""The part of an Endpoint for exchanges that take more than one datagram each way: retransmissions and time-outs,
empty messages, responses that do not verify, the next block, the same request with Echo. RFC 7252 sections 4.2, 4.3
and 5.2.2.
"""

from .. import exchange as exchanges
from .. import numbers
from ..compat import const, ticks_diff
from ..message import MessageError, decode, empty, has_blocks

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Peer, Tick

    from ..exchange import Exchange
    from ..message import Message
    from ..numbers import Parameters


class Continuing:
    """A base class of Endpoint, whose attributes these methods use."""

    if _TYPING:
        max_body: int
        parameters: Parameters
        security: Any
        stats: dict[str, int]
        observers: Any
        put: Callable[..., None]
        _exchanges: list
        _duplicates: Any
        _finish: Callable[..., None]

    def expire(self, exchange: "Exchange", now: "Tick") -> None:
        """Handle an exchange whose deadline has come: send its message again, or end it."""
        if exchange.state == exchanges.QUEUED:
            exchange.deadline = None  # it is tried again: there was no memory to put it on the air
            return
        if (
            exchange.state == exchanges.SENT
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
        if refusal and refusal.code == numbers.EMPTY:
            self._finish(exchange, exchanges.RESET, None, now)
            return
        if refusal:
            self.security.ended(refusal)
        self._finish(exchange, exchanges.REFUSED if refusal else exchanges.TIMEOUT, refusal, now)
        self.stats["timeouts"] += 1

    def _receive_empty(self, message, peer, now):
        if message.type == numbers.CON:  # ping, section 4.3
            self._reset(message.mid, peer)
            return
        for exchange in self._exchanges:
            if exchange.mid == message.mid and exchange.peer == peer and exchange.state == exchanges.SENT:
                if message.type == numbers.RST and exchange.binding:
                    self._doubt(exchange, message, now)
                elif message.type == numbers.RST:
                    self._finish(exchange, exchanges.RESET, None, now)
                elif exchange.token is not None and exchange.confirmable:
                    # The response comes separately. RFC 7252 does not say how long that may take.
                    exchange.deadline = now + self.parameters.max_transmit_wait
                    exchange.state = exchanges.ACKNOWLEDGED
                    if exchange.datagram[1] != numbers.GET and not exchange.binding:
                        exchange.datagram = None  # needed to ask for the next block, or again with Echo
                elif exchange.incoming is not None:
                    self._finish(exchange, exchanges.RESPONSE, None, now)
                else:
                    break  # neither a ping nor a NON is acknowledged
                return
        if message.type == numbers.RST and self.observers and self.observers.rejected(message.mid, peer):
            return
        self.stats["unmatched"] += 1

    def accept(self, message: "Message", peer: "Peer", now: "Tick") -> None:
        """Acknowledge a confirmable response, also when it comes again. Raise nothing."""
        try:
            self.put(self._remember(message, peer, now), peer)
        except MemoryError:
            self.stats["dropped"] += 1

    def _remember(self, message, peer, now):
        """Return the acknowledgement of a confirmable response. It is kept, for when that response comes again."""
        answer = empty(numbers.ACK, message.mid)
        entry = self._duplicates.add(peer, message.mid, now + self.parameters.exchange_lifetime, now)
        self._duplicates.answer(entry, answer)
        return answer

    def _doubt(self, exchange, message, now):
        """Take note that the response does not verify, or that it is a Reset, which nothing protects. It may be
        forged, so the true response may still come within ACK_TIMEOUT."""
        soon = now + self.parameters.ack_timeout
        exchange.refusal = message
        exchange.retransmissions = self.parameters.max_retransmit
        if ticks_diff(exchange.deadline, soon) > 0:
            exchange.deadline = soon

    def _go_on(self, exchange, response):
        """Where the response does not end the exchange, send the request that follows: for the next block, or the
        same one with Echo. Return None then, else the kind of event that ends the exchange."""
        body = None
        if response.code == numbers.UNAUTHORIZED and response.option(numbers.ECHO):
            # RFC 8613 appendix B.1.2: the peer wants proof that this is no replay. A second such response is taken
            # as the answer.
            request = self._request_of(exchange)
            if request is None or request.option(numbers.ECHO) is not None:
                return exchanges.RESPONSE
            request.options.append((numbers.ECHO, response.option(numbers.ECHO)))
        elif self.max_body and has_blocks(response):
            from ..blockwise.fetching import add_response_block

            request = self._request_of(exchange)
            kind, body = add_response_block(exchange, request, response, self.max_body)
            if kind is not None:
                return kind
        else:
            return exchanges.RESPONSE
        return None if self._ask_again(exchange, request, body) else exchanges.INCOMPLETE

    def _request_of(self, exchange):
        """Return the plain request of an exchange; None where it was not kept."""
        if exchange.datagram is None:
            return None
        request = decode(exchange.datagram)
        return self.security.read_own(request, exchange.binding) if exchange.binding else request

    def _ask_again(self, exchange, request, body):
        """Replace the request of an exchange by this one, and send it; `body` is what came of the response so far.
        Return False where it cannot be sent. Raise MemoryError: then the exchange is as before."""
        token = self._new_token(exchange.peer)
        mid = self.next_mid()
        binding = exchange.binding
        try:
            if binding:
                request, binding = self.security.protect_request(request)
            datagram = self.encoded(request, request.type, mid, token)
        except (MessageError, OSError):  # it does not fit a datagram any more, or the storage fails
            return False
        exchange.body = body
        exchange.datagram = datagram
        if binding:
            exchange.binding = binding
            exchange.refusal = None
        exchange.token = token
        exchange.mid = mid
        exchange.state = exchanges.QUEUED
        exchange.retransmissions = 0
        exchange.deadline = None
        return True
