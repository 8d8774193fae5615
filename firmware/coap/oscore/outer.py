# SPDX-License-Identifier: MIT
"""Protected messages that come in pieces, as a proxy makes them: outer Block options, RFC 8613 section 4.1.3.4.2.
Imported when the first one comes.

Nothing protects a piece, so all that is done with them is bounded: a Security keeps pieces of one request from the
address of its peer and of one from any other, and of one response for each request of ours that is open. A message
longer than `max_unfragmented` is dropped. Only the whole is verified, once the last piece is there.
"""

from .. import numbers
from ..blockwise.bodies import add, joined, length
from ..blockwise.option import block, fits, identity, octets, without
from ..compat import const, ticks_diff
from ..message import Message, uint_octets

_LIFETIME = const(247000)  # ms that a piece is kept: EXCHANGE_LIFETIME by default (RFC 7252 section 4.8.2)


class Body:
    """What has come of one message."""

    def __init__(self, peer, known, identity):
        self.peer = peer
        self.known = known  # whether that is the address of the key's peer
        self.identity = identity
        self.pieces = []
        self.deadline = 0  # of a request: when to forget it
        self.option = b""  # of a request: the Block1 option of its response
        self.sealed = b""  # of a response: the payload of the protected request


def collect(security, message, peer, known, now):
    """Take a request with an outer Block1 option. Return (its Body, None) where it is complete, and the payload is then
    the whole of it, else (None, what `unprotect_request` gives). Raise MemoryError: then nothing has changed."""
    body, code = _add_request(security, message, peer, known, now)
    if body:
        return body, None
    if code != numbers.CONTINUE:
        refusal = security.refuse("unverified", "a part of a request: it does not fit", code, now)
        if not refusal[2]:
            return None, refusal
    options = [(numbers.BLOCK1, message.option(numbers.BLOCK1))]
    if code == numbers.REQUEST_ENTITY_TOO_LARGE:
        options.append((numbers.SIZE1, uint_octets(security.max_unfragmented)))
    return None, (None, None, Message(code, b"", options))


def _add_request(security, message, peer, known, now):
    """Return (its Body, 0) where it is complete, else (None, the code of the answer)."""
    start, more, exponent = block(message, numbers.BLOCK1)
    if not fits(message, more, exponent):
        return None, numbers.BAD_REQUEST
    what = identity(message)
    body = None
    for each in security.bodies:
        if each.peer == peer and each.identity == what:
            body = each
    if body is None or start == 0 and length(body.pieces) > len(message.payload):
        if start:
            return None, numbers.REQUEST_ENTITY_INCOMPLETE
        body = Body(peer, known, what)
    size = start + len(message.payload)
    if max(size, message.uint(numbers.SIZE1, 0)) > security.max_unfragmented:
        security.bodies = [each for each in security.bodies if each is not body]
        return None, numbers.REQUEST_ENTITY_TOO_LARGE
    had = length(body.pieces)
    if more and size == had:
        return None, numbers.CONTINUE  # it came before
    if start != had:
        return None, numbers.REQUEST_ENTITY_INCOMPLETE
    if not more:
        message.payload = _whole(body, message)
        body.option = octets(start, False, exponent)
        return body, 0
    # It takes the place of another one from such an address, which may have been given up.
    others = [each for each in security.bodies if each is not body and each.known != known]
    others.append(body)
    add(body.pieces, message.payload)
    body.deadline = now + _LIFETIME
    security.bodies = others
    return None, numbers.CONTINUE


def expire(bodies, now):
    """Forget those whose time is over."""
    index = len(bodies)
    while index:
        index -= 1
        if ticks_diff(now, bodies[index].deadline) >= 0:
            bodies.pop(index)


def add_response(binding, message, limit):
    """Take a response with an outer Block2 option to the request of this binding. Return the whole, or None where it
    does not fit together or is too long; or a sign that the next piece must be asked for, and then `binding.again` is
    true. Raise MemoryError: then nothing has changed."""
    start, more, exponent = block(message, numbers.BLOCK2)
    if not fits(message, more, exponent) or start + len(message.payload) > limit:
        return None
    what = message.code, message.option(numbers.OSCORE), message.option(numbers.ETAG)
    body = binding.outer
    if start == 0:
        if not more:
            return message
        before = body
        body = Body(None, True, what)
        if before:
            body.sealed = before.sealed
    if body is None or body.identity != what:
        return None
    had = length(body.pieces)
    if start + len(message.payload) != had or not more:  # else it came before
        if start != had:
            return None
        if not more:
            whole = _whole(body, message)
            return Message(message.code, whole, message.options, message.type, message.mid, message.token)
        add(body.pieces, message.payload)
    body.option = octets(start + len(message.payload), False, exponent)
    binding.outer = body
    binding.again = True
    # It has an option, as any response that must be looked at further.
    return Message(numbers.CONTINUE, b"", [(numbers.MAX_AGE, b"")], message.type, message.mid, message.token)


def next_request(message, binding):
    """Return the request for the next piece: the protected one without its payload (RFC 7959 section 2.7)."""
    body = binding.outer
    body.sealed = body.sealed or bytes(message.payload)
    options = without(message.options, numbers.BLOCK2) + [(numbers.BLOCK2, body.option)]
    request = Message(message.code, b"", options, message.type)
    binding.again = False
    return request


def _whole(body, message):
    whole = joined(body.pieces, message.payload)
    if not isinstance(whole, bytes):
        raise MemoryError  # it is verified in one piece
    return whole
