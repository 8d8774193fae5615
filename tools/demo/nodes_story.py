# SPDX-License-Identifier: MIT
"""The demo against several servers: nodes on one PostgreSQL, and an NGINX before them, which is all that devices and
the Application Server know of. One node is killed in the middle, and comes back."""

import asyncio
import contextlib
import random
import signal
import string
import tempfile
import time
from pathlib import Path

import aiohttp
from rich.console import Console

from tools.application import ServerError
from tools.demo.application_server import ApplicationServer
from tools.demo.feed import Feed, Unseen
from tools.demo.processes import APPS, Device, Events, Gateway, command, device_keys
from tools.demo.story import AS, LARGE, UE, Story, alongside, exchange, expect
from tools.demo.update_story import updated
from tools.device import SMALL_HEAP
from tools.programs import nginx, postgres
from tools.programs.patience import patience
from tools.programs.ports import free_port
from tools.words import counted

DOOR = "ue:door-2@example.org"
MOST = 9  # nodes: each is a process, on one machine
REPEATED = 45  # s, in which a device has sent a request for the last time
SIDE = "NGINX"  # what a device speaks with, as far as it knows


class Nodes(Events):
    """Several servers that share a store; `coap` and `http` are where NGINX listens before them. Who killed one may
    start it again. `events` are those of all, each with its "node"."""

    name = "nodes"

    def __init__(self, folder, store, count):
        self.store = store
        self.coap, self.http = (("127.0.0.1", free_port()) for _ in range(2))
        self.events = Feed()
        self.nodes = {name: self._node(folder / name, name) for name in string.ascii_lowercase[:count]}
        self._folder = folder

    def _node(self, folder, name):
        folder.mkdir()
        node = Gateway(folder, "--node", name, name="server", security="oscore", store=self.store)
        node.events = _Named(self.events, name)
        return node

    @contextlib.asynccontextmanager
    async def running(self, front):
        """All of them, and `front` as they print its configuration."""
        async with contextlib.AsyncExitStack() as stack:
            await asyncio.gather(*map(stack.enter_async_context, self.nodes.values()))
            front.write("\n".join(await self._configuration(front.folder)) + "\n")
            with front:
                yield

    async def _configuration(self, folder):
        words = ["--coap", "%s:%d" % self.coap, "--http", "%s:%d" % self.http, "--nginx-folder", folder]
        for node in self.nodes.values():
            words += ["--node-at", "%s:%d,%s:%d" % (*node.coap, *node.http)]
        return await command(self._folder, "server", "--print-nginx", *words)

    async def ready(self, *names):
        """Once all of them say so, or those of these names."""
        async with aiohttp.ClientSession() as http:
            for name in names or self.nodes:
                await self._ready(http, name)

    async def _ready(self, http, name):
        try:
            async with patience(20):
                while True:
                    async with http.get("http://%s:%d/readyz" % self.nodes[name].http) as answer:
                        if answer.status == 200:
                            return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise Unseen(f"expected node {name} to be ready within 20 s") from None


class _Named(Feed):
    """What one of them tells, which `all_` hears, too."""

    def __init__(self, all_, name):
        super().__init__()
        self._all, self._name = all_, name

    def add(self, item):
        super().add(item)
        self._all.add({**item, "node": self._name})


async def tell_nodes_story(count, heap=SMALL_HEAP):
    """As story.tell_story. Raises UsageError where PostgreSQL or NGINX cannot be had."""
    story = Story(Console(highlight=False))
    programs = {"programs": postgres.provide(story.say)}, {"program": nginx.provide(story.say)}
    with tempfile.TemporaryDirectory(prefix="msgin5g-demo-") as folder:
        folder = Path(folder)
        # Folders of their own: both may have to run as another account, which may not enter this one.
        with postgres.Cluster(durable=True, **programs[0]) as cluster:
            nodes = Nodes(folder, cluster.uri(cluster.create("msgin5g")), count)
            sensor = Device(folder / "sensor", app=APPS / "app.py", heap=heap)
            door = Device(folder / "door", app=APPS / "relay.py", heap=heap)
            said = {
                **{"node " + name: node for name, node in nodes.nodes.items()},
                "sensor-1": sensor,
                "door-2": door,
            }
            try:
                await _configure(sensor, UE, nodes)
                await _configure(door, DOOR, nodes)
                async with nodes.running(nginx.Nginx("", **programs[1])):
                    async with ApplicationServer(AS, nodes.http) as weather:
                        await _act(story, folder, nodes, cluster, weather, sensor, door)
            except (Unseen, ServerError) as error:
                story.failed(
                    str(error), [(f"What {name} said", each.lines.items) for name, each in said.items()]
                )
                return 1
    story.say(f"\nAll {story.steps} steps were seen on the other side, in {story.seconds:.1f} s.")
    story.say("docs/scaling.md has several nodes for real devices.")
    return 0


