# SPDX-License-Identifier: MIT
"""A month of a device in minutes: a message a minute, a bad network, outages, reboots and power cuts.

Everything is counted by message number, in a few octets a message, so that the heap of the run itself says
whether the device's heap is flat.
"""

from coap.compat import earliest, ticks_diff
from common import Random
from life import AFTER, UE, CutStorage, PowerCut, Server
from msgin5g import Client, Config, MemoryStorage, OutboxFull

_MINUTE = 60000
_LOSS = 2  # % of datagrams
_INBOUND = 10  # minutes between two messages to the device
_UNSURE = 0x80  # mark of a number whose send() or take() a cut interrupted: 0 and 1 are both right


class Soak:
    """`days` of one message a minute out and one in ten minutes in.

    `out` and `taken` count, by message number, how often it arrived at the other side; `refused` the
    times that send() said OutboxFull (the application tries again the next minute); `outage` minutes.
    """

    def __init__(self, days, seed=1):
        self.minutes = days * 1440
        self.out = bytearray(self.minutes)
        self.taken = bytearray(self.minutes // _INBOUND + 1)
        self.reported = bytearray(len(self.taken))
        self.refused = self.restarts = self.outage = self.cuts = 0
        self.most_files = self.most_octets = 0
        self.storage = CutStorage(MemoryStorage())
        self._random = Random(seed)
        self._server = Server(self._accept, self._report, self._lost)
        self._now = 0
        self._dark_until = 0
        self._next = 0  # message number that the application sends next
        self._config = Config(
            {"role": "client", "ue_service_id": UE, "peer": "coap://192.0.2.1", "security": {"mode": "none"}}
        )
        self.device = None
        self._boot()

    def _accept(self, message_id, value):
        self.out[int(value.split()[1])] += 1

    def _report(self, message_id):
        self.reported[int(message_id[3:])] |= 1

    def _lost(self, now):
        return ticks_diff(self._dark_until, now) > 0 or self._random.chance(_LOSS)

    def _boot(self):
        self.storage.restore_power()
        while True:
            try:
                self.device = Client(self._config, self.storage, Random(self.restarts + 77).bytes)
                self.device.start(self._now)
                return
            except PowerCut:
                self._after_cut()

    def _after_cut(self):
        self.cuts += 1
        self.restarts += 1
        self.storage.restore_power()

    def run(self, watch=None):
        """`watch(minute)` is called once a simulated day."""
        for minute in range(self.minutes):
            if watch and minute % 1440 == 0:
                watch(minute)
            self._weather(minute)
            if minute % _INBOUND == 0:
                number = minute // _INBOUND
                self._server.message("in-%d" % number, "reading %d" % number, number % 2 == 0)
            self._send(minute)
            self._until((minute + 1) * _MINUTE)
        self._dark_until = self._now
        for _ in range(60):  # the backlog, then retries and reports
            self._send(self.minutes - 1)
            self._until(self._now + _MINUTE * 10)
        if watch:
            watch(self.minutes)

    def _weather(self, minute):
        """Outages of minutes to two days, reboots every few hours, power cuts between."""
        random = self._random
        if ticks_diff(self._dark_until, self._now) <= 0:
            length = 0
            if random.chance(0.02) and minute < self.minutes - 3000:
                length = 1440 + random.below(1440)
            elif random.chance(0.3):
                length = 2 + random.below(120)
            self.outage += length
            self._dark_until = self._now + length * _MINUTE
        if random.chance(0.4):
            self.restarts += 1
            self._boot()
        elif random.chance(0.2):
            self.storage.plan(self.storage.writes + random.below(6), random.below(AFTER + 1))

    def _send(self, minute):
        while self._next <= minute:
            try:
                self.device.send(
                    "as:x", "reading %d" % self._next, self._now, to_type="AS", report=self._next % 4 == 0
                )
            except OutboxFull:
                self.refused += 1
                return
            except PowerCut:
                # Taken or not, the application does not know; it counts this one as taken and goes on.
                self.out[self._next] |= _UNSURE
                self._after_cut()
                self._boot()
            self._next += 1

    def _until(self, end):
        while True:
            try:
                while self._server.step(self.device, self._now):
                    self._take()
                while self.device.next_event():
                    pass
                deadline = earliest(self.device.next_deadline(), self._server.next_deadline())
                if deadline is None or ticks_diff(deadline, end) >= 0:
                    self._now = end
                    self.device.poll(end)
                    break
                if ticks_diff(deadline, self._now) > 0:
                    self._now = deadline
                self.device.poll(self._now)
            except PowerCut:
                self._after_cut()
                self._boot()
        files = self.storage.names()
        self.most_files = max(self.most_files, len(files))
        self.most_octets = max(self.most_octets, self.device.journal.octets)

    def _take(self):
        while True:
            inbox = self.device.inbox
            first = inbox[0].message_id if inbox else None
            try:
                message = self.device.take(self._now)
            except PowerCut:
                self.taken[int(first[3:])] |= _UNSURE
                raise
            if message is None:
                return
            self.taken[int(message.message_id[3:])] += 1

    def check(self):
        """Nothing lost, nothing twice; only what a cut left unsure may be missing."""
        assert self._next == self.minutes, (self._next, self.minutes)
        inbound = range((self.minutes + _INBOUND - 1) // _INBOUND)
        for name, counts in (("out", self.out), ("in", self.taken[: len(inbound)])):
            twice = [number for number, times in enumerate(counts) if times & 0x7F > 1]
            assert not twice, "%s, twice: %s" % (name, twice)
            lost = [number for number, times in enumerate(counts) if times == 0]
            assert not lost, "%s, lost: %s" % (name, lost)
        assert not [n for n in inbound if n % 2 == 0 and not self.reported[n]], "a report is missing"
        assert not self.device.outbox.queue and not self.device.outbox.waiting and not self.device.inbox
