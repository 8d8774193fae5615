# SPDX-License-Identifier: MIT
"""The requests that an application makes of a Context: URIs and keywords become peers, messages and their options."""

import asyncio

from .. import numbers
from ..compat import const
from ..message import Message, uint_octets
from .call import Call
from .waiting import now, wait_for_ms

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from contracts import Octets, Peer, Sink, Source

    from ..endpoint import Endpoint
    from .directory import Registration
    from .multicast import Answers
    from .observing import Changes
    from .response import Response
    from .transfers import Stream

_USUAL = const(1152)  # octets of a datagram that a peer takes for granted (RFC 7252 section 4.6)


class Client:
    """The calls of a Context as a client; it is a base class of that, and uses its attributes.

    What each method of CoAP takes as keywords: `timeout` in seconds, for all of it; `confirmable`, False for a NON;
    `accept` and `content_format` (int); `etag` and `if_match`, an ETag (bytes) or a list of them; `if_none_match`
    (True); `no_response` (RFC 7967: 26 for none at all, and the result is None where none came); `hop_limit`
    (RFC 8768); `options`, further ones as (number, bytes); `context`, the oscore.Context to protect it with, one of
    those of an oscore.Keyring, whatever the rule of that says. It raises what `request` raises, and ValueError for a
    keyword that can't be said.

    A payload is str, octets, or a binary file, which is read piece by piece from where it stands; where the response is
    no success, or none comes, it stands there again. `into`, a binary file, takes the body of a
    successful response, of any length, and the Response has its `length` alone. `offset` is the octet to begin it at.
    `block` is the largest block, in octets.
    """

    if _TYPING:
        endpoint: Endpoint
        by: Callable[..., Any]
        call: Callable[..., Any]
        _told_apart: Callable[..., Any]
        check: Callable[..., None]
        _link: Any
        _names: Any
        _socket: Callable[..., Any]
        _sockets: list
        _up: Any

    async def get(self, uri: "str | Peer", **keywords: "Any") -> "Response":
        """Send a GET (RFC 7252 section 5.8.1). What the keywords are, here and below: see the class."""
        return await self._method(numbers.GET, uri, **keywords)

    async def post(
        self, uri: "str | Peer", payload: "Octets | Source | str" = b"", **keywords: "Any"
    ) -> "Response":
        """Send a POST (RFC 7252 section 5.8.2)."""
        return await self._method(numbers.POST, uri, payload, **keywords)

    async def put(
        self, uri: "str | Peer", payload: "Octets | Source | str" = b"", **keywords: "Any"
    ) -> "Response":
        """Send a PUT (RFC 7252 section 5.8.3)."""
        return await self._method(numbers.PUT, uri, payload, **keywords)

    async def delete(self, uri: "str | Peer", **keywords: "Any") -> "Response":
        """Send a DELETE (RFC 7252 section 5.8.4)."""
        return await self._method(numbers.DELETE, uri, **keywords)

    async def fetch(
        self, uri: "str | Peer", payload: "Octets | Source | str" = b"", **keywords: "Any"
    ) -> "Response":
        """Send a FETCH (RFC 8132 section 2)."""
        return await self._method(numbers.FETCH, uri, payload, **keywords)

    async def patch(
        self, uri: "str | Peer", payload: "Octets | Source | str" = b"", **keywords: "Any"
    ) -> "Response":
        """Send a PATCH (RFC 8132 section 3)."""
        return await self._method(numbers.PATCH, uri, payload, **keywords)

    async def ipatch(
        self, uri: "str | Peer", payload: "Octets | Source | str" = b"", **keywords: "Any"
    ) -> "Response":
        """Send an iPATCH (RFC 8132 section 3)."""
        return await self._method(numbers.IPATCH, uri, payload, **keywords)

    async def ping(self, uri: "str | Peer" = None, timeout: float | None = None) -> None:
        """Return as soon as the peer has answered an empty message (RFC 7252 section 4.3). Raise NoAnswer."""
        if timeout is not None:
            ms = _ms(timeout)
            return await wait_for_ms(self.ping(uri), ms)
        peer, _ = await self.resolve(uri)
        call = Call()
        return await self.call(call, lambda: self.endpoint.ping(peer, now(), call), True)

    async def register(
        self, uri: str, ep: str, lt: int = 90000, full: bool = False, **parameters: str
    ) -> "Registration":
        """Register the resources of the context's site at a Resource Directory (RFC 9176) under the endpoint name `ep`,
        for `lt` seconds, and renew that, by itself and with back-off where it fails, until the Registration that is
        returned is closed. Return after the first try, whatever came of it: `registered` says that.

        `uri` is the directory's, coap://HOST: a simple registration, for which the directory asks this context for
        /.well-known/core (section 5.1). With `full` the resource for registrations is looked up there, and with a path
        in the URI it is that; the links are written to it (section 5). Other keywords are parameters of the
        registration, `d` (sector), `base`, which a simple one cannot have. Raise ValueError for what can't be said.
        """
        from .directory import register

        return await register(self, uri, ep, lt, full, **parameters)

    def multicast(
        self,
        uri: "str | Peer",
        timeout: float = 7,
        method: int = numbers.GET,
        payload: "Octets | str" = b"",
        **keywords: "Any",
    ) -> "Answers":
        """Send a request to a group of servers (RFC 7252 section 8), in a NON, and return what `async for` takes:
        the Response of each that answers within `timeout` seconds: they take up to 5 (DEFAULT_LEISURE), and the way
        some more. Who answers proves nothing, whatever the context's `security`. The iterator raises what `request`
        raises."""
        from .multicast import Answers

        return Answers(self, _message(method, payload, False, keywords), uri, _ms(timeout))

    def stream(
        self,
        uri: "str | Peer" = None,
        offset: int = 0,
        block: int | None = None,
        timeout: float | None = None,
        etag: bytes | None = None,
        context: "Any" = None,
        **keywords: "Any",
    ) -> "Stream":
        """Return what gives the body of a resource piece by piece, for `async for`: bytes, from the octet `offset` on.
        The next piece is asked for when it is wanted. `timeout` is for each of them. With `etag`, the ETag of what is
        there already, the first piece must have that. Raise ValueError; Incomplete comes with the pieces."""
        from .transfers import Stream

        return Stream(self, uri, options_of(**keywords), offset, block, timeout, etag, context)

    async def _method(
        self,
        code,
        uri,
        payload=b"",
        timeout=None,
        confirmable=True,
        block=None,
        into=None,
        offset=0,
        context=None,
        **keywords,
    ):
        message = _message(code, payload, confirmable, keywords)
        ms = None if timeout is None else _ms(timeout)
        small = code in (numbers.GET, numbers.FETCH) and self.endpoint.max_datagram < _USUAL
        if block is None and into is None and not offset and not small:
            if not hasattr(payload, "seek"):
                return await self.request(message, uri, timeout, context=context)
            made = self.request(message, uri, context=context)
        else:
            from .transfers import transfer

            made = transfer(self, message, uri, block, into, offset, context)
        made = wait_for_ms(made, ms)
        if hasattr(payload, "seek"):
            from .transfers import rewinding

            made = rewinding(payload, made)
        return await made

    def observe(
        self,
        uri: "str | Peer" = None,
        payload: "Octets | Source | str" = b"",
        confirmable: bool = True,
        context: "Any" = None,
        **keywords: "Any",
    ) -> "Changes":
        """Return what a resource is and becomes (RFC 7641), to be iterated by `async for`: observing.Changes says how.
        It asks by GET, by FETCH where there is a `payload`. The keywords are those of the other methods, but for
        `timeout`."""
        from .observing import Changes, read_whole

        if hasattr(payload, "read"):
            payload = read_whole(payload)
        code = numbers.FETCH if payload else numbers.GET
        return Changes(self, uri, _message(code, payload, confirmable, keywords), context)

    async def request(
        self,
        message: Message,
        to: "str | Peer" = None,
        timeout: float | None = None,
        into: "Sink | None" = None,
        alone: bool = False,
        context: "Any" = None,
    ) -> "Response":
        """Send `message` to a URI, whose options are added, or to a peer; return the Response, whatever its code.
        `into` and `alone` are those of Endpoint.request, `context` is that of the other methods.

        `to` may be left out with a link, which has one peer. `message` stays as it is. Where MAX_EXCHANGES are open,
        wait for one to end. `timeout` is in seconds, for all of it.

        Raise ValueError for a URI, NoAnswer, Refused, Incomplete, Unverified, Closed (coap.aio), BusyError where too
        many calls wait already, MessageError for what does not fit, asyncio.TimeoutError, OSError for a name that is
        not known.
        """
        if timeout is not None:
            ms = _ms(timeout)
            return await wait_for_ms(self.request(message, to, None, into, alone, context), ms)
        if into is not None and not hasattr(into, "write"):
            raise ValueError("into: give a file that is open for writing, not %r" % (into,))
        peer, options = await self.resolve(to)
        if options:
            message = Message(
                message.code, message.payload, options + list(message.options), message.type, 0, message.token
            )
        call = Call()
        call.code = message.code
        answer = await self.call(
            call,
            lambda: self.by(
                context,
                lambda: self.endpoint.request(
                    self._told_apart(message, peer, call),
                    peer,
                    now(),
                    call,
                    into,
                    alone,  # type: ignore
                ),
            ),
        )
        if into is not None and answer is not None:
            answer.length = call.exchange.body.length
        return answer

    async def resolve(self, to: "str | Peer", many: bool = False) -> "tuple[Peer, list[tuple[int, bytes]]]":
        """Return the peer and the options of a URI, or of a peer. Raise ValueError, for the address of a group, too,
        but where `many` is meant, and OSError for a name that is not known or an address family that this machine does
        not have."""
        self.check()
        link = self._link
        if link is not None and not self._up.is_set():
            await self._until_up()
        peer: "Any" = to
        options: list[tuple[int, bytes]] = []
        if isinstance(to, str):
            from ..uri.whole import parse

            scheme, host, port, options = parse(to)
            own = getattr(link, "scheme", "coap")
            if scheme != own:
                raise ValueError("URI %r: this context speaks %s" % (to, own))
            if port is not None:
                peer = await self._address(host), port
            elif host in ("", link.peer.lower()):
                peer = link.peer
            else:
                raise ValueError("URI %r: this line is %r" % (to, link.peer))
        elif to is None and link is not None:
            peer = link.peer
        return (self._reached(peer, many) if link is None else peer), options

    def _reached(self, peer, many):
        """Return a peer as its socket, opened now where it was not, says it."""
        if not _is_peer(peer):
            raise ValueError("peer %r: give a URI, coap://HOST/PATH, or (address, port)" % (peer,))
        if ":" in peer[0]:
            from .names import spelled

            peer = spelled(peer)
        if not many and _is_group(peer[0]):  # RFC 7252 section 8.1
            raise ValueError("peer %r: it is a group, which `multicast` asks" % (peer,))
        self._socket(":" in peer[0])
        return peer

    async def _until_up(self):
        """Wait until the link is open for the first time, as long as an answer would be waited for."""
        try:
            await wait_for_ms(self._up.wait(), self.endpoint.parameters.max_transmit_wait)
        except asyncio.TimeoutError:  # noqa: UP041
            from .errors import NoAnswer

            raise NoAnswer("the link is not open")
        self.check()

    async def _address(self, host):
        from ..uri.whole import is_literal

        if is_literal(host):
            return host
        if self._names is None:
            from .names import Names

            self._names = Names()
        address = await self._names.address(host, self._sockets[0] is None and self._sockets[1] is not None)
        self.check()  # it took a while
        return address


