# SPDX-License-Identifier: MIT
"""What the SEAL services of TS 24.546 (UE configuration) and TS 24.544 (groups) have in common on the wire.

Both have media types of their own, which have no Content-Format number: the same members go as JSON (50) or CBOR (60),
and errors as problem details (RFC 9290) where CBOR is accepted.
"""

import hashlib
import io
import json
from dataclasses import replace

import cbor2

from tools.wire import bodies
from tools.wire.answers import Refusal
from tools.wire.bodies import Malformed
from tools.wire.outside import clean

JSON, CBOR, PROBLEM = 50, 60, 257
_LONGER = 16  # characters of JSON that an octet of CBOR may become; without references they are 8 at most


def check_accept(request):
    """Refuses a request that accepts nothing that is written here."""
    if request.accept not in (None, JSON, CBOR):
        raise Refusal("4.06", "only application/json (50) and application/cbor (60) are written")


def read_body(request):
    """The object that a Request carries. Raises Malformed, or Refusal for a Content-Format that is not read."""
    if request.content_format in (None, JSON):
        return bodies.parse(request.payload)
    if request.content_format != CBOR:
        raise Refusal("4.15", "the payload must be application/json (50) or application/cbor (60)")
    stream = io.BytesIO(request.payload)
    try:
        body = cbor2.CBORDecoder(stream, read_size=1).decode()
    except Exception as error:  # whatever a tag makes of its content
        raise Malformed("payload", "not CBOR: %s" % clean(str(error), 100)) from error
    if stream.read(1):
        raise Malformed("payload", "more than one CBOR item")
    try:  # the data model is that of JSON; a cycle of references is none, nor is a date
        text = "".join(_at_most(_LONGER * (len(request.payload) + 1), json.JSONEncoder().iterencode(body)))
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed("payload", "CBOR that JSON cannot say: %s" % clean(str(error), 100)) from error
    return bodies.parse(text.encode())


def _at_most(characters, pieces):
    """These pieces of text. Raises ValueError where they are more: what a reference in CBOR names can be there again
    and again, and what it names in turn, so that some hundred octets say as much as no memory holds."""
    for piece in pieces:
        characters -= len(piece)
        if characters < 0:
            raise ValueError("what it refers to is there too often")
        yield piece


def representation(value, accept):
    """(octets, Content-Format, ETag) of a value in the format that is accepted."""
    if accept == CBOR:
        octets, content_format = cbor2.dumps(value), CBOR
    else:
        octets, content_format = bodies.encode(value), JSON
    return octets, content_format, hashlib.sha256(octets).digest()[:8]


def told(answer, request):
    """An Answer as it goes out: an error to who accepts CBOR is problem details of RFC 9290, its diagnostic in it."""
    if answer.code < "4.00" or request.accept != CBOR:
        return answer
    details = {-1: _TITLES.get(answer.code, answer.code)}
    if answer.diagnostic:
        details[-2] = answer.diagnostic
    return replace(answer, octets=cbor2.dumps(details), content_format=PROBLEM)


# As the registry of CoAP Response Codes has them (RFC 7252 section 12.1.2)
_TITLES = {
    "4.00": "Bad Request",
    "4.01": "Unauthorized",
    "4.03": "Forbidden",
    "4.04": "Not Found",
    "4.05": "Method Not Allowed",
    "4.06": "Not Acceptable",
    "4.09": "Conflict",
    "4.13": "Request Entity Too Large",
    "4.15": "Unsupported Content-Format",
    "4.29": "Too Many Requests",
    "5.00": "Internal Server Error",
    "5.03": "Service Unavailable",
}
