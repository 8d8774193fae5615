# SPDX-License-Identifier: MIT
"""Deliveries to Application Servers side by side, over real connections: how many are open at each, and which are used
again."""

import asyncio
import contextlib

import pytest

from host_tests.gateway.scripted import ApplicationServer, Ue, gateway, run

HANGING, FAST = "as:hanging@example.org", "as:fast@example.org"


@contextlib.asynccontextmanager
async def scene(ues, *servers):
    async with contextlib.AsyncExitStack() as stack:
        g = await stack.enter_async_context(gateway())
        made = [await stack.enter_async_context(Ue(g, "ue:%d" % number)) for number in range(ues)]
        for ue in made:
            await ue.register()
        for make in servers:
            await (await stack.enter_async_context(make(g))).register()
        yield g, made


class Raw:
    """An Application Server of a few octets: `answer(number)` gives the pieces of the answer to its n-th request."""

    def __init__(self, gateway, answer, name=FAST):
        self.gateway, self.answer, self.name = gateway, answer, name
        self.requests = self.connections = 0
        self.done = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.target = "http://127.0.0.1:%d/" % self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exception):
        self._server.close()

    async def register(self):
        body = {"asSvcId": self.name, "targetUri": self.target}
        self.gateway.server.application_servers.register(body, self.gateway.clock())

    async def _serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                await reader.readexactly(length)
                self.requests += 1
                for piece in self.answer(self.requests):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.01)


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"


@pytest.mark.parametrize(
    "pieces", [[EMPTY], [WHOLE], [WHOLE[:-2], WHOLE[-2:]], [LARGE, bytes(15000), bytes(5000)]], ids=len
)
def test_a_connection_is_used_again(pieces):
    """Also where the end of the answer comes later than its status."""

    async def main():
        made = []
        async with scene(1, lambda g: made.append(Raw(g, lambda number: pieces)) or made[0]) as (g, (ue,)):
            for number in range(5):
                await ue.send(FAST, str(number), "AS")
                await g.journal.wait("delivered", number + 1)
            assert (made[0].requests, made[0].connections) == (5, 1)

    run(main())


def test_ten_are_out_at_once_and_one_that_hangs_holds_up_nobody():
    """The fast one answers nothing until it has been asked by all."""

    async def main():
        asked = {HANGING: [], FAST: []}
        all_, over = asyncio.Event(), asyncio.Event()

        class Hanging(ApplicationServer):
            async def _in(self, request):
                asked[self.name].append(await request.json())
                await over.wait()
                return await super()._in(request)

        class Fast(ApplicationServer):
            async def _in(self, request):
                asked[self.name].append(await request.json())
                if len(asked[self.name]) == 10:
                    all_.set()
                await all_.wait()
                return await super()._in(request)

        async with scene(10, lambda g: Hanging(g, HANGING), lambda g: Fast(g, FAST)) as (g, ues):
            for number in range(3):
                for ue in ues:
                    await ue.send(HANGING, str(number), "AS")
                    await ue.send(FAST, str(number), "AS")
            await g.journal.wait("delivered", 30)
            assert len(asked[HANGING]) == 10  # one of each originator
            over.set()
            for ue in ues:
                texts = [body["payload"] for body in asked[FAST] if body["oriAddr"]["addr"] == ue.name]
                assert texts == ["0", "1", "2"]

    run(main())
