# SPDX-License-Identifier: MIT
"""A week of the server with many devices, in virtual time and without a socket: what it keeps, day by day.
`python -m host_tests.many.week --devices 10000` tells it.

Each device registers twice a day and sends some messages, to others, to an Application Server or to a topic, now and
then in segments, of which some never come to an end. A hundredth of the requests to them is not answered, some wait for
devices that are away. Each day a twentieth of the devices is gone for ever and others come, and so do Application
Servers.
"""

import argparse
import heapq
import json
import random
import sqlite3
import tempfile
import time
import uuid
from pathlib import Path

from host_tests.gateway.scripted import SERVICE
from tools.server.delivery.pushes import DONE, LATER, Outcome
from tools.server.flood import Again, Flood
from tools.server.server import Server
from tools.server.settings import Settings
from tools.store.engine.transactions import Kept
from tools.store.store import Store
from tools.wire.identity import Peer

DAY = 86400
BEGIN = 1_000_000.0
MEMORY = Path("/dev/shm")  # where a disk is memory: what is measured is no disk


class Week:
    """`live(days)` tells of each day the pages of the store, those of them that are free, its rows, and what the server
    has in memory."""

    def __init__(self, devices, messages, seed, folder):
        self.count, self.messages = devices, messages
        self.random = random.Random(seed)
        self.now = BEGIN
        self.store = Store(str(folder) + "/week.db")
        self.store._db.execute("PRAGMA synchronous=OFF")
        settings = Settings(open=True, lifetime=DAY, ues=devices + devices // 20, rate=1e9)
        self.events = {}
        self.server = Server(self.store, settings, self._hear, rng=self.random)
        self._do(self.server.start)
        self.names = ["ue:%d" % number for number in range(devices)]
        self.made = devices
        self.agenda = []
        self.servers = []

    def _hear(self, event, **fields):
        self.events[event] = self.events.get(event, 0) + 1

    def _do(self, function, *arguments):
        with self.store.transaction():
            return function(*arguments, self.now)

    def peer(self, name):
        number = int(name[3:])
        return Peer("10.%d.%d.%d" % (number >> 16, number >> 8 & 255, number & 255), 5683)

    def ask(self, name, kind, **members):
        head = {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": name}}
        octets = json.dumps(head | members).encode()
        return self._do(self.server.request, self.peer(name), 50, octets)

    # ---- what happens ------------------------------------------------------------------------------------------------

    def live(self, days):
        """What is kept, day by day."""
        for day in range(days):
            self._plan(BEGIN + day * DAY)
            while self.agenda:
                when, _, what, name = heapq.heappop(self.agenda)
                self._until(when)
                what(name)
                self._work()
            self._until(BEGIN + (day + 1) * DAY)
            yield self._look()

    def _plan(self, begin):
        """What the devices do within a day."""
        away = set(self.random.sample(range(self.count), self.count // 20))
        for place in away:  # another one in the place of one that is never heard again
            self.names[place] = "ue:%d" % self.made
            self.made += 1
        for name in self.names:
            for _ in range(self.messages):
                self._at(begin, self._message, name)
            self._at(begin, self._register, name, 0, 0.1)
            self._at(begin, self._register, name, 0.5, 0.6)
        for number in range(max(2, self.count // 100)):
            self._at(begin, self._enter, "as:%d.%d" % (begin, number))

    def _at(self, begin, what, name, first=0.1, last=1.0):
        when = begin + self.random.uniform(first, last) * DAY
        heapq.heappush(self.agenda, (when, self.random.random(), what, name))

    def _until(self, when):
        """Time goes on: what is due is done."""
        while (due := self.server.deadline(self.now)) is not None and due <= when:
            self.now = max(due, self.now)
            self._work()
        self.now = when

    def _work(self):
        for push in self._do(self.server.work):
            silent = self.random.random() < 0.01
            outcome = Outcome(LATER, "no answer", answered=False) if silent else Outcome(DONE, "2.04")
            self._do(self.server.outcome, push, outcome)
            if push.kind == "MSG" and push.target.type == "UE" and not silent:
                self._report(push)

    def _report(self, push):
        if push.body.get("isDelivStatReq"):
            origin = push.body["oriAddr"]
            to = {"destAddrType": origin["oriAddrType"], "addr": origin["addr"]}
            self.ask(push.target.id, "IMDN", destAddr=to, msgId=push.body["msgId"], DelSta="success")

    def _register(self, name):
        self.ask(name, "REG", cliProfile={"maxSegSize": 1024})
        if (
            int(name[3:]) % max(10, self.count // 20) == 0
        ):  # some twenty, for each gets a copy of each message
            octets = json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": name}}).encode()
            self._do(self.server.topic, self.peer(name), ["news"], 0, 50, octets)

    def _enter(self, name):
        body = {"asSvcId": name, "targetUri": "http://127.0.0.1/%s" % name[3:]}
        registration, _ = self._do(self.server.application_servers.register, body)
        self.servers.append(name)
        if len(self.servers) > 5:
            self.servers.pop(0)
            self._do(self.server.application_servers.deregister, registration)

    def _message(self, name):
        chance = self.random.random()
        if chance < 0.03:
            kind, to = "TOPIC", "news"
        elif chance < 0.5 and self.servers:
            kind, to = "AS", self.random.choice(self.servers)
        else:
            kind, to = "UE", self.random.choice(self.names)
        body = {
            "destAddr": {"destAddrType": kind, "addr": to},
            "msgId": str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
            "sfFlag": True,
            "isDelivStatReq": True,
            "payload": "x" * self.random.randrange(200),
        }
        if self.random.random() < 0.05:
            self._segments(name, body)
        else:
            self.ask(name, "MSG", **body)

    def _segments(self, name, body):
        """Three, of which the last one does not come where it is not to."""
        set_id = "%016x" % self.random.getrandbits(64)
        for number in range(1, self.random.choice((3, 4))):
            params = {"segId": set_id, "segNumb": number, "totalSegCount": 3, "lastSegFlag": number == 3}
            self.ask(name, "MSG", **body, isSegmented=True, segParams=params)

    # ---- what is kept ------------------------------------------------------------------------------------------------

    def _look(self):
        execute = self.store._db.execute
        tables = [row[0] for row in execute("SELECT name FROM sqlite_master WHERE type='table'")]
        rows = {name: execute("SELECT count(*) FROM %s" % name).fetchone()[0] for name in tables}
        return {
            "pages": execute("PRAGMA page_count").fetchone()[0],
            "free": execute("PRAGMA freelist_count").fetchone()[0],  # of these, that nothing lies in
            "rows": {name: count for name, count in sorted(rows.items()) if count},
            "memory": _entries(self.server),
        }

    def close(self):
        self.store.close()


def _entries(thing, found=None):
    """How many things there are in what an object of the server keeps. Not counted is who was heard last: 1024 of
    them, each in the place of the one that is silent for longest."""
    found = set() if found is None else found
    if id(thing) in found or isinstance(
        thing, sqlite3.Connection | Store | Kept | Flood | Again | type | str | bytes
    ):
        return len(thing) if isinstance(thing, Kept) else 0
    found.add(id(thing))
    if isinstance(thing, dict):
        return len(thing) + sum(_entries(each, found) for each in list(thing.values()))
    if isinstance(thing, list | tuple | set | frozenset):
        return len(thing) + sum(_entries(each, found) for each in list(thing))
    if type(thing).__module__.startswith("tools.server"):
        return (
            sum(_entries(each, found) for each in vars(thing).values()) if hasattr(thing, "__dict__") else 0
        )
    return 0


def week(devices, messages=2, days=7, seed=1, tell=lambda day: None):
    """What was kept after each day, which `tell` hears at once, and the events of all of them."""
    told = []
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        made = Week(devices, messages, seed, folder)
        try:
            for day in made.live(days):
                told.append(day)
                tell({"day": len(told)} | day)
        finally:
            made.close()
    return told, made.events


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--messages", type=int, default=2, help="of each a day (%(default)s)")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began = time.process_time()
    _, events = week(
        args.devices, args.messages, args.days, args.seed, lambda day: print(json.dumps(day), flush=True)
    )
    print(json.dumps({"events": events, "seconds": round(time.process_time() - began, 1)}))


if __name__ == "__main__":
    main()
