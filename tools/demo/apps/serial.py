# SPDX-License-Identifier: MIT
"""The device's part of the demo over a serial line: an Application Client. It tells lines of "> " and JSON."""

import asyncio
import binascii
import gc
import hashlib
import json

from device import start

SERVER = "weather.example.org"  # which the gateway's table translates to a service ID


def tell(step, **more):
    more["step"] = step
    print(">", json.dumps(more))


async def main():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(10)

    outgoing = await client.send(SERVER, "21.5 \u00b0C", to_type="AS", report=True)
    tell("reading", state=await outgoing.wait())

    message = await client.receive()
    tell("order", sender=message.sender, payload=str(message.payload, "utf-8"))

    with open("record.bin", "rb") as file:
        outgoing = await client.send(SERVER, file, to_type="AS", report=True)
    tell("record", state=await outgoing.wait())

    message = await client.receive()
    digest = hashlib.sha256()
    for chunk in message.chunks():
        digest.update(chunk)
    tell("update", size=message.size, digest=str(binascii.hexlify(digest.digest()), "ascii"))

    outgoing = await client.send("nobody.example.org", "anybody there?")
    tell("nobody", state=await outgoing.wait(), cause=outgoing.cause)
    gc.collect()
    tell("end", heap=gc.mem_alloc(), stats=client.stats)
    await client.stop()


asyncio.run(main())
