# SPDX-License-Identifier: MIT
"""Between aiocoap's messages and the Request and Answer that decisions know."""

import functools

import aiocoap
from aiocoap.numbers import OptionNumber

from tools.transport.departure.late import back_of
from tools.wire import bodies
from tools.wire.answers import Answer, Request

JSON = 50
_UNDERSTOOD = {
    OptionNumber.URI_HOST,
    OptionNumber.URI_PORT,
    OptionNumber.URI_PATH,
    OptionNumber.URI_QUERY,
    OptionNumber.ACCEPT,
    OptionNumber.BLOCK1,
    OptionNumber.BLOCK2,
}

_SINGLE = (
    OptionNumber.CONTENT_FORMAT,
    OptionNumber.ACCEPT,
    OptionNumber.OBSERVE,
    OptionNumber.URI_HOST,
    OptionNumber.URI_PORT,
)


def unknown_option(message):
    """The answer to a request with a critical option that nothing here understands (RFC 7252 section 5.4.1), or
    None."""
    for option in message.opt.option_list():
        if option.number & 1 and option.number not in _UNDERSTOOD:  # an odd one is critical (section 5.4.6)
            return aiocoap.Message(code=aiocoap.BAD_OPTION, payload=b"option %d" % option.number)
    return None


def request_of(message, above=()):
    """The Request that a message of aiocoap's is; `above`: the part of its path that led here."""
    said = {}  # number: values
    for option in message.opt.option_list():  # once, not for each of them
        said.setdefault(option.number, []).append(option.value)
    name = message.code.name
    content_format, accept, observe, uri_host, uri_port = (
        said[number][0] if number in said else None for number in _SINGLE
    )
    return Request(
        name if name.isalpha() else message.code.dotted,  # "(unknown)"
        (*above, *said.get(OptionNumber.URI_PATH, ())),
        tuple(said.get(OptionNumber.URI_QUERY, ())),
        message.payload,
        None if content_format is None else int(content_format),
        None if accept is None else int(accept),
        observe,
        tuple(said.get(OptionNumber.ETAG, ())),
        uri_host,
        uri_port,
        _local(message.remote),
        back_of(message),
    )


def _local(remote):
    """host:port that a datagram came to, as in a URI; None where its transport does not know."""
    try:
        return getattr(remote, "underlying_address", remote).hostinfo_local
    except (AttributeError, ValueError):
        return None


def message_of(request):
    """aiocoap's message of a Request; where it goes to is not said in it."""
    message = aiocoap.Message(code=getattr(aiocoap.Code, request.code), payload=request.payload)
    opt = message.opt
    opt.uri_path, opt.uri_query = request.path, request.query
    opt.content_format, opt.accept, opt.observe = request.content_format, request.accept, request.observe
    opt.etags = request.etags
    opt.uri_host, opt.uri_port = request.uri_host, request.uri_port
    return message


@functools.cache
def code_of(text):
    """aiocoap's Code of one like "2.04"; those that there are are few."""
    class_, detail = text.split(".")
    return aiocoap.Code(int(class_) * 32 + int(detail))


def response(answer):
    """aiocoap's Message of an Answer."""
    message = aiocoap.Message(code=code_of(answer.code))
    if answer.octets is not None:
        message.payload = answer.octets
        message.opt.content_format = answer.content_format
    elif answer.body is not None:
        message.payload = bodies.encode(answer.body)
        message.opt.content_format = JSON
    else:
        message.payload = answer.diagnostic.encode("utf-8", "replace")
    if answer.max_age is not None:
        message.opt.max_age = answer.max_age
    if answer.size1 is not None:
        message.opt.size1 = answer.size1
    if answer.etag is not None:
        message.opt.etag = answer.etag
    if answer.location:
        message.opt.location_path = answer.location
    return message


def answer_of(message):
    """The Answer that a response of aiocoap's is: its payload as octets, and what a success in JSON says as `body`."""
    opt = message.opt
    content_format = None if opt.content_format is None else int(opt.content_format)
    body, diagnostic = None, ""
    if content_format is None and not message.code.is_successful():
        diagnostic = message.payload.decode("utf-8", "replace")
    elif content_format == JSON:
        try:
            body = bodies.parse(message.payload)
        except bodies.Malformed:
            body = None
    return Answer(
        message.code.dotted,
        body,
        diagnostic,
        opt.max_age,
        opt.size1,
        message.payload,
        content_format,
        opt.etag,
        tuple(opt.location_path),
    )
