# SPDX-License-Identifier: MIT
"""What a round of work begins is what a look at everything would begin: whatever came before it, and whatever failed.

A round looks at recipients and segment sets that something has changed for, or whose time has come. The oracle looks at
all of them, in a transaction that is undone.
"""

import contextlib
import random

import pytest

from host_tests.gateway.server.test_decisions import Bench, msg, own
from tools.server.delivery import turns
from tools.wire.identity import Peer

GATEWAY, ASLEEP = "ue:gw", "ue:asleep"
BEHIND = ("ue:b1", "ue:b2", "ue:b3")
PLAIN = ("ue:1", "ue:2")
UES = (*PLAIN, ASLEEP, GATEWAY, *BEHIND)
SERVER = "as:x"
ALL = ()  # in the keys of a Touched: everything


class Undone(Exception):
    pass


def begun_by_all(bench, now):
    """The Pushes that a look at everything begins; nothing of it stays: the next round is none that looks at
    everything."""
    told, pushes = len(bench.told), []
    looks = [*bench.server.turns.watched, bench.server._procedures["segments"]._touched]
    before = [dict(each._keys) for each in looks]
    with pytest.raises(Undone), bench.store.transaction():
        bench.server.changed()
        pushes += bench.server.work(now)
        raise Undone
    for each, keys in zip(looks, before, strict=True):
        if ALL not in keys:  # that one was told of something is not undone
            dict.pop(each._keys, ALL, None)
        assert each._keys == keys
    del bench.told[told:]
    return pushes


def expect_all_begun(bench):
    """After a round of work: a look at everything begins nothing, now and until the next round is due."""
    assert begun_by_all(bench, bench.now) == []
    due = bench.server.deadline(bench.now)
    later = bench.now + 1000 if due is None else min(due - 0.001, bench.now + 1000)
    assert begun_by_all(bench, max(later, bench.now)) == []


class World(Bench):
    def __init__(self):
        super().__init__(retry_min=2, retry_max=20, segment_gap=3, aggregate=1, hold=30)
        self.out, self.number = [], 0
        for ue in (*UES[:3], GATEWAY):
            self.do_register(ue, 0)
        self.ask(
            peer(GATEWAY), own("BREG", GATEWAY, totalRegCount=3, regList=[own("REG", ue) for ue in BEHIND])
        )
        body = {"asSvcId": SERVER, "targetUri": "http://192.0.2.99/"}
        self.server.application_servers.register(body, self.now)

    def do_register(self, ue, profile):
        profiles = ({}, {"segWindow": 4, "maxSegSize": 64}, {"maxSegSize": 40})
        more = {"comAvail": {"schTime": 0, "durTime": 4, "periIndi": True, "periInterval": 30}}
        self.ask(
            peer(ue),
            own("REG", ue, regExpTime=60, cliProfile=profiles[profile] | (more if ue == ASLEEP else {})),
        )

    def do_leave(self, ue):
        self.ask(peer(ue), own("DEREG", ue))

    def do_msg(self, ue, to, size, stored):
        kind = "AS" if to == SERVER else "UE"
        self.ask(peer(ue), msg(ue, to, "x" * size, kind, sfFlag=stored))

    def do_as_msg(self, ue):
        self.number += 1
        origin, target = {"addrType": "AS", "addr": SERVER}, {"addrType": "UE", "addr": ue}
        body = {
            "oriAddr": origin,
            "destAddr": target,
            "msgId": msg(ue, ue)["msgId"],
            "stoAndFwInd": False,
            "payload": "hi",
        }
        self.server.application_servers.message(body, self.now)

    def do_segment(self, ue, to, number):
        self.number += 1
        params = {"segId": "s%d" % (self.number % 3), "segNumb": number, "totalSegCount": 3}
        self.ask(peer(ue), msg(ue, to, "part %d" % number, isSegmented=True, segParams=params))

    def do_answer(self, place, code, max_age):
        if self.out:
            self.outcome(self.out.pop(place % len(self.out)), code, "", max_age)

    def do_pass(self, seconds):
        self.now += seconds

    def do_clock(self, seconds):
        """As the running program does it."""
        self.store.shift_times(seconds)
        self.now += seconds
        self.server.clock_set(seconds)

    def do_fail(self):
        """A round of work whose transaction cannot be committed has begun nothing."""
        with pytest.raises(Undone), self.store.transaction():
            self.server.work(self.now)
            raise Undone

    def do_fail_outcome(self, code):
        if self.out:
            with pytest.raises(Undone), self.store.transaction():
                self.outcome(self.out[0], code)
                raise Undone

    def do_elsewhere(self, ue):
        """Another process has de-registered a UE, of which the triggers of this connection do not tell."""
        for (name,) in self.store._db.execute("SELECT name FROM temp.sqlite_master").fetchall():
            self.store._db.execute("DROP TRIGGER temp." + name)
        self.store._db.execute("UPDATE registration SET expires=0 WHERE ue=?", (ue,))
        self.server._deliveries._notice()
        self.server._procedures["segments"]._notice()
        self.server.changed()

    def step(self, name, *arguments):
        with self.store.transaction() if name not in ("fail", "fail_outcome") else contextlib.nullcontext():
            getattr(self, "do_" + name)(*arguments)

    def work(self):
        with self.store.transaction():
            self.out += self.server.work(self.now)

    def work_all(self):
        self.work()
        expect_all_begun(self)
        assert self.events("quarantined") == self.events("error") == []


