# SPDX-License-Identifier: MIT
"""The UDP port that triggers come to (TS 23.554 clause 8.9.3), of a device that is a process of its own: what is sent
to it is made here."""

import asyncio
import json
import signal
import socket

import pytest

from host_tests.gateway.devices import UE, device, gateway_and_server, run
from tools.programs.ports import free_port

UE_ID = "urn:imei:35-209900-176148-1"
FORGED = (
    b"",
    b"\xff" * 2000,
    b"[" * 140,
    b'{"msgIden":"urn:3gpp:msgin5g","purpose":"explode"}',
    b'{"msgIden":"urn:3gpp:msgin5g","purpose":"register"}',
    b'{"msgIden":"urn:3gpp:msgin5g","purpose":"receive","addr":"as:x"}',
)


def send(port, *datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for octets in datagrams:
            sender.sendto(octets, ("127.0.0.1", port))


def trigger(port, purpose, **more):
    send(port, json.dumps({"msgIden": "urn:3gpp:msgin5g", "purpose": purpose, **more}).encode())


def registrations(gateway):
    return gateway.count("registered", ue=UE)


def woken(act, folder, **more):
    """Runs `act(gateway, board, port)` with a registered device."""

    async def main():
        async with gateway_and_server(folder / "gateway") as (gateway, _):
            port = free_port()
            config = {"ue_id": UE_ID, "triggers": {"port": port}} | more
            board = device(folder, "woken.py", gateway.coap[1], **config)
            async with board:
                await gateway.event("registered", ue=UE)
                await act(gateway, board, port)

    run(main(), 90)


def test_a_trigger_has_the_device_register(tmp_path):
    async def act(gateway, board, port):
        trigger(port, "receive")
        told = await board.tells("trigger")
        assert (told["stats"]["triggered"], told["stats"]["triggers_ignored"]) == (1, 0)
        await gateway.event("registered", ue=UE, start=1)

    woken(act, tmp_path)


def test_a_trigger_to_contact_somebody_reaches_the_application(tmp_path):
    async def act(gateway, board, port):
        trigger(port, "contact", addr="as:alarm@example.org")
        assert (await board.tells("contact"))["addr"] == "as:alarm@example.org"
        await board.tells("trigger")
        assert registrations(gateway) == 1

    woken(act, tmp_path)


def test_a_flood_of_forged_triggers_costs_one_registration(tmp_path):
    async def act(gateway, board, port):
        heaps = []
        while len(heaps) < 40:
            send(port, *FORGED * 3)
            told = await board.tells("trigger", start=len(heaps))
            heaps.append(told["heap"])
        assert registrations(gateway) <= 2  # the first one, and one for all that was forged
        assert told["stats"]["triggered"] == 1 and told["stats"]["triggers_ignored"] > 20
        assert max(heaps[20:]) <= max(heaps[10:20]) + 1024, heaps

    woken(act, tmp_path)


def test_the_port_is_there_again_for_a_client_that_was_started_again(tmp_path):
    async def act(gateway, board, port):
        board.put("again.txt", "")
        await board.tells("again")
        await gateway.event("registered", ue=UE, start=1)
        trigger(port, "register")
        await gateway.event("registered", ue=UE, start=2)

    woken(act, tmp_path)


def test_a_port_that_somebody_has_keeps_nothing_else_from_working(tmp_path):
    async def main():
        async with gateway_and_server(tmp_path / "gateway") as (gateway, server):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
                taken.bind(("0.0.0.0", 0))
                port = taken.getsockname()[1]
                board = device(tmp_path, "echo.py", gateway.coap[1], ue_id=UE_ID, triggers={"port": port})
                async with board:
                    await gateway.event("registered", ue=UE)
                    await server.send(UE, "hi", report=False)
                    await board.told.until(lambda told: told["payload"] == "hi", "an echo")
                    await board.lines.until(lambda line: f"no UDP port {port}" in line, "what is wrong")

    run(main(), 60)


def test_the_gateways_own_trigger_is_one(tmp_path):
    """A device that answers nothing for a time; what was sent to its port lies there until it goes on."""

    async def main():
        quick = ("--coap-ack-timeout", "0.05", "--retry-min", "0.2")
        async with gateway_and_server(tmp_path / "gateway", *quick) as (gateway, server):
            config = {"ue_id": UE_ID, "triggers": {"port": free_port()}}
            async with device(tmp_path, "woken.py", gateway.coap[1], **config) as board:
                await gateway.event("registered", ue=UE)
                board.signal(signal.SIGSTOP)
                await server.send(UE, "are you there?", report=False, store=True)
                await gateway.event("triggered", ue=UE)
                board.signal(signal.SIGCONT)
                assert (await board.tells("trigger"))["stats"]["triggered"] == 1
                await gateway.event("registered", ue=UE, start=1)
                await gateway.event("delivered", to=UE)

    run(main(), 60)


@pytest.mark.parametrize("triggers", [None])
def test_without_triggers_no_port_is_open(tmp_path, triggers):
    async def main():
        async with gateway_and_server(tmp_path / "gateway") as (gateway, _):
            async with device(tmp_path, "woken.py", gateway.coap[1], triggers=triggers) as board:
                await gateway.event("registered", ue=UE)
                done = await asyncio.create_subprocess_exec(
                    "ls", "-l", f"/proc/{board.pid}/fd", stdout=asyncio.subprocess.PIPE
                )
                listed, _ = await done.communicate()
                assert listed.count(b"socket:") == 1

    run(main(), 60)
