# SPDX-License-Identifier: MIT
"""A request, and what it is answered with, in words that CoAP knows but without a CoAP."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """What a Gateway UE forwards: all of a CoAP request that means something at the other end (RFC 7252 5.4)."""

    code: str  # "GET", "POST", "PUT", "DELETE", "FETCH"
    path: tuple[str, ...]  # Uri-Path
    query: tuple[str, ...] = ()  # Uri-Query
    payload: bytes = b""
    content_format: int | None = None
    accept: int | None = None
    observe: int | None = None
    etags: tuple[bytes, ...] = ()
    uri_host: str | None = None
    uri_port: int | None = None
    local: str | None = None  # host:port that it came to; not forwarded
    back: str = ""  # what the transport needs to answer it once more, later
    again: bool = False  # it did not come in now: what it observes may have changed


@dataclass(frozen=True)
class Answer:
    """What a request is answered with. Its payload is `octets` in `content_format`, else `body` as JSON, else the
    diagnostic."""

    code: str  # "2.04", "4.00", ...
    body: dict | list | None = None  # to be written as JSON
    diagnostic: str = ""  # RFC 7252 section 5.5.2
    max_age: int | None = None
    size1: int | None = None
    octets: bytes | None = None
    content_format: int | None = None  # of `octets`
    etag: bytes | None = None
    location: tuple[str, ...] = ()  # Location-Path
    observable: bool = True  # False: Observe was asked for, and is not kept up (RFC 7641 section 4.1)
    about: frozenset = frozenset()  # names of what it says something of, or of what has changed with it


class Refusal(Exception):
    """Ends the handling of a request; the fields are those of the Answer."""

    def __init__(self, code, diagnostic="", max_age=None, size1=None):
        super().__init__("%s %s" % (code, diagnostic))
        self.answer = Answer(code, None, diagnostic, max_age, size1)
