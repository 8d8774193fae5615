# SPDX-License-Identifier: MIT
"""Devices with OSCORE and Application Servers that send to each other, in real time, while what is between them is
killed: `python -m host_tests.nodes.chaos.story --devices 300 --seconds 120` tells what became of every message.

Each few seconds one of the servers, their database, the network between one and its database, or NGINX before them
goes, drawn by the seed: kill -9 of all its processes, or a proxy that forwards nothing; some seconds later it is back
where it was.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from host_tests.many.field import ROOT, Field, name
from host_tests.nodes.chaos.cut import Line
from host_tests.nodes.chaos.sniffed import Sniffed
from tools.application.server import ApplicationServer, ServerError
from tools.demo.processes import Gateway
from tools.gateway import keys as key_files
from tools.programs.nginx import Nginx
from tools.programs.ports import free_port
from tools.programs.postgres import Cluster
from tools.store.opening import open_store

ACCEPTED = ("accepted", "stored", "delivered")
CALM = 300  # s for all that was accepted to arrive, once nothing is killed any more
DOWN = 1, 4  # s


class Sniffing(Field):
    """A Field that hears what goes over its socket, before its network loses any of it."""

    def __init__(self, loss, seed):
        super().__init__(loss, seed)
        self.sniffed = Sniffed()

    def _loses(self, device, octets, to_device):
        self.sniffed.note(device.number, octets, to_device)
        return super()._loses(device, octets, to_device)


class Server:
    """`msgin5g server`, which is killed and started again."""

    kind = "server"

    def __init__(self, folder, store, node=None):
        folder.mkdir(exist_ok=True)
        words = ("--store", store, "--retry-max", "5", *(("--node", node) if node else ()))
        self._program = Gateway(folder, *words, security="oscore", name="server")

    async def start(self):
        # Where its database is away it ends with a sentence, and is begun anew, as a supervisor does.
        for _ in range(100):
            try:
                return await self._program.start()
            except Exception:
                await self._program.end(9)
                await asyncio.sleep(0.5)
        raise AssertionError("it does not start: %s" % self._program.lines.items[-3:])

    async def kill(self):
        await self._program.end(9)

    @property
    def coap(self):
        return "%s:%d" % self._program.coap

    @property
    def http(self):
        return "%s:%d" % self._program.http

    def wrong(self):
        """What it told of errors of its own, the first words of each."""
        return collections.Counter(
            json.dumps({key: value for key, value in each.items() if key != "time"})[:300]
            for each in self._program.events.items
            if each["event"] in ("error", "quarantined")
        )


class Database:
    kind = "database"

    def __init__(self, cluster):
        self._cluster = cluster

    async def start(self):
        await asyncio.to_thread(self._cluster.start)

    async def kill(self):
        await asyncio.to_thread(self._cluster.kill)


class Network:
    kind = "network"

    def __init__(self, line):
        self._line = line

    async def start(self):
        self._line.mend()

    async def kill(self):
        self._line.cut()


class Front:
    """NGINX as `--print-nginx` has it, before some servers that run."""

    kind = "front"

    def __init__(self, servers):
        self.coap, self.http = ("127.0.0.1:%d" % free_port() for _ in range(2))
        self._nodes = ["--node-at=%s,%s" % (each.coap, each.http) for each in servers]
        self._nginx = Nginx(self._configuration)

    def _configuration(self, folder):
        words = ["--coap", self.coap, "--http", self.http, *self._nodes, "--nginx-folder", str(folder)]
        command = [sys.executable, "-m", "tools.cli", "server", "--print-nginx", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    async def start(self):
        await asyncio.to_thread(self._nginx.start)

    async def kill(self):
        await asyncio.to_thread(self._nginx.kill)

    def close(self):
        self._nginx.close()


class Story:
    """What is told of it: `told`."""

    def __init__(self, args):
        self.args, self.told = args, {}
        self.random = random.Random(args.seed)
        self.field = Sniffing(args.loss, args.seed)
        self.devices, self.applications = [], []
        self.inboxes = collections.defaultdict(list)  # of Application Servers: (sender, text)
        self.sent = []  # (sender, to, text, whether it was accepted: a function)
        self.kills = collections.Counter()

    async def tell(self, stack, folder):
        args = self.args
        store, victims = await self._database(stack, folder)
        sections = await asyncio.to_thread(self._provision, store)
        await self._serve(stack, Path(folder), store)
        victims += self.servers + self.networks
        front = self.servers[0]
        if len(self.servers) > 1:
            front = Front(self.servers)
            stack.callback(front.close)
            await front.start()
            victims.append(front)
        for number in range(args.servers):
            made = ApplicationServer(
                "as:%d@example.org" % number, "http://" + front.http, on_trouble=lambda said: None, stay=True
            )
            made.patience = CALM
            self.applications.append(await stack.enter_async_context(made))
        takers = [asyncio.create_task(self._take(each)) for each in self.applications]
        for number, section in enumerate(sections):
            self.devices.append(self.field.add(number, peer="coap://" + front.coap, security=section))
            await asyncio.sleep(0.01)
        await self._until(lambda: all(each.client.registered for each in self.devices), "all are registered")
        senders = [asyncio.create_task(self._send(each)) for each in self.applications]
        senders.append(asyncio.create_task(self._have_sent()))
        await self._kill(victims)
        await asyncio.gather(*senders)
        # Where NGINX was killed, or the node that a device is at, the device is reached again with its next word.
        for device in self.devices:
            self._give(device, "AS", self.applications[0].service_id)
        await self._until(lambda: self._ended() and not self._missing(), "all have come")
        self.finish()
        for each in takers:
            each.cancel()
        self.field.close()

    async def _database(self, stack, folder):
        """(where its store is, what of that can be killed)"""
        self._cluster = None
        if self.args.store == "sqlite":
            return str(Path(folder, "server.db")), []
        self._cluster = cluster = stack.enter_context(Cluster(port=free_port()))
        return cluster.uri(cluster.create("chaos"), over_tcp=True), [Database(cluster)]

    async def _serve(self, stack, folder, store):
        """The servers, each with a network of its own to the database."""
        self.servers, self.networks = [], []
        for number in range(self.args.nodes):
            through, node = store, None
            if self._cluster is not None:
                line = await stack.enter_async_context(Line(self._cluster.port))
                self.networks.append(Network(line))
                through = store.replace(":%d/" % self._cluster.port, ":%d/" % line.port)
                node = "n%d" % number
            made = Server(folder / ("n%d" % number), through, node)
            stack.push_async_callback(made.kill)
            await made.start()
            self.servers.append(made)

    def _provision(self, where):
        with contextlib.closing(open_store(where)) as store:
            made = key_files.new_sections(store.kids_in_use())
            sections = [next(made) for _ in range(self.args.devices)]
            with store.transaction():
                for number, section in enumerate(sections):
                    key_files.add(store, name(number), key_files.of_section("", section), "")
        return sections

    # ---- what goes on ------------------------------------------------------------------------------------------------

    async def _kill(self, victims):
        # Draws of its own: what is killed does not depend on how many messages were sent meanwhile.
        chance = random.Random(self.args.seed)
        end, round_ = time.monotonic() + self.args.seconds, []
        while time.monotonic() < end:
            await asyncio.sleep(chance.uniform(2, 5))
            round_ = round_ or chance.sample(victims, len(victims))  # each has its turn
            victim = round_.pop()
            await victim.kill()
            self.kills[victim.kind] += 1
            await asyncio.sleep(chance.uniform(*DOWN))
            await victim.start()
        self._over = True

    _over = False

    async def _have_sent(self):
        """Devices send, each now and then, to an Application Server or to another device."""
        pause = self.args.every / len(self.devices)
        while not self._over:
            device = self.random.choice(self.devices)
            if self.random.random() < 0.5:
                kind, to = "AS", self.random.choice(self.applications).service_id
            else:
                kind, to = "UE", name(self.random.randrange(len(self.devices)))
            if to != device.ue:
                self._give(device, kind, to)
            await asyncio.sleep(self.random.expovariate(1 / pause))

    def _give(self, device, kind, to):
        text = "%s %d" % (device.ue, len(self.sent))
        try:
            made = device.send(to, text, to_type=kind, report=self.random.random() < 0.3, store_forward=True)
        except RuntimeError:  # its outbox is full: it was never taken
            self.told["put_off"] = self.told.get("put_off", 0) + 1
            return
        self.sent.append((device.ue, to, text, made))

    async def _send(self, application):
        while not self._over:
            to, text = (
                name(self.random.randrange(len(self.devices))),
                "%s %d" % (application.service_id, len(self.sent)),
            )
            made = _Posted()
            self.sent.append((application.service_id, to, text, made))
            try:
                await application.send(to, text)
                made.end("accepted")
            except ServerError as error:
                made.end("failed", str(error)[:60])
            await asyncio.sleep(self.random.expovariate(1 / self.args.every))

    async def _take(self, application):
        async for message in application.messages():
            self.inboxes[application.service_id].append((message.sender, message.payload))

    async def _until(self, holds, what):
        end = time.monotonic() + CALM
        while not holds():
            if time.monotonic() > end:
                self.finish()
                raise SystemExit("not within %d s: %s; %s" % (CALM, what, json.dumps(self.told)))
            await asyncio.sleep(0.5)

    # ---- what became of it -------------------------------------------------------------------------------------------

    def _all(self):
        return {each.ue: each.inbox for each in self.devices} | self.inboxes

    def _came(self):
        return collections.Counter((to, text) for to, inbox in self._all().items() for _, text in inbox)

    def _ended(self):
        return all(made.final for _, _, _, made in self.sent)

    def _missing(self):
        wanted = collections.Counter((to, text) for _, to, text, made in self.sent if made.state in ACCEPTED)
        return wanted - self._came()

    def _disordered(self):
        """(recipient, sender) of whom a message came behind a later one."""
        found = []
        for to, inbox in self._all().items():
            latest = {}
            for sender, text in inbox:
                number = int(text.rpartition(" ")[2])
                if number < latest.get(sender, number):
                    found.append((to, sender))
                latest[sender] = max(number, latest.get(sender, number))
        return found

    def finish(self):
        twice = {key: count for key, count in self._came().items() if count > 1}
        self.told |= {
            "messages": len(self.sent),
            "ended": dict(collections.Counter(made.state for *_, made in self.sent)),
            "causes": dict(collections.Counter(made.cause for *_, made in self.sent if made.cause)),
            "lost": sum(self._missing().values()),
            "twice": len(twice),
            "brought_again": sum(each.repeated for each in self.applications),
            "out_of_order": len(self._disordered()),
            "nonces": self.field.sniffed.count,
            "nonces_used_twice": len(self.field.sniffed.used_twice),
            "unmatched": self.field.sniffed.unmatched,
            "kills": dict(self.kills),
            "datagrams": self.field.sent + self.field.received,
            "datagrams_lost": self.field.lost,
            "wrong": dict(sum((each.wrong() for each in self.servers), collections.Counter())),
        }


class _Posted:
    """A message of an Application Server, as one of a device stands."""

    state, final, cause = "sent", False, None

    def end(self, state, cause=None):
        self.state, self.final, self.cause = state, True, cause


async def main(args):
    with tempfile.TemporaryDirectory() as folder:
        async with contextlib.AsyncExitStack() as stack:
            story = Story(args)
            await story.tell(stack, folder)
    print(json.dumps(story.told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--nodes", type=int, default=1, help="servers on it, of PostgreSQL (%(default)s)")
    parser.add_argument("--devices", type=int, default=300)
    parser.add_argument("--servers", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=120, help="in which something is killed (%(default)s)"
    )
    parser.add_argument("--every", type=float, default=10, help="s between messages of one (%(default)s)")
    parser.add_argument("--loss", type=float, default=2, help="of a hundred datagrams (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.store == "sqlite" and given.nodes != 1:
        parser.error("--nodes needs --store postgres: a file has one server")
    asyncio.run(main(given))
