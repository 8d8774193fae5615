# SPDX-License-Identifier: MIT
"""A server: which handler answers what. Imported with the first Site.

site = Site()


@site.get("/sensors/<name>", rt="temperature")
async def sensor(request, name):
    return "21.5"


async with Context(site=site, port=5683) as coap:
    await coap.serve()
"""

from ... import numbers
from ...compat import const, drop_half_modules
from ...endpoint.conditions import OPTIONS as CONDITIONS
from ...message import Message
from ...uri import path_options
from . import conditions, results
from .failure import Failure
from .request import Request
from .routes import Route, path_of

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from contracts import Peer


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

    def __init__(self, sequence: "Any" = None) -> None:
        self.sequence = sequence
        self._contexts: list = []  # with observers
        self.routes: list[Route] = []  # the most exact first
        self.stats = {"handled": 0, "failed": 0}
        self._told: "Any" = None

    # --- routes -------------------------------------------------------------------------------------------

    def route(
        self,
        pattern: str,
        methods: "Sequence[int]" = (numbers.GET,),
        consumes: "int | Sequence[int] | None" = None,
        etag: "Callable[..., Any] | None" = None,
        observe: bool = False,
        stream: bool | int = False,
        listed: "Any" = True,
        **attributes: "Any",
    ) -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
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
        if not isinstance(pattern, str):  # @site.get alone: what it gives is never called
            raise TypeError("a pattern is missing: @site.get(PATTERN)")
        said = {"consumes": consumes, "etag": etag, "observe": observe, "stream": stream, "listed": listed}

        def decorator(handler: "Callable[..., Any]") -> "Callable[..., Any]":
            route = Route(pattern, tuple(methods), handler)
            conditions.check_numbers("consumes", consumes)
            conditions.check_numbers("ct", attributes.get("ct"))
            for name, value in said.items():
                if value != getattr(route, name):  # what is not said takes no memory
                    setattr(route, name, value)
            if attributes:
                route.attributes = {name.rstrip("_"): attributes[name] for name in attributes}
            self._add(route)
            return handler

        return decorator

    def get(self, pattern: str, **named: "Any") -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
        """Return a decorator for a handler of GET; keywords are those of `route`."""
        return self.route(pattern, (numbers.GET,), **named)

    def post(self, pattern: str, **named: "Any") -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
        """Return a decorator for a handler of POST; keywords are those of `route`."""
        return self.route(pattern, (numbers.POST,), **named)

    def put(self, pattern: str, **named: "Any") -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
        """Return a decorator for a handler of PUT; keywords are those of `route`."""
        return self.route(pattern, (numbers.PUT,), **named)

    def delete(self, pattern: str, **named: "Any") -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
        """Return a decorator for a handler of DELETE; keywords are those of `route`."""
        return self.route(pattern, (numbers.DELETE,), **named)

    def fetch(self, pattern: str, **named: "Any") -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
        """Return a decorator for a handler of FETCH (RFC 8132 section 2); keywords are those of `route`."""
        return self.route(pattern, (numbers.FETCH,), **named)

    def patch(self, pattern: str, **named: "Any") -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
        """Return a decorator for a handler of PATCH (RFC 8132 section 3); keywords are those of `route`."""
        return self.route(pattern, (numbers.PATCH,), **named)

    def ipatch(self, pattern: str, **named: "Any") -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
        """Return a decorator for a handler of iPATCH (RFC 8132 section 3); keywords are those of `route`."""
        return self.route(pattern, (numbers.IPATCH,), **named)

    def _add(self, route):
        shape = route.shape()
        place = 0
        for index, each in enumerate(self.routes):
            if each.order <= route.order:
                place = index + 1
            if each.shape() == shape:
                for code in route.methods:
                    if code in each.methods:
                        raise ValueError("%r has a handler of method %d already" % (route.pattern, code))
        self.routes.insert(place, route)

    def find(self, message: Message) -> "tuple[Route, dict[str, Any]]":
        """Return the route of a request and what its pattern has captured. Raise Failure, 4.04 or 4.05."""
        code = numbers.NOT_FOUND
        path = path_of(message)
        core = path == [b".well-known", b"core"]  # which is there without a route, and exact
        if core:
            code = numbers.METHOD_NOT_ALLOWED
        for route in self.routes:
            captured = None if path is None else route.captured(path)
            if captured is None:
                continue
            if captured and core and message.code == numbers.GET:
                break
            if message.code in route.methods:
                return route, captured
            code = numbers.METHOD_NOT_ALLOWED
        if core and message.code == numbers.GET:
            from .core import well_known

            return well_known(self), {}
        raise Failure(code)

    # --- requests -----------------------------------------------------------------------------------------

    async def answer(
        self,
        message: Message,
        peer: "Peer",
        context: "Any" = None,
        reading: "Any" = None,
        incoming: "Any" = None,
    ) -> Message:
        """Return the response to a request, which came by this oscore.Context, if any. Raise what the handler raises,
        and TypeError or ValueError where it returns what cannot be sent; Failure is a response. `reading` gives the
        pieces of a body that comes in blocks and is not collected; `incoming` is what the endpoint keeps of it."""
        try:
            request = Request(message, peer, context, reading, incoming)
            route, request.arguments = self.find(message)
            conditions.check_formats(request, route)
            tag = None
            if route.etag:
                tag = conditions.known(await _called(route.etag, request))
            early = conditions.check(request, route, tag)
            if early:
                return early
            self.stats["handled"] += 1
            result = await _called(route.handler, request)
            return conditions.selected(request, results.response(result, request, route), tag)
        except Failure as failure:
            return results.error(failure.code, failure.text)

    def prepare(self, endpoint: "Any") -> None:
        """Have an endpoint let in what only a Site can decide: requests with If-Match and If-None-Match, and bodies
        that are read while they come."""
        endpoint.understands = CONDITIONS
        endpoint.streams = self._streams

    def _streams(self, message, peer):
        """Return what Endpoint.streams wants of a request whose body begins."""
        try:
            return self.find(message)[0].stream
        except Failure:
            return None

    def changed(self, path: str, confirmable: bool = False) -> int:
        """Take note that the resource at `path`, "/sensors/a", has changed; return how many observers there are. Its
        handler is called again for each of them, with the request that it sent, as soon as a notification may go to
        it, and what it returns is the notification: coap.observe.server says when, and which are confirmable but for
        `confirmable`. An error as a result is the last notification, 4.04 where the resource is gone.

        Raise ValueError for what is no path.
        """
        seen = Message(numbers.GET, options=path_options(path)).path
        if seen is None:
            raise ValueError("path %r: not UTF-8" % path)
        total = 0
        for context in self._contexts[:]:
            count = context.changed(seen, confirmable)
            if count is None:  # it is closed
                self._contexts.remove(context)
            else:
                total += count
        return total

    def _observed(self, context, message):
        """Return whether a resource notifies; its context has a list of observers then."""
        try:
            route, _ = self.find(message)
        except Failure:
            return False
        if route.observe:
            from .observing import begin

            begin(context, self.sequence)
            if context not in self._contexts:
                self._contexts.append(context)
        return route.observe

    async def handle(self, context: "Any", incoming: "Any", message: Message) -> None:
        """Answer a request that came in, by `context.respond`. Raise asyncio.CancelledError alone."""
        reading = None
        observe = False
        if getattr(incoming, "body", None):
            from .streaming import Reading

            reading = context = Reading(context, incoming)
        try:
            try:
                binding = incoming.binding
                if reading is None and message.option(numbers.OBSERVE) is not None:
                    observe = self._observed(context, message)
                response = await self.answer(
                    message, incoming.peer, binding and binding.context, reading, incoming
                )
                try:
                    context.respond(incoming, response, observe)
                except Failure as failure:  # of a file that cannot be read
                    conditions.drop(response)
                    context.respond(incoming, results.error(failure.code, failure.text), observe)
                except Exception:
                    conditions.drop(response)
                    raise
            except MemoryError as error:
                drop_half_modules()
                self._failed(message, error)
                context.respond(incoming, Message(numbers.SERVICE_UNAVAILABLE), observe)
            except Exception as error:
                self._failed(message, error)
                context.respond(incoming, Message(numbers.INTERNAL_SERVER_ERROR), observe)
        except (MemoryError, OSError):
            pass  # not even that could be sent: the endpoint says 5.00 when the request's time is over

    def _failed(self, message, error):
        """Tell of an exception, unless the same one of the same route was told within the last minute. Raise
        nothing."""
        self.stats["failed"] += 1
        try:
            if self._told is None:
                if isinstance(error, MemoryError):
                    return  # no time to load a module
                from .telling import Told

                self._told = Told()
            self._told.failed(self.find(message)[0].pattern, error)
        except (MemoryError, Failure):
            pass


async def _called(function, request):
    """Return what a function or coroutine gives for a request."""
    result = function(request, **request.arguments)
    if hasattr(result, "throw"):  # a coroutine
        result = await result
    return result
