# SPDX-License-Identifier: MIT
"""Sends each message back to where it came from. Two of these that write to each other never end."""

import asyncio

from device import start


async def main():
    client = await start()
    async for message in client.messages():
        print("%s, %d octets" % (message.sender, message.size))
        await client.send(message.sender, message.payload, to_type=message.sender_type)


asyncio.run(main())
