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

# Rows are strings, with spaces between the columns: each costs a heap one object.

# kind, its back-off ("-": none), how often it is sent (0: for ever), a letter for each of CODES in their order
REQUESTS = (
    "MSG       resend       0 adereaaaeeeraa",
    "IMDN      resend       0 adereaaaeeeraa",
    "SEGCONFIR resend       5 adereaaaeeeraa",  # the other side helps itself when it never comes
    "SEGREC    -            1 edeeeeeeeeeeee",  # comes again by itself when the gap timer ends
    "SUB       resend       0 adlrlaaalllraa",
    "UNSUB     resend       0 adereaaaeeeraa",
    "GROUP     resend       0 adereaaaeeeraa",  # as long as the application waits
    "REG       registration 0 adaalaaaaalaaa",  # GWREG too
    "CONFIG    registration 0 adlalaaaaalaaa",
    "DEREG     -            1 edeeeeeeeeeeee",  # its loss is harmless: the registration expires
)

# name, first wait, longest wait, growth, in ms. Each wait is the one before and the growth more, or twice the one
# before where the growth is 0, with 25 % of jitter.
BACKOFFS = (
    "resend        5000  300000 0",
    "registration  2000  300000 0",
    "refusal      60000 3600000 0",
)


def _row(table, name):
    """Return the row that begins with this name. Raise KeyError."""
    for row in table:
        if row.startswith(name) and row[len(name)] == " ":
            return row
    raise KeyError(name)


def verdict(code, kind):
    """Return what the response code (0: silence) means for a request of this kind: DONE, END, AGAIN, ..."""
    if code >> 5 == 2:  # what comes most, and means the same for each
        return DONE
    row = _row(REQUESTS, kind)
    for wanted in (code, code & 0x1E0, 0x80):
        if wanted in CODES:
            return row[CODES.index(wanted) - len(CODES)]  # the letters are its end


def max_tries(kind):
    """Return how often a request of this kind is sent at most, 0 for as often as it takes."""
    return int(_row(REQUESTS, kind).split()[2])


def backoff(kind, random):
    """Return the Backoff of a request of this kind."""
    return named(_row(REQUESTS, kind).split()[1], random)


def named(name, random):
    """Return the Backoff of this name."""
    _, first, longest, growth = _row(BACKOFFS, name).split()
    return Backoff(int(first), int(longest), random, int(growth))
