# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The part of an Endpoint for exchanges that take more than one datagram each way: retransmissions and time-outs,
empty messages, responses that do not verify, the next block, the same request with Echo. RFC 7252 sections 4.2, 4.3
and 5.2.2.
"""
from collections.abc import Callable
from typing import Any
from .._contracts import Peer
from .._contracts import Tick
from ..message import Message
from .duplicates import Duplicates
from .parameters import Exchange
from .parameters import Parameters

class Continuing:
    """Methods of Endpoint, whose attributes they use. They come into it with the first exchange that goes on."""
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
    MAX_DUPLICATES: int
    MAX_ANSWER_OCTETS: int
    failure: Any
    def ping(self: Any, peer: Peer, now: Tick, tag: object=None) -> Exchange:
        """Send an empty confirmable message (section 4.3); a live peer answers it with Reset."""
    def is_open(self: Any, exchange: Any) -> bool:
        """Return whether something is still expected for an exchange or a stream, or a request of a peer has no answer
        yet.
        """
    def seen(self: Any) -> Duplicates:
        """Return what is kept of messages of peers, for when they come again."""
    def expire(self, exchange: Exchange, now: Tick) -> None:
        """Handle an exchange whose deadline has come: send its message again, or end it."""
    def accept(self, message: Message, peer: Peer, now: Tick) -> None:
        """Acknowledge a confirmable response, also when it comes again. Raise nothing."""
    def request_of(self, exchange: Exchange) -> Message:
        """Return the plain request of an exchange, without its token."""
    def ask_again(self, exchange: Exchange, request: Message, body: Any) -> None:
        """Replace the request of an exchange by this one, and send it, behind what waits; `body` is what deals with the
        response. Raise MessageError, MemoryError, OSError: then the exchange is as before.
        """
