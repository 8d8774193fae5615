# SPDX-License-Identifier: MIT
"""What the HTTP side bounds: connections, half requests, slow and large bodies, answers without end, servers."""

import asyncio
import contextlib
import socket

import pytest
from aiohttp import web

from host_tests.gateway.scripted import ApplicationServer, Ue, gateway, run
from tools.transport.web.connections import Connections, Incoming, _Connection

REQUEST = b"GET /status.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HALF = b"POST /msgs-msgdelivery/v1/deliver-as-message HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@contextlib.asynccontextmanager
async def raw(g):
    reader, writer = await asyncio.open_connection("127.0.0.1", g.http_port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def status(reader):
    return (await reader.readline()).split()[1:2]


@pytest.mark.parametrize("half", [b"", b"G", HALF, HALF[:-2]], ids=len)
def test_half_a_head_ends(half):
    async def main():
        async with gateway() as g:
            g.http.connections.head = 0.2
            async with raw(g) as (reader, writer):
                writer.write(half)
                said = await reader.read()
                assert said.startswith(b"HTTP/1.1 408 ") if half else said == b""
            assert g.http.connections.timed_out == 1

    run(main())


def test_a_head_that_drips_ends():
    async def main():
        async with gateway() as g:
            g.http.connections.head = 0.3
            loop = asyncio.get_running_loop()
            # Without a stream, which would drop what came once an octet meets the end of the connection.
            with socket.create_connection(("127.0.0.1", g.http_port)) as client:
                client.setblocking(False)
                answer = asyncio.create_task(loop.sock_recv(client, 100))
                sent = 0
                with contextlib.suppress(ConnectionError):
                    while not answer.done() and sent < 10_000:
                        octet = b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "[sent : sent + 1] or b"x"
                        await loop.sock_sendall(client, octet)
                        sent += 1
                        await asyncio.sleep(0.01)
                assert (await answer).split()[1] == b"408"

    run(main())


def test_a_body_that_does_not_come_ends():
    async def main():
        async with gateway() as g:
            g.http._incoming._seconds = 0.2
            async with raw(g) as (reader, writer):
                writer.write(HALF + b'Content-Length: 100\r\n\r\n{"a": ')
                assert await status(reader) == [b"408"]
            assert g.http._incoming.octets == 0

    run(main())


def test_a_connection_is_used_again_and_ends_when_idle():
    async def main():
        async with gateway() as g:
            g.http.connections.idle = 0.3
            async with raw(g) as (reader, writer):
                for _ in range(3):
                    writer.write(REQUEST)
                    assert await status(reader) == [b"200"]
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = int(head.lower().split(b"content-length:")[1].split()[0])
                    await reader.readexactly(length)
                assert await reader.read() == b""

    run(main())


def test_answers_that_nobody_reads_end():
    """A request that is being answered makes no room: who reads nothing would hold all connections, without a token."""

    async def main():
        async with gateway() as g:
            connections = g.http.connections
            connections.unread = 0.2
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", g.http_port))
                client.setblocking(False)
                async with asyncio.timeout(20):
                    while not len(connections):
                        await asyncio.sleep(0)
                    while len(connections):
                        with contextlib.suppress(BlockingIOError, ConnectionError):
                            client.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 100)
                        await asyncio.sleep(0.01)
            assert connections.timed_out == 1

    run(main())


def test_an_answer_that_is_read_slowly_comes_whole():
    class Transport:
        size, aborted = 1000, False

        def get_write_buffer_size(self):
            return self.size

        def abort(self):
            self.aborted = True

    class Inner:
        def connection_made(self, transport):
            pass

        def pause_writing(self):
            pass

        resume_writing = pause_writing

    async def main():
        transport, connections = Transport(), Connections(unread=0.05)
        connection = _Connection(connections, Inner())
        connection.connection_made(transport)
        connection.pause_writing()

        async def look(size):
            """However much waits by then."""
            transport.size, looked = size, connection._unread
            while connection._unread is looked and not transport.aborted:
                await asyncio.sleep(0)

        for size in (875, 765, 600, 10, 8):  # an eighth is read each time
            await look(size)
            assert not transport.aborted
        connection.resume_writing()
        transport.size = 1000
        connection.pause_writing()
        await look(999)  # of an octet at a time it would last for hours
        assert transport.aborted and connections.timed_out == 1

    run(main())


def test_connections_are_bounded_and_who_waits_makes_room():
    async def main():
        async with gateway() as g, contextlib.AsyncExitStack() as stack:
            g.http.connections._max_open = 10
            for _ in range(40):
                (await stack.enter_async_context(raw(g)))[1].write(HALF)
            async with raw(g) as (reader, writer):
                writer.write(REQUEST)
                assert await status(reader) == [b"200"]
                assert len(g.http.connections) <= 10
            assert g.http.connections.refused >= 31

    run(main())


def test_a_request_that_is_handled_is_never_cut_off():
    class Transport:
        aborted = False

        def abort(self):
            self.aborted = True

    class One:
        busy = True

    all_ = Connections(max_open=2)
    transports = [Transport() for _ in range(3)]
    assert all_.admit(One(), transports[0]) and all_.admit(One(), transports[1])
    assert not all_.admit(One(), transports[2])
    assert not any(transport.aborted for transport in transports)


class Request:
    """As much of a request as Incoming reads."""

    def __init__(self, pieces, length=None, **headers):
        self.headers = headers
        self.content_length = length
        self.content = self
        self._pieces = list(pieces)

    async def readany(self):
        await asyncio.sleep(0)
        return self._pieces.pop(0) if self._pieces else b""


def test_bodies_are_bounded_each_and_in_all():
    async def main():
        incoming = Incoming(100, max_octets=200)
        assert await incoming.read(Request([b"ab", b"c"])) == b"abc"
        for request in (Request([b"x" * 60] * 2), Request([], length=101)):
            with pytest.raises(web.HTTPRequestEntityTooLarge):
                await incoming.read(request)
        with pytest.raises(web.HTTPUnsupportedMediaType):
            await incoming.read(Request([b"x"], **{"Content-Encoding": "gzip"}))
        bodies = [incoming.read(Request([b"x" * 30] * 3)) for _ in range(5)]
        ends = await asyncio.gather(*bodies, return_exceptions=True)
        assert {type(end) for end in ends} == {bytes, web.HTTPServiceUnavailable}
        assert incoming.octets == 0

    run(main())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n",
    ],
    ids=["chunked", "long", "until closed"],
)
def test_an_answer_without_end_is_an_answer(answer):
    async def main():
        most = 0  # octets that one connection took

        async def serve(reader, writer):
            nonlocal most
            sent = 0
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            with contextlib.suppress(ConnectionError):
                while sent < 1 << 26 and not writer.is_closing():
                    writer.write(
                        b"10000\r\n" + bytes(65536) + b"\r\n" if b"chunked" in answer else bytes(65536)
                    )
                    sent += 65536
                    most = max(most, sent)
                    await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, gateway() as g, Ue(g, "ue:a") as a, ApplicationServer(g) as as_:
            await a.register()
            await as_.register(targetUri="http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1])
            msg_id = await a.send(as_.name, "hi", "AS")
            await g.journal.wait("delivered", msgId=msg_id)
            await a.send(as_.name, "again", "AS")
            await g.journal.wait("delivered", count=2)
            assert most < 1 << 26
            assert len(g.http._session.cookie_jar) == 0

    run(main())
