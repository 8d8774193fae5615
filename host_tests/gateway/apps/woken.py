# SPDX-License-Identifier: MIT
"""Tells what triggers come, and how much of the heap is in use; and starts its client anew where it is told to."""

import asyncio
import gc
import json
import os

from device import start


def tell(step, **more):
    print(">", json.dumps(dict(more, step=step)))


async def main():
    client = await start()
    client.on_trigger = lambda addr: tell("contact", addr=addr)
    count = 0
    while True:
        await asyncio.sleep_ms(20)
        stats = client.stats
        seen = stats.get("triggered", 0) + stats.get("triggers_ignored", 0)
        if seen != count:
            count = seen
            gc.collect()
            tell("trigger", heap=gc.mem_alloc(), stats=stats)
        if "again.txt" in os.listdir():
            os.remove("again.txt")
            await client.stop()
            client = await start()
            tell("again")


asyncio.run(main())
