# SPDX-License-Identifier: MIT
"""A device of the load: the firmware's own protocol core on a UDP socket, in real time, in a greenlet of its own.

All that the network does to its datagrams, and when it sends, follows from the seed and the device's number. What the
core draws at random is the system's: message IDs and tokens are new in each run.
"""

import collections
import heapq
import random
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT / "firmware") not in sys.path:  # at the end: its modules must not hide one that another needs
    sys.path.append(str(ROOT / "firmware"))

from coap.compat import ticks_diff  # noqa: E402
from msgin5g import Client, Config, MemoryStorage  # noqa: E402
from msgin5g.errors import Error  # noqa: E402
from tools.impair import PROFILES, Fates  # noqa: E402

TICKS = 1 << 29
CHANGED = 2  # of msgin5g.events
OUT = 4  # messages of one device that are under way at once
WINDOWS = {"interval": 30, "duration": 10}  # s, of one that sleeps
LONGEST = 1.0  # s without a look at whether it is to end


class Device:
    """`plan` is what the master gave to its worker, `keys` its section `security`, `ledger` hears of its messages."""

    def __init__(self, number, keys, plan, ledger):
        self._random = random.Random("%d/%d" % (plan["seed"], number))
        self._plan, self._ledger = plan, ledger
        self._to = plan["servers"][number % len(plan["servers"])]
        config = {"role": "client", "ue_service_id": name(number), "peer": plan["coap"], "security": keys}
        self.sleeps = self._random.random() * 100 < plan["windows"]
        if self.sleeps:
            config["availability"] = WINDOWS
        self.client = Client(Config(config), MemoryStorage(), clock=lambda: int(time.time()))
        self.network = collections.Counter()
        profile = PROFILES[plan["network"]]
        self._out = Fates(profile, "%d/%d/out" % (plan["seed"], number), False, self.network)
        self._in = Fates(profile, "%d/%d/in" % (plan["seed"], number), True, self.network)
        self._under_way = []  # heap of (arrival, order, octets, to the device)
        self._order = 0
        self._open = set()  # message IDs that have not ended
        self._socket = None
        self._bind()

    def _bind(self):
        if self._socket is not None:
            self._socket.close()
        host, port = self.client.peer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, port))

    @property
    def _tick(self):
        return int(time.monotonic() * 1000) % TICKS

    @property
    def listens(self):
        """Whether it is awake: one with windows hears nothing outside of them."""
        return not self.sleeps or self.client.procedure("availability").listens

    def run(self, drains, ends):
        """Send, until `drains()`, and go on until all of it has ended, or `ends()`."""
        self.client.start(self._tick)
        next_send = time.monotonic() + self._pause() * self._random.random()
        counted = False
        while not ends():
            if self.client.registered and not counted:
                counted = True
                self._ledger.counts["registered"] += 1
            now = time.monotonic()
            draining = drains()
            if draining and not self._open:
                break
            if not draining and now >= next_send:
                next_send = max(next_send + self._pause(), now)
                self._send(now)
            self.pump()
            self._hear(self._due(now + LONGEST if draining else min(next_send, now + LONGEST)))
        self._socket.close()
        self._ledger.counts["lost_by_network"] += self.network["lost"]

    def _pause(self):
        return self._random.expovariate(1 / self._plan["every"])

    def _send(self, now):
        if not self.client.registered or len(self._open) >= OUT:
            self._ledger.counts["put_off"] += 1
            return
        text = "x" * self._plan["octets"]
        try:
            made = self.client.send(self._to, text, self._tick, to_type="AS", report=True, store_forward=True)
        except Error:  # its outbox is full
            self._ledger.counts["put_off"] += 1
            return
        self._open.add(made.message_id)
        self._ledger.sent(made.message_id, now, self.sleeps)

    def pump(self):
        """Take all that the core has to say."""
        client = self.client
        while client.take(self._tick) is not None:
            pass
        while (item := client.outgoing()) is not None:
            self._pass_on(self._out, bytes(item[0]))
        while (event := client.next_event()) is not None:
            if event[0] == CHANGED:
                made = event[1]
                self._ledger.stands(made.message_id, made.state, made.final, made.cause, time.monotonic())
                if made.final:
                    self._open.discard(made.message_id)

    def _pass_on(self, fates, octets):
        if fates is self._out and fates.rebinds():
            self._bind()
        for arrival, copy in fates.next(octets, time.monotonic() * 1000):
            self._order += 1
            heapq.heappush(self._under_way, (arrival / 1000, self._order, copy, fates is self._in))

    def _due(self, latest):
        """Seconds until something is to be done."""
        if self._under_way:
            latest = min(latest, self._under_way[0][0])
        deadline = self.client.next_deadline()
        now = time.monotonic()
        if deadline is not None:
            latest = min(latest, now + ticks_diff(deadline, self._tick) / 1000)
        return max(latest - now, 0.001)

    def _hear(self, seconds):
        """Wait for a datagram, but no longer; then do what is due."""
        self._socket.settimeout(seconds)
        try:
            self._pass_on(self._in, self._socket.recv(65535))
        except TimeoutError:
            pass
        except OSError:  # nobody listens at that port: as good as lost
            self._ledger.counts["unheard"] += 1
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, _, octets, to_device = heapq.heappop(self._under_way)
            if to_device:
                self._receive(octets)
            else:
                self._emit(octets)
        deadline = self.client.next_deadline()
        if deadline is not None and ticks_diff(deadline, self._tick) <= 0:
            self.client.poll(self._tick)

    def _receive(self, octets):
        if self.listens:
            self.client.receive(octets, self.client.peer, self._tick)
        else:
            self._ledger.counts["slept_through"] += 1

    def _emit(self, octets):
        self._ledger.counts["datagrams"] += 1
        try:
            self._socket.send(octets)
        except OSError:
            self._ledger.counts["unheard"] += 1


def name(number):
    return "ue:load-%06d@example.org" % number
