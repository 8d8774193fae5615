# SPDX-License-Identifier: MIT
"""The device's part of the demo, on MicroPython. What it tells is a line "> " and a JSON object."""

import asyncio
import binascii
import gc
import hashlib
import json

from device import start

SERVER = "as:weather@example.org"


def tell(step, **more):
    more["step"] = step
    print(">", json.dumps(more))


class Heap:
    """The most octets that were in use at one time, garbage not counted, as far as samples can tell."""

    def __init__(self):
        self.peak = 0

    def sample(self):
        gc.collect()
        used = gc.mem_alloc()
        self.peak = max(self.peak, used)
        return used

    async def watch(self):
        while True:
            self.sample()
            await asyncio.sleep_ms(10)


async def main():
    heap = Heap()
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(10)
    idle = heap.sample()
    watch = asyncio.create_task(heap.watch())

    outgoing = await client.send(SERVER, "21.5 \u00b0C", to_type="AS", report=True)
    tell("reading", state=await outgoing.wait())

    message = await client.receive()
    tell("order", sender=message.sender, payload=message.payload)

    with open("record.bin", "rb") as file:
        outgoing = await client.send(SERVER, file, to_type="AS", report=True)
    tell("record", state=await outgoing.wait())

    message = await client.receive()
    digest = hashlib.sha256()
    for chunk in message.chunks():
        digest.update(chunk)
        await asyncio.sleep_ms(0)
    digest = binascii.hexlify(digest.digest()).decode()
    outgoing = await client.send(SERVER, "%d octets, SHA-256 %s" % (message.size, digest), to_type="AS")
    tell("update", size=message.size, digest=digest, state=await outgoing.wait())

    watch.cancel()
    heap.sample()
    tell("heap", idle=idle, peak=heap.peak, size=gc.mem_alloc() + gc.mem_free(), stats=client.stats)
    await client.stop()


asyncio.run(main())
