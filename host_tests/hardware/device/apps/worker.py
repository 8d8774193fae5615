# SPDX-License-Identifier: MIT
"""Runs on the Pico: does what messages ask for, and tells about it in lines "> " and a JSON object."""

import asyncio
import binascii
import gc
import hashlib
import json
import time

import machine

from device import start

SERVER = "as:weather@example.org"


def tell(step, **more):
    more["step"] = step
    print(">", json.dumps(more))


async def send(client, step, payload):
    outgoing = await client.send(SERVER, payload, to_type="AS", report=True)
    tell("kept", of=step)
    tell(step, state=await outgoing.wait())


class Half:
    """record.bin, of which the second half never comes."""

    def __init__(self):
        self._file = open("record.bin", "rb")

    def read(self, size):
        if self._file.tell() >= 32768:
            tell("half")
            while True:
                time.sleep_ms(100)
        return self._file.read(size)


async def hang():
    await asyncio.sleep(1)  # until the message is acknowledged: else it comes again, and again
    machine.WDT(timeout=500)
    while True:
        pass


async def main():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(1)
    ticks = time.ticks_ms()
    gc.collect()
    tell("registered", ticks=ticks, free=gc.mem_free(), cause=machine.reset_cause())
    async for message in client.messages():
        if message.size > 1000:
            digest = hashlib.sha256()
            for chunk in message.chunks():
                digest.update(chunk)
                await asyncio.sleep_ms(0)
            tell("update", size=message.size, digest=binascii.hexlify(digest.digest()).decode())
        elif message.payload == "record":
            asyncio.create_task(send(client, "record", open("record.bin", "rb")))
        elif message.payload == "half":
            asyncio.create_task(send(client, "half", (Half(), 65536)))
        elif message.payload == "hang":
            asyncio.create_task(hang())
        else:
            tell("order", payload=message.payload, sender=message.sender)
            asyncio.create_task(send(client, "answer", "done: " + message.payload))


asyncio.run(main())
