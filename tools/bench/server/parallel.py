# SPDX-License-Identifier: MIT
"""What ten devices bring to an Application Server that takes 20 ms for each message: accepted and delivered a second,
with each acceptance on the disk, and the same of one device alone.

The devices are a few lines of CoAP (RFC 7252) here, one request at a time each, so that they cost little of a machine
that the server and the Application Server need as well.
"""

import asyncio
import json
import os
import tempfile
import time
import uuid
from pathlib import Path

import aiohttp
from aiohttp import web

from tools.bench import Row
from tools.demo.processes import Gateway

DELAY = 0.02  # s that the Application Server takes
SECONDS = 8
DEVICES = 10
AS = "as:slow@example.org"
_HEAD = b"\xb7msgin5g\x11\x32\xff"  # Uri-Path, Content-Format 50, payload marker
_CREATED_OR_CHANGED = range(0x40, 0x60)


def measure():
    many, alone = asyncio.run(_play(DEVICES)), asyncio.run(_play(1))
    what = f"{DEVICES} devices, an Application Server that takes {DELAY * 1000:.0f} ms: delivered"
    yield Row(what, round(many["delivered"]), "a second", "parallel.delivered", kind="machine")
    yield Row("  accepted", round(many["accepted"]), "a second", kind="machine")
    yield Row("  deliveries at once, most", many["most"], "", kind="machine")
    yield Row("  CPU of the server a message", round(many["cpu"], 2), "ms", kind="machine")
    # No ratio: one device waits for the Application Server most of the time, ten for the computer.
    of_one = round(many["delivered"] / alone["delivered"], 1)
    yield Row("  delivered, of what one device does", of_one, "times", kind="machine")


class Slow:
    """The Application Server."""

    def __init__(self):
        self.got = self.out = self.most = 0

    async def deliver(self, request):
        self.out += 1
        self.most = max(self.most, self.out)
        await request.read()
        await asyncio.sleep(DELAY)
        self.out -= 1
        self.got += 1
        return web.Response(status=204)


class Sender(asyncio.DatagramProtocol):
    """A device, one request at a time."""

    def __init__(self, number):
        self.name = f"ue:{number}@example.org"
        self._id = int.from_bytes(os.urandom(2), "big")
        self._answer = None
        self.accepted = 0

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, octets, source):
        kind, code = octets[0] >> 4 & 3, octets[1]
        if not code:  # the answer comes by itself
            return
        if kind == 0:
            self._transport.sendto(b"\x60\x00" + octets[2:4])
        if octets[4:6] == self._id.to_bytes(2, "big") and not self._answer.done():
            self._answer.set_result(code)

    async def ask(self, kind, **members):
        """The response code."""
        self._id = (self._id + 1) % 65536
        self._answer = asyncio.get_running_loop().create_future()
        head = {
            "msgIden": "urn:3gpp:msgin5g",
            "msgType": kind,
            "oriAddr": {"oriAddrType": "UE", "addr": self.name},
        }
        name = self._id.to_bytes(2, "big")
        octets = b"\x42\x02" + name + name + _HEAD + json.dumps(head | members).encode()
        while not self._answer.done():
            self._transport.sendto(octets)
            await asyncio.wait([self._answer], timeout=2)
        return self._answer.result()

    async def send(self, end):
        to = {"destAddrType": "AS", "addr": AS}
        while time.monotonic() < end:
            message = {"destAddr": to, "msgId": str(uuid.uuid4()), "sfFlag": False, "payload": "x" * 100}
            if await self.ask("MSG", **message) in _CREATED_OR_CHANGED:
                self.accepted += 1
            else:
                await asyncio.sleep(0.2)  # there is no room now


async def _play(devices):
    slow, loop = Slow(), asyncio.get_running_loop()
    application = web.Application()
    application.router.add_post("/", slow.deliver)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        target = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        with tempfile.TemporaryDirectory() as scratch:
            async with Gateway(Path(scratch), "--open", name="server") as server:
                await _register(server, target)
                senders = []
                for number in range(devices):
                    _, sender = await loop.create_datagram_endpoint(
                        lambda number=number: Sender(number), remote_addr=server.coap
                    )
                    await sender.ask("REG")
                    senders.append(sender)
                used, began, got = _used(server.pid), time.monotonic(), slow.got
                await asyncio.gather(*(sender.send(began + SECONDS) for sender in senders))
                took, got = time.monotonic() - began, slow.got - got
                return {
                    "accepted": sum(sender.accepted for sender in senders) / took,
                    "delivered": got / took,
                    "most": slow.most,
                    "cpu": (_used(server.pid) - used) * 1000 / max(got, 1),
                }
    finally:
        await runner.cleanup()


async def _register(server, target):
    uri = "http://%s:%d/msgs-asregistration/v1/registrations" % server.http
    async with (
        aiohttp.ClientSession() as http,
        http.post(uri, json={"asSvcId": AS, "targetUri": target}) as response,
    ):
        response.raise_for_status()


def _used(pid):
    """Seconds of CPU."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
