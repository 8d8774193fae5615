# SPDX-License-Identifier: MIT
"""Sends numbered messages to the server, a few at a time, each with a report, and takes as many from there.

    traffic.json: {"messages": 500, "at_once": 8}

Tells each message that it took and each that ended, and the counters when all is done.
"""

import asyncio
import json

from device import start

SERVER = "as:weather@example.org"


def tell(step, **more):
    more["step"] = step
    print(">", json.dumps(more))


async def send(client, numbers):
    for number in numbers:
        outgoing = await client.send(SERVER, "up %d" % number, to_type="AS", report=True)
        tell("ended", number=number, state=await outgoing.wait(), cause=outgoing.cause)


async def take(client, count):
    for _ in range(count):
        message = await client.receive()
        tell("took", payload=message.payload)


async def main():
    with open("traffic.json") as file:
        plan = json.load(file)
    client = await start()
    # Shared: each of the senders takes the next number.
    numbers = iter(range(plan["messages"]))
    senders = [send(client, numbers) for _ in range(plan["at_once"])]
    await asyncio.gather(take(client, plan["messages"]), *senders)
    # Reports of what was taken last may be on their way.
    while client.stats["reported"] < plan["messages"]:
        await asyncio.sleep_ms(20)
    tell("done", stats=client.stats)
    await client.stop()


asyncio.run(main())
