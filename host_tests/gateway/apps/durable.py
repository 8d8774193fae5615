# SPDX-License-Identifier: MIT
"""Sends numbered messages for ever and takes what comes, and notes in files what it knows, so that it may be killed.

Before a number is given to send() it stands in intent.txt, after that in sent.txt; what receive() gave stands in
took.txt. A line is complete when its line break is there.
"""

import asyncio

from device import start
from msgin5g import OutboxFull

SERVER = "as:weather@example.org"


def count(name):
    """How many complete lines a file has; it may be too long for the heap."""
    try:
        with open(name) as file:
            return sum(line.endswith("\n") for line in file)
    except OSError:
        return 0


def note(name, text):
    with open(name, "a") as file:
        file.write(text + "\n")


async def take(client):
    async for message in client.messages():
        note("took.txt", message.payload)


async def main():
    with open("limit.txt") as file:
        limit = int(file.read())
    client = await start()
    asyncio.create_task(take(client))
    number = count("intent.txt")
    while True:
        if number < limit:
            note("intent.txt", str(number))
            while True:
                try:
                    await client.send(SERVER, "up %d" % number, to_type="AS", report=number % 2 == 0)
                    break
                except OutboxFull:
                    await asyncio.sleep_ms(10)
            note("sent.txt", str(number))
            number += 1
        elif await client.drain(1) and not client.core.outbox.waiting:
            note("idle.txt", "")
        await asyncio.sleep_ms(10)


asyncio.run(main())
