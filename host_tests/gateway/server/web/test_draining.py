# SPDX-License-Identifier: MIT
"""A program that is stopped: what is under way comes to its end, nothing new begins, and nobody is refused."""

import asyncio
import json
import signal

import pytest
from aiohttp import web

from host_tests.gateway.scripted import LONG, ApplicationServer, Process, Ue, gateway, run
from host_tests.gateway.server.web.test_health import asked
from tools.programs.patience import patience

A, B = "ue:a", "ue:b"
AS = "as:weather@example.org"


class Slow(ApplicationServer):
    """Answers what it is posted when it is told to."""

    async def __aenter__(self):
        self.came, self.may = asyncio.Event(), asyncio.Event()
        return await super().__aenter__()

    async def _in(self, request):
        self.inbox.put_nowait(await request.json())
        self.came.set()
        await self.may.wait()
        return web.Response(status=204)


async def under_way(g, a, server):
    await a.register()
    await server.register()
    ids = [await a.send(AS, "one", "AS"), await a.send(AS, "two", "AS")]
    await server.came.wait()
    return ids


def test_a_push_under_way_gets_its_outcome_and_the_next_one_does_not_begin():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Slow(g) as server:
            ids = await under_way(g, a, server)
            draining = asyncio.ensure_future(g.drain(LONG))
            await asyncio.sleep(0)
            status, lines, body = await asked(g, "/readyz")
            assert status == 503 and "is being stopped" in body["detail"] and "Retry-After: 1" in lines
            assert not draining.done()
            server.may.set()
            assert await draining == 0
            assert [one["msgId"] for one in g.journal.find("delivered", to=AS)] == ids[:1]
            assert (await server.next())["msgId"] == ids[0]
            assert server.inbox.empty()  # the other one waits in the store for whoever goes on
            assert [row[3:5] for row in g.store.summary() if row[1] == AS] == [(1, 1)]

    run(main())


def test_what_has_no_end_is_left_after_the_time():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Slow(g) as server:
            await under_way(g, a, server)
            assert await g.drain(0.05) >= 1
            server.may.set()

    run(main())


def test_requests_are_taken_until_the_end():
    """Of devices and of Application Servers; what they leave to do is in the store, and each answer ends its
    connection."""

    async def main():
        async with gateway() as g, Ue(g, A) as a, Ue(g, B) as b, ApplicationServer(g) as server:
            await a.register()
            await b.register()
            await server.register()
            assert await g.drain(LONG) == 0
            assert await a.code(a.msg(B, "after")) == "2.04"
            path, body = "/msgs-msgdelivery/v1/deliver-as-message", server.message(B, "after")
            status, _, headers = await server.call(path, body)
            assert status in (200, 202) and headers["Connection"] == "close"
            status, _, headers = await server.call("/nothing", body)
            assert status == 404 and headers["Connection"] == "close"
            assert sum(row[4] for row in g.store.summary() if row[1] == B) == 2
            assert b.inbox.empty()

    run(main())


def test_a_request_that_is_handled_is_waited_for():
    async def main():
        async with gateway() as g, ApplicationServer(g) as server:
            begun, may = asyncio.Event(), asyncio.Event()
            event = g.http._event

            async def slow(*arguments):
                begun.set()
                await may.wait()
                return await event(*arguments)

            g.http._event = slow
            registering = asyncio.ensure_future(server.register())
            await begun.wait()
            draining = asyncio.ensure_future(g.drain(LONG))
            await asyncio.sleep(0.1)
            assert not draining.done()
            may.set()
            await registering
            assert await draining == 0

    run(main())


def test_who_follows_the_page_is_sent_away_and_holds_nobody_up():
    async def main():
        async with gateway() as g, ApplicationServer(g) as server:
            async with server.http.get("/live") as stream:
                await stream.content.readuntil(b"\n\n")
                assert await g.drain(LONG) == 0
                async with patience(LONG):
                    await stream.read()
            async with server.http.get("/live") as stream:
                assert stream.status == 503 and stream.headers["Retry-After"]

    run(main())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_program_ends_when_what_is_under_way_is_over(tmp_path, number):
    async def main():
        g = Process(tmp_path, "--drain", "60")
        await g.start()
        async with Ue(g, A) as a, Slow(g) as server:
            ids = await under_way(g, a, server)
            ended = asyncio.ensure_future(g.kill(number))
            async with patience(LONG):
                while (await asked(g, "/readyz"))[0] != 503:
                    await asyncio.sleep(0.01)
            assert (await asked(g, "/healthz"))[0] == 200
            server.may.set()
            assert await ended == 0
            await g.start()
            got = [(await server.next())["msgId"] for _ in ids]
            assert got == ids and server.inbox.empty()  # each of them once
            await g.kill()

    run(main())


def test_a_second_signal_ends_it_at_once(tmp_path):
    """Long before the time that it was given, and what was under way comes again."""

    async def main():
        g = Process(tmp_path, "--drain", "3600")
        await g.start()
        async with Ue(g, A) as a, Slow(g) as server:
            ids = await under_way(g, a, server)
            ended = asyncio.ensure_future(g.kill(signal.SIGTERM))
            async with patience(LONG):
                while (await asked(g, "/readyz"))[0] != 503:
                    await asyncio.sleep(0.01)
            assert await g.kill(signal.SIGTERM) == 0
            await ended
            server.may.set()
            assert (await server.next())["msgId"] == ids[0]
            await g.start()
            got = [(await server.next())["msgId"] for _ in ids]
            assert got == ids
            told = [json.loads(line)["event"] for line in g._events.read_text().splitlines()]
            assert "error" not in told
            await g.kill()

    run(main())
