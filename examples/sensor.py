# SPDX-License-Identifier: MIT
"""Sends a reading to an Application Server every minute, and prints what became of it."""

import asyncio
import gc

from device import start
from msgin5g import OutboxFull

SERVER = "as:weather@example.org"
PERIOD = 60  # seconds


def read():
    """Your sensor comes here. What each board can measure is its free memory, in octets."""
    gc.collect()
    return gc.mem_free()


async def main():
    client = await start()
    while True:
        reading = str(read())
        try:
            # One that is not accepted before the next is taken is of no use any more: it expires.
            outgoing = await client.send(SERVER, reading, to_type="AS", report=True, expires=PERIOD)
            print(reading, await outgoing.wait(PERIOD), outgoing.cause or "")
        except asyncio.TimeoutError:  # noqa: UP041
            print(reading, "is", outgoing.state, "so far")
        except OutboxFull as error:
            print(reading, "not sent:", error)
        await asyncio.sleep(PERIOD)


asyncio.run(main())
