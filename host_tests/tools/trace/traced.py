# SPDX-License-Identifier: MIT
"""Keeps a trace from its first word on, sends what plan.json says, and prints the trace once a line of it has a text.

plan.json: {"size": 20, "until": "= time-out"}      size 0: sends nothing
"""

import asyncio
import json

from device import start, tracing

SERVER = "as:weather@example.org"


async def main():
    with open("plan.json") as file:
        plan = json.load(file)
    client = await start()
    tracing.begin(client)
    if plan["size"]:
        await client.send(SERVER, "x" * plan["size"], to_type="AS")
    while not any([plan["until"] in line for line in tracing.trace.lines()]):
        await asyncio.sleep_ms(20)
    for line in tracing.trace.lines():
        print(line)


asyncio.run(main())