def _is_peer(peer):
    from ..uri.whole import is_literal

    if not isinstance(peer, tuple) or len(peer) != 2:
        return False
    host, port = peer
    return isinstance(host, str) and is_literal(host) and isinstance(port, int) and 0 < port < 65536


def _is_group(host):
    if ":" in host:
        return host[:2].lower() == "ff" and host.find(":") == 4
    return 224 <= int(host.split(".")[0]) < 240


def _ms(timeout):
    """Return seconds as milliseconds. Raise ValueError for what is no number: a text times 1000 is a long one."""
    if not isinstance(timeout, (int, float)):
        raise ValueError("timeout=%r: give a number of seconds" % (timeout,))
    return int(timeout * 1000)


def _message(code, payload, confirmable, keywords):
    if isinstance(payload, str):
        payload = payload.encode()
    elif not hasattr(payload, "read") and not hasattr(payload, "pieces"):
        try:
            memoryview(payload)
        except TypeError:
            raise ValueError("payload: a %s; give text, octets or a binary file" % type(payload).__name__)
    return Message(code, payload, options_of(**keywords), numbers.CON if confirmable else numbers.NON)


def options_of(
    accept: int | None = None,
    content_format: int | None = None,
    etag: "bytes | Sequence[bytes] | None" = None,
    if_match: "bytes | Sequence[bytes] | None" = None,
    if_none_match: bool = False,
    no_response: int | None = None,
    hop_limit: int | None = None,
    options: "Sequence[tuple[int, bytes]]" = (),
) -> list[tuple[int, bytes]]:
    """Return the options that these keywords stand for. Raise ValueError for one that can't be said."""
    made = []
    for number, tags in ((numbers.IF_MATCH, if_match), (numbers.ETAG, etag)):
        if tags is not None:
            for tag in (tags,) if isinstance(tags, (bytes, str)) else tags:
                # If-Match may be empty: whatever is there, section 5.10.8.1
                if not isinstance(tag, bytes) or not (number == numbers.ETAG) <= len(tag) <= 8:
                    raise ValueError("ETag %r: it is bytes, 1 to 8 of them" % (tag,))
                made.append((number, tag))
    if if_none_match:
        made.append((numbers.IF_NONE_MATCH, b""))
    for number, value, most, name in (
        (numbers.CONTENT_FORMAT, content_format, 65535, "content_format"),
        (numbers.ACCEPT, accept, 65535, "accept"),
        (numbers.HOP_LIMIT, hop_limit, 255, "hop_limit"),
        (numbers.NO_RESPONSE, no_response, 255, "no_response"),
    ):
        if value is not None:
            least = 1 if number == numbers.HOP_LIMIT else 0
            if not isinstance(value, int) or not least <= value <= most:
                raise ValueError("%s=%r: it is a number from %d to %d" % (name, value, least, most))
            made.append((number, uint_octets(value)))
    return made + [_pair(each) for each in options]


def _pair(option):
    if not isinstance(option, tuple) or len(option) != 2 or isinstance(option[1], (str, int)):
        raise ValueError("options: %r is no (number, bytes)" % (option,))
    return option
