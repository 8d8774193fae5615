# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""A CoAP endpoint, client and server at once, that never waits: RFC 7252 sections 4 and 5.

It is driven: `receive` for each datagram, `poll` when `next_deadline` has come, and after each of these
(and after `request`, `respond`) everything that `outgoing` and `next_event` have to give is taken out.
Peers are compared and used as dict keys, nothing else: (host, port) pairs, or what the link likes.
"""
from collections.abc import Callable
from typing import Any
from .._contracts import Octets
from .._contracts import Peer
from .._contracts import Security
from .._contracts import Sink
from .._contracts import Tick
from ..message import Message
from .duplicates import Incoming
from .parameters import Exchange
from .parameters import Parameters
from .serving import Serving

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
    MAX_EXCHANGES: int
    MAX_INCOMING: int
    MAX_INCOMING_PER_PEER: int
    MAX_QUEUE: int
    streams: Callable[[Message, Peer], object] | None
    held: object
    ACK_DELAY: int
    understands: tuple[int, ...]
    observers: Any
    parameters: Any
    max_datagram: int
    max_body: int
    stats: dict
    random: Callable[[int], bytes]
    security: Security | None
    observations: Any
    failure: Any
    bodies: list
    def __init__(self, parameters: Parameters | None=None, max_datagram: int=1152, random: Callable[[int], bytes]=..., admit: Callable[[Message, Peer], int | None] | None=None, max_body: int=4096, security: Security | None=None) -> None: ...
    def request(self, message: Message, peer: Peer, now: Tick, tag: object=None, into: Sink | None=None, alone: bool=False, many: int | None=None) -> Exchange:
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
    def cancel(self, exchange: Exchange, now: Tick) -> None:
        """Forget an exchange: no more retransmissions, no event. What comes for it counts as unmatched."""
    def receive(self, datagram: Octets, peer: Peer, now: Tick, leisure: int | None=None) -> bool:
        """Take one datagram, which may hold anything at all. Return whether there are events to take. Raise nothing.

        With `leisure` it came by multicast (section 8.2). A non-confirmable request is let in, and what answers it goes
        out after a random part of so many ms, errors and what has nothing to say not at all (`incoming.quiet`); all
        else is refused, in silence.

        Where there is no memory for it, or `admit` or the storage fails, it counts as "failed" and is treated as
        lost: nothing of it is kept, and it is handled when it comes again. A request is answered 5.03 then, but with
        `security`.
        """
    def poll(self, now: Tick) -> None:
        """Do what is due: retransmissions, time-outs, empty acknowledgements. Raise nothing: whatever lacks memory
        is tried again after a second.
        """
    def next_deadline(self) -> Tick | None:
        """Return the tick when `poll` is needed next, or None. It is needed once a day in any case: ticks wrap, and
        one that is kept for more than 3.1 days would seem to lie ahead.
        """
    def outgoing(self) -> tuple[bytes | bytearray, Peer] | None:
        """Return the next (octets, peer) for the link, or None."""
    def next_event(self) -> tuple[int, Any, Message | None] | None:
        """Return the next (kind, exchange or incoming or observation, message or None), or None."""
    def put(self, datagram: Octets, peer: Peer) -> None:
        """Queue a datagram. Raise nothing: where there is no memory it is dropped, as CoAP survives a lost
        datagram.
        """
    def emit(self, event: tuple[int, object, Message | None]) -> None:
        """Have `next_event` give this one."""
    def next_mid(self) -> int:
        """Return the next Message ID (section 4.4)."""
    def encoded(self, message: Message, type: int, mid: int, token: bytes) -> bytearray:
        """Return the octets of a message. Raise MessageError where they are more than a datagram may have."""
    def start(self, peer: Peer, message: Message, type: int, token: bytes | None, now: Tick, tag: object, incoming: Incoming | None, binding: Any, body: Any=None, silence: tuple[int, bool] | None=None) -> Exchange:
        """Send a message that something is expected for; return its Exchange. Raise MessageError, MemoryError: then it
        was not started.
        """
