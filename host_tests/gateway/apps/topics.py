# SPDX-License-Identifier: MIT
"""Does what topics.json says: {"subscribe": [...], "unsubscribe": [...], "send": {topic: text}}, prints each step as
JSON, then takes messages for ever and notes them in took.txt."""

import asyncio
import json

from device import start
from msgin5g import SubscriptionError


def tell(step, **fields):
    fields["step"] = step
    print(">", json.dumps(fields))


async def main():
    with open("topics.json") as file:
        todo = json.load(file)
    client = await start()
    for name in ("subscribe", "unsubscribe"):
        for topic in todo.get(name, ()):
            try:
                await getattr(client, name)(topic, todo.get("timeout", 60))
                tell(name, topic=topic)
            except SubscriptionError as error:
                tell("error", topic=topic, why=str(error))
    for topic, text in todo.get("send", {}).items():
        outgoing = await client.send(topic, text, to_type="TOPIC")
        tell("sent", state=await outgoing.wait(30), cause=outgoing.cause)
    tell("ready")
    async for message in client.messages():
        with open("took.txt", "a") as file:
            file.write("%s %s %s\n" % (message.to_type, message.to, message.payload))
        tell("took", to=message.to, to_type=message.to_type, sender=message.sender, payload=message.payload)


asyncio.run(main())
