# SPDX-License-Identifier: MIT
"""HTTP by aiohttp: the Routes of the server, posts to Application Servers, the status page."""

import asyncio
import contextlib
import contextvars
import email.utils
import functools
import json
import time

import aiohttp
from aiohttp import web

from tools.page import openapi
from tools.server.callers import ANYBODY, RefusedError
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome
from tools.store.faults import DATABASE_ERRORS
from tools.transport.web.connections import Connections, Incoming, Site
from tools.transport.web.health import Health
from tools.transport.web.pages import SENDING, Pages
from tools.transport.web.problems import problem, problems
from tools.transport.web.tls import PLAIN
from tools.wire.answers import Refusal
from tools.wire.bodies import Malformed, encode, parse
from tools.wire.masking import masked
from tools.words import in_words

JSON = {"Content-Type": "application/json"}
PROMETHEUS = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
_caller = contextvars.ContextVar("caller", default=ANYBODY)  # of the request that this task answers
POST = 30  # s for one delivery
SAID = 1 << 16  # octets of an answer that are read
REST = 1.0  # s for the end of an answer whose words do not count
AGAIN = {408, 425, 429}  # client errors that pass


def patience(headers, now=time.time):
    """Seconds of a Retry-After, a number or an HTTP-date (RFC 9110 section 10.2.3), at least 0; None where it says
    nothing. A date is read by the clock of who sent it, where there is a Date."""
    after = headers.get("Retry-After", "").strip()
    if after.isascii() and after.isdigit():
        return float(after[:12])
    until, sent = _http_date(after), _http_date(headers.get("Date", ""))
    if until is None:
        return None
    return max(0.0, until - (now() if sent is None else sent))


def _http_date(text):
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


async def _said(response):
    """The JSON object in an answer; None where it holds none, or too much."""
    octets = bytearray()
    if not response.content_type.endswith("json"):
        return None
    while piece := await response.content.readany():
        octets += piece
        if len(octets) > SAID:
            return None
    try:
        return parse(bytes(octets))
    except Malformed:
        return None


async def _drain(response):
    """Takes the end of an answer, so that its connection is there for the next delivery. One that does not end soon is
    closed with its connection."""
    octets = 0
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(REST):
            while octets <= SAID and (piece := await response.content.readany()):
                octets += len(piece)


