# SPDX-License-Identifier: MIT
"""The numbers of CoAP: types, codes, options (RFC 7252 section 12) and transmission parameters (section 4.8)."""

from .compat import const, submodule
from .endpoint.parameters import Parameters as Parameters

_TYPING = const(False)
if _TYPING:
    from typing import Any

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


def offered(name: str) -> "Any":
    """Return what `coap.NAME` is: one of these numbers, or something of another module. Raise AttributeError."""
    if name in globals():
        return globals()[name]
    if name == "path_options":
        return getattr(submodule("coap", "uri"), name)
    if name == "__version__":
        from .version import VERSION

        return VERSION
    if name in ("BusyError", "Error", "StateError"):
        return getattr(submodule("coap", "errors"), name)
    if name in ("MessageError", "decode", "encode", "uint_octets"):
        return getattr(submodule("coap", "message"), name)
    if name.isupper() and hasattr(submodule("coap", "exchange"), name):
        return getattr(submodule("coap", "exchange"), name)
    return submodule("coap", name)
