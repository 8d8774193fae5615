# SPDX-License-Identifier: MIT
"""Sends a reading every minute. An update waits until none is on its way, and stays once a reading was delivered by it.

Its bundle is made with --confirm: then being registered does not suffice, the application has to say so.
"""

import asyncio
import gc

from device import start, update
from msgin5g import OutboxFull

SERVER = "as:weather@example.org"
PERIOD = 60  # seconds
VERSION = 1


class Updates:
    """What the client tells of bundles that have come, and are as they were signed."""

    waiting = False

    def came(self, name, version):
        print("update:", name, version, "has come")
        self.waiting = True  # True as the answer would have the board start anew at once


def read():
    """Your sensor comes here. What each board can measure is its free memory, in octets."""
    gc.collect()
    return gc.mem_free()


async def main():
    updates = Updates()
    client = await start()
    client.on_update = updates.came
    while True:
        try:
            outgoing = await client.send(
                SERVER, "%d, by version %d" % (read(), VERSION), to_type="AS", report=True, expires=PERIOD
            )
            if await outgoing.wait(PERIOD) == "delivered":
                update.confirm()  # does nothing where none is on trial
        except asyncio.TimeoutError:  # noqa: UP041
            print("no report within", PERIOD, "s")
        except OutboxFull as error:
            print("not sent:", error)
        if updates.waiting:
            updates.waiting = False
            update.restart()
        await asyncio.sleep(PERIOD)


asyncio.run(main())
