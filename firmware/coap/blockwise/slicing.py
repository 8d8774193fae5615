# SPDX-License-Identifier: MIT
"""Responses in blocks: Block2 of RFC 7959 sections 2.4 and 2.7, the server's side. Imported when a request has a Block
option or a response is larger than a datagram.

For each block a GET runs anew, so that nothing is kept between them: that the content changed meanwhile shows in its
ETag. Other methods must not run again, so their response is kept until the peer has it all; so is one that is read from
a source which can't seek.
"""

from hashlib import sha256

from .. import numbers
from ..compat import const
from ..message import Message, encode, uint_octets
from .bodies import find, owner
from .option import block, fitting, identity, octets
from .parts import parts_of

_PROTECTION = const(20)  # octets that protecting adds: code, marker, tag of 8, option of up to 8
_ETAG = const(4)  # octets of an ETag of ours


def sliced(endpoint, incoming, response, now):
    """Return what goes out for `response`, and the source that is to be closed then or None. It has the Block options
    of the request, and the part of its payload that is asked for, in the size that is asked for or in a smaller one
    that fits a datagram.

    `incoming` may be the request of an observation, `response` a notification: that gets the first block, and the rest
    is asked for by requests (section 2.6).
    """
    request = incoming.message
    kept = find(endpoint.bodies, owner(incoming), identity(request), True)
    if kept and kept.answer is not response:
        kept = None
    options = list(response.options)
    block1 = request.option(numbers.BLOCK1)
    # Block1 in a response says that the block was taken. What ends a transfer before its last block must not say so.
    if (
        block1 is not None
        and response.option(numbers.BLOCK1) is None
        and (response.code == numbers.CONTINUE or not block(request, numbers.BLOCK1)[1])
    ):
        options.append((numbers.BLOCK1, block1))
    content = response.payload
    if not hasattr(content, "part"):  # which what is kept of a source has
        content = parts_of(content, True)
    part, partial, more = _part(endpoint, incoming, response.code, content, options)
    if not kept and not (partial and (request.code != numbers.GET or more and content.once)):
        return part, content
    parameters = endpoint.parameters
    deadline = now + (parameters.exchange_lifetime if more else parameters.max_transmit_span)
    if kept:
        kept.deadline = deadline
    else:
        from .keeping import keep

        keep(endpoint, incoming, response, content, deadline)
    return (
        part,
        None if more or not content.once else content,
    )  # to its end: what it is read from can be closed


def _part(endpoint, incoming, code, content, options):
    """Return the message with the part of the content that is asked for, whether it is but a part, and whether more
    follow."""
    request = incoming.message
    total = content.size
    asked = request.option(numbers.BLOCK2)
    start, exponent = 0, 6
    if asked is None or numbers.is_error(code) or code == numbers.CONTINUE:
        if total is not None and total <= _room(endpoint, incoming, options):
            return Message(code, content.part(0, total)[0], options), False, False
    if asked is not None:
        start, _, exponent = block(request, numbers.BLOCK2)
        if total is not None and start and start >= total:
            return Message(numbers.BAD_REQUEST, b"Block2"), False, False
    if not content.returns(start):
        return Message(numbers.REQUEST_ENTITY_INCOMPLETE), False, False
    if total is not None and request.option(numbers.SIZE2) is not None:
        options.append((numbers.SIZE2, uint_octets(total)))
    options.append((numbers.BLOCK2, b"\0\0\0"))
    exponent = min(exponent, fitting(_room(endpoint, incoming, options)))
    if (
        code == numbers.CONTENT
        and not hasattr(content, "close")
        and (start or total > 16 << exponent)
        and not [number for number, _ in options if number == numbers.ETAG]
    ):
        options.insert(0, (numbers.ETAG, sha256(content.part(0, total)[0]).digest()[:_ETAG]))
        exponent = min(exponent, fitting(_room(endpoint, incoming, options)))
    payload, more = content.part(start, 16 << exponent)
    if start and not len(payload):
        return Message(numbers.BAD_REQUEST, b"Block2"), False, False
    if asked is None and not more:
        options.pop()  # a source whose length nobody knew, and it fits
        return Message(code, payload, options), False, False
    options[-1] = (numbers.BLOCK2, octets(start, more, exponent))
    return Message(code, payload, options), bool(start or more), more


def _room(endpoint, incoming, options):
    """Return octets of payload that fit a datagram beside these options."""
    head = len(encode(Message(numbers.CONTENT, b"", options), numbers.ACK, 0, incoming.message.token)) + 1
    return endpoint.max_datagram - head - (_PROTECTION if incoming.binding else 0)
