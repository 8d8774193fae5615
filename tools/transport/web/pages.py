# SPDX-License-Identifier: MIT
"""The page over HTTP: its files, what it asks (`/api`), what it hears (`/live`)."""

import asyncio
import contextlib
import json
import logging
import urllib.parse

from aiohttp import web

from tools.page import statics, updates
from tools.page.devices import SIZE
from tools.page.live import HEARTBEAT, Full, Live
from tools.server.callers import RefusedError
from tools.server.isolation import reason_of
from tools.transport.web.problems import problem
from tools.wire.bodies import Malformed

BEAT = 15  # s without anything to say
PATIENCE = 30  # s for a reader to take what was written
AT_ONCE = 0.1  # s, for which changes wait for others
SENDING = 1 << 16  # octets of a body of /api/send


class Pages:
    """`view`: a View; `when_left`: that of Connections; `send(request)`: handles a POST of what the page sends, None
    where nothing can be sent. `for_anybody`: the handlers of files, which say nothing of this gateway and ask for the
    token that the rest needs."""

    def __init__(self, view, when_left, send=None, folder=statics.FOLDER):
        self._view, self._when_left, self._send = view, when_left, send
        self.for_anybody = {self._page, self._static}
        self._files = statics.files(folder)
        self.live = Live(view, self._soon)
        self._ended = False

    def add_to(self, app):
        """Adds the routes; gives the handlers, which whoever may see the page may ask."""
        routes = [
            ("GET", "/", self._page),
            ("GET", "/static/{name}", self._static),
            ("GET", "/api/overview", self._overview),
            ("GET", "/api/devices", self._devices),
            ("GET", "/api/devices/{ue}", self._device),
            ("GET", "/api/messages/{from}/{msgId}", self._message),
            ("GET", "/api/messages/{from}/{msgId}/payload", self._payload),
            ("GET", "/api/updates", self._updates),
            ("GET", "/api/updates/{job}", self._update),
            ("GET", "/live", self._follow),
        ]
        if self._send is not None:
            routes.append(("POST", "/api/send", self._sent))
        for method, path, handler in routes:
            (app.router.add_get if method == "GET" else app.router.add_post)(path, handler)
        app.on_shutdown.append(self._shut_down)
        return {handler for _, _, handler in routes}

    def _soon(self):
        asyncio.get_running_loop().call_later(AT_ONCE, self._pump)

    def _pump(self):
        try:
            self.live.pump()
        except Exception as error:  # the store cannot be read: who follows comes back, and hears it
            logging.getLogger(__name__).error("/live: %s", reason_of(error))
            self.live.end()

    async def _shut_down(self, app):
        self.end()

    def end(self):
        """Nobody follows any more: whoever does comes back, to a program that goes on."""
        self._ended = True
        self.live.end()

    # ---- files -------------------------------------------------------------------------------------------------------

    async def _page(self, request):
        return self._file(request, self._files[statics.PAGE])

    async def _static(self, request):
        found = self._files.get(request.match_info["name"])
        if found is None:
            return problem(404, "there is no such file: / is the page")
        return self._file(request, found)

    def _file(self, request, found):
        headers = statics.HEADERS | {"Cache-Control": "no-cache", "ETag": '"%s"' % found.tag}
        if any(tag.value in (found.tag, "*") for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=found.octets, content_type=found.type, charset="utf-8", headers=headers)

    # ---- asked -------------------------------------------------------------------------------------------------------

    async def _overview(self, request):
        return _json(self._view.overview())

    async def _devices(self, request):
        _only(request, ("q", "state", "page", "size"))
        number, size = _number(request, "page", 1), _number(request, "size", SIZE)
        return _json(self._view.devices.page(_words(request), request.query.get("state"), number, size))

    async def _device(self, request):
        found = self._view.devices.one(request.match_info["ue"])
        return problem(404, "no such device is known here") if found is None else _json(found)

    async def _message(self, request):
        found = self._view.message(request.match_info["from"], request.match_info["msgId"])
        return problem(404, "nothing is kept of this message") if found is None else _json(found)

    async def _payload(self, request):
        found = self._view.payload(request.match_info["from"], request.match_info["msgId"])
        if found is None:
            return problem(404, "what this message carries is not kept")
        headers = statics.HEADERS | {"Cache-Control": "no-store"}
        return web.Response(body=found, content_type="application/octet-stream", headers=headers)

    async def _updates(self, request):
        _only(request, ())
        return _json(self._view.updates.all())

    async def _update(self, request):
        _only(request, ("state", "page", "size"))
        number, size = _number(request, "page", 1), _number(request, "size", updates.SIZE)
        job = request.match_info["job"]
        known = job.isascii() and job.isdigit() and len(job) <= 18
        found = self._view.updates.one(int(job), request.query.get("state"), number, size) if known else None
        return problem(404, "there is no such update") if found is None else _json(found)

    async def _sent(self, request):
        expect_same_origin(request)
        return await self._send(request)

    # ---- heard -------------------------------------------------------------------------------------------------------

    async def _follow(self, request):
        """Server-sent events, as long as the reader takes them."""
        _only(request, ("after",))
        after = request.headers.get("Last-Event-ID", "").strip()
        if after:  # what is no number of ours is one that nothing is remembered of
            after = int(after[:18]) if after.isascii() and after.isdigit() else -1
        else:
            after = _number(request, "after", None)
        if self._ended:
            return problem(503, "it is being stopped: follow it anew", headers={"Retry-After": "2"})
        news = asyncio.Event()
        try:
            stream = self.live.begin(after, news.set)
        except Full:
            return problem(
                503, "as many as may be follow already: close another page", headers={"Retry-After": "10"}
            )
        self._when_left(request, stream.end)  # at once: there are few places
        headers = statics.HEADERS | {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers | {"Content-Type": "text/event-stream; charset=utf-8"})
        try:
            await response.prepare(request)
            if request.method == "HEAD":
                return response
            await self._write(response, b"retry: 2000\n\n" + stream.take())
            while not stream.ended:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(BEAT):
                        await news.wait()
                news.clear()
                if not stream.ended:
                    await self._write(response, stream.take() or HEARTBEAT)
            await self._write(response, stream.take())
        except (ConnectionError, TimeoutError):
            if request.transport:
                request.transport.abort()
        finally:
            self.live.leave(stream)
        return response

    @staticmethod
    async def _write(response, octets):
        if octets:
            async with asyncio.timeout(PATIENCE):
                await response.write(octets)


def _json(value):
    octets = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    headers = statics.HEADERS | {"Cache-Control": "no-store"}
    return web.Response(body=octets, content_type="application/json", charset="utf-8", headers=headers)


def _only(request, names):
    for name in request.query:
        if request.query.getall(name)[1:]:
            raise Malformed(name, "more than once")
        if name not in names:
            raise Malformed(
                name, "not one of " + ", ".join(names) if names else "not a parameter of this call"
            )


def _words(request):
    words = request.query.get("q", "")
    if len(words) > 255:
        raise Malformed("q", "longer than 255 characters")
    return words


def _number(request, name, default):
    value = request.query.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit()) or len(value) > 18:
        raise Malformed(name, "not a whole number from 0")
    return int(value)


def expect_same_origin(request):
    """Refuses what a page of somebody else has sent: browsers say where a POST comes from. Raises RefusedError."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    host = request.headers.get("Host", "")
    if site not in ("same-origin", "none") or origin is not None and _host_of(origin) != host:
        raise RefusedError(403, "a page of another origin may not send: open / of this gateway")


def _host_of(origin):
    """None for "null", and for what is no origin."""
    try:
        return urllib.parse.urlsplit(origin).netloc or None
    except ValueError:
        return None
