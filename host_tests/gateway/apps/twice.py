# SPDX-License-Identifier: MIT
"""Starts a client in each of the ways that would make two: both at once, one a reading, beside one that stops, in
another event loop, with another configuration. Each reading is sent, and its state told.
"""

import asyncio
import json

from device import runner, start
from msgin5g import ClientError

SERVER = "as:weather@example.org"
READINGS = 20


def tell(step, **fields):
    print("> " + json.dumps(dict(fields, step=step)))


async def read(number):
    client = await start()
    outgoing = await client.send(SERVER, "reading %d" % number, to_type="AS", report=True)
    return client, await outgoing.wait()


async def both():
    first, second = await asyncio.gather(start(), start())
    return first is second


async def other():
    with open("msgin5g.json") as file:
        config = json.load(file)
    config["registration"] = {"lifetime": 60}
    try:
        await start(config)
    except ClientError as error:
        return str(error)


async def stopping():
    client = await start()
    stops = asyncio.create_task(client.stop())
    await asyncio.sleep_ms(0)
    following = await start()
    await stops
    return client is not following and runner.running == [following]


async def cancelled():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(10)
    stops = asyncio.create_task(client.stop())
    await asyncio.sleep_ms(0)
    stops.cancel()
    await asyncio.sleep_ms(0)
    return runner.running == []


tell("both", same=asyncio.run(both()))
clients = []
states = []
for number in range(READINGS):
    client, state = asyncio.run(read(number))
    states.append(state)
    if client not in clients:
        clients.append(client)
    if number == READINGS // 2:
        asyncio.new_event_loop()
tell("readings", states=states, clients=len(clients), running=len(runner.running))
tell("other", why=asyncio.run(other()))
tell("stopping", good=asyncio.run(stopping()))
tell("cancelled", good=asyncio.run(cancelled()))
tell("again", state=asyncio.run(read(READINGS))[1], running=len(runner.running))
