# SPDX-License-Identifier: MIT
"""What a client has to say reaches its application, also where there is no memory for it at first."""

import asyncio
import sys

from common import Random, Skip, equal
from msgin5g import FAILED, Client, MemoryStorage
from msgin5g_scene import configuration

TOLD = ("ue:b@x", "m-1", "why")


class Link:
    peer = None

    async def open(self):
        await asyncio.sleep(60)

    def close(self):
        pass


def running():
    if sys.implementation.name != "micropython":
        raise Skip("the tasks of a device are those of MicroPython")
    from device.client import RunningClient

    return RunningClient(Client(configuration(), MemoryStorage(), Random(1).bytes), Link(), MemoryStorage())


def nothing():
    pass


def test_what_finds_no_memory_is_handed_on_later():
    async def act():
        client = running()
        told = []
        hand, client.on_failed = client._on_other, lambda *what: told.append(what)

        def starved(*arguments):
            client._on_other = hand
            raise MemoryError

        client._on_other = starved
        client.core.events.append((FAILED, TOLD))
        client._call(nothing)
        equal((told, client._behind), ([], True))
        client._call(nothing)
        client._call(nothing)
        equal(told, [TOLD])
        client.abandon()

    asyncio.run(act())


def test_it_is_handed_on_once_where_the_application_calls_the_client():
    async def act():
        client = running()
        told = []

        def on_failed(*what):
            told.append(what)
            client._call(nothing)
            raise MemoryError  # of its own

        client.on_failed = on_failed
        client.core.events.append((FAILED, TOLD))
        client.core.events.append((FAILED, ("ue:c@x", "m-2", "why")))
        client._call(nothing)
        client._call(nothing)
        equal([message_id for _, message_id, _ in told], ["m-1", "m-2"])
        client.abandon()

    asyncio.run(act())


def test_nor_is_one_lost_that_finds_no_memory_in_such_a_call():
    async def act():
        client = running()
        told = []
        hand = client._on_other

        def starved(*arguments):
            client._on_other = hand
            raise MemoryError

        def on_failed(*what):
            told.append(what[1])
            if len(told) == 1:
                client._on_other = starved
                client._call(nothing)

        client.on_failed = on_failed
        for name in ("m-1", "m-2", "m-3"):
            client.core.events.append((FAILED, ("ue:b@x", name, "why")))
        client._call(nothing)
        client._call(nothing)
        equal(told, ["m-1", "m-2", "m-3"])
        client.abandon()

    asyncio.run(act())


def test_who_has_no_memory_to_hand_on_makes_a_pause():
    async def act():
        client = running()
        pauses, tries = [], []

        async def short(at):
            pauses.append(at)
            if len(pauses) == 3:
                client._ended = "enough"

        def starved():
            tries.append(0)
            assert len(tries) < 9, "no pause"
            raise MemoryError

        client._short, client._flush = short, starved
        await client._tick()
        equal((len(tries), pauses), (3, [0, 0, 0]))
        client.abandon()

    asyncio.run(act())
