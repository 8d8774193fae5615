# SPDX-License-Identifier: MIT
"""Bodies that peers send us in blocks: Block1 of RFC 7959 section 2.5, the server's side. Imported when the first such
request comes."""

from .. import numbers
from ..compat import const
from ..message import Message, uint_octets
from .bodies import Body, add, find, joined, length
from .option import block, fits, identity

_MAX_BODIES = const(2)


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
    if not fits(message, more, exponent):
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
