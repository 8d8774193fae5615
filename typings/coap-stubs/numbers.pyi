# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The numbers of CoAP: types, codes, options (RFC 7252 section 12) and transmission parameters (section 4.8)."""
from typing import Any
from typing import Final
from .endpoint.parameters import Parameters as Parameters
CON: Final = 0
NON: Final = 1
ACK: Final = 2
RST: Final = 3
EMPTY: Final = 0
GET: Final = 1
POST: Final = 2
PUT: Final = 3
DELETE: Final = 4
FETCH: Final = 5
PATCH: Final = 6
IPATCH: Final = 7
CREATED: Final = 65
DELETED: Final = 66
VALID: Final = 67
CHANGED: Final = 68
CONTENT: Final = 69
CONTINUE: Final = 95
BAD_REQUEST: Final = 128
UNAUTHORIZED: Final = 129
BAD_OPTION: Final = 130
FORBIDDEN: Final = 131
NOT_FOUND: Final = 132
METHOD_NOT_ALLOWED: Final = 133
NOT_ACCEPTABLE: Final = 134
REQUEST_ENTITY_INCOMPLETE: Final = 136
CONFLICT: Final = 137
PRECONDITION_FAILED: Final = 140
REQUEST_ENTITY_TOO_LARGE: Final = 141
UNSUPPORTED_CONTENT_FORMAT: Final = 143
UNPROCESSABLE_ENTITY: Final = 150
TOO_MANY_REQUESTS: Final = 157
INTERNAL_SERVER_ERROR: Final = 160
NOT_IMPLEMENTED: Final = 161
BAD_GATEWAY: Final = 162
SERVICE_UNAVAILABLE: Final = 163
GATEWAY_TIMEOUT: Final = 164
PROXYING_NOT_SUPPORTED: Final = 165
HOP_LIMIT_REACHED: Final = 168
IF_MATCH: Final = 1
URI_HOST: Final = 3
ETAG: Final = 4
IF_NONE_MATCH: Final = 5
OBSERVE: Final = 6
URI_PORT: Final = 7
LOCATION_PATH: Final = 8
OSCORE: Final = 9
URI_PATH: Final = 11
CONTENT_FORMAT: Final = 12
MAX_AGE: Final = 14
URI_QUERY: Final = 15
HOP_LIMIT: Final = 16
ACCEPT: Final = 17
LOCATION_QUERY: Final = 20
BLOCK2: Final = 23
BLOCK1: Final = 27
SIZE2: Final = 28
PROXY_URI: Final = 35
PROXY_SCHEME: Final = 39
SIZE1: Final = 60
ECHO: Final = 252
NO_RESPONSE: Final = 258
REQUEST_TAG: Final = 292
JSON: Final = 50
def is_request(code: int) -> bool:
    """Return whether a code is a method: class 0, but not the empty message (RFC 7252 section 12.1)."""
def is_success(code: int) -> bool:
    """Return whether a code is of class 2: the request was received, understood and accepted (section 5.9.1)."""
def is_error(code: int) -> bool:
    """Return whether a code is of class 4 or 5: the peer or we could not do it (sections 5.9.2 and 5.9.3)."""
def code_text(code: int) -> str:
    """Return a code as people write it: 132 -> "4.04" (RFC 7252 section 3)."""
def offered(name: str) -> Any:
    """Return what `coap.NAME` is: one of these numbers, or something of another module. Raise AttributeError."""
