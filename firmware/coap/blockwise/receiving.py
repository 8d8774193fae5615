# SPDX-License-Identifier: MIT
"""Bodies that peers send us in blocks: Block1 of RFC 7959 section 2.5, the server's side. Imported when the first such
request comes.

Which body a block belongs to is told by who sends it and by what the requests of one body have in common, its
Request-Tag among it (RFC 9175 section 3.3), so several may come at once, interleaved. They are bounded: for each
sender, so that one can't use up the places of all, and in all.
"""

from .. import numbers
from ..compat import const, ticks_diff
from ..message import Message, MessageError, decode, uint_octets
from .bodies import Collected, add, find, joined, owner
from .option import block, fits, fitting, identity, octets

_MAX_BODIES = const(3)
_MAX_OF_ONE = const(2)  # of one sender
ANYWHERE = const(2)  # what Endpoint.streams gives for a body that may begin behind its first block


def add_request_block(endpoint, incoming, others, now):
    """Take a request with a Block option. Return the answer to it; None where it is for the layer above (the payload of
    the last block is the whole body then, bytes or Pieces); False where that has its event already.

    `others` are all requests that wait for their answer, this one among them.
    """
    message = incoming.message
    whose = owner(incoming)
    if message.uint(numbers.BLOCK2, 0) & 7 == 7:  # section 2.2; here, so that no handler has run
        return Message(numbers.BAD_REQUEST, b"Block2")
    if message.option(numbers.BLOCK1) is None:
        from .keeping import rest

        return rest(endpoint.bodies, message, whose)
    start, more, exponent = block(message, numbers.BLOCK1)
    if not fits(message, more, exponent):
        return Message(numbers.BAD_REQUEST, b"Block1")
    body = find(endpoint.bodies, whose, identity(message), False)
    if body and start != body.size:
        if more and start + len(message.payload) == body.size and body.repeats(message.payload):
            # the block that was taken last, in another message: its answer was lost
            return _busy(endpoint) if body.waiting else Message(numbers.CONTINUE)
        if start:
            return Message(numbers.REQUEST_ENTITY_INCOMPLETE)
        body.give_up(endpoint)  # the peer begins anew
        body = None
    if body and body.waiting:
        return _busy(endpoint)  # one block at a time: the one before is not answered yet
    body = body or _begun(endpoint, incoming, others, start, more, now)
    if body is None or isinstance(body, Message):
        return body
    if not isinstance(body, Collected):
        body.take(endpoint, incoming, start, more)
        return False
    return _collect(endpoint, body, incoming, start, more, now)


def _collect(endpoint, body, incoming, start, more, now):
    """Return the answer to a block of a body that is collected; None where that is whole."""
    message = incoming.message
    body.entry = incoming.entry
    size = start + len(message.payload)
    if size > endpoint.max_body:
        endpoint.bodies.remove(body)
        return _too_large(endpoint)
    if more:
        add(body.pieces, message.payload)
        body.size = size
        body.deadline = now + endpoint.parameters.exchange_lifetime
        return Message(numbers.CONTINUE)
    message.payload = joined(body.pieces, message.payload)
    endpoint.bodies.remove(body)
    return None


def _begun(endpoint, incoming, others, start, more, now):
    """Return the body that begins with this block; None where it ends with it too, and is not in need of one; the
    answer where it may not begin."""
    message = incoming.message
    streams = endpoint.streams and endpoint.streams(message, incoming.peer)
    if start and streams != ANYWHERE:
        return Message(numbers.REQUEST_ENTITY_INCOMPLETE)
    if not streams and max(len(message.payload), message.uint(numbers.SIZE1, 0)) > endpoint.max_body:
        return _too_large(endpoint)
    if not start and not more:
        return None
    whose = owner(incoming)
    lifetime = endpoint.parameters.exchange_lifetime
    if not _make_room(endpoint, whose, incoming, others, now):
        return _busy(endpoint)
    if streams:
        from .streams import Stream as Collector
    else:
        Collector = Collected
    body = Collector(whose, identity(message), now + lifetime)
    body.size = start
    body.entry = incoming.entry
    endpoint.bodies.append(body)
    return body


def _make_room(endpoint, whose, incoming, others, now):
    """Return whether there is room for one more body of this sender. Where there is none, one of which nothing was
    heard for longer than two losses in a row take is given up: else a few that are never ended would keep all others
    out for minutes."""
    total = own = 0
    oldest = oldest_own = None
    for body in endpoint.bodies:
        if body.answer:
            continue
        total += 1
        own += body.owner == whose
        if body.waiting is None:
            oldest = _older(body, oldest)
            if body.owner == whose:
                oldest_own = _older(body, oldest_own)
    for each in others:
        # a whole one that is not answered
        if each is not incoming and not each.body and each.message.uint(numbers.BLOCK1, 0) >> 4:
            total += 1
            own += owner(each) == whose
    if own < _MAX_OF_ONE and total < _MAX_BODIES:
        return True
    body = oldest_own if own >= _MAX_OF_ONE else oldest
    if body is None:
        return False
    heard = body.deadline - endpoint.parameters.exchange_lifetime
    if ticks_diff(now, heard) <= _quiet(endpoint):
        return False
    body.give_up(endpoint)
    return True


def _older(body, other):
    return body if other is None or ticks_diff(body.deadline, other.deadline) < 0 else other


def _quiet(endpoint):
    parameters = endpoint.parameters
    return int(3 * parameters.ack_timeout * parameters.ack_random_factor)


def _busy(endpoint):
    """Return the answer to who should come again soon (RFC 9175 section 3.3)."""
    seconds = uint_octets(_quiet(endpoint) // 1000 + 1)
    return Message(numbers.SERVICE_UNAVAILABLE, options=[(numbers.MAX_AGE, seconds)])


def _too_large(endpoint):
    return Message(
        numbers.REQUEST_ENTITY_TOO_LARGE, options=[(numbers.SIZE1, uint_octets(endpoint.max_body))]
    )


def too_long(endpoint, datagram, peer):
    """Return the options of the 4.13 that answers a datagram which is too long: Size1 with what is taken in blocks, but
    for a stream, which has no bound; to a block, Block1 with the size that fits (section 2.9.3)."""
    options = [(numbers.SIZE1, uint_octets(endpoint.max_body))]
    try:
        request = decode(datagram)  # the options come first: they are whole, if the payload is not
    except MessageError:
        return options
    if endpoint.streams and endpoint.streams(request, peer):
        options = []
    if request.option(numbers.BLOCK1) is not None:
        start, _, exponent = block(request, numbers.BLOCK1)
        exponent = min(exponent, fitting(endpoint.max_datagram - 64))
        try:
            value = octets(start, False, exponent)
        except MessageError:
            value = octets(0, False, exponent)  # in such blocks the body does not get there
        options.append((numbers.BLOCK1, value))
    return options
