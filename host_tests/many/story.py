# SPDX-License-Identifier: MIT
"""Many devices, a server and two Gateway UEs, all of them as they are, in virtual time:
`python -m host_tests.many.story --devices 1000` tells what became of every message, and what it took.

A third of the devices speaks to the server itself, a third through either gateway. 5 of 100 datagrams between devices
and programs are lost, and the server and a gateway are killed while messages are under way.
"""

from host_tests.many import virtual

LOOP = virtual.begin()

import argparse  # noqa: E402
import asyncio  # noqa: E402
import collections  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import resource  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

from host_tests.many.field import Field, name  # noqa: E402
from host_tests.many.programs import Programs  # noqa: E402

TOPIC = "weather"
GROUPS, MEMBERS = 5, 100
MEMORY = Path("/dev/shm")  # where a disk is memory: what is measured is no disk


def group(number):
    return "group:%d@example.org" % number


def kind(number):
    """What a device is configured to be: a fifth of them sleeps most of the time, a seventh joins its messages."""
    found = {"gateway_service": True} if number % 3 else {}
    if number % 5 == 4:
        found["availability"] = {"interval": 300, "duration": 20}
    if joins(number):
        found["aggregation"] = {"wait": 1}
    return found


def joins(number):
    return number % 7 == 0


class Story:
    """What is told of it: `told`."""

    def __init__(self, devices, loss, seed, folder):
        self.count, self.told = devices, {"devices": devices}
        self.field = Field(loss, seed)
        self.programs = Programs(folder, open=True, lifetime=86400, pending_each=200, ues=devices + 2)
        self.devices, self.sent = [], []
        self.looked = self.slept = 0  # at devices with windows, each second; how many of them did not listen
        self._began = virtual.really()

    async def tell(self):
        programs = self.programs
        programs.provision(
            {name(number): number % 3 - 1 for number in range(self.count) if number % 3},
            {
                group(number): [name(each) for each in range(number, self.count, GROUPS)][:MEMBERS]
                for number in range(GROUPS)
            },
        )
        for each in ("server", 0, 1):
            await programs.begin(each)
        await self.until(lambda: programs.events["registered"] >= 2, "the gateways are registered")
        memory = [_memory()]
        for number in range(self.count):
            if number == self.count // 2:
                memory.append(_memory())
            way = ("server", 0, 1)[number % 3]
            self.devices.append(self.field.add(number, peer=programs.peer(way), **kind(number)))
            await asyncio.sleep(0.02)
        first, half, last = *memory, _memory()
        self.told["octets_a_device"] = (last - first) // self.count
        self.told["octets_of_a_half"] = half - first, last - half
        await self.until(lambda: all(each.client.registered for each in self.devices), "all are registered")
        await self.messages()
        await self.topic()
        await self.group()
        self.finish()
        self.field.close()
        await programs.end()

    async def messages(self):
        """Each to another one, while the server and a gateway are killed."""
        for round_, victim in enumerate(("server", 0)):
            for device in self.devices:
                to = name((device.number * 7 + 1 + round_) % self.count)
                for _ in range(3 if joins(device.number) else 1):
                    self.give(device, (to,), "round %d" % round_, to)
                if device.number == self.count // 2:
                    await self.programs.kill(victim)
                    await asyncio.sleep(30)
                    await self.programs.begin(victim)
                await asyncio.sleep(0.02)
        await self.until(lambda: all(each.final for _, _, each in self.sent), "all messages have ended")

    async def topic(self):
        """A tenth is subscribed; three of those say something to all of them."""
        subscribed = self.devices[3::10]
        done = [each.call("topics", "subscribe", TOPIC) for each in subscribed]
        await self.until(lambda: all(each.state == "subscribed" for each in done), "all are subscribed")
        await self.to_all(subscribed, "TOPIC", TOPIC)

    async def group(self):
        """Of each group three members say something to all of them."""
        for number in range(GROUPS):
            await self.to_all(self.devices[number::GROUPS][:MEMBERS], "GROUP", group(number))

    async def to_all(self, members, kind, address):
        before = len(self.sent)
        for device in members[:3]:
            to = [each.ue for each in members if each is not device]
            self.give(device, to, "to all", address, to_type=kind)
        given = self.sent[before:]
        texts = {text for _, text, _ in given}
        wanted = sum(len(to) for to, _, _ in given)

        def have_it():
            came = {(each.number, text) for each in members for _, text in each.inbox if text in texts}
            return len(came) == wanted and not self.unreported(given)

        await self.until(have_it, "all have it: " + address)

    def give(self, device, to, text, address, **more):
        """A message of the device's; `to` are all who must have it, once."""
        text = "%s %d" % (text, len(self.sent))
        made = device.send(address, text, report=True, store_forward=True, **more)
        self.sent.append((to, text, made))

    def wanted(self):
        return collections.Counter((ue, text) for to, text, _ in self.sent for ue in to)

    def came(self):
        return collections.Counter((each.ue, text) for each in self.devices for _, text in each.inbox)

    def unreported(self, sent):
        """How many reports on messages to many have not come."""
        return sum(max(0, len(to) - made.reports["success"]) for to, _, made in sent if made.reports)

    def disordered(self):
        """How many messages were given to an application behind one that their sender had sent it later."""
        found = 0
        for device in self.devices:
            latest = {}
            for sender, text in device.inbox:
                number = int(text.rpartition(" ")[2])
                found += number < latest.get(sender, number)
                latest[sender] = number
        return found

    async def until(self, holds, what, seconds=7200):
        end = LOOP.time() + seconds
        windows = [each for each in self.devices if each.config.get("availability") is not None]
        while not holds():
            if LOOP.time() >= end:
                raise SystemExit("not within %d s: %s; %s" % (seconds, what, json.dumps(self.finish())))
            self.looked += len(windows)
            self.slept += sum(not each.listens for each in windows)
            await asyncio.sleep(1)

    def finish(self):
        came, wanted = self.came(), self.wanted()
        events = self.programs.events
        took = virtual.really() - self._began
        self.told |= {
            "ended": dict(collections.Counter(each.state for _, _, each in self.sent)),
            "causes": dict(collections.Counter(each.cause for _, _, each in self.sent if each.cause)),
            "lost": sum((wanted - came).values()),
            "twice": sum((came - wanted).values()),
            "out_of_order": self.disordered(),
            "unreported": self.unreported(self.sent),
            "joined": self.field.joined,
            "asleep": round(self.slept / max(self.looked, 1), 2),
            "kills": self.programs.kills,
            "datagrams": self.field.sent + self.field.received,
            "datagrams_lost": self.field.lost,
            "unheard": self.field.unheard,
            "wrong": {each: events[each] for each in ("error", "store-error", "quarantined") if events[each]},
            "events": sum(events.values()),
            "events_a_second": round(sum(events.values()) / took),
            "virtual_seconds": round(LOOP.time()),
            "seconds": round(took, 1),
        }
        return self.told


def _memory():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


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
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--loss", type=float, default=5, help="of a hundred datagrams (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    asyncio.set_event_loop(LOOP)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the tasks of a killed program end with it
    LOOP.run_until_complete(main(parser.parse_args()))
