# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The requests that an application makes of a Context: URIs and keywords become peers, messages and their options."""
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from .._contracts import Octets
from .._contracts import Peer
from .._contracts import Sink
from .._contracts import Source
from ..endpoint import Endpoint
from ..message import Message
from .directory import Registration
from .multicast import Answers
from .observing import Changes
from .response import Response
from .transfers import Stream

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
    endpoint: Endpoint
    by: Callable[..., Any]
    call: Callable[..., Any]
    check: Callable[..., None]
    async def get(self, uri: str | Peer, **keywords: Any) -> Response:
        """Send a GET (RFC 7252 section 5.8.1). What the keywords are, here and below: see the class."""
    async def post(self, uri: str | Peer, payload: Octets | Source | str=b'', **keywords: Any) -> Response:
        """Send a POST (RFC 7252 section 5.8.2)."""
    async def put(self, uri: str | Peer, payload: Octets | Source | str=b'', **keywords: Any) -> Response:
        """Send a PUT (RFC 7252 section 5.8.3)."""
    async def delete(self, uri: str | Peer, **keywords: Any) -> Response:
        """Send a DELETE (RFC 7252 section 5.8.4)."""
    async def fetch(self, uri: str | Peer, payload: Octets | Source | str=b'', **keywords: Any) -> Response:
        """Send a FETCH (RFC 8132 section 2)."""
    async def patch(self, uri: str | Peer, payload: Octets | Source | str=b'', **keywords: Any) -> Response:
        """Send a PATCH (RFC 8132 section 3)."""
    async def ipatch(self, uri: str | Peer, payload: Octets | Source | str=b'', **keywords: Any) -> Response:
        """Send an iPATCH (RFC 8132 section 3)."""
    async def ping(self, uri: str | Peer=None, timeout: float | None=None) -> None:
        """Return as soon as the peer has answered an empty message (RFC 7252 section 4.3). Raise NoAnswer."""
    async def register(self, uri: str, ep: str, lt: int=90000, full: bool=False, **parameters: str) -> Registration:
        """Register the resources of the context's site at a Resource Directory (RFC 9176) under the endpoint name `ep`,
        for `lt` seconds, and renew that, by itself and with back-off where it fails, until the Registration that is
        returned is closed. Return after the first try, whatever came of it: `registered` says that.

        `uri` is the directory's, coap://HOST: a simple registration, for which the directory asks this context for
        /.well-known/core (section 5.1). With `full` the resource for registrations is looked up there, and with a path
        in the URI it is that; the links are written to it (section 5). Other keywords are parameters of the
        registration, `d` (sector), `base`, which a simple one cannot have. Raise ValueError for what can't be said.
        """
    def multicast(self, uri: str | Peer, timeout: float=7, method: int=..., payload: Octets | str=b'', **keywords: Any) -> Answers:
        """Send a request to a group of servers (RFC 7252 section 8), in a NON, and return what `async for` takes:
        the Response of each that answers within `timeout` seconds: they take up to 5 (DEFAULT_LEISURE), and the way
        some more. Who answers proves nothing, whatever the context's `security`. The iterator raises what `request`
        raises.
        """
    def stream(self, uri: str | Peer=None, offset: int=0, block: int | None=None, timeout: float | None=None, etag: bytes | None=None, context: Any=None, **keywords: Any) -> Stream:
        """Return what gives the body of a resource piece by piece, for `async for`: bytes, from the octet `offset` on.
        The next piece is asked for when it is wanted. `timeout` is for each of them. With `etag`, the ETag of what is
        there already, the first piece must have that. Raise ValueError; Incomplete comes with the pieces.
        """
    def observe(self, uri: str | Peer=None, payload: Octets | Source | str=b'', confirmable: bool=True, context: Any=None, **keywords: Any) -> Changes:
        """Return what a resource is and becomes (RFC 7641), to be iterated by `async for`: observing.Changes says how.
        It asks by GET, by FETCH where there is a `payload`. The keywords are those of the other methods, but for
        `timeout`.
        """
    async def request(self, message: Message, to: str | Peer=None, timeout: float | None=None, into: Sink | None=None, alone: bool=False, context: Any=None) -> Response:
        """Send `message` to a URI, whose options are added, or to a peer; return the Response, whatever its code.
        `into` and `alone` are those of Endpoint.request, `context` is that of the other methods.

        `to` may be left out with a link, which has one peer. `message` stays as it is. Where MAX_EXCHANGES are open,
        wait for one to end. `timeout` is in seconds, for all of it.

        Raise ValueError for a URI, NoAnswer, Refused, Incomplete, Unverified, Closed (coap.aio), BusyError where too
        many calls wait already, MessageError for what does not fit, asyncio.TimeoutError, OSError for a name that is
        not known.
        """
    async def resolve(self, to: str | Peer, many: bool=False) -> tuple[Peer, list[tuple[int, bytes]]]:
        """Return the peer and the options of a URI, or of a peer. Raise ValueError, for the address of a group, too,
        but where `many` is meant, and OSError for a name that is not known or an address family that this machine does
        not have.
        """
def options_of(accept: int | None=None, content_format: int | None=None, etag: bytes | Sequence[bytes] | None=None, if_match: bytes | Sequence[bytes] | None=None, if_none_match: bool=False, no_response: int | None=None, hop_limit: int | None=None, options: Sequence[tuple[int, bytes]]=...) -> list[tuple[int, bytes]]:
    """Return the options that these keywords stand for. Raise ValueError for one that can't be said."""
