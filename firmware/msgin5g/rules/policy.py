# SPDX-License-Identifier: MIT
"""Which failure of which request is tried again, and when: one table for all.

RFC 7252 section 5.9, RFC 7959 section 2.9, RFC 8516; docs/wire-profile.md. `make tables` makes the page
docs/retries.md of it.
"""

from ..timing import Backoff

# What a response, or none, means for the request
DONE = "d"
END = "e"  # it has failed, and the same would fail again
AGAIN = "a"  # it is sent again after the back-off of its kind, or after Max-Age
REGISTER = "r"  # it is sent again when the device has registered anew; a second time after the back-off, too
REFUSED = "l"  # as AGAIN, with the back-off "refusal": the other side is able to, but refuses

# What is asked for in REQUESTS: a response code, or the x.00 of its class. A code that is not here is what the x.00 of
# its class is (RFC 7252 section 5.9), one of another class what 4.00 is.
CODES = (
    0x00,  # nothing came back, or a Reset
    0x40,  # 2.xx
    0x80,  # 4.00 Bad Request
    0x81,  # 4.01 Unauthorized: not registered
    0x83,  # 4.03 Forbidden
    0x88,  # 4.08 Request Entity Incomplete
    0x9D,  # 4.29 Too Many Requests
    0xA0,  # 5.00 Internal Server Error
    0xA1,  # 5.01 Not Implemented
    0xA5,  # 5.05 Proxying Not Supported
    # MSGin5G-5 says a cause of TS 24.538 clause A.2.2.17: 0x100 and its value
    0x100,  # any other cause: refused
    0x104,  # Connection is not available anymore: the gateway holds no registration of ours
    0x105,  # Lack of resources for lower layer
    0x106,  # Congestion situation
)

# Each table is one string, of which a heap has one object: a row in each line, with spaces between the columns.

# kind, its back-off ("-": none), how often it is sent (0: for ever), a letter for each of CODES in their order
REQUESTS = (
    "\nMSG       resend       0 adereaaaeeeraa"
    "\nIMDN      resend       0 adereaaaeeeraa"
    "\nSEGCONFIR resend       5 adereaaaeeeraa"  # the other side helps itself when it never comes
    "\nSEGREC    -            1 edeeeeeeeeeeee"  # comes again by itself when the gap timer ends
    "\nSUB       resend       0 adlrlaaalllraa"
    "\nUNSUB     resend       0 adereaaaeeeraa"
    "\nGROUP     resend       0 adereaaaeeeraa"  # as long as the application waits
    "\nREG       registration 0 adaalaaaaalaaa"  # GWREG too
    "\nCONFIG    registration 0 adlalaaaaalaaa"
    "\nDEREG     -            1 edeeeeeeeeeeee"  # its loss is harmless: the registration expires
)

# name, first wait, longest wait, growth, in ms. Each wait is the one before and the growth more, or twice the one
# before where the growth is 0, with 25 % of jitter.
BACKOFFS = "\nresend        5000  300000 0\nregistration  2000  300000 0\nrefusal      60000 3600000 0"


def _row(table, name):
    """Return the columns of the row that begins with this name. Raise KeyError."""
    start = table.find("\n" + name + " ")
    if start < 0:
        raise KeyError(name)
    return table[start + 1 :].split("\n", 1)[0].split()


def verdict(code, kind):
    """Return what the response code (0: silence) means for a request of this kind: DONE, END, AGAIN, ..."""
    if code >> 5 == 2:  # what comes most, and means the same for each
        return DONE
    row = _row(REQUESTS, kind)
    for wanted in (code, code & 0x1E0, 0x80):
        if wanted in CODES:
            return row[3][CODES.index(wanted)]


def max_tries(kind):
    """Return how often a request of this kind is sent at most, 0 for as often as it takes."""
    return int(_row(REQUESTS, kind)[2])


def backoff(kind, random):
    """Return the Backoff of a request of this kind."""
    return named(_row(REQUESTS, kind)[1], random)


def named(name, random):
    """Return the Backoff of this name."""
    _, first, longest, growth = _row(BACKOFFS, name)
    return Backoff(int(first), int(longest), random, int(growth))
