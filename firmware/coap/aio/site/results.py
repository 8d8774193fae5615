# SPDX-License-Identifier: MIT
"""What a handler returns, made into a response."""

from ... import numbers
from ...compat import const, json_octets
from ...message import Message, uint_octets

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from .request import Request
    from .routes import Route

_TEXT = const(0)  # Content-Format text/plain;charset=utf-8


def response(result: "Any", request: "Request", route: "Route") -> Message:
    """Return the Message that says `result`, which Site tells what it can be. Raise TypeError or ValueError that says
    what is wrong with it."""
    code = _CODES.get(request.code, numbers.CHANGED)
    if result is None:
        result = code
    if isinstance(result, int) and not isinstance(result, bool):
        result = Message(result)
    if isinstance(result, Message):
        if not 64 <= result.code < 192:
            raise ValueError("code %s is none of a response" % numbers.code_text(result.code))
        return result
    if isinstance(result, tuple):
        if len(result) != 2 or not isinstance(result[1], int):
            raise TypeError("a tuple must be (payload, number of its Content-Format)")
        result, format = result
    else:
        # where the route gives one alone, it is that
        format = route.attributes.get("ct")
    payload, own = _payload(result)
    options = []
    if not isinstance(format, int):
        format = own
    if format is not None:
        options.append((numbers.CONTENT_FORMAT, _format(format)))
    if hasattr(result, "tag") and not route.etag:  # a File
        options.append((numbers.ETAG, result.tag()))
    return Message(code, payload, options)


def error(code: int, text: str = "") -> Message:
    """Return an error with a diagnostic payload (RFC 7252 section 5.5.2)."""
    return Message(code, text.encode())


def _payload(result):
    """Return octets or an object with `read`, and the Content-Format of such a result, None where it has none."""
    if isinstance(result, str):
        return result.encode(), _TEXT
    if isinstance(result, (dict, list)):
        _check_json(result)
        return json_octets(result), numbers.JSON
    if isinstance(result, (bytes, bytearray, memoryview)) or hasattr(result, "read"):
        return result, getattr(result, "content_format", None)
    raise TypeError("a handler cannot return a %s" % type(result).__name__)


def _check_json(value):
    """Raise TypeError or ValueError where this is no JSON: MicroPython writes whatever it is given."""
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, (str, int)):
                raise TypeError("JSON has texts for names, no %r" % (name,))
            _check_json(value[name])
    elif isinstance(value, (list, tuple)):
        for each in value:
            _check_json(each)
    elif isinstance(value, float):
        if value - value != 0:
            raise ValueError("JSON has no %r" % value)
    elif value is not None and not isinstance(value, (str, int, bool)):  # a bool is no int on MicroPython
        raise TypeError("JSON has no %s" % type(value).__name__)


def _format(number):
    if not 0 <= number <= 65535:
        raise ValueError("%d is no Content-Format, which has two octets" % number)
    return uint_octets(number)


# What a method says that has done its work (RFC 7252 section 5.8, RFC 8132 sections 2 and 3); all others 2.04
_CODES = {
    numbers.GET: numbers.CONTENT,
    numbers.FETCH: numbers.CONTENT,
    numbers.DELETE: numbers.DELETED,
}
