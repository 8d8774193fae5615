# SPDX-License-Identifier: MIT
"""Observation over a bad network and for long, in virtual time: what RFC 7641 section 1.3 calls eventual consistency.
A resource is an ever higher number, so that what is told must never fall, and must be the last one in the end.
"""

import coap
from coap.observe.sequence import Clock, Stored
from coap_scene import OTHER, PEER, octets
from common import Random, equal
from msgin5g import MemoryStorage
from observe_scene import Air, Served, Watcher

HOUR = 3600000
DAY = 86400000
THIRD = ("192.0.2.3", 5683)


def device(random):
    return coap.Endpoint(random=random.bytes)


def told_in_order(watcher):
    """Checks what was told, and keeps the last of it; gives how much it was."""
    told = [int(value) for value in watcher.told]
    equal(told, sorted(told))
    del watcher.told[:-1]
    return max(0, len(told) - 1)


def bounded(served):
    assert len(served.list) <= 4, len(served.list)
    for each in served.list._entries:
        assert len(each.mids) <= 4
    assert len(served.device._exchanges) <= 4, len(served.device._exchanges)
    assert len(served.device._queue) <= served.device.MAX_QUEUE


class World:
    """A server and two clients; 20 % of the datagrams are lost, one in ten comes twice, they overtake one another."""

    def __init__(self, seed, sequence=None, unconfirmed=5):
        self.random = Random(seed)
        self.sequence = sequence
        self.unconfirmed = unconfirmed
        self.value = 0
        self.told = [0, 0]
        self.watchers = [Watcher(device(self.random), PEER) for _ in range(2)]
        ends = {OTHER: self.watchers[0], THIRD: self.watchers[1]}
        self.air = Air(ends, self.random, loss=20, twice=10, latency=(20, 3000))
        self.start()

    def start(self):
        """The server starts, or starts again."""
        sequence = self.sequence() if self.sequence else None
        self.served = Served(
            sequence,
            self.air.now,
            device(self.random),
            unconfirmed=self.unconfirmed,
            unknown=sequence is None,
        )
        self.served.value = b"%d" % self.value
        self.air.ends[PEER] = self.served

    def change(self):
        self.value += 1
        self.served.value = b"%d" % self.value
        self.served.list.changed("/obs", self.air.now)

    def live(self, until, cut=0):
        """It changes at random; with `cut` the server loses its power now and then, at most once in so many ms."""
        dark = self.air.now + 60000
        while self.air.now < until:
            self.air.run(self.air.now + self.random.choice((50, 500, 2000, 8000, 30000)))
            self.change()
            bounded(self.served)
            for index, watcher in enumerate(self.watchers):
                self.told[index] += told_in_order(watcher)
            del self.air.sent[:]
            if cut and self.air.now > dark:
                dark = self.air.now + 10000 + self.random.below(cut)
                self.air.run(self.air.now + self.random.below(5000))
                self.start()

    def end(self):
        """Nothing changes any more: all know it, once the last state that came is stale (75 s), or has been given up
        (93 s), a few times in a row."""
        before = self.value
        self.air.run(self.air.now + 600000)
        for watcher in self.watchers:
            told_in_order(watcher)
            equal(watcher.value, b"%d" % before)


def test_an_hour_with_loss():
    for seed in range(3):
        world = World(seed, uncertain)
        world.live(HOUR)
        world.end()
        assert min(world.told) > 100, world.told
        stats = world.served.list.stats
        assert stats["notified"] > 200 and stats["skipped"] > 0, stats


def test_an_hour_with_loss_all_confirmable():
    world = World(11, uncertain, unconfirmed=0)
    world.live(HOUR)
    world.end()


def uncertain():
    """A clock that stands still."""
    return Clock(lambda: 0)


def test_an_hour_of_power_cuts_with_stored_numbers():
    storage = MemoryStorage()
    world = World(21, lambda: Stored(storage))
    world.live(HOUR, cut=100000)
    world.end()


def test_an_hour_of_power_cuts_with_a_clock():
    world = World(31)
    world.sequence = lambda: Clock(lambda: 5000 + world.air.now)
    world.start()
    world.live(HOUR, cut=100000)
    world.end()


