# SPDX-License-Identifier: MIT
"""Sends messages that wait at the server, updates and discards them, prints each step as JSON, then takes messages."""

import asyncio
import json

import msgin5g
from device import start

B = "ue:b@example.org"


def tell(step, **fields):
    fields["step"] = step
    print(">", json.dumps(fields))


async def main():
    client = await start()
    kept = await client.send(B, "kept", report=True, store_forward=True)
    gone = await client.send(B, "gone", store_forward=True)
    tell("sent", states=[await gone.wait(30), kept.state])
    tell("updated", result=await kept.update(600), state=kept.state)
    tell("discarded", result=await gone.discard(), state=gone.state, cause=gone.cause)
    tell("again", result=await gone.discard())
    tell("delivered", state=await kept.wait(60), result=await kept.discard())
    try:
        await kept.update("soon")
    except ValueError as error:
        tell("wrong", why=str(error))
    volatile = await client.send("ue:nobody@example.org", "x")
    await volatile.wait(30)
    assert msgin5g.UpdateError in msgin5g.Error
    tell("nobody", result=await volatile.discard(), state=volatile.state)


asyncio.run(main())
