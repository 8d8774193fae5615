# SPDX-License-Identifier: MIT
"""The TCP connections of the HTTP side: bounded in number and in what each may keep waiting, as aiohttp waits for the
head and the body of a request for ever."""

import asyncio

from aiohttp import web

from tools.transport.web.handshakes import Handshake
from tools.transport.web.problems import Protocol, raw

MAX_CONNECTIONS = 256
HEAD, BODY, IDLE = 10, 30, 60  # s: from its first octet to the end of a head; for a body; without a request
UNREAD = 30  # s for the other side to read an eighth of what waits for it
IN_FLIGHT = 64 << 20  # octets of bodies that are being received
_TIMED_OUT = raw(408, "the head of the request took too long")


class Connections:
    """`begun` and `ended` frame the handling of each request. Where there are too many, who waits longest without
    having sent a request makes room; a request that is handled is never cut off, but where its answer is not read."""

    def __init__(self, max_open=MAX_CONNECTIONS, head=HEAD, idle=IDLE, unread=UNREAD):
        self._max_open, self.head, self.idle, self.unread = max_open, head, idle, unread
        self._open = {}  # transport: _Connection, the longest waiting first
        self.refused = self.timed_out = self.not_agreed = 0
        self._agreeing = set()  # tasks of handshakes

    def __len__(self):
        return len(self._open)

    @property
    def busy(self):
        """How many have a request that is handled."""
        return sum(connection.busy for connection in self._open.values())

    def begun(self, request):
        connection = self._open.get(request.transport)
        if connection:
            connection.begun()

    def ended(self, request):
        connection = self._open.pop(request.transport, None)
        if connection:
            self._open[request.transport] = connection
            connection.ended()

    def when_left(self, request, call):
        """Has it called when who sent this request goes, while it is handled: aiohttp tells nobody."""
        connection = self._open.get(request.transport)
        if connection:
            connection.when_left = call

    def admit(self, connection, transport):
        if len(self._open) >= self._max_open:
            self.refused += 1
            waits = next((one for one in self._open.items() if not one[1].busy), None)
            if waits is None:
                return False
            del self._open[waits[0]]
            waits[0].abort()
        self._open[transport] = connection
        return True

    def left(self, transport):
        self._open.pop(transport, None)

    def agree(self, handshake):
        """A coroutine that ends with the handshake of a connection."""
        task = asyncio.get_running_loop().create_task(handshake)
        self._agreeing.add(task)
        task.add_done_callback(self._agreeing.discard)

    async def listen(self, site, tls=None):
        """As site.start() of a web.TCPSite; with TLS where there is a context for it."""
        site.connections, site.tls = self, tls
        await site.start()

    async def stop(self):
        """Of those that are not ours to end otherwise: handshakes."""
        for task in list(self._agreeing):
            task.cancel()
        await asyncio.gather(*self._agreeing, return_exceptions=True)


class Site(web.TCPSite):
    """Where `Connections.listen` listens."""

    async def start(self):
        await web.BaseSite.start(self)
        loop, server = asyncio.get_running_loop(), self._runner.server

        def plain():
            return _Connection(self.connections, Protocol(server, loop=loop, **server._kwargs))

        def secured():
            return Handshake(self.connections, plain, self.tls)

        self._server = await loop.create_server(
            plain if self.tls is None else secured,
            self._host,
            self._port,
            backlog=128,
            reuse_port=self._reuse_port,
        )


class _Connection(asyncio.Protocol):
    """Stands before aiohttp's protocol of one connection."""

    def __init__(self, all_, inner):
        self._all, self._inner = all_, inner
        self._transport = self._timer = self._unread = self.when_left = None
        self._admitted = self._head = self.busy = False

    def connection_made(self, transport):
        self._transport = transport
        self._admitted = self._all.admit(self, transport)
        if self._admitted:
            self._inner.connection_made(transport)
            self._wait(self._all.head)
        else:
            transport.abort()

    def connection_lost(self, error):
        for timer in filter(None, (self._timer, self._unread)):
            timer.cancel()
        self._all.left(self._transport)
        if self.when_left:
            self.when_left()
        if self._admitted:
            self._inner.connection_lost(error)

    def data_received(self, octets):
        if not self.busy and not self._head:
            self._head = True
            self._wait(self._all.head)
        self._inner.data_received(octets)

    def eof_received(self):
        return self._inner.eof_received()

    def pause_writing(self):
        self._look_later()
        self._inner.pause_writing()

    def resume_writing(self):
        self._unread.cancel()
        self._inner.resume_writing()

    def _look_later(self):
        size = self._transport.get_write_buffer_size()
        self._unread = asyncio.get_running_loop().call_later(self._all.unread, self._look, size)

    def _look(self, before):
        """Whether enough was read since so many octets waited: an octet at a time, few readers would hold all places
        for hours."""
        if self._transport.get_write_buffer_size() <= before * 7 // 8:
            self._look_later()
        else:
            self._all.timed_out += 1
            self._transport.abort()

    def begun(self):
        self.busy, self._head = True, False
        self._timer.cancel()

    def ended(self):
        self.busy, self.when_left = False, None
        self._wait(self._all.idle)

    def _wait(self, seconds):
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._over)

    def _over(self):
        self._all.timed_out += 1
        if self._head:
            self._transport.write(_TIMED_OUT)
        self._transport.close()
        self._timer = asyncio.get_running_loop().call_later(1, self._transport.abort)


class Incoming:
    """Bodies of requests, read piece by piece. HTTPException for what is too large, too slow or too much for all."""

    def __init__(self, longest, seconds=BODY, max_octets=IN_FLIGHT):
        self._longest, self._seconds = longest, seconds
        self._max_octets = max(max_octets, 2 * longest)
        self.octets = 0

    async def read(self, request, longest=None):
        longest = longest or self._longest
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise web.HTTPUnsupportedMediaType(reason="no Content-Encoding is taken")
        if (request.content_length or 0) > longest:
            raise web.HTTPRequestEntityTooLarge(longest, request.content_length)
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                while piece := await request.content.readany():
                    body += piece
                    self.octets += len(piece)
                    if len(body) > longest:
                        raise web.HTTPRequestEntityTooLarge(longest, len(body))
                    if self.octets > self._max_octets:
                        raise web.HTTPServiceUnavailable(
                            reason="too many bodies at once", headers={"Retry-After": "1"}
                        )
        except TimeoutError:
            raise web.HTTPRequestTimeout(reason="the body took too long") from None
        finally:
            self.octets -= len(body)
        return bytes(body)