def test_an_hour_of_power_cuts_with_nothing_to_tell_numbers_by():
    for seed in (41, 42, 43):
        world = World(seed)
        world.live(HOUR, cut=600000)
        world.end()


class Strict:
    """A client that does with each response what section 3.4 says, the first ones of a registration too, since it keeps
    its token over a restart of the server; `told` is what was newer, as (tick, payload)."""

    def __init__(self):
        self.number = self.tick = None
        self.told = []

    def take(self, datagrams, now):
        """Gives the message IDs of those that are to be acknowledged."""
        acknowledge = []
        for datagram in datagrams:
            message = coap.decode(datagram)
            if message.type == coap.CON:
                acknowledge.append(message.mid)
            number = message.uint(coap.OBSERVE)
            ahead = None if self.number is None else number - self.number
            if ahead is None or 0 < ahead < 1 << 23 or ahead < -(1 << 23) or now > self.tick + 128000:
                self.number, self.tick = number, now
                self.told.append((now, bytes(message.payload)))
        return acknowledge


class Numbers:
    known = True

    def __init__(self, next):
        self.next = next

    def next_number(self):
        self.next = (self.next + 1) & 0xFFFFFF
        return self.next


def restarted(sequence, unknown=False):
    """A client has number 5,001 when the server starts again at 2 s. It asks again at 12 s, and at 13 s the resource
    changes, for the last time; what the client takes for newer."""
    client = Strict()
    first = Served(Numbers(5000))
    client.take(first.register(), 1000)
    equal(client.told, [(1000, b"0")])
    second = Served(sequence, 2000, unknown=unknown)
    second.value = b"2"
    client.take(second.register("7002", now=12000), 12000)
    out = [(13000, each) for each in second.change(b"3", 13000)]
    while second.device.next_deadline() < 200000:
        for tick, datagram in out:
            for mid in client.take([datagram], tick):
                second.hear("60 00 %04x" % mid, tick)
        tick = second.device.next_deadline()
        out = second.run(tick)
    return client.told[1:]


def test_numbers_after_a_restart():
    # newer ones are told at once
    equal(restarted(Numbers(6000)), [(12000, b"2"), (13000, b"3")])
    storage = MemoryStorage()
    sequence = Stored(storage)
    for _ in range(5010):
        sequence.next_number()
    equal(restarted(Stored(storage)), [(12000, b"2"), (13000, b"3")])
    equal(restarted(Clock(lambda: 12000)), [(12000, b"2"), (13000, b"3")])
    # what this is for: older ones are lost, and the client does not have the last state
    equal(restarted(Numbers(100)), [])


def test_numbers_that_nothing_is_known_of():
    # These begin at 2, so that the response is lost on the client. After 128 s all is newer (section 3.4), and before
    # that nothing is sent: it gets the last state 128,001 ms after the start
    equal(restarted(None, unknown=True), [(130001, b"3")])


def test_thirteen_days():
    """A tick comes round in 6.2 days. One client stays, another one goes away after a day and a half."""
    random = Random(7)
    served = Served(device=device(random))
    served.options = [(coap.MAX_AGE, octets("015180"))]  # a day
    stays, goes = [Watcher(device(random), PEER) for _ in range(2)]
    air = Air({PEER: served, OTHER: stays, THIRD: goes}, random)
    count = []
    for day in range(26):
        served.value = b"%d" % day
        served.list.changed("/obs", air.now)
        for _ in range(6):
            air.run((air.now + DAY // 12) & 0x1FFFFFFF)
        if day == 2:
            air.dead = THIRD
        equal(stays.value, b"%d" % day)
        count.append(len(served.list))
        assert len(air.sent) < 40, len(air.sent)
        del air.sent[:]
    # it is confirmable at last after five changes, half a day each
    equal(count[:3] + count[-18:], [2] * 3 + [1] * 18)
    # and where nothing changes, after a day
    goes = Watcher(device(random), PEER)
    air.ends[THIRD] = goes
    air.dead = None
    air.run((air.now + 10000) & 0x1FFFFFFF)
    equal(len(served.list), 2)
    air.dead = THIRD
    for _ in range(13):
        air.run((air.now + DAY // 12) & 0x1FFFFFFF)
    equal(len(served.list), 1)
