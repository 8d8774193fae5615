# SPDX-License-Identifier: MIT
"""A button that must act soon or not at all: its message is never kept, and expires after three seconds."""

import asyncio

from device import start
from msgin5g import OutboxFull

LAMP = "ue:lamp-1@example.org"
SOON = 3  # seconds


async def pressed():
    """Your button comes here; this one is pressed every ten seconds."""
    await asyncio.sleep(10)


async def main():
    client = await start()
    while True:
        await pressed()
        try:
            # volatile: not written to flash. A light that goes on a minute later, or after a reboot, is a ghost.
            outgoing = await client.send(LAMP, "toggle", priority="HIGH", expires=SOON, volatile=True)
        except OutboxFull:
            print("not now")
            continue
        print("the lamp:", await outgoing.wait())  # "accepted" or "expired", within SOON


asyncio.run(main())
