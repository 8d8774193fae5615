# SPDX-License-Identifier: MIT
"""Sends a reading in each of its windows, prints what comes meanwhile, and sleeps in between.

The windows stand in its configuration: "availability": {"interval": 600, "duration": 10} listens for 10 s of 10 min.
"""

import asyncio
import gc

from board import Board
from device import start

SERVER = "as:weather@example.org"
PATIENCE = 60  # seconds for one reading to be accepted, and the window to end


def read():
    """Your sensor comes here. What each board can measure is its free memory, in octets."""
    gc.collect()
    return gc.mem_free()


async def listen(client):
    async for message in client.messages():
        print(message.sender, message.payload)


async def main():
    board = Board()
    client = await start(board=board)
    listening = asyncio.create_task(listen(client))
    while not listening.done():
        await client.send(SERVER, str(read()), to_type="AS")
        if await client.drain(PATIENCE):
            print("asleep")
            board.sleep(client.next_wake())


asyncio.run(main())