def peer(ue):
    """UEs behind the gateway are where it is."""
    return Peer("192.0.2.%d" % (UES.index(GATEWAY if ue in BEHIND else ue) + 1), 40000)


def steps(rng):
    """What happens next."""

    def of(*names):
        return rng.choice(names)

    ue, to, code = of(*UES), of(*UES, SERVER), of("2.04", "2.04", "2.04", "", "5.03", "4.04", "5.04", "4.13")
    sent = ("msg", ue, to, of(5, 200, 3000), of(True, False))
    answered = ("answer", rng.randrange(10), code, of(None, None, 7))
    return of(
        ("register", ue, rng.randrange(3)),
        ("leave", ue),
        sent,
        sent,
        ("as_msg", ue),
        ("segment", ue, of(*UES), rng.randint(1, 3)),
        answered,
        answered,
        ("pass", of(0.5, 1, 2, 3, 10, 40)),
        ("clock", of(-5000, 30, 100000)),
        ("fail",),
        ("fail_outcome", code),
        ("elsewhere", ue),
    )


@pytest.mark.parametrize("part", range(4))
def test_what_is_touched_is_all_that_can_begin(monkeypatch, part):
    monkeypatch.setattr(turns, "THROUGH", 2)  # so that some wait for their gateway
    for seed in range(20 * part, 20 * part + 20):
        rng, world = random.Random(seed), World()
        world.work_all()
        for _ in range(60):
            world.step(*steps(rng))
            if rng.random() < 0.5:
                world.work_all()
        world.work_all()


def test_a_sender_behind_a_gateway_is_asked_though_another_process_wrote_while_it_waited():
    world = World()
    world.work()
    world.step("segment", BEHIND[0], PLAIN[1], 1)
    world.step("pass", 0.5)
    world.step("msg", PLAIN[0], BEHIND[1], 5, True)
    world.step("pass", 1)  # as long as others are waited for
    world.work()
    world.step("answer", 0, "", None)  # the gateway is silent: all behind it wait for 2 s or more
    world.step("pass", 1.6)
    world.work()  # 3 s after the segment, the next one is asked for
    assert not world.out
    with world.store.transaction():
        world.server.changed()
    kinds = set()
    for _ in range(6):
        world.work()
        kinds |= {push.kind for push in world.out}
        while world.out:
            world.step("answer", 0, "2.04", None)
        world.step("pass", 0.5)
    assert kinds == {"MSG", "SEGREC"}
