# SPDX-License-Identifier: MIT
"""Real devices (the firmware on MicroPython) and the real gateway, as processes of their own."""

import asyncio
import contextlib
import json
import uuid
from collections import Counter
from pathlib import Path

from tools.application import ServerError
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway, command, device_keys
from tools.programs.patience import run as run

UE = "ue:sensor-1@example.org"
AS = "as:weather@example.org"
APPS = Path(__file__).with_name("apps")
EXAMPLES = Path(__file__).parents[2] / "examples"


def config(port, **more):
    """Of a device whose peer is at this port of 127.0.0.1."""
    return {
        "role": "client",
        "ue_service_id": UE,
        "peer": f"coap://127.0.0.1:{port}",
        "security": {"mode": "none"},
        **more,
    }


GATEWAY = "ue:gw@example.org"
COMBINED, LOWER, UPPER = "combined", "gateway of two", "server of two"


class Apart:
    """A Gateway UE and its server, each a process. It looks like a Gateway of processes.py: devices see `lower`, the
    gateway; the HTTP side and what is told are of `upper`, the server. `end` and `start` are of `victim`, one of
    both."""

    def __init__(self, folder, *arguments, security="none", victim=LOWER):
        self.folder = folder
        server = (*arguments, "--store", "server.db")
        self.upper = Gateway(folder, *server, security=security, name="server")
        self._make = lambda *more: Gateway(folder, *arguments, *more, security=security)
        self._security = security
        self._victim = victim
        self.lower = None
        self.events, self.event, self.count = self.upper.events, self.upper.event, self.upper.count

    async def __aenter__(self):
        key = ("--key", "gw.json") if self._security == "oscore" else ()
        add = ("device", "add", GATEWAY, "--gateway", *key)
        await command(self.folder, "server", *add, "--store", "server.db")
        await self.upper.start()
        key = ("--upstream-key", "gw.json") if key else ()
        upstream = "coap://%s:%d" % self.upper.coap
        self.lower = self._make("--upstream", upstream, "--ue", GATEWAY, *key)
        try:
            await self.lower.start()
            await self.event("registered", ue=GATEWAY)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exception):
        for each in (self.lower, self.upper):
            if each is not None:
                await each.__aexit__(*exception)

    @property
    def coap(self):
        return self.lower.coap

    @property
    def http(self):
        return self.upper.http

    @property
    def victim(self):
        return self.upper if self._victim == UPPER else self.lower

    @property
    def pid(self):
        return self.victim.pid

    async def end(self, number):
        return await self.victim.end(number)

    async def start(self):
        await self.victim.start()

    async def keys(self, ue):
        """The keys of a device that may come from now on."""
        await command(self.folder, "server", "device", "add", ue, "--via", GATEWAY, "--store", "server.db")
        return await device_keys(self.folder, ue)


class Combined(Gateway):
    """The same of a gateway with its server in one process."""

    @property
    def victim(self):
        return self

    async def keys(self, ue):
        """The keys of a device that may come from now on."""
        return await device_keys(self.folder, ue)


def gateway_of(programs, folder, *arguments, security="none"):
    """Both in one process, or apart."""
    if programs == COMBINED:
        return Combined(folder, *arguments, security=security)
    return Apart(folder, *arguments, security=security, victim=programs)


@contextlib.asynccontextmanager
async def gateway_and_server(folder, *arguments, service_id=AS, programs=COMBINED):
    """A running (gateway, ApplicationServer), the second registered with the first."""
    folder.mkdir(exist_ok=True)
    async with gateway_of(programs, folder, "--open", *arguments) as gateway:
        async with ApplicationServer(service_id, gateway.http) as server:
            await server.register()
            yield gateway, server


def device(folder, app, port, **more):
    """A Device with one of the applications in apps/, not started yet."""
    made = Device(folder / "device", APPS / app)
    made.configure(config(port, **more))
    return made


class Traffic:
    """Numbered messages each way between a device and the server, each with a report, a few at a time."""

    AT_ONCE = 8

    def __init__(self, folder, gateway, server, port, messages, make=device, **more):
        """`port` is where the device finds its peer; `more` goes to its configuration. `make` is like device()."""
        self.gateway = gateway
        self.server = server
        self.messages = messages
        self.sent = []  # message IDs of the server's messages
        self.stats = None  # the device's counters at the end
        self.exit_code = None
        self.device = make(folder, "traffic.py", port, **more)
        self.device.put("traffic.json", json.dumps({"messages": messages, "at_once": self.AT_ONCE}))

    async def play(self, meanwhile=None):
        """All of it; `meanwhile` is a coroutine that disturbs it, and is over before the end."""
        async with self.device:
            await self.gateway.event("registered", ue=UE, seconds=60)
            async with asyncio.TaskGroup() as group:  # a device that dies ends it all at once
                done = group.create_task(self.device.tells("done", seconds=None))
                group.create_task(self._send())
                if meanwhile is not None:
                    group.create_task(meanwhile)
            self.stats = done.result()["stats"]
            self.exit_code = await self.device.wait()

    async def _send(self):
        for number in range(self.messages):
            await self.server.reports.reach(number - self.AT_ONCE + 1, "reports", seconds=None)
            message_id = str(uuid.uuid4())
            while True:
                # As an Application Server does: again, under the same ID, until it was taken.
                try:
                    await self.server.send(UE, f"down {number}", message_id=message_id)
                    break
                except ServerError:
                    await asyncio.sleep(0.05)
            self.sent.append(message_id)
        await self.server.reports.reach(self.messages, "reports", seconds=None)

    def told(self, step):
        return [told for told in self.device.told.items if told["step"] == step]

    def check(self):
        """Each message arrived once, in order, and ended in one state, on both sides."""
        numbers = range(self.messages)
        assert [message.payload for message in self.server.messages.items] == [f"up {n}" for n in numbers]
        assert [told["payload"] for told in self.told("took")] == [f"down {n}" for n in numbers]

        ended = self.told("ended")
        assert Counter(told["number"] for told in ended) == Counter(numbers)
        assert {(told["state"], told["cause"]) for told in ended} == {("delivered", None)}
        assert {
            name: self.stats[name] for name in ("delivered", "failed", "expired", "received", "reported")
        } == {
            "delivered": self.messages,
            "failed": 0,
            "expired": 0,
            "received": self.messages,
            "reported": self.messages,
        }

        reports = self.server.reports.items
        assert Counter(report.message_id for report in reports) == Counter(self.sent)
        assert all(report.delivered for report in reports)
        assert {report.sender for report in reports} == {UE}
        for event in ("failed", "discarded", "stored"):
            assert self.gateway.count(event) == 0
        assert self.exit_code == 0
