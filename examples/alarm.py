# SPDX-License-Identifier: MIT
"""An alarm that must arrive whatever happens: over outages of days, reboots and empty batteries.

send() returns once the message is on flash; from then on the device tries for ever. After a restart the outbox
tells what became of the alarm that was raised before it.
"""

import asyncio

from device import start
from msgin5g import OutboxFull

CENTRE = "as:alarms@example.org"


async def triggered():
    """Your detector comes here; this one goes off every minute."""
    await asyncio.sleep(60)


async def main():
    client = await start()
    for outgoing in client.outbox():
        print("from before:", outgoing.message_id, outgoing.state)
    while True:
        await triggered()
        while True:
            try:
                outgoing = await client.send(
                    CENTRE, "window broken", to_type="AS", report=True, priority="HIGH", store_forward=True
                )
                break
            except OutboxFull:  # 64 alarms wait already: this one must not be lost either
                await asyncio.sleep(1)
        print("raised:", outgoing.message_id)


asyncio.run(main())
