# SPDX-License-Identifier: MIT
"""A bundle for many devices, by stages, in virtual time: `python -m host_tests.many.updating --devices 50` tells how it
went.

Each device is the firmware's protocol core with a Loader behind it; half of them speak through a Gateway UE. 5 of 100
datagrams are lost, the server is killed again and again while devices load, and so do their boards lose their power.
Some are away at first, one refuses the bundle and one rolls back.
"""

from host_tests.many import virtual

LOOP = virtual.begin()

import argparse  # noqa: E402
import asyncio  # noqa: E402
import collections  # noqa: E402
import gc  # noqa: E402
import hashlib  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import random  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

from host_tests.many.field import Device, Field, name  # noqa: E402
from host_tests.many.programs import Programs  # noqa: E402
from host_tests.tools.update.served.loader import APPLICATION, Loader, message  # noqa: E402
from tools.store.server.bundletables import StoredBundle  # noqa: E402
from tools.store.server.updatetables import Plan  # noqa: E402
from tools.store.store import Store  # noqa: E402

MEMORY = Path("/dev/shm")  # where a disk is memory: what is measured is no disk
FROM = "as:updates@localhost"
OCTETS = 20_000  # two pieces
PLAN = Plan("5", "30%", 3)
PATIENCE = 300  # s, until a device that loads asks again
REFUSES, BACK, LATE = 7, 11, 13  # numbers of devices: each that is a multiple of the last one comes late
ASLEEP = 10  # each tenth one listens 20 s in 300
CUTS = 10  # each tenth device loses its power with each kill


class Updated(Device):
    """A device that updates can be sent to. What its Loader has lies on its flash."""

    loader = None

    def pump(self):
        super().pump()
        heard, self.inbox[:] = self.inbox[:], []
        for sender, payload in heard:
            assert sender == FROM, sender
            for said in self.loader.hear(bytes(payload)):
                self.say(said)

    def say(self, said):
        self.send(FROM, message(said), to_type="AS", app_id=APPLICATION, store_forward=True)
        self._loop.call_later(PATIENCE, self._ask, len(self.loader.whole))

    def _ask(self, had):
        if self.loader.state == "loading" and len(self.loader.whole) == had:
            self.say(self.loader.goes_on()[0])

    def cut(self):
        """Its power goes, and comes."""
        if self._timer is not None:
            self._timer.cancel()
        self.begin()
        if self.loader.id is not None:
            self.say(self.loader.goes_on()[0])


class Story:
    """What is told of it: `told`."""

    def __init__(self, devices, loss, seed, folder):
        self.count, self.random = devices, random.Random(seed)
        self.field = Field(loss, seed)
        self.folder = folder
        self.programs = Programs(folder, open=True, lifetime=86400, ues=devices + 2)
        self.devices, self.told = [], {"devices": devices}
        self.contents = random.Random(seed).randbytes(OCTETS)
        self.most = 0  # octets of updates that waited in the server at once

    async def tell(self):
        programs = self.programs
        programs.provision({name(number): 0 for number in range(1, self.count, 2)}, {})
        for each in ("server", 0):
            await programs.begin(each)
        await self.until(lambda: programs.events["registered"] >= 1, "the gateway is registered")
        late = [number for number in range(self.count) if number % LATE == LATE - 1]
        for number in range(self.count):
            if number not in late:
                self.add(number)
        await self.until(lambda: all(each.client.registered for each in self.devices), "they are registered")
        job = self.command(self.begin)
        for _ in range(4):
            before = self.loaded()
            await self.until(lambda: self.loaded() > before + OCTETS, "more is loaded")  # noqa: B023
            await self.kill()
        for number in late:
            self.add(number)
        await self.until(lambda: self.command(self.state, job) != "running", "the job has ended")
        self.finish(job)
        self.field.close()
        await programs.server.stop()
        await programs.gateways[0].stop()

    def add(self, number):
        way = ("server", 0)[number % 2]
        loader = Loader(
            refuses="space: needs 20000, has 10" if number == REFUSES else None,
            ends="rolled-back" if number == BACK else "confirmed",
        )
        Updated.loader = loader  # before its first datagram
        more = {"availability": {"interval": 300, "duration": 20}} if number % ASLEEP == ASLEEP - 1 else {}
        made = Updated(self.field, number, {"peer": self.programs.peer(way), **more})
        made.loader = loader
        self.field.devices[made.packed] = made
        self.devices.append(made)

    async def kill(self):
        await self.programs.kill("server")
        for device in self.devices:
            if device.number % CUTS == self.programs.kills:
                device.cut()
        await asyncio.sleep(self.random.uniform(1, 60))
        await self.programs.begin("server")

    def command(self, function, *arguments):
        """Does it as a command does, whether the server runs or not."""
        store = Store(self.programs.store("server"), serving=False, create=False)
        try:
            with store.transaction():
                return function(store, *arguments)
        finally:
            store.close()

    def begin(self, store):
        """The number of a job for all of them; those that come late were never heard of."""
        digest = hashlib.sha256(self.contents).hexdigest()
        manifest = f"msgin5g 1\nkind app\nfile {OCTETS} {digest} app/app.py\n".encode()
        id_ = hashlib.sha256(manifest).hexdigest()[:16]
        bundle = StoredBundle(id_, "app", "garden", "1.4", 1, 600, OCTETS)
        store.add_bundle(bundle, manifest, bytes(2000), self.contents, time.time())
        return store.add_update(bundle, [name(number) for number in range(self.count)], PLAN, time.time())

    def state(self, store, job):
        self.most = max(self.most, store.load(1, ("AS", FROM))[1])
        return store.update(job).state

    def loaded(self):
        return sum(len(each.loader.whole) for each in self.devices)

    async def until(self, holds, what, seconds=200_000):
        end = LOOP.time() + seconds
        while not holds():
            if LOOP.time() >= end:
                raise SystemExit("not within %d s: %s; %s" % (seconds, what, json.dumps(self.told)))
            await asyncio.sleep(1)

    def finish(self, job):
        states = self.command(lambda store: store.update_devices(job, None, 0, self.count))
        events = self.programs.events
        self.told |= {
            "job": self.command(self.state, job),
            "states": dict(collections.Counter(each.state for each in states)),
            "stages": self.command(lambda store: store.update(job).stage),
            "differ": [each.ue for each in states if each.state != self.of(each.ue).state],
            "whole": sum(each.loader.whole == self.contents for each in self.devices),
            "offers": sum(each.loader.offers for each in self.devices),
            "unasked": sum(each.loader.unasked for each in self.devices),
            "most": self.most,
            "kills": self.programs.kills,
            "datagrams": self.field.sent + self.field.received,
            "datagrams_lost": self.field.lost,
            "wrong": {each: events[each] for each in ("error", "store-error", "quarantined") if events[each]},
            "virtual_seconds": round(LOOP.time()),
        }

    def of(self, ue):
        return next(each.loader for each in self.devices if each.ue == ue)


async def main(args):
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        story = Story(args.devices, args.loss, args.seed, folder)
        collect, gc.collect = (
            gc.collect,
            lambda: 0,
        )  # what a device does with its heap is no matter of this one
        try:
            await story.tell()
        finally:
            gc.collect = collect
    print(json.dumps(story.told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--loss", type=float, default=5, help="of a hundred datagrams (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    asyncio.set_event_loop(LOOP)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the tasks of a killed program end with it
    LOOP.run_until_complete(main(parser.parse_args()))
