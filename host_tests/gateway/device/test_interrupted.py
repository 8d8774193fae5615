# SPDX-License-Identifier: MIT
"""Ctrl-C at a thousand random places of a device (the firmware on MicroPython), with the real gateway: what comes after
each goes on, or the process ends and a service manager starts it anew; nothing is lost or comes twice.
"""

import asyncio
import json
from collections import Counter

from host_tests.gateway.device.interrupts import ProbedDevice, compiled
from host_tests.gateway.devices import APPS, UE, config, gateway_and_server, run

HITS = 1000
MESSAGES = 80
TORN = 120


def test_ctrl_c_at_a_thousand_random_places(tmp_path):
    async def main():
        async with gateway_and_server(tmp_path / "g") as (gateway, server):
            board = ProbedDevice(tmp_path / "device", APPS / "interrupted.py", compiled(tmp_path))
            board.configure(config(gateway.coap[1]))
            board.put("plan.json", json.dumps({"hits": HITS, "messages": MESSAGES}))

            async def push():
                await gateway.event("registered", ue=UE)
                for number in range(MESSAGES):
                    await server.reports.reach(number - 3, "reports", seconds=None)
                    await server.send(UE, f"down {number}")
                await server.reports.reach(MESSAGES, "reports", seconds=None)

            async def serve():
                """As a service manager: anew until it is done."""
                ends = []
                while True:
                    async with board:
                        ends.append(await board.wait(None))
                    if ends[-1] == 0:
                        return ends

            async with asyncio.TaskGroup() as group:
                pushed = group.create_task(push())
                ends = await group.create_task(serve())
                await pushed
            known = json.loads((board.folder / "known.json").read_text())
            assert known["hits"] >= HITS
            # The process was left to a service manager in a few of them only.
            assert len(ends) < HITS / 20, ends
            assert Counter(ends[:-1]).keys() <= {1, 130}
            assert known["payloads"] == [f"down {number}" for number in range(MESSAGES)]
            for number in known["sent"]:  # the gateway has them all, and pushes them in its time
                text = f"up {number}"
                await server.messages.until(
                    lambda message, text=text: message.payload == text, text, seconds=None, start=0
                )
            came = Counter(message.payload for message in server.messages.items)
            assert max(came.values()) == 1
            assert len(known["sent"]) > MESSAGES / 8  # of the others Ctrl-C hit send()

    run(main(), 300)


def test_two_at_a_time_as_a_message_is_given(tmp_path):
    """One as the message is taken and not given yet, one in the start of the client that goes on: nothing is lost."""

    async def main():
        async with gateway_and_server(tmp_path / "g") as (gateway, server):
            board = ProbedDevice(tmp_path / "device", APPS / "torn.py", compiled(tmp_path))
            board.configure(config(gateway.coap[1]))
            board.put("plan.json", json.dumps({"payloads": TORN}))
            # Each third is too large for one datagram, and its payload lies in the storage.
            payloads = [f"{number} " + "x" * (3000 if number % 3 == 0 else 0) for number in range(TORN)]
            async with board, asyncio.TaskGroup() as group:
                done = group.create_task(board.wait(None))
                await gateway.event("registered", ue=UE)
                for number, payload in enumerate(payloads):
                    await server.send(UE, payload)
                    step = await board.tells("took", seconds=None, start=number)
                    assert step["payload"] == payload
                await done
                assert board.returncode == 0
                # The second one came at each place of a start, from its begin to beyond its end.
                assert TORN / 2 < step["interrupts"] < TORN

    run(main(), 300)
