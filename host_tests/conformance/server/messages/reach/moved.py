# SPDX-License-Identifier: MIT
"""An MSGin5G Server whose clock a test moves on, and two UEs played by aiocoap."""

import contextlib
import json
import socket
import time

from host_tests.conformance.raw import Peer
from host_tests.conformance.server.registering import GW, A, msg, own, provisioned
from host_tests.gateway.scripted import Journal
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.server.settings import Settings

UE_ID = "device-7@example.org"
HOURLY = {"schTime": "1970-01-01T00:00:00Z", "durTime": 60, "periIndi": True, "periInterval": 3600}


class Clock:
    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


class Scene:
    """`server`, its `journal`; `sender` and `sleeper`, of which the latter registers by `asleep`."""

    def __init__(self, server, journal, clock, sender, sleeper):
        self.server, self.journal, self._clock = server, journal, clock
        self.sender, self.sleeper = sender, sleeper

    def later(self, seconds):
        self._clock.ahead += seconds
        self.server._pump_soon()

    async def registers(self, who, ue, **profile):
        answer = await who.ask(own("REG", ue, cliProfile=profile))
        assert json.loads(answer.payload)["result"] is True
        return answer

    async def asleep(self, **profile):
        """It has registered, and its first window is over."""
        await self.registers(self.sleeper, A, **({"comAvail": HOURLY} | profile))
        self.later(61)

    async def nothing_came(self):
        """What the sender sends to itself has come back, and the sleeper has nothing."""
        assert await self.sender.code_of(msg(GW, GW, number=900 + int(self._clock.ahead) % 1000)) == "2.04"
        while (await self.sender.next())["msgType"] != "MSG":
            pass
        assert self.sleeper.inbox.empty()


@contextlib.asynccontextmanager
async def scene(folder, mode="none", **settings):
    path, sections = provisioned(folder, mode)
    clock, events = Clock(), Events()
    journal = Journal(events)
    made = Settings(retry_min=0.05, retry_max=0.2, lifetime=86400, **settings)
    options = Options(made, ("127.0.0.1", 0), ("127.0.0.1", 0), path, ack_timeout=0.2, security=mode)
    async with ServerProgram(options, events, clock) as server:
        port = server.coap_port
        async with Peer(port, sections.get(GW)) as sender, Peer(port, sections.get(A)) as sleeper:
            it = Scene(server, journal, clock, sender, sleeper)
            await it.registers(sender, GW)
            yield it


@contextlib.contextmanager
def udp_port():
    """A socket of UDP that a device hears triggers on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.setblocking(False)
        yield heard, heard.getsockname()[1]
