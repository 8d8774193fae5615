# SPDX-License-Identifier: MIT
"""Requests that want something of the resource or of its representation: RFC 7252 sections 5.10.3, 5.10.4, 5.10.6 and
5.10.8."""

from ... import numbers
from ...endpoint.conditions import OPTIONS, unmet
from ...message import Message
from .failure import Failure

_SELECTS = (numbers.GET, numbers.FETCH)  # methods whose response is a representation


def check_numbers(name, formats):
    """Raise ValueError where a keyword of a route has no Content-Formats."""
    for each in formats if isinstance(formats, (tuple, list)) else (formats,):
        if each is not None and not (isinstance(each, int) and 0 <= each <= 65535):
            raise ValueError(
                "%s=%r: it is a Content-Format, 0 to 65535, or a tuple of them" % (name, formats)
            )


def check_formats(request, route):
    """Raise Failure: 4.15 where the route does not consume the Content-Format of the request, 4.06 where it gives none
    that the request accepts."""
    format = request.content_format
    if format is not None and not _is_among(format, route.consumes):
        raise Failure(numbers.UNSUPPORTED_CONTENT_FORMAT)
    accept = request.accept
    if accept is not None and not _is_among(accept, route.attributes.get("ct")):
        raise Failure(numbers.NOT_ACCEPTABLE)


def _is_among(number, formats):
    """Return whether a Content-Format is the one or one of those; where nothing is said any is."""
    return formats is None or (number == formats if isinstance(formats, int) else number in formats)


def known(tag):
    """Return what the `etag` of a route has said. Raise ValueError where it is no ETag (section 5.10.6)."""
    if tag is not None and not (isinstance(tag, bytes) and len(tag) <= 8):
        raise ValueError("etag: %r is neither up to 8 octets (bytes) nor None" % tag)
    return tag


def check(request, route, tag):
    """Decide by the ETag of what is there, None for nothing, whether the handler is to run: return None then, and the
    response 2.03 where the client has what is there. Raise Failure, 4.12, where a condition does not hold, or where the
    route has no `etag` to decide it by."""
    if route.etag is None:
        if [option for option in request.options if option[0] in OPTIONS]:
            raise Failure(numbers.PRECONDITION_FAILED)
        return None
    code = unmet(request, tag)
    if code == numbers.PRECONDITION_FAILED:
        raise Failure(code)
    return code and Message(code, options=[(numbers.ETAG, tag)])


def selected(request, message, tag):
    """Return what is sent for the response of a handler: itself, with the ETag of the route where it has none, or 2.03
    where the client has it. Raise Failure, 4.06, where it is of another Content-Format than the request accepts. A
    file that is not sent then is closed."""
    chosen = None
    try:
        chosen = _selected(request, message, tag)
        return chosen
    finally:
        if chosen is None or chosen.payload is not message.payload:
            drop(message)


def drop(message):
    """Close the file that is the payload of a response, since it is not sent. Raise nothing."""
    if hasattr(message.payload, "close"):
        from ...blockwise.parts import close

        close(message.payload)


def _selected(request, message, tag):
    if not numbers.is_success(message.code):
        return message
    accept = request.accept
    # An object with `read` has no length
    filled = hasattr(message.payload, "read") or len(message.payload)
    if accept is not None and filled and message.uint(numbers.CONTENT_FORMAT) != accept:
        raise Failure(numbers.NOT_ACCEPTABLE)
    if message.code != numbers.CONTENT or request.code not in _SELECTS:
        return message
    own = message.option(numbers.ETAG)
    if own is not None:
        return _valid(request, own, message.options) or message
    if not tag:
        return message
    return Message(message.code, message.payload, list(message.options) + [(numbers.ETAG, tag)])


def _valid(request, tag, options):
    """Return 2.03 where the request names this ETag, else None."""
    if (numbers.ETAG, tag) not in request.options:
        return None
    kept = [option for option in options if option[0] == numbers.MAX_AGE]
    return Message(numbers.VALID, b"", [(numbers.ETAG, tag)] + kept)
