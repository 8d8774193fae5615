# SPDX-License-Identifier: MIT
"""The numbers of CoAP: types, codes, options (RFC 7252 section 12) and transmission parameters (section 4.8)."""

# Message types, RFC 7252 section 3
CON = 0
NON = 1
ACK = 2
RST = 3

# Codes c.dd are c << 5 | dd, RFC 7252 section 12.1, RFCs 8132, 8768
EMPTY = 0
GET = 1
POST = 2
PUT = 3
DELETE = 4
FETCH = 5
PATCH = 6
IPATCH = 7

CREATED = 65
DELETED = 66
VALID = 67
CHANGED = 68
CONTENT = 69
CONTINUE = 95
BAD_REQUEST = 128
UNAUTHORIZED = 129
BAD_OPTION = 130
FORBIDDEN = 131
NOT_FOUND = 132
METHOD_NOT_ALLOWED = 133
NOT_ACCEPTABLE = 134
REQUEST_ENTITY_INCOMPLETE = 136
CONFLICT = 137
PRECONDITION_FAILED = 140
REQUEST_ENTITY_TOO_LARGE = 141
UNSUPPORTED_CONTENT_FORMAT = 143
UNPROCESSABLE_ENTITY = 150
TOO_MANY_REQUESTS = 157
INTERNAL_SERVER_ERROR = 160
NOT_IMPLEMENTED = 161
BAD_GATEWAY = 162
SERVICE_UNAVAILABLE = 163
GATEWAY_TIMEOUT = 164
PROXYING_NOT_SUPPORTED = 165
HOP_LIMIT_REACHED = 168

# Option numbers, RFC 7252 section 12.2, RFCs 7641, 7959, 7967, 8613, 8768, 9175. An odd number is critical (section
# 5.4.6).
IF_MATCH = 1
URI_HOST = 3
ETAG = 4
IF_NONE_MATCH = 5
OBSERVE = 6
URI_PORT = 7
LOCATION_PATH = 8
OSCORE = 9
URI_PATH = 11
CONTENT_FORMAT = 12
MAX_AGE = 14
URI_QUERY = 15
HOP_LIMIT = 16
ACCEPT = 17
LOCATION_QUERY = 20
BLOCK2 = 23
BLOCK1 = 27
SIZE2 = 28
PROXY_URI = 35
PROXY_SCHEME = 39
SIZE1 = 60
ECHO = 252
NO_RESPONSE = 258
REQUEST_TAG = 292

JSON = 50  # Content-Format application/json

# The options whose form is known here (RFC 7252 section 5.10), three octets for each number from 0 to 60, then those of
# 252, 258 and 292: rules, longest and shortest length. Rules: 1 repeatable, 2 of requests alone, 4 of responses alone,
# 8 not to be passed over: known where the application says that it evaluates it; 16 known at all. An option of another
# form is treated as unknown (sections 5.4, 5.4.1, 5.4.3, 5.4.5). Octets stay in a board's flash, a dict would not.
FORMS = (
    b"\0\0\0"
    b"\x1b\x08\x00"  # 1 If-Match
    b"\0\0\0"
    b"\x12\xff\x01"  # 3 Uri-Host
    b"\x11\x08\x01"  # 4 ETag
    b"\x1a\x00\x00"  # 5 If-None-Match
    b"\x10\x03\x00"  # 6 Observe
    b"\x12\x02\x00"  # 7 Uri-Port
    b"\x15\xff\x00"  # 8 Location-Path
    b"\0\0\0\0\0\0"
    b"\x13\xff\x00"  # 11 Uri-Path
    b"\x10\x02\x00"  # 12 Content-Format
    b"\0\0\0"
    b"\x14\x04\x00"  # 14 Max-Age
    b"\x13\xff\x00"  # 15 Uri-Query
    b"\x12\x01\x01"  # 16 Hop-Limit
    b"\x12\x02\x00"  # 17 Accept
    b"\0\0\0\0\0\0"
    b"\x15\xff\x00"  # 20 Location-Query
    b"\0\0\0\0\0\0"
    b"\x10\x03\x00"  # 23 Block2
    b"\0\0\0\0\0\0\0\0\0"
    b"\x10\x03\x00"  # 27 Block1
    b"\x10\x04\x00"  # 28 Size2
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    b"\x10\x04\x00"  # 60 Size1
    b"\x10\x28\x01"  # 252 Echo
    b"\x12\x01\x00"  # 258 No-Response
    b"\x13\x08\x00"  # 292 Request-Tag
)


def is_request(code: int) -> bool:
    """Return whether a code is a method: class 0, but not the empty message (RFC 7252 section 12.1)."""
    return 0 < code < 32


def is_success(code: int) -> bool:
    """Return whether a code is of class 2: the request was received, understood and accepted (section 5.9.1)."""
    return code >> 5 == 2


def is_error(code: int) -> bool:
    """Return whether a code is of class 4 or 5: the peer or we could not do it (sections 5.9.2 and 5.9.3)."""
    return code >= 128


def code_text(code: int) -> str:
    """Return a code as people write it: 132 -> "4.04" (RFC 7252 section 3)."""
    return "%d.%02d" % (code >> 5, code & 31)


class Parameters:
    """Transmission parameters of RFC 7252 section 4.8, and what follows from them (section 4.8.2).

    All times are whole milliseconds. `ack_random_factor` is a number of at least 1. `nstart` counts the
    confirmable messages under way to one peer (section 4.7).
    """

    MAX_LATENCY = 100000  # fixed by section 4.8.2

    def __init__(
        self,
        ack_timeout: int = 2000,
        ack_random_factor: float = 1.5,
        max_retransmit: int = 4,
        nstart: int = 1,
    ) -> None:
        self.ack_timeout = ack_timeout
        self.ack_random_factor = ack_random_factor
        self.max_retransmit = max_retransmit
        self.nstart = nstart

    @property
    def max_transmit_span(self) -> int:
        """Return the time from the first transmission of a confirmable message to its last: 45 s by default."""
        return int(self.ack_timeout * (2**self.max_retransmit - 1) * self.ack_random_factor)

    @property
    def max_transmit_wait(self) -> int:
        """Return the time from the first transmission to giving up: 93 s by default."""
        return int(self.ack_timeout * (2 ** (self.max_retransmit + 1) - 1) * self.ack_random_factor)

    @property
    def processing_delay(self) -> int:
        """How long a peer may take to acknowledge (section 4.8.2)."""
        return self.ack_timeout

    @property
    def exchange_lifetime(self) -> int:
        """How long a confirmable message's ID may not be used again: 247 s by default."""
        return self.max_transmit_span + 2 * self.MAX_LATENCY + self.processing_delay

    @property
    def non_lifetime(self) -> int:
        """The same for a non-confirmable message: 145 s by default."""
        return self.max_transmit_span + self.MAX_LATENCY
