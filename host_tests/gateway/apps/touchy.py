# SPDX-License-Identifier: MIT
"""Prints what it receives; one message it does not bear."""

import asyncio
import json

from device import start


async def main():
    client = await start()
    print(">", json.dumps({"step": "up", "boots": client.stats["boots"], "cause": client.stats["reset_cause"]}))
    while True:
        # As an application that looks first and acts then: the message stays in the inbox until it is taken.
        while not client.core.inbox:
            await asyncio.sleep_ms(20)
        if client.core.inbox[0].size == 6:
            raise ValueError("that one")
        print(">", json.dumps({"step": "took", "payload": (await client.receive()).payload}))


asyncio.run(main())
