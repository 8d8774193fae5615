# SPDX-License-Identifier: MIT
"""A source of requests has one budget at all nodes: what it spent at one of them is missing at the other."""

import asyncio
import contextlib

from host_tests.gateway.scripted import LONG, run
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.programs.patience import patience
from tools.server.settings import Settings
from tools.wire.identity import Peer

HERE = ("127.0.0.1", 0)
RATE = 40  # a second, and twice as much at once
ALL = 2 * RATE  # that one node allows, however fast they come


def node(database, name):
    options = Options(Settings(open=True, rate=RATE), HERE, HERE, database, node=name)
    return ServerProgram(options, Events())


async def taken(at, source):
    """How many of so many requests at once are looked at; what is in them is refused."""
    answers = await asyncio.gather(*(at._request(source, 50, b"{}") for _ in range(ALL)))
    return sum(answer.code == "4.00" for answer in answers)


def test_what_is_spent_at_one_node_is_missing_at_the_other(database):
    async def main():
        async with contextlib.AsyncExitStack() as stack:
            a, b = [await stack.enter_async_context(node(database, name)) for name in "ab"]
            source, other = Peer("192.0.2.1", 40000), Peer("192.0.2.2", 40000)

            assert await taken(a, source) == ALL
            async with patience(LONG):
                while source.host not in b.server._flood._buckets:
                    await asyncio.sleep(0.01)
            assert await taken(b, source) < ALL
            assert await taken(b, other) == ALL

    run(main())


def test_each_alone_would_allow_as_much(database, tmp_path):
    """What the other one is held against: the same requests, and nobody to tell of them."""

    async def main():
        async with node(str(tmp_path / "a.db"), None) as a, node(str(tmp_path / "b.db"), None) as b:
            source = Peer("192.0.2.1", 40000)
            assert [await taken(each, source) for each in (a, b)] == [ALL, ALL]

    run(main())
