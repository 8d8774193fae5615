# SPDX-License-Identifier: MIT
"""Responses that come in blocks: Block2 of RFC 7959 section 2.4, the client's side. Imported when the first of these
comes."""

from .. import numbers
from ..exchange import INCOMPLETE, RESPONSE
from .bodies import add, joined, length
from .option import block, fits, octets, without


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
        or not fits(message, more, exponent)
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