def _unreached(error):
    """Why nobody was posted to, in words; of TLS the number of an OSError says something else."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
        return "its certificate is not trusted (%s): --ca FILE says who is" % why
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS with it: %s" % error
    return in_words(error) if isinstance(error, OSError) else "%s: %s" % (type(error).__name__, error)


def _origin(request):
    """The scheme and host that the request was sent to. Refuses a Host that makes no URI."""
    try:
        origin = str(request.url.origin())
        if not origin.isascii() or not origin.isprintable():
            raise ValueError(origin)
    except ValueError as error:
        raise web.HTTPBadRequest(reason="Host is no host") from error
    return origin


class HttpTransport:
    """`await event(...)` gives the result of a method of the server; `view` is a View, `snapshot` gives the status,
    `await metrics()` the octets of that for Prometheus; `callers` is a Callers. Without a server (None) there are the
    page and the status alone. `why_not()` is that of Health; `tls` is a Tls."""

    def __init__(
        self,
        server,
        event,
        view,
        snapshot,
        metrics,
        body_limit,
        admin=False,
        callers=None,
        why_not=lambda: None,
        tls=PLAIN,
    ):
        self._callers = callers
        self._tls = tls
        self._server = server
        self._event = event
        self._snapshot = snapshot
        self._metrics = metrics
        self._runner = None
        self._session = None
        self._draining = False
        self.connections = Connections()
        self._incoming = Incoming(body_limit)
        self._app = web.Application(middlewares=[self._framed, problems, self._admit])
        add = self._app.router
        self.pages = Pages(view, self.connections.when_left, None if server is None else self._send)
        self._of_page = {*self.pages.add_to(self._app), self._status, self._measured}
        add.add_get("/status.json", self._status)
        add.add_get("/metrics", self._measured)
        add.add_get("/openapi.json", self._describe)
        self._for_anybody = {self._describe, *self.pages.for_anybody, *Health(why_not).add_to(self._app)}
        if server is not None:
            for route in server.routes:
                add.add_route(route.method, route.path, self._asked(route))
        if server is not None and admin:
            add.add_post("/admin/push", self._push)

    @property
    def refusals(self):
        """How many requests were refused for who sent them, by status."""
        return self._callers.refusals

    async def start(self, host, port, reuse_port=False):
        """Listens; returns the port. OSError when it is taken, by others than `reuse_port` allows."""
        # What is out to each Application Server is bounded by the server: none waits for another's connection, and
        # each keeps as many as it has deliveries at once. The words and the cookies of an answer are not kept.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._tls.trusted or True),
            timeout=aiohttp.ClientTimeout(total=POST),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1, auto_decompress=False)
        await self._runner.setup()
        site = Site(self._runner, host, port, reuse_port=reuse_port or None)
        await self.connections.listen(site, self._tls.context)
        return self._runner.addresses[0][1]

    def drain(self):
        """Each connection ends with the next answer on it, and who follows the page looks for another program."""
        self._draining = True
        self.pages.end()

    async def stop(self):
        await self.connections.stop()
        if self._runner:
            await self._runner.cleanup()
        if self._session:
            await self._session.close()

    # ---- served ------------------------------------------------------------------------------------------------------

    @web.middleware
    async def _framed(self, request, handler):
        self.connections.begun(request)
        try:
            response = await handler(request)
            if self._draining and not response.prepared:
                response.force_close()
            return response
        finally:
            self.connections.ended(request)

    @web.middleware
    async def _admit(self, request, handler):
        """Before anything is done for a request: whether it is meant for us, and who it is from."""
        if self._callers is None:
            return await handler(request)
        try:
            if getattr(handler, "public", False):  # the path itself is what only some know
                self._callers.check_host(request)
                _caller.set(self._callers.anybody(request))
                return await handler(request)
            if handler in self._for_anybody:  # the same for everybody
                self._callers.check_host(request)
                return await handler(request)
            _caller.set(self._callers.caller(request, public=handler in self._of_page))
            if handler == self._push:
                self._callers.must_be_here(request)
            return await handler(request)
        except RefusedError as refused:
            self._callers.emit_refused(request, refused.status, str(refused))
            return problem(refused.status, str(refused), headers=refused.headers)
        except DATABASE_ERRORS:
            return problem(503, "the store is not working", headers={"Retry-After": "10"})
        except Refusal as refusal:
            if refusal.answer.code == "4.03":
                self._callers.emit_refused(request, 403, refusal.answer.diagnostic)
            raise

    def _call(self, method, *arguments):
        """The method of the server, for who sent the request at hand. What it gives can be written
        as JSON, which is sure before anything is kept."""

        caller = _caller.get()

        @functools.wraps(getattr(method, "func", method))  # its name is what an error is told by
        def call(*arguments):
            result = method(*arguments, caller=caller)
            json.dumps(result)
            return result

        return self._event(call, *arguments)

    async def _body(self, request, longest=None):
        if request.content_type != "application/json":  # also keeps web pages of others from posting here
            raise web.HTTPUnsupportedMediaType(reason="the body must be application/json")
        return parse(await self._incoming.read(request, longest), strictly=True)

    def _asked(self, route):
        """The handler of a Route."""

        async def handler(request):
            # Who may post without a token may not have us read much.
            longest = SAID if route.public else None
            body = await self._body(request, longest) if request.method in ("POST", "PUT", "PATCH") else None
            here = _origin(request)  # what can fail comes before what is kept
            reply = await self._call(functools.partial(route.decide, **request.match_info), body)
            if reply is None:
                return problem(404, "there is nothing at this path")
            headers = {} if reply.location is None else {"Location": here + reply.location}
            if reply.body is None:
                return web.Response(status=reply.status, headers=headers)
            return web.json_response(reply.body, status=reply.status, headers=headers)

        handler.public = route.public
        return handler

    async def _push(self, request):
        return web.json_response(await self._event(self._server.push, await self._body(request)), status=202)

    async def _send(self, request):
        """What the page sends."""
        send = self._server.application_servers.send
        return web.json_response(await self._call(send, await self._body(request, SENDING)), status=202)

    async def _status(self, request):
        octets = json.dumps(self._snapshot(), ensure_ascii=False).encode("utf-8", "replace")
        return web.Response(body=octets, content_type="application/json", charset="utf-8")

    async def _measured(self, request):
        return web.Response(body=await self._metrics(), headers=PROMETHEUS)

    @functools.cached_property
    def _description(self):
        """Made when it is asked for: few programs are."""
        return openapi.octets({resource.canonical for resource in self._app.router.resources()})

    async def _describe(self, request):
        return web.Response(body=self._description, content_type="application/json", charset="utf-8")

    # ---- posted ------------------------------------------------------------------------------------------------------

    async def post(self, uri, body, heard=False, token=None, method="POST"):
        """One delivery; the Outcome. `heard`: what is said in the answer counts, too. `token`: what we show there.
        `method`: another one than POST; without a body where that is None."""
        headers = {} if body is None else JSON
        if token is not None:
            headers = headers | {"Authorization": "Bearer " + token}
        data = None if body is None else encode(body)
        try:
            async with (
                asyncio.timeout(POST + 5),  # also where it neither reads nor ends
                self._session.request(
                    method, uri, data=data, headers=headers, allow_redirects=False
                ) as response,
            ):
                detail, said = "%d %s" % (response.status, response.reason), None
                if heard:
                    said = await _said(response)
                    words = (said or {}).get("detail")  # of ProblemDetails
                    if response.status >= 300 and isinstance(words, str) and words:
                        detail += ": " + words
                elif not response.content.at_eof():
                    await _drain(response)
                if response.status < 300:
                    made = response.headers.get("Location", "") if heard else ""
                    return Outcome(DONE, detail, said=said, location=made)
                if 400 <= response.status < 500 and response.status not in AGAIN:
                    return Outcome(REFUSED, detail, said=said)
                return Outcome(LATER, detail, patience(response.headers), said=said)
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            told = _unreached(error)
            return Outcome(LATER, masked(told, uri), answered=False)
