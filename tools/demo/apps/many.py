# SPDX-License-Identifier: MIT
"""A device of the demo's part with many: it does what it is told in messages, and tells what it has got."""

import asyncio
import json

from device import start

SERVER = "as:weather@example.org"
TOPIC = "tariff"


def tell(step, **more):
    more["step"] = step
    print(">", json.dumps(more))


async def main():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(10)
    tell("registered")
    async for message in client.messages():
        tell("got", payload=message.payload, to=message.to, to_type=message.to_type)
        if message.payload == "subscribe":
            await client.subscribe(TOPIC)
            tell("subscribed")
        elif message.payload == "read":
            before = client.stats["coap_sent"]
            readings = []
            for number in range(8):
                readings.append(await client.send(SERVER, "reading %d" % number, to_type="AS"))
            states = []
            for reading in readings:
                states.append(await reading.wait())
            tell("read", states=states, datagrams=client.stats["coap_sent"] - before)
        elif message.payload == "end":
            break
    await client.drain(5)
    await client.stop()


asyncio.run(main())
