# SPDX-License-Identifier: MIT
"""What can be wrong with octets that should be a CoAP message, or with what should become one, in words. Imported with
the first of them."""

from .compat import const

# one string, of which a heap has one object
_WORDS = const(
    "token token of %d octets: at most 8 fit\n"
    "negative option %d: a number is from 0 to 65535\n"
    "unsayable option %d of %d octets cannot be encoded\n"
    "header %d octets: a header has 4\n"
    "version version %d: only 1 is known\n"
    "tkl token length %d is reserved\n"
    "token-cut token runs past the end\n"
    "marker payload marker without payload\n"
    "number option number %d: the highest is 65535\n"
    "option-cut option %d runs past the end\n"
    "options more than %d options\n"
    "empty an empty message has 4 octets, not %d\n"
    "empty-non a non-confirmable message cannot be empty\n"
    "class code class %d is reserved\n"
    "reset a reset message must be empty\n"
    "ack an acknowledgement cannot carry a request\n"
    "nibble option delta or length 15 is reserved\n"
    "extended-cut extended option field runs past the end\n"
)


def words(which: str) -> str:
    """Return the words that `which` stands for, with a place for each figure in them."""
    start = ("\n" + _WORDS).index("\n" + which + " ") + len(which) + 1
    return _WORDS[start : _WORDS.index("\n", start)]
