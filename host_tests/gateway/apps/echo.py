# SPDX-License-Identifier: MIT
"""Sends each message back, and what it finds in say.txt; tells how much of the heap is in use."""

import asyncio
import gc
import json
import os

from device import start

SERVER = "as:weather@example.org"


async def say(client):
    while True:
        try:
            with open("say.txt") as file:
                text = file.read()
            os.remove("say.txt")
            await client.send(SERVER, text, to_type="AS")
        except OSError:
            pass  # nothing to say
        await asyncio.sleep_ms(50)


async def main():
    client = await start()
    asyncio.create_task(say(client))
    async for message in client.messages():
        await client.send(message.sender, "echo " + message.payload, to_type=message.sender_type)
        gc.collect()
        told = {"step": "echoed", "payload": message.payload, "heap": gc.mem_alloc(), "stats": client.stats}
        print(">", json.dumps(told))


asyncio.run(main())
