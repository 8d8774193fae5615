# SPDX-License-Identifier: MIT
"""Sends a reading in each of its windows, prints what comes meanwhile, and sleeps in between.

The windows stand in its configuration: "availability": {"interval": 600, "duration": 10} listens for 10 s of 10 min.
"""

import asyncio
import gc

from board import Board
from device import start
from msgin5g import OutboxFull

SERVER = "as:weather@example.org"
PATIENCE = 20  # seconds for one reading to be accepted, and the window to end
KEPT = 3600  # seconds in which a reading is of use: the server may be away meanwhile


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
        try:
            await client.send(SERVER, str(read()), to_type="AS", expires=KEPT)
        except OutboxFull as error:
            print("not sent:", error)
        await client.drain(PATIENCE)
        while client.next_wake() == 0:  # something is on the air, or the window is not over
            await asyncio.sleep(1)
        print("asleep")
        board.sleep(client.next_wake())  # also where the server is away: until it is tried again


asyncio.run(main())
