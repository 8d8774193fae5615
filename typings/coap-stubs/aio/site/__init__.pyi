# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""A server: which handler answers what. Imported with the first Site.

site = Site()


@site.get("/sensors/<name>", rt="temperature")
async def sensor(request, name):
    return "21.5"


async with Context(site=site, port=5683) as coap:
    await coap.serve()
"""
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from ..._contracts import Peer
from ...message import Message
from .routes import Route

class Site:
    """Resources and their handlers.

    A pattern is the path of a URI, percent-encoded, in which whole segments may be

        <NAME>                    what is not empty and has no "/" (%2F) and no NUL (%00) in it
        <int:NAME>                digits, as an int
        <any:NAME>                anything
        <path:NAME>               at the end of the pattern, one or more, none with "/" or NUL, the first not empty

    and a handler is called with a Request, and with the decoded text of what stands there as keywords. None is ever "."
    or "..", so `<NAME>` and `<path:NAME>` may name a file in a folder: they lead nowhere else. Where several patterns
    fit, the one wins that is more exact in the first segment in which they differ: text, `<int:`, `<NAME>`, `<any:`,
    `<path:`; of those, the first one that has the method.

    A handler is a function or a coroutine. It returns

        a text, octets            the payload; text/plain for a text
        a dict or list            the payload, in JSON
        (payload, number)         the payload of this Content-Format
        a number                  that code, as coap.CREATED
        None                      nothing but the code
        a Message                 that response
        a binary file, a File     its content, in blocks; it is closed then

    with 2.05 for GET and FETCH, 2.02 for DELETE, 2.04 for others where the code is not said. An error response comes
    by `raise Failure(code, text)`. After any other exception it is 5.00, after a MemoryError 5.03, and the exception is
    told: the same one once a minute.

    `sequence` gives the numbers of notifications, which must rise over a restart: coap.observe.sequence has some. Where
    it is not said, they are the time, if the clock is right, or else what a small file says, coap-observe in the
    current folder; where that can't be written, nothing is notified for the first 128 seconds.

    `stats` counts "handled" requests that a handler was called for, and "failed" ones, whose handler raised an
    exception or returned what cannot be sent.
    """
    sequence: Any
    routes: list[Route]
    stats: dict
    def __init__(self, sequence: Any=None) -> None: ...
    def route(self, pattern: str, methods: Sequence[int]=..., consumes: int | Sequence[int] | None=None, etag: Callable[..., Any] | None=None, observe: bool=False, stream: bool | int=False, listed: Any=True, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator that makes a function the handler of `pattern` and these methods (coap.GET, coap.FETCH).

        `consumes`: the Content-Format of a request, or a tuple of them, 4.15 for others; one without is let through.
        `etag(request, **captured)`, a function or a coroutine, returns the ETag (bytes) of what is there now,
        b"" where that has none, None where nothing is there: If-Match and If-None-Match are decided by it before the
        handler runs, and a GET whose ETag it still is needs no handler (RFC 7252 sections 5.10.6 and 5.10.8). Without
        it a request with one of the two is answered with 4.12, since nothing says that the condition holds. `observe`:
        the resource notifies. `stream`: the handler reads the body, of any length, piece by piece by `async for piece
        in request`, which raises aio.Incomplete where the rest does not come; with coap.blockwise.ANYWHERE it may also
        begin at `request.offset`, as when a broken upload is resumed.

        What `/.well-known/core` says (RFC 6690): a pattern is not listed unless `listed` gives paths, a list or
        a function that returns one; listed=False leaves out any other. All other keywords are attributes, as rt, if_,
        sz, title: see links.link. `ct`, a Content-Format or a tuple of them, is one, and says what the handler
        gives: 4.06 for a request that accepts none of it, and where it is one alone, it is that of the response.

        Raise ValueError that names what is wrong with the pattern or a Content-Format, or where it is there already;
        TypeError where there is no pattern.
        """
    def get(self, pattern: str, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator for a handler of GET; keywords are those of `route`."""
    def post(self, pattern: str, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator for a handler of POST; keywords are those of `route`."""
    def put(self, pattern: str, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator for a handler of PUT; keywords are those of `route`."""
    def delete(self, pattern: str, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator for a handler of DELETE; keywords are those of `route`."""
    def fetch(self, pattern: str, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator for a handler of FETCH (RFC 8132 section 2); keywords are those of `route`."""
    def patch(self, pattern: str, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator for a handler of PATCH (RFC 8132 section 3); keywords are those of `route`."""
    def ipatch(self, pattern: str, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator for a handler of iPATCH (RFC 8132 section 3); keywords are those of `route`."""
    def find(self, message: Message) -> tuple[Route, dict[str, Any]]:
        """Return the route of a request and what its pattern has captured. Raise Failure, 4.04 or 4.05."""
    async def answer(self, message: Message, peer: Peer, context: Any=None, reading: Any=None, incoming: Any=None) -> Message:
        """Return the response to a request, which came by this oscore.Context, if any. Raise what the handler raises,
        and TypeError or ValueError where it returns what cannot be sent; Failure is a response. `reading` gives the
        pieces of a body that comes in blocks and is not collected; `incoming` is what the endpoint keeps of it.
        """
    def prepare(self, endpoint: Any) -> None:
        """Have an endpoint let in what only a Site can decide: requests with If-Match and If-None-Match, and bodies
        that are read while they come.
        """
    def changed(self, path: str, confirmable: bool=False) -> int:
        """Take note that the resource at `path`, "/sensors/a", has changed; return how many observers there are. Its
        handler is called again for each of them, with the request that it sent, as soon as a notification may go to
        it, and what it returns is the notification: coap.observe.server says when, and which are confirmable but for
        `confirmable`. An error as a result is the last notification, 4.04 where the resource is gone.

        Raise ValueError for what is no path.
        """
    async def handle(self, context: Any, incoming: Any, message: Message) -> None:
        """Answer a request that came in, by `context.respond`. Raise asyncio.CancelledError alone."""
