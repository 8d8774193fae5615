# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The Block options, Block1 and Block2 of RFC 7959, and the options of requests that belong to one body.

A Block option says which part of a body a message carries: number << 4 | more << 3 | exponent. The part is
2 ** (exponent + 4) octets long, but for the last one, and starts at number times that (section 2.2).
"""
def block(message, number):
    """Return where the part starts, whether more follow, and the exponent of its size."""
def octets(start, more, exponent):
    """Return the value of a Block option (RFC 7959 section 2.2). Raise MessageError where it can't be said."""
def fits(message, more, exponent):
    """Return whether a part has the length that its option says."""
def fitting(room):
    """Return the exponent of the largest block that has at most so many octets; that of the smallest where none
    does.
    """
def identity(message):
    """Return what the requests of one body have in common (section 2.5): the method and the options that are part
    of the cache key, which Echo, Size1 and their like are not (RFC 7252 section 5.4.2), but Request-Tag is. Observe
    stands in the first request alone (section 2.6).
    """
def without(options, *left_out):
    """Return the options but those of these numbers."""
