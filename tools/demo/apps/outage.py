# SPDX-License-Identifier: MIT
"""The device's part in the outage of the demo: three alarms into the outbox, a power cut, and what is left of it."""

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
    left = [outgoing for outgoing in client.outbox() if outgoing.state == "queued"]
    if left:
        tell("found", count=len(left))
        states = []
        for outgoing in left:
            states.append(await outgoing.wait())
        tell("over", states=states)
        await client.stop()
        return
    while not client.registered:
        await asyncio.sleep_ms(10)
    tell("ready")
    while "outage" not in os.listdir():
        await asyncio.sleep_ms(10)
    for number in (1, 2, 3):
        await client.send(SERVER, "alarm %d" % number, to_type="AS", report=True)
    tell("queued")
    await client.receive()  # until the power goes


asyncio.run(main())
