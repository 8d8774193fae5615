# SPDX-License-Identifier: MIT
"""The Block options, Block1 and Block2 of RFC 7959, and the options of requests that belong to one body.

A Block option says which part of a body a message carries: number << 4 | more << 3 | exponent. The part is
2 ** (exponent + 4) octets long, but for the last one, and starts at number times that (section 2.2).
"""

from .. import numbers
from ..compat import const
from ..message import MessageError, uint_octets

_BLOCKS = const(1 << 20)  # of a body at most: the number of a block has 20 bits


def block(message, number):
    """Return where the part starts, whether more follow, and the exponent of its size."""
    value = message.uint(number)
    return (value >> 4) << (value & 7) + 4, value >> 3 & 1, value & 7


def octets(start, more, exponent):
    """Return the value of a Block option (RFC 7959 section 2.2). Raise MessageError where it can't be said."""
    number = start >> exponent + 4
    if number >= _BLOCKS:
        size = 16 << exponent
        raise MessageError("octet %d: in blocks of %d a body has %d at most" % (start, size, size * _BLOCKS))
    return uint_octets(number << 4 | more << 3 | exponent)


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


def identity(message):
    """Return what the requests of one body have in common (section 2.5): the method and the options that are part
    of the cache key, which Echo, Size1 and their like are not (RFC 7252 section 5.4.2), but Request-Tag is. Observe
    stands in the first request alone (section 2.6)."""
    options = [option for option in message.options if option[0] & 0x1E != 0x1C]
    return [message.code] + without(options, numbers.BLOCK1, numbers.BLOCK2, numbers.OBSERVE)


def without(options, *left_out):
    """Return the options but those of these numbers."""
    return [option for option in options if option[0] not in left_out]
