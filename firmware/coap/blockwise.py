# SPDX-License-Identifier: MIT
"""Bodies that are longer than a message: Block1 and Block2 of RFC 7959. Imported when the first block comes.

A Block option says which part of a body a message carries: number << 4 | more << 3 | exponent. The part is
2 ** (exponent + 4) octets long, but for the last one, and starts at number times that (section 2.2).
"""

from . import numbers
from .exchange import INCOMPLETE, RESPONSE
from .message import Message, MessageError, decode, uint_octets

_MAX_BODIES = 2


class _Body:
    """A body that a peer is sending."""

    def __init__(self, peer, identity):
        self.peer = peer
        self.identity = identity
        self.octets = bytearray()
        self.deadline = None


def take(bodies, message, peer, deadline, max_body, whole):
    """A request with a Block option. Gives None where it is complete (its payload is then the whole body),
    else the answer to it.

    `bodies` are the unfinished ones, one a peer, `whole` the number of those that wait for their answer.
    `deadline` is when to forget this one unless another block comes.
    """
    if message.option(numbers.BLOCK1) is None:
        # The rest of a response is cut from a new one: only a GET may run again for that.
        if message.code != numbers.GET and message.uint(numbers.BLOCK2) >> 4:
            return Message(numbers.REQUEST_ENTITY_INCOMPLETE)
        return None
    start, more, exponent = _block(message, numbers.BLOCK1)
    if not _fits(message, more, exponent):
        return Message(numbers.BAD_REQUEST, b"Block1")
    identity = _identity(message)
    body = None
    for each in bodies:
        if each.peer == peer:
            body = each
    if start == 0:
        if body:
            bodies.remove(body)
        if len(bodies) + whole >= _MAX_BODIES:
            return Message(numbers.SERVICE_UNAVAILABLE)
        body = _Body(peer, identity)
        bodies.append(body)
    elif body is None or body.identity != identity or len(body.octets) != start:
        return Message(numbers.REQUEST_ENTITY_INCOMPLETE)
    if max(start + len(message.payload), message.uint(numbers.SIZE1, 0)) > max_body:
        bodies.remove(body)
        return Message(numbers.REQUEST_ENTITY_TOO_LARGE, options=[(numbers.SIZE1, uint_octets(max_body))])
    body.octets.extend(message.payload)
    body.deadline = deadline
    if more:
        return Message(numbers.CONTINUE)
    bodies.remove(body)
    message.payload = body.octets
    return None


def shape(request, response):
    """Gives a response the Block options, and the part of its payload, that the request asks for."""
    options = list(response.options)
    block1 = request.option(numbers.BLOCK1)
    # The echo says that this block was taken. An error before the last one must not say so.
    if block1 is not None and (response.code < 128 or not _block(request, numbers.BLOCK1)[1]):
        options.append((numbers.BLOCK1, block1))
    # A GET runs anew for each block of its response, so that nothing is kept between them (section 2.4).
    # Other methods get their response in one piece: the size that the peer would like is a hint.
    if request.code == numbers.GET and response.code < 128 and request.option(numbers.BLOCK2) is not None:
        start, _, exponent = _block(request, numbers.BLOCK2)
        end = start + (16 << exponent)
        size = len(response.payload)
        if exponent == 7 or start and start >= size:
            response.code = numbers.BAD_REQUEST
            response.payload = b"Block2"
            return
        options.append((numbers.BLOCK2, _octets(start, end < size, exponent)))
        response.payload = memoryview(response.payload)[start:end]
    response.options = options


def join(exchange, request, message, max_body):
    """A response with a Block option. Gives the kind of event that ends the exchange, or None where it goes on
    with `request`, what was asked before, which now asks for the next block."""
    if message.option(numbers.BLOCK2) is None:
        return RESPONSE
    start, more, exponent = _block(message, numbers.BLOCK2)
    etag = message.option(numbers.ETAG)
    if exchange.body is None:
        if start == 0 and not more:
            return RESPONSE  # the only block
        exchange.body = (bytearray(), etag)
    octets = exchange.body[0]
    if (
        start != len(octets)
        or not _fits(message, more, exponent)
        or etag != exchange.body[1]
        or max(start + len(message.payload), message.uint(numbers.SIZE2, 0)) > max_body
        or request is None
        or request.code != numbers.GET  # which alone may be said again
    ):
        return INCOMPLETE
    octets.extend(message.payload)
    if not more:
        message.payload = octets
        return RESPONSE
    request.options = _without(request.options, numbers.BLOCK2, numbers.OBSERVE)
    request.options.append((numbers.BLOCK2, _octets(len(octets), False, exponent)))
    return None


def _identity(message):
    """What the requests of one body have in common (section 2.5): the method and the options that are part of the cache
    key, which Echo, Size1 and their like are not (RFC 7252 section 5.4.2)."""
    options = [option for option in message.options if option[0] & 0x1E != 0x1C]
    return [message.code] + _without(options, numbers.BLOCK1, numbers.BLOCK2)


def size_hint(datagram, max_datagram):
    """The Block1 option for the 4.13 to a block that is larger than a datagram may be, as a list: the size that fits
    (section 2.9.3). Empty for what is no block."""
    try:
        request = decode(datagram)  # the options come first: they are whole, if the payload is not
    except MessageError:
        return ()
    if request.option(numbers.BLOCK1) is None:
        return ()
    start, _, exponent = _block(request, numbers.BLOCK1)
    exponent = min(exponent, fitting(max_datagram - 64))
    return ((numbers.BLOCK1, _octets(start, False, exponent)),)


def fitting(room):
    """The exponent of the largest block that has at most so many octets; that of the smallest where none does."""
    exponent = 6
    while exponent and 16 << exponent > room:
        exponent -= 1
    return exponent


def _block(message, number):
    """Where the part starts, whether more follow, and the exponent of its size."""
    value = message.uint(number)
    return (value >> 4) << (value & 7) + 4, value >> 3 & 1, value & 7


def _octets(start, more, exponent):
    return uint_octets((start >> exponent + 4) << 4 | more << 3 | exponent)


def _fits(message, more, exponent):
    size = 16 << exponent
    return exponent < 7 and (len(message.payload) == size if more else len(message.payload) <= size)


def _without(options, *left_out):
    return [option for option in options if option[0] not in left_out]
