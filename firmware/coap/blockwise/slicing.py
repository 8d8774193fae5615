# SPDX-License-Identifier: MIT
"""Responses in blocks: Block2 of RFC 7959 sections 2.4 and 2.7, the server's side. Imported when a request has a Block
option or a response is larger than a datagram.

For each block a GET runs anew, so that nothing is kept between them. Other methods must not run again, so their
response is kept until the peer has it all.
"""

from .. import numbers
from ..compat import const
from ..message import Message, encode, uint_octets
from .bodies import Body, find
from .option import block, fitting, identity, octets

_MAX_RESPONSES = const(2)  # responses that are kept, one a peer
_PROTECTION = const(20)  # octets that protecting adds: code, marker, tag of 8, option of up to 8


def sliced(endpoint, incoming, response, now):
    """Return what goes out for `response`: with the Block options of the request, and the part of its payload that
    is asked for, in the size that is asked for or in a smaller one that fits a datagram."""
    request = incoming.message
    options = list(response.options)
    block1 = request.option(numbers.BLOCK1)
    # Block1 in a response says that the block was taken. An error before the last block must not say so.
    if block1 is not None and (not numbers.is_error(response.code) or not block(request, numbers.BLOCK1)[1]):
        options.append((numbers.BLOCK1, block1))
    payload = response.payload
    if hasattr(payload, "pieces"):
        payload = bytes(payload)
    size = len(payload)
    asked = request.option(numbers.BLOCK2)
    whole = Message(response.code, payload, options)
    if asked is None or numbers.is_error(response.code) or response.code == numbers.CONTINUE:
        if size <= _room(endpoint, incoming, options):
            return whole
        start, exponent = 0, 6
    if asked is not None:
        start, _, exponent = block(request, numbers.BLOCK2)
        if exponent == 7 or start and start >= size:
            return Message(numbers.BAD_REQUEST, b"Block2")
    if request.option(numbers.SIZE2) is not None:
        options.append((numbers.SIZE2, uint_octets(size)))
    options.append((numbers.BLOCK2, b"\0\0\0"))
    exponent = min(exponent, fitting(_room(endpoint, incoming, options)))
    end = start + (16 << exponent)
    options[-1] = (numbers.BLOCK2, octets(start, end < size, exponent))
    if request.code != numbers.GET and (start or end < size):
        _keep(endpoint, incoming, response, end < size, now)
    return Message(response.code, memoryview(payload)[start:end], options)


def _room(endpoint, incoming, options):
    """Return octets of payload that fit a datagram beside these options."""
    head = len(encode(Message(numbers.CONTENT, b"", options), numbers.ACK, 0, incoming.message.token)) + 1
    return endpoint.max_datagram - head - (_PROTECTION if incoming.binding else 0)


def _keep(endpoint, incoming, response, more, now):
    """Keep the response until the peer has fetched the rest; after the last block, for as long as that may be lost
    and asked for again."""
    bodies = endpoint.bodies
    body = find(bodies, incoming.peer, True)
    parameters = endpoint.parameters
    deadline = now + (parameters.exchange_lifetime if more else parameters.max_transmit_span)
    if body and body.answer is response:
        body.deadline = deadline
        return
    payload = response.payload
    if not isinstance(payload, bytes):
        payload = bytes(payload)
    answer = Message(response.code, payload, list(response.options))  # the response itself is the caller's
    kept = Body(incoming.peer, identity(incoming.message), incoming.entry, deadline, answer)
    if body is None:
        others = [each for each in bodies if each.answer]
        if len(others) >= _MAX_RESPONSES:
            body = others[0]  # the one that was begun first
    bodies.append(kept)
    if body:
        bodies.remove(body)
