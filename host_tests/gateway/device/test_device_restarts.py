# SPDX-License-Identifier: MIT
"""Gateways that die, come back, or come late: what was accepted is neither lost nor delivered twice."""

import asyncio
import signal
import socket

import pytest

from host_tests.gateway.devices import (
    AS,
    COMBINED,
    LOWER,
    UE,
    UPPER,
    Traffic,
    device,
    gateway_and_server,
    run,
)
from tools.demo.processes import Gateway

QUICK = {"coap": {"ack_timeout": 0.05}}
QUICK_GATEWAY = ("--coap-ack-timeout", "0.05", "--retry-min", "0.1", "--retry-max", "0.5")


@pytest.mark.parametrize("programs", [COMBINED, LOWER, UPPER])
def test_gateway_killed_in_the_middle_of_traffic(programs, tmp_path):
    async def kill(gateway):
        # Of what is counted here there will be 240.
        for count in (30, 100, 170):
            while gateway.count("delivered") < count:
                await asyncio.sleep(0.01)
            await gateway.end(signal.SIGKILL)
            await gateway.start()

    async def main():
        folder = tmp_path / "gateway"
        async with gateway_and_server(folder, *QUICK_GATEWAY, programs=programs) as (gateway, server):
            traffic = Traffic(tmp_path, gateway, server, gateway.coap[1], 120, **QUICK)
            await traffic.play(meanwhile=kill(gateway))
            traffic.check()
            assert gateway.victim.count("listening") == 4
            assert gateway.count("registered", ue=UE) == 1  # it remembers: the device just went on

    run(main(), 120)


def test_gateway_that_forgot_all_is_registered_with_again(tmp_path):
    async def main():
        async with gateway_and_server(tmp_path / "gateway", *QUICK_GATEWAY) as (gateway, server):
            board = device(tmp_path, "echo.py", gateway.coap[1], **QUICK)
            async with board:
                await gateway.event("registered", ue=UE)
                await server.send(UE, "first")
                await server.message(lambda message: message.payload == "echo first", "the echo")
                await gateway.end(signal.SIGKILL)
                for file in gateway.folder.glob("gateway.db*"):
                    file.unlink()
                seen = len(gateway.events.items)
                await gateway.start()
                await server.register()
                # Only when the device has something to say does it learn, by 4.01, that it must register.
                board.put("say.txt", "still here")
                await gateway.event("registered", ue=UE, start=seen)
                await server.message(lambda message: message.payload == "still here", "what waited for it")

    run(main())


def test_device_that_starts_before_its_gateway(tmp_path):
    async def main():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        board = device(tmp_path, "echo.py", port, **QUICK)
        board.put("say.txt", "good morning")
        async with board:
            told = f"msgin5g: unreachable: no answer from coap://127.0.0.1:{port}"
            await board.lines.until(lambda line: line == told, repr(told))
            gateway = Gateway(tmp_path, "--open")
            gateway.coap = ("127.0.0.1", port)
            async with gateway:
                await gateway.event("registered", ue=UE)
                await board.lines.until(lambda line: line == "msgin5g: registered", "the device to say so")
                # There is no Application Server, but what was sent meanwhile has come this far.
                await gateway.event("accepted", **{"from": UE, "to": AS})

    run(main())
