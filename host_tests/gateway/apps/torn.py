# SPDX-License-Identifier: MIT
"""Takes each message with two Ctrl-C: one when it is taken and not given yet, which leaves a client that has to be
replaced, and one in the start of the next client, each time some places further. Then it must get the message all the
same, once. The last ones are in segments, and lie in the storage.

    plan.json: {"payloads": 100}
"""

import asyncio
import json

import probes

from device import runner, start


async def take():
    """As far as the point where the application would have it."""
    client = await start()
    real = client.core.take

    def torn(now):
        real(now)
        raise KeyboardInterrupt

    client.core.take = torn
    await client.receive()


async def again():
    await start()


async def get():
    client = await start()
    took.append((await client.receive()).payload)
    while not client.core.idle:
        await asyncio.sleep_ms(5)


def interrupted(coroutine, places=0):
    """Whether Ctrl-C ended it, at the latest after so many places."""
    probes.left = places
    try:
        asyncio.run(coroutine)
        return False
    except KeyboardInterrupt:
        return True
    finally:
        probes.left = 0
        asyncio.new_event_loop()


with open("plan.json") as file:
    plan = json.load(file)
took = []
places = interrupts = 0
while len(took) < plan["payloads"]:
    assert interrupted(take())
    places += 1 + places // 25
    interrupts += interrupted(again(), places)
    interrupted(get())
    assert runner.lent is None
    print("> " + json.dumps({"step": "took", "payload": took[-1], "interrupts": interrupts}))
print('> {"step": "done"}')
