# SPDX-License-Identifier: MIT
"""The second device behind the relay of the demo: it speaks while the relay is gone, and hears when it is back."""

import asyncio
import json
import os

from device import start

SERVER = "as:weather@example.org"


def tell(step, **more):
    more["step"] = step
    print(">", json.dumps(more))


async def main():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(10)
    tell("ready")
    while "outage" not in os.listdir():
        await asyncio.sleep_ms(10)
    outgoing = await client.send(SERVER, "the door is open", to_type="AS", report=True)
    tell("queued")
    tell("over", state=await outgoing.wait())
    message = await client.receive()
    tell("order", sender=message.sender, payload=message.payload)
    await client.stop()


asyncio.run(main())
