# SPDX-License-Identifier: MIT
"""Which failure of which request is tried again, and when: one table for all.

RFC 7252 section 5.9, RFC 7959 section 2.9, RFC 8516; docs/wire-profile.md. `python -m tools.tables` makes the page
docs/retries.md of it.
"""

from ..timing import Backoff

# What a response, or none, means for the request
DONE = "d"
END = "e"  # it has failed, and the same would fail again
AGAIN = "a"  # it is sent again after the back-off of its kind, or after Max-Age
REGISTER = "r"  # it is sent again when the device has registered anew; a second time after the back-off, too
REFUSED = "l"  # as AGAIN, with the back-off "refusal": the other side is able to, but refuses

# (kind, its back-off, how often it is sent; 0: for ever)
REQUESTS = (
    ("MSG", "resend", 0),
    ("IMDN", "resend", 0),
    ("SEGCONFIR", "resend", 5),  # the other side helps itself when it never comes
    ("SEGREC", None, 1),  # the gap timer makes another one
    ("SUB", "resend", 0),
    ("UNSUB", "resend", 0),
    ("REG", "registration", 0),  # GWREG too
    ("DEREG", None, 1),  # its loss is harmless: the registration expires
)

# Each wait is twice the one before, with 25 % of jitter: (name, first wait, longest wait), in ms
BACKOFFS = (
    ("resend", 5000, 300000),
    ("registration", 2000, 300000),
    ("refusal", 60000, 3600000),
)

# (code or the x.00 of its class, a letter for each kind in the order of REQUESTS). A code without a row is what the
# x.00 of its class is (RFC 7252 section 5.9), one of another class what 4.00 is. 0: silence or a Reset.
TABLE = (
    (0x00, "aaaeaaae"),  # nothing came back
    (0x40, "dddddddd"),  # 2.xx
    (0x80, "eeeeleae"),  # 4.00 Bad Request
    (0x81, "rrrerrae"),  # 4.01 Unauthorized: not registered
    (0x83, "eeeelele"),  # 4.03 Forbidden
    (0x88, "aaaeaaae"),  # 4.08 Request Entity Incomplete
    (0x9D, "aaaeaaae"),  # 4.29 Too Many Requests
    (0xA0, "aaaeaaae"),  # 5.00 Internal Server Error
    (0xA1, "eeeeleae"),  # 5.01 Not Implemented
    (0xA5, "eeeeleae"),  # 5.05 Proxying Not Supported
    # MSGin5G-5 says a cause of TS 24.538 clause A.2.2.17: 0x100 and its value
    (0x100, "eeeelele"),  # any other cause: refused
    (0x104, "rrrerrae"),  # Connection is not available anymore: the gateway holds no registration of ours
    (0x105, "aaaeaaae"),  # Lack of resources for lower layer
    (0x106, "aaaeaaae"),  # Congestion situation
)


def verdict(code, kind):
    """Return what the response code (0: silence) means for a request of this kind: DONE, END, AGAIN, ..."""
    column = 0
    while REQUESTS[column][0] != kind:
        column += 1
    for wanted in (code, code & 0x1E0, 0x80):
        for row in TABLE:
            if row[0] == wanted:
                return row[1][column]


def tries(kind):
    """Return how often a request of this kind is sent at most; 0 means for ever."""
    for request in REQUESTS:
        if request[0] == kind:
            return request[2]


def backoff(kind, random):
    """Return the Backoff of a request of this kind."""
    for request in REQUESTS:
        if request[0] == kind:
            return named(request[1], random)


def named(name, random):
    """Return the Backoff of this name."""
    for row in BACKOFFS:
        if row[0] == name:
            return Backoff(row[1], row[2], random)
