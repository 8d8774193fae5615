# SPDX-License-Identifier: MIT
"""Starts and stops a client in each of its states, twice in one program, and looks for what is left behind."""

import asyncio
import gc
import json

from device import runner, start

SERVER = "as:weather@example.org"


async def until(client, state):
    while client.core.registration.state != state:
        await asyncio.sleep_ms(10)


async def stopped(client, when):
    await client.stop()
    await client.stop()  # the second time it is no more than that
    print("stopped when", when, len(runner.running), client.registered)


async def main():
    with open("msgin5g.json") as file:
        good = json.load(file)

    def with_peer(peer):
        return dict(good, peer=peer)

    await stopped(await start(with_peer("coap+uart:///dev/no-such-line")), "just started")
    client = await start(with_peer("coap+uart:///dev/no-such-line"))
    await asyncio.sleep_ms(100)
    await stopped(client, "without a link")
    client = await start(with_peer("coap://127.0.0.1:9"))
    await until(client, "registering")
    await stopped(client, "registering")
    client = await start(with_peer("coap://127.0.0.1:9"))
    await until(client, "unreachable")
    await stopped(client, "unreachable")

    used = []
    for round in range(4):
        client = await start()
        await until(client, "registered")
        outgoing = await client.send(SERVER, "round %d" % round, to_type="AS", report=True)
        for _ in range(20):
            try:
                await outgoing.wait(0.0)
            except asyncio.TimeoutError:  # noqa: UP041
                pass
        print(await outgoing.wait(), len(client._watched))
        waiting = asyncio.create_task(client.receive())
        await asyncio.sleep_ms(0)
        await stopped(client, "registered")
        try:
            await waiting
        except EOFError as error:
            print("who waited was told:", error)
        del client, outgoing, waiting
        gc.collect()
        used.append(gc.mem_alloc())
    print("left behind:", max(0, used[-1] - used[1]) // 1024, "KB")


asyncio.run(main())
