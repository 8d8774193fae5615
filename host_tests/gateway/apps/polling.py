# SPDX-License-Identifier: MIT
"""Polls for messages in each way that there is, in turn, with a time so short that it often runs out as one comes;
tells each message. plan.json: {"messages": 300, "timeout": 0.002}
"""

import asyncio
import json

from device import start


async def main():
    with open("plan.json") as file:
        plan = json.load(file)
    client = await start()
    timeout = plan["timeout"]
    polls = (
        lambda: client.receive(timeout),
        lambda: asyncio.wait_for(client.receive(), timeout),
        lambda: asyncio.wait_for_ms(client.receive(), int(timeout * 1000)),
        lambda: asyncio.wait_for(asyncio.create_task(client.receive()), timeout),
    )
    took = rounds = timeouts = 0
    while took < plan["messages"]:
        rounds += 1
        try:
            message = await polls[rounds % len(polls)]()
            print("> " + json.dumps({"step": "took", "payload": message.payload}))
            took += 1
        except asyncio.TimeoutError:  # noqa: UP041
            timeouts += 1
    while not client.core.idle:
        await asyncio.sleep_ms(10)
    await client.stop()
    print("> " + json.dumps({"step": "done", "timeouts": timeouts}))


asyncio.run(main())
