# SPDX-License-Identifier: MIT
"""The device of the demo that is as it came out of its box: what it was told on the way, and one message."""

import asyncio
import gc
import json

from device import start

SERVER = "as:weather@example.org"


def tell(step, **more):
    more["step"] = step
    print(">", json.dumps(more))


async def main():
    client = await start()
    outgoing = await client.send(
        SERVER, "level 0.7 m", to_type="AS", report=True
    )  # waits for all that follows
    while not client.registered:
        await asyncio.sleep_ms(10)
    config = client.core.config
    gc.collect()
    tell("found", peer=config.peer, ue=config.ue_service_id, heap=gc.mem_alloc())
    tell("reading", state=await outgoing.wait())
    await client.stop()


asyncio.run(main())
