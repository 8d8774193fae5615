# SPDX-License-Identifier: MIT
"""The application that is updated in the demo: it says which version it is, to whoever looks and to the server."""

import asyncio
import json

from device import start

SERVER = "as:weather@example.org"
VERSION = 1


async def main():
    client = await start()
    print(">", json.dumps({"step": "version", "version": VERSION}))
    await client.send(SERVER, "garden, version %d" % VERSION, to_type="AS")
    async for message in client.messages():
        print(message.sender, message.payload)


asyncio.run(main())
