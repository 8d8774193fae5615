# SPDX-License-Identifier: MIT
"""What an application can do wrong, and what it is told. There is no gateway, so all that is taken stays."""

import asyncio

from device import start
from msgin5g import OutboxFull

SERVER = "as:weather@example.org"


async def main():
    client = await start()

    async def attempt(to, payload, **options):
        try:
            return await client.send(to, payload, **options)
        except (ValueError, OutboxFull) as error:
            print("%s: %s" % (type(error).__name__, error))

    await attempt("", "text")
    await attempt("ue:a\n@example.org", "text")
    await attempt(SERVER, "text", to_type="SERVER")
    await attempt(SERVER, 21.5)
    await attempt(SERVER, "text", priority="URGENT")
    await attempt(SERVER, "text", app_id=1)
    await attempt(SERVER, "text", expires=-1)
    await attempt(SERVER, "x" * 1001)
    await attempt(SERVER, "x" * 600)
    await attempt(SERVER, "x" * 600)
    outgoing = await attempt(SERVER, "text")
    await attempt(SERVER, "text")
    try:
        await outgoing.wait(0.1)
    except asyncio.TimeoutError:  # noqa: UP041
        print("TimeoutError, it is still", outgoing.state)
    await client.stop()
    for call in (client.receive(), client.send(SERVER, "text"), outgoing.wait()):
        try:
            await call
        except EOFError as error:
            print("%s: %s" % (type(error).__name__, error))
    async for _message in client.messages():
        print("a message after the end")


asyncio.run(main())
