# SPDX-License-Identifier: MIT
"""What one message costs the server: from the MSG of a registered device to the answer of its Application Server, with
all the work that goes with it, on a store in a file, without sockets. How it grows with what is there besides.

Two counts are exact, steps of SQLite's machine and calls of Python functions; time of the processor is a ratio, the
median of turns: some messages there, and as many in a world with few devices that has seen as many before. So both find
the computer as busy, and the store as old.
"""

import gc
import itertools
import random
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

from tools.bench import Row
from tools.server.delivery.pushes import DONE, LATER, Outcome
from tools.server.server import Server
from tools.server.settings import SERVICE, Settings
from tools.store.opening import open_store
from tools.store.states import QUEUED, STORED
from tools.store.tables import DATA
from tools.wire import bodies
from tools.wire.bodies import Address
from tools.wire.identity import Peer
from tools.wire.segments import Assembly

FEW, MANY = 100, 10_000
LOADS = {"back-off": 5_000, "open sets": 1_000, "stored": 19_000}
SENDER, SERVER = "ue:sender@example.org", "as:weather@example.org"
HERE = Peer("192.0.2.1", 40000)
COUNTED = 10  # messages
# Of each turn: what its sender sent before is tidied up at each 31st (`SeenTables.remember`).
MEASURED = 62
TURNS = 45


def measure():
    with tempfile.TemporaryDirectory() as folder:
        places = map(Path(folder).joinpath, map(str, itertools.count()))

        def rows(what, limit, devices=FEW, loads=None):
            few, world = World(next(places), FEW), World(next(places), devices, loads)
            return _rows(what, limit, world, few)

        yield from rows("a message at 1,000 devices", None, 1_000)
        yield from rows(f"a message at {MANY:,} devices", "flat.registered", MANY)
        for name, count in LOADS.items():
            yield from rows(f"a message with {count:,} {name}", None, loads={name: count})
        yield from rows("a message with all of these", "flat.loaded", loads=LOADS)


def _rows(what, limit, world, few):
    """Time and counts of one message, as many times what they are with few devices and nothing else."""
    # before anything else: one in so many messages has more to do
    counts, fewer = world.counts(), few.counts()
    yield Row(what, round(times(world, few), 2), "times", limit, kind="ratio")
    for name, value, base in zip(("steps of SQLite", "calls of Python"), counts, fewer, strict=True):
        yield Row(f"  {name}", value, "a message", kind="exact")
        yield Row(f"  of those at {FEW} devices", round(value / base, 2), "times", limit, kind="exact")
    for each in (world, few):
        each.store.close()


def times(world, few):
    """How many times the processor's time a message takes in this world of what it takes in the other one."""
    for each in (world, few):
        each.seconds()  # what is slow for the first time
    return statistics.median(world.seconds() / few.seconds() for _ in range(TURNS))


class World:
    """A Server on the store of this name, with so many devices that are registered, and what else is there by LOADS."""

    def __init__(self, path, devices, loads=None):
        self.devices, self.now = devices, 1_000_000.0
        self.store = open_store(str(path))
        self.settings = Settings(
            sets_all=10**6, pending_all=10**6, retry_min=3600, retry_max=3600, segment_gap=1
        )
        self.server = Server(self.store, self.settings, rng=random.Random(1))
        self._number = 0
        loads = {name: 0 for name in LOADS} | (loads or {})
        with self.store.transaction():
            self.server.start(self.now)
            self._register(max(devices - 1, loads["back-off"]), range(loads["back-off"]))
            self._open_sets(loads["open sets"])
            self._store_messages(loads["stored"])
        with self.store.transaction():  # each gets one, and does not take it
            for push in self.server.work(self.now):
                self.server.outcome(push, Outcome(LATER, "5.03", 3600), self.now)
        self.now += 2
        for _ in range(3):  # what is looked at once
            self.message()

    def _register(self, count, in_back_off):
        for name in (SENDER, *map("ue:%d@example.org".__mod__, range(count))):
            self.store.add_device(name)
            port = HERE.port if name == SENDER else 1024 + self._number % 60000
            peer = HERE if name == SENDER else Peer("198.51.100.%d" % (self._number % 250), port)
            self.store.register(name, peer, self.now, self.now + 3600, None, {})
            self._number += 1
        for number in in_back_off:
            self._add("ue:%d@example.org" % number, QUEUED)
        body = {"asSvcId": SERVER, "targetUri": "http://192.0.2.2/"}
        self.server.application_servers.register(body, self.now)

    def _open_sets(self, count):
        """Of senders that are away: nothing can be asked of them."""
        for number in range(count):
            body = {"destAddr": bodies.destination(Address("AS", SERVER)), "msgId": self._id()}
            set_ = self.store.open_set("ue:away-%d" % number, "%d" % number, body["msgId"], body, self.now)
            self.store.add_segment(set_.id, 1, "x" * 100, body, self.now)
            self.store.save_assembly(set_.id, Assembly(self.now, 3, {1}, 0))

    def _store_messages(self, count):
        for number in range(count):
            self._add("ue:stored-%d" % (number // 20), STORED)

    def _add(self, to, state):
        head = {"msgType": "MSG", "msgId": self._id(), "destAddr": bodies.destination(Address("UE", to))}
        origin = Address("AS", SERVER)
        self.store.add(DATA, "MSG", Address("UE", to), origin, head, ["x" * 20], state, self.now + 80000)

    def _id(self):
        self._number += 1
        return str(uuid.UUID(int=self._number, version=4))

    def message(self):
        """One message, as the running program has it: an event, and a round of work after each."""
        body = {
            "msgIden": SERVICE,
            "msgType": "MSG",
            "oriAddr": bodies.origin(Address("UE", SENDER)),
            "destAddr": bodies.destination(Address("AS", SERVER)),
            "msgId": self._id(),
            "sfFlag": False,
            "payload": "x" * 100,
        }
        octets = bodies.encode(body)
        self.now += 0.01
        with self.store.transaction():
            answer = self.server.request(HERE, 50, octets, self.now)
        (push,) = self._work()
        with self.store.transaction():
            self.server.outcome(push, Outcome(DONE, "204"), self.now)
        if answer.code != "2.04" or self._work():
            raise RuntimeError("a message that was not taken, or more than one: %s" % answer.code)

    def _work(self):
        with self.store.transaction():
            pushes = self.server.work(self.now)
        self.server.deadline(self.now)
        return pushes

    def seconds(self):
        """Of the processor, for MEASURED messages."""
        gc.collect()
        began = time.process_time()
        for _ in range(MEASURED):
            self.message()
        return time.process_time() - began

    def counts(self):
        """(steps of SQLite's machine or ways to PostgreSQL and back, calls of Python functions) of one message, the
        mean of COUNTED."""
        counts = [0, 0]

        def step():
            counts[0] += 1

        def call(frame, event, argument):
            counts[1] += event == "call" and frame.f_code is not step.__code__

        count_steps = getattr(self.store._db, "set_progress_handler", None)
        sent = getattr(self.store._db, "sent", 0)
        if count_steps:
            count_steps(step, 1)
        sys.setprofile(call)
        try:
            for _ in range(COUNTED):
                self.message()
        finally:
            sys.setprofile(None)
            if count_steps:
                count_steps(None, 0)
        counts[0] += getattr(self.store._db, "sent", 0) - sent
        return tuple(count / COUNTED for count in counts)
