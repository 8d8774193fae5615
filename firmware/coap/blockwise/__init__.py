# SPDX-License-Identifier: MIT
"""Bodies that are longer than a message: Block1 and Block2 of RFC 7959. Imported when the first block comes.

A Block option says which part of a body a message carries: number << 4 | more << 3 | exponent. The part is
2 ** (exponent + 4) octets long, but for the last one, and starts at number times that (section 2.2).
"""

from .. import numbers
from ..compat import const
from ..exchange import INCOMPLETE, RESPONSE
from ..message import Message, MessageError, decode, uint_octets

_TYPING = const(False)
if _TYPING:
    from collections.abc import Iterable

_MAX_BODIES = const(2)
_PIECE = const(512)  # octets that must lie side by side while a body comes in


class Pieces:
    """A whole body whose `pieces`, a list of bytes, could not be joined: there was memory enough, but not in one
    piece. It has a length and gives its octets one by one, so bytes() of it works when there is room."""

    def __init__(self, pieces: "Iterable[bytes]") -> None:
        self.pieces = pieces

    def __len__(self):
        return length(self.pieces)

    def __iter__(self):
        for piece in self.pieces:
            yield from piece


class Body:
    """A body under way: one that a peer sends us, in pieces that need not be adjacent in memory, or the `answer`
    that a peer fetches from us in blocks."""

    def __init__(self, peer, identity, entry, deadline, answer=None):
        self.peer = peer
        self.identity = identity
        self.entry = entry  # of the last request for it: where that fails, the body is dropped
        self.deadline = deadline
        self.answer = answer
        self.pieces = []

    def poll(self, endpoint, now):
        """Forget the body: its time is over."""
        endpoint.bodies.remove(self)


def add_request_block(bodies, incoming, deadline, max_body, whole):
    """Take a request with a Block option. Return None where the body is complete (the request's payload is then the
    whole of it, bytes or Pieces), else the answer to the block.

    `bodies` are those under way: at most two that peers are sending, and one for each peer; `whole` is the number
    of complete ones that wait for their answer. `deadline` is when to forget this body unless another block comes.
    """
    message = incoming.message
    peer = incoming.peer
    if message.option(numbers.BLOCK1) is None:
        return _rest(bodies, message, peer)
    start, more, exponent = block(message, numbers.BLOCK1)
    if not _fits(message, more, exponent):
        return Message(numbers.BAD_REQUEST, b"Block1")
    body = find(bodies, peer, False)
    if start == 0:
        if body:
            bodies.remove(body)
        if len([each for each in bodies if not each.answer]) + whole >= _MAX_BODIES:
            return Message(numbers.SERVICE_UNAVAILABLE)
        body = Body(peer, identity(message), incoming.entry, deadline)
        bodies.append(body)
    elif body is None or body.identity != identity(message) or length(body.pieces) != start:
        return Message(numbers.REQUEST_ENTITY_INCOMPLETE)
    body.entry = incoming.entry
    if max(start + len(message.payload), message.uint(numbers.SIZE1, 0)) > max_body:
        bodies.remove(body)
        return Message(numbers.REQUEST_ENTITY_TOO_LARGE, options=[(numbers.SIZE1, uint_octets(max_body))])
    if more:
        body.deadline = deadline
        add(body.pieces, message.payload)
        return Message(numbers.CONTINUE)
    message.payload = joined(body.pieces, message.payload)
    bodies.remove(body)
    return None


def _rest(bodies, message, peer):
    """Return the kept response of which a request with Block2 alone asks for the next block; None where the request
    has to run. A GET runs again for each block; other methods must run only once, so their response is kept."""
    if message.code == numbers.GET or not message.uint(numbers.BLOCK2) >> 4:
        return None
    body = find(bodies, peer, True)
    if body is None or body.identity != identity(message):
        return Message(numbers.REQUEST_ENTITY_INCOMPLETE)
    return body.answer


