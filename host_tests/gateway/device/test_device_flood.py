# SPDX-License-Identifier: MIT
"""A device under OSCORE and the real gateway, while somebody without a key sends 200 datagrams/s to the device's own
port, from the moment that it has one: it registers, five messages come in, and five go out.
"""

import asyncio
import os
import random
import re
import socket
from pathlib import Path

from host_tests.gateway.devices import APPS, AS, UE, config, run
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway, device_keys

MESSAGES = 5
BETWEEN = 200  # forged datagrams from one message to the next


def port_of(pid):
    """The UDP port that this process is bound to, or None."""
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    sockets = {match[1] for link in links if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in sockets:
            return int(fields[1].rpartition(":")[2], 16)
    return None


class Flood:
    """200 datagrams/s to a port, from two addresses, most of them with the right kid. An async context manager."""

    def __init__(self, port, kid):
        self.sent = 0
        self._port = port
        self._kid = kid
        self._random = random.Random(1)

    async def __aenter__(self):
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        self._sockets[0].bind(("127.0.0.1", 0))  # the gateway's host, but another port
        self._sockets[1].bind(("127.0.0.2", 0))
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *exception):
        self._task.cancel()
        for each in self._sockets:
            each.close()

    async def _run(self):
        due = asyncio.get_running_loop().time()
        while (
            True
        ):  # evenly: a limiter with a budget of its own for each moment would let the genuine ones through
            self._sockets[self.sent % 2].sendto(self._forged(), ("127.0.0.1", self._port))
            self.sent += 1
            due += 0.005
            await asyncio.sleep(max(0.001, due - asyncio.get_running_loop().time()))

    def _forged(self):
        octets = self._random.randbytes
        head = b"\x44\x02" + octets(6)
        kind = self._random.randrange(16)
        if kind == 0:
            return head + b"\xb7msgin5g\xff{}"  # in the clear
        if kind == 1:
            return octets(30)
        # The right kid and a number that is new, most of the time; all that is missing is the tag.
        kid = self._kid if kind > 2 else b"nobody"
        option = b"\x0a" + octets(2) + kid
        return head + bytes((0x90 | len(option),)) + option + b"\xff" + octets(20)

    async def reach(self, count):
        while self.sent < count:
            await asyncio.sleep(0.02)


def test_a_flood_at_the_port_of_a_device(tmp_path):
    async def talk():
        async with Gateway(tmp_path, security="oscore") as gateway:
            async with ApplicationServer(AS, gateway.http) as server:
                await server.register()
                keys = await device_keys(tmp_path, UE)
                device = Device(tmp_path / "device", APPS / "echo.py")
                device.configure(config(gateway.coap[1]) | keys)
                async with device:
                    await flooded(device, gateway, server, keys)

    async def flooded(device, gateway, server, keys):
        while (port := port_of(device.pid)) is None:
            assert device.returncode is None
            await asyncio.sleep(0.01)
        async with Flood(port, bytes.fromhex(keys["security"]["recipient_id"])) as flood:
            await gateway.event("registered", ue=UE)
            echoed = None
            for number in range(MESSAGES):
                await flood.reach(BETWEEN * (number + 1))
                await server.send(UE, f"message {number}", report=False)
                await server.message(
                    lambda message, n=number: message.payload == f"echo message {n}", "the echo"
                )
                echoed = await device.told.until(
                    lambda told, n=number: told.get("payload") == f"message {n}", "the device to tell it"
                )
            sent = flood.sent
        stats = echoed["stats"]
        assert sent >= BETWEEN * MESSAGES
        # All of it came to the device, which looked at no more than a part
        assert stats["coap_received"] >= BETWEEN * MESSAGES
        assert stats["oscore_unverified"] > 0 and stats["oscore_limited"] > stats["oscore_unverified"]
        assert stats["received"] == MESSAGES

    run(talk())
