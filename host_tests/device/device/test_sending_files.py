# SPDX-License-Identifier: MIT
"""`client.send` of a file returns when all of it is in the storage; who cancels it before takes the message back."""

import asyncio
import sys

from common import Random, Skip, equal
from msgin5g import Client, MemoryStorage
from msgin5g_scene import configuration

SIZE = 9000


class File:
    """That many octets, of which some are there."""

    def __init__(self, there=SIZE):
        self.left = there
        self.reads = 0

    def read(self, size):
        size = min(size, self.left)
        self.left -= size
        self.reads += 1
        return b"x" * size


class Link:
    """One that never comes up."""

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


def left(client):
    core = client.core
    files = [name for name in core.storage.names() if name[:4] != "log-"]
    return len(core.outbox.queue), core.outbox.octets, files


def test_it_returns_when_all_is_copied():
    async def act():
        client = running()
        file = File()
        outgoing = await client.send("as:x", (file, SIZE), to_type="AS")
        equal((file.left, outgoing.state), (0, "queued"))
        equal(left(client), (1, SIZE, ["out-1"]))
        equal(len(Client(configuration(), client.core.storage, Random(2).bytes).outbox.queue), 1)
        client.abandon()

    asyncio.run(act())


def test_who_cancels_it_takes_it_back():
    async def act():
        client = running()
        file = File()
        task = asyncio.create_task(client.send("as:x", (file, SIZE), to_type="AS"))
        while not file.reads:
            await asyncio.sleep(0)
        equal(left(client)[0], 1)
        task.cancel()
        try:
            await task
            raise AssertionError("it was not cancelled")
        except asyncio.CancelledError:
            pass
        equal(left(client), (0, 0, []))
        client.abandon()

    asyncio.run(act())


def test_a_file_that_ends_too_soon():
    async def act():
        client = running()
        try:
            await client.send("as:x", (File(5000), SIZE), to_type="AS")
            raise AssertionError("it was taken")
        except ValueError as error:
            assert "5000 of 9000" in str(error), error
        equal(left(client), (0, 0, []))
        client.abandon()

    asyncio.run(act())