def add_response_block(exchange, request, message, max_body):
    """Take a response with a Block option. Return (kind, None) where the exchange ends with an event of that kind,
    or (None, body) where `request`, a copy of the last one, was changed to ask for the next block. The exchange
    itself is not changed: the caller gives it `body`."""
    if message.option(numbers.BLOCK2) is None:
        return RESPONSE, None
    start, more, exponent = block(message, numbers.BLOCK2)
    etag = message.option(numbers.ETAG)
    if exchange.body is None and start == 0 and not more:
        return RESPONSE, None  # the only block
    # the first block has Observe where the peer will notify, which it does by the first request: section 2.6
    pieces, tag, observed = exchange.body or (
        (),
        etag,
        (message.option(numbers.OBSERVE), exchange.token, exchange.binding),
    )
    if (
        start != length(pieces)
        or not _fits(message, more, exponent)
        or etag != tag
        or max(start + len(message.payload), message.uint(numbers.SIZE2, 0)) > max_body
        or request is None
        or request.code != numbers.GET  # only a GET may be sent again
    ):
        return INCOMPLETE, None
    if not more:
        message.payload = joined(pieces, message.payload)
        if observed[0] is not None and message.option(numbers.OBSERVE) is None:
            message.options.append((numbers.OBSERVE, observed[0]))
        return RESPONSE, None
    request.options = without(request.options, numbers.BLOCK2, numbers.OBSERVE)
    request.options.append((numbers.BLOCK2, octets(start + len(message.payload), False, exponent)))
    pieces = list(pieces)
    add(pieces, message.payload)
    return None, (pieces, etag, observed)


def add(pieces, payload):
    """Add octets to a body. Raise MemoryError, and then it is as before."""
    if pieces and len(pieces[-1]) + len(payload) <= _PIECE:
        pieces[-1] += payload
    else:
        pieces.append(bytes(payload))


def length(pieces):
    """Return the octets of a body, bytes or Pieces."""
    return sum([len(piece) for piece in pieces])


def joined(pieces, payload):
    """Return the whole body, `payload` its end: bytes, or Pieces where there is no room for it side by side."""
    pieces = list(pieces) + [bytes(payload)]
    try:
        return b"".join(pieces)
    except MemoryError:
        return Pieces(pieces)


def find(bodies, peer, answered):
    """Return the body that this peer fetches from us (`answered`), or the one that it sends us; None where there is
    none."""
    for body in bodies:
        if body.peer == peer and bool(body.answer) == answered:
            return body
    return None


def identity(message):
    """Return what the requests of one body have in common (section 2.5): the method and the options that are part
    of the cache key, which Echo, Size1 and their like are not (RFC 7252 section 5.4.2)."""
    options = [option for option in message.options if option[0] & 0x1E != 0x1C]
    return [message.code] + without(options, numbers.BLOCK1, numbers.BLOCK2)


def size_hint(datagram, max_datagram):
    """Return, as a list, the Block1 option of the 4.13 that answers a block larger than a datagram may be: it names
    the size that fits (section 2.9.3). Empty where the request has no Block1."""
    try:
        request = decode(datagram)  # the options come first: they are whole, if the payload is not
    except MessageError:
        return ()
    if request.option(numbers.BLOCK1) is None:
        return ()
    start, _, exponent = block(request, numbers.BLOCK1)
    exponent = min(exponent, fitting(max_datagram - 64))
    return ((numbers.BLOCK1, octets(start, False, exponent)),)


def fitting(room):
    """Return the exponent of the largest block that has at most so many octets; that of the smallest where none
    does."""
    exponent = 6
    while exponent and 16 << exponent > room:
        exponent -= 1
    return exponent


def block(message, number):
    """Return where the part starts, whether more follow, and the exponent of its size."""
    value = message.uint(number)
    return (value >> 4) << (value & 7) + 4, value >> 3 & 1, value & 7


def octets(start, more, exponent):
    """Return the value of a Block option (RFC 7959 section 2.2)."""
    return uint_octets((start >> exponent + 4) << 4 | more << 3 | exponent)


def _fits(message, more, exponent):
    size = 16 << exponent
    return exponent < 7 and (len(message.payload) == size if more else len(message.payload) <= size)


def without(options, *left_out):
    """Return the options but those of these numbers."""
    return [option for option in options if option[0] not in left_out]
