# SPDX-License-Identifier: MIT
"""Sends numbered messages and takes what comes, and is hit by Ctrl-C again and again, wherever in our code or asyncio's
(host_tests/gateway/device/interrupts.py).

    plan.json: {"hits": 1000, "messages": 100}

After each hit it begins again, with a new event loop. What it knows is in `known`, and in
known.json when it ends.
"""

import asyncio
import json
import os

import probes

from device import start
from msgin5g import OutboxFull

SERVER = "as:weather@example.org"
LONGEST = 12  # of 2 to this, places until Ctrl-C


def below(limit):
    return int.from_bytes(os.urandom(4), "big") % limit


async def main(mine):
    client = await start()
    while mine == known["hits"]:  # or it is left from before the last Ctrl-C
        if known["intent"] < plan["messages"]:
            number = known["intent"]
            try:
                known["intent"] += 1
                await client.send(SERVER, "up %d" % number, to_type="AS", report=number % 2 == 0)
                sent.append(number)
            except OutboxFull:
                known["intent"] -= 1
        try:
            # Nothing between its coming and its being noted, but a call of C.
            took.append(await client.receive(0.005))
        except asyncio.TimeoutError:  # noqa: UP041
            pass
        except EOFError:
            return  # another client took its place
        if (
            known["hits"] >= plan["hits"]
            and len(took) + known["took"] >= plan["messages"]
            and client.core.idle
        ):
            return


def hit():
    """Whether Ctrl-C ended it."""
    try:
        try:
            if known["hits"] < plan["hits"]:
                probes.left = 1 + below(1 << below(LONGEST + 1))
            asyncio.run(main(known["hits"]))
        finally:
            probes.left = 0
        return False
    except KeyboardInterrupt:
        return True


def save():
    known["sent"] += sent
    known["payloads"] += [message.payload for message in took]
    known["took"] += len(took)
    sent.clear()
    took.clear()
    with open("known.json", "w") as file:
        json.dump(known, file)


with open("plan.json") as file:
    plan = json.load(file)
try:
    with open("known.json") as file:
        known = json.load(file)
except OSError:
    known = {"hits": 0, "intent": 0, "sent": [], "took": 0, "payloads": [], "failed": 0}
sent = []
took = []
try:
    while hit():
        known["hits"] += 1
        asyncio.new_event_loop()  # nobody knows what is left of the old one
except Exception:
    known["failed"] += 1
    raise
finally:
    save()
print('> {"step": "done"}')
