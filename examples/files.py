# SPDX-License-Identifier: MIT
"""Keeps what it is sent in a file, piece by piece, and sends it back when asked with the text "get".

Neither way needs memory for the whole, so that 64 KiB are no matter on a board with less.
"""

import asyncio

from device import start

FILE = "kept.bin"


async def main():
    client = await start()
    async for message in client.messages():
        if message.size == 3 and message.payload == "get":
            try:
                with open(FILE, "rb") as file:
                    await client.send(message.sender, file, to_type=message.sender_type, report=True)
            except OSError:
                await client.send(message.sender, "there is nothing yet", to_type=message.sender_type)
            continue
        with open(FILE, "wb") as file:
            for chunk in message.chunks():
                file.write(chunk)
        print("kept %d octets from %s" % (message.size, message.sender))


asyncio.run(main())