async def _configure(device, ue, nodes):
    keys = await device_keys(device.folder, ue, nodes.store, "server")
    peer = "coap://%s:%d" % nodes.coap
    device.configure({"role": "client", "ue_service_id": ue, "peer": peer, **keys})


async def _act(story, folder, nodes, cluster, weather, sensor, door):
    """All that a device does with a server, whichever node does it; then one is killed."""
    _introduce(story, nodes, cluster)
    await nodes.ready()
    story.step(
        "nodes -> database",
        f"{counted(len(nodes.nodes), 'node')} on one database, each says that it is ready",
    )
    await weather.register()
    told = await nodes.event("as-registered", **{"as": AS})
    story.step(
        "weather -> " + SIDE,
        f"registers, and says where it wants to be posted to; node {told['node']} took it",
    )

    record, update = random.Random(1).randbytes(LARGE), random.Random(2).randbytes(LARGE)
    sensor.put("record.bin", record)
    async with door:
        await alongside(door, _with_both(story, folder, nodes, weather, sensor, door, record, update))
    story.step("door-2 -> " + SIDE, "de-registers, and ends")


def _introduce(story, nodes, cluster):
    for name, node in nodes.nodes.items():
        story.say("node %s     MSGin5G Server, CoAP %s:%d/udp, HTTP %s:%d" % (name, *node.coap, *node.http))
    story.say(f"database   PostgreSQL {cluster.programs.version}, started for this run, that all nodes share")
    story.say(
        "NGINX      CoAP %s:%d/udp, HTTP %s:%d: all that the others know of" % (*nodes.coap, *nodes.http)
    )
    story.say(f"weather    Application Server {AS}")
    story.say(f"sensor-1   device {UE}: the firmware on MicroPython")
    story.say(f"door-2     device {DOOR}: the same, at the same time")
    story.say("security   OSCORE from each device to whichever node it comes to\n")


async def _with_both(story, folder, nodes, weather, sensor, door, record, update):
    async with sensor:
        await alongside(sensor, exchange(story, nodes, weather, sensor, record, update, SIDE))
    story.step("sensor-1 -> " + SIDE, "de-registers, and ends")
    await _killed(story, folder, nodes, weather, door)


async def _killed(story, folder, nodes, weather, door):
    await door.tells("ready")
    name = (await nodes.event("registered", ue=DOOR))["node"]
    begun, seen = time.monotonic(), len(nodes.events.items)
    await nodes.nodes[name].end(signal.SIGKILL)
    story.step("node " + name, "killed (kill -9): the one that door-2 is registered at")

    order = await weather.send(DOOR, "close it")
    took = await nodes.event("accepted", start=seen, msgId=order)
    expect(took["node"] != name, f"expected another node than {name} to take it")
    story.step("weather -> " + SIDE, f'"close it" to door-2: node {took["node"]} took it, and keeps it')

    door.folder.joinpath("outage").touch()
    await door.tells("queued")
    await weather.messages.until(
        lambda message: message.payload == "the door is open",
        "the Application Server to receive what door-2 said",
        REPEATED,
    )
    other = (await nodes.event("rebound", start=seen, ue=DOOR))["node"]
    told = await door.tells("over")
    expect(told["state"] == "delivered", f"expected it as delivered, not {told['state']}")
    story.step(
        "door-2 -> weather",
        f'"the door is open", by node {other}, once, reported; {time.monotonic() - begun:.1f} s after the kill',
    )
    said = [message.payload for message in weather.messages.items].count("the door is open")
    expect(said == 1, f"expected it once, but {counted(said, 'time')}")

    told = await door.tells("order")
    expect((told["payload"], told["sender"]) == ("close it", AS), f"expected the order, not {told}")
    report = await weather.report(order)
    expect(report.delivered, f"expected success, not {report}")
    story.step("weather -> door-2", '"close it", which the dead node had no part in, reported')
    await nodes.event("deregistered", start=seen, ue=DOOR)

    await nodes.nodes[name].start()
    await nodes.ready(name)
    story.step("node " + name, "starts again, and is ready")
    await updated(story, folder, nodes, weather, SIDE)
