# SPDX-License-Identifier: MIT
"""/healthz and /readyz: what whoever watches over a program is told, for nothing and without a token."""

import asyncio
import json
import sqlite3

import pytest

from host_tests.gateway.scripted import gateway, run
from host_tests.gateway.server.web.test_callers import raw
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.server.settings import Settings
from tools.transport.web.health import Health


async def asked(g, path, host="localhost"):
    """(status, header lines, the JSON object)"""
    text = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, host)
    status, lines, body = await raw(g.http_port, text)
    return status, lines, json.loads(body)


def test_a_program_that_serves_says_so_without_a_token():
    async def main():
        async with gateway() as g:
            with g.store.transaction():
                g.store.add_token("as:weather@example.org")
            g.http._callers.open_to_others = True
            assert (await asked(g, "/healthz"))[::2] == (200, {"status": "ok"})
            assert (await asked(g, "/readyz"))[::2] == (200, {"status": "ready"})

    run(main())


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_by_another_name_nobody_learns_of_it(path):
    """A page of somebody else in a browser on this machine could look for gateways otherwise."""

    async def main():
        async with gateway() as g:
            status, _, body = await asked(g, path, "evil.example")
            assert status == 421 and "--http-host" in body["detail"]

    run(main())


def test_an_answer_costs_no_row_of_the_store_and_is_kept_by_nobody():
    async def main():
        async with gateway() as g:
            health, statements = Health(g.why_not_ready), []
            g.store._db.set_trace_callback(statements.append)
            for answer in (health._lives, health._serves):  # neither waits for anything
                assert (await answer(None)).headers["Cache-Control"] == "no-store"
            g.store._db.set_trace_callback(None)
            assert statements == ["PRAGMA data_version"]

    run(main())


def why(reason):
    """What an answer that it is not ready has of this reason, and when to come again."""

    async def check(g):
        status, lines, body = await asked(g, "/readyz")
        assert (status, body["detail"]) == (503, reason)
        assert "Retry-After: 1" in lines
        assert (await asked(g, "/healthz"))[0] == 200  # it lives, and is not to be started anew for that

    return check


def test_a_store_that_cannot_be_read_is_a_reason():
    async def main():
        async with gateway() as g:
            g.store.out_of_reach = lambda: "disk I/O error"
            await why("the store cannot be reached: disk I/O error")(g)

    run(main())


def test_out_of_reach_is_what_the_file_says():
    async def main():
        async with gateway() as g:
            assert g.store.out_of_reach() is None
            one = g.store._one

            def fails(sql, *values):
                raise sqlite3.OperationalError("disk I/O error")

            g.store._one = fails
            assert g.store.out_of_reach() == "disk I/O error"
            g.store._one = one
            assert g.store.out_of_reach() is None

    run(main())


def test_a_store_that_takes_nothing_is_a_reason_until_it_takes_something():
    async def main():
        async with gateway() as g:
            work, failing = g.server.work, True

            def fails(now):
                if failing:
                    raise sqlite3.OperationalError("database or disk is full")
                return work(now)

            g.server.work = fails
            while g.brake < 1.0:
                g._pump_soon()
                await asyncio.sleep(0.01)
            await why("the store takes nothing")(g)
            failing = False
            while g.brake:
                g._pump_soon()
                await asyncio.sleep(0.01)
            assert (await asked(g, "/readyz"))[0] == 200

    run(main())


def test_before_it_listens_to_devices_it_is_not_ready():
    """HTTP comes first: whoever asks in between is told that it starts."""

    async def main():
        options = Options(Settings(), ("127.0.0.1", 0), ("127.0.0.1", 0), ":memory:")
        program = ServerProgram(options)
        listen, seen = program.listen, []

        async def late():
            seen.append(await asked(program, "/readyz"))
            await listen()

        program.listen = late
        async with program:
            assert (await asked(program, "/readyz"))[0] == 200
        assert [(status, body["detail"]) for status, _, body in seen] == [
            (503, "it is starting, and does not listen yet")
        ]

    run(main())
