# SPDX-License-Identifier: MIT
"""The Block options, Block1 and Block2 of RFC 7959, and the options of requests that belong to one body.

A Block option says which part of a body a message carries: number << 4 | more << 3 | exponent. The part is
2 ** (exponent + 4) octets long, but for the last one, and starts at number times that (section 2.2).
"""

from .. import numbers
from ..message import MessageError, decode, uint_octets


def block(message, number):
    """Return where the part starts, whether more follow, and the exponent of its size."""
    value = message.uint(number)
    return (value >> 4) << (value & 7) + 4, value >> 3 & 1, value & 7


def octets(start, more, exponent):
    """Return the value of a Block option (RFC 7959 section 2.2)."""
    return uint_octets((start >> exponent + 4) << 4 | more << 3 | exponent)


def fits(message, more, exponent):
    """Return whether a part has the length that its option says."""
    size = 16 << exponent
    return exponent < 7 and (len(message.payload) == size if more else len(message.payload) <= size)


def fitting(room):
    """Return the exponent of the largest block that has at most so many octets; that of the smallest where none
    does."""
    exponent = 6
    while exponent and 16 << exponent > room:
        exponent -= 1
    return exponent


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


def identity(message):
    """Return what the requests of one body have in common (section 2.5): the method and the options that are part
    of the cache key, which Echo, Size1 and their like are not (RFC 7252 section 5.4.2)."""
    options = [option for option in message.options if option[0] & 0x1E != 0x1C]
    return [message.code] + without(options, numbers.BLOCK1, numbers.BLOCK2)


def without(options, *left_out):
    """Return the options but those of these numbers."""
    return [option for option in options if option[0] not in left_out]
