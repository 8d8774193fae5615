# SPDX-License-Identifier: MIT
"""The system's clock is wrong and is set right, or the other way round: nothing ends early, nothing lasts longer than
was granted, while the gateway runs and over a restart."""

import pytest

from host_tests.gateway.rig import Rig
from tools.server.clock import JUMP, LONGEST_STOP, SteadyClock
from tools.store.clocktables import RECORDS, TIMES
from tools.store.store import Store

A, B = "ue:a", "ue:b"
YEAR = 365 * 86400
TODAY = 1_790_000_000.0


class Machine(Rig):
    """Its wall clock is set with `wall += ...`; time goes by with `now += ...`, for both clocks."""

    BEGIN = TODAY

    def __init__(self, store, wall=TODAY, **settings):
        self.wall, self.ticks = wall, 12.0
        self.gateway = None
        super().__init__(store, **settings)

    def clock(self):
        return SteadyClock(lambda: self.wall, lambda: self.ticks)

    @property
    def now(self):
        return self.gateway.clock() if self.gateway else self.wall

    @now.setter
    def now(self, value):
        if self.gateway:
            passed = value - self.now
            self.wall += passed
            self.ticks += passed

    def restart(self, off=0.0):
        """It is off for so long, and the machine too."""
        self.gateway.store.close()
        self.wall += off
        self.ticks = 1.0
        self.gateway = None
        self.start()
        self.pump()

    def registered(self):
        return [each["ue"] for each in self.gateway.snapshot()["registered"]]


@pytest.fixture
def machine(tmp_path):
    made = Machine(str(tmp_path / "g.db"))
    yield made
    made.gateway.store.close()


WHILE_IT_RUNS = [15 * YEAR, -15 * YEAR, 86400, -86400, 3600, -3600, 60, -60]
AT_A_START = [
    15 * YEAR,
    LONGEST_STOP + 60,
    -15 * YEAR,
    -86400,
    -60,
]  # less forward: that long it may have been off


def test_small_differences_are_followed_slowly_and_time_never_goes_back():
    wall, ticks = [TODAY], [0.0]
    clock = SteadyClock(lambda: wall[0], lambda: ticks[0])
    for apart in (JUMP, -JUMP):
        wall[0] += apart
        last = clock()
        for _ in range(4000):
            wall[0] += 1
            ticks[0] += 1
            assert clock.jump() == 0
            assert 0.99 <= clock() - last <= 1.01
            last = clock()
        assert clock() == pytest.approx(wall[0], abs=0.01)
    wall[0] += JUMP + 1
    assert clock.jump() == pytest.approx(JUMP + 1, abs=0.1)
    clock.step(JUMP + 1)
    assert clock() == pytest.approx(wall[0], abs=0.1) and clock.jump() == 0


@pytest.mark.parametrize(
    "restart, seconds", [(False, each) for each in WHILE_IT_RUNS] + [(True, each) for each in AT_A_START]
)
def test_what_was_granted_lasts_as_long(machine, restart, seconds):
    machine.register(A)
    machine.register(B, regExpTime=1000)
    machine.now += 10
    machine.pump()
    machine.register("ue:c")
    machine.send("ue:c", machine.own("ue:c", "DEREG"))
    stored = machine.msg(A, "ue:c", "wait", sfFlag=True)
    machine.send(A, stored)
    machine.now += 100
    machine.register(A)
    if restart:
        machine.restart(seconds)
    else:
        machine.wall += seconds
        machine.pump()
    assert machine.now == pytest.approx(machine.wall, abs=1)  # events have the right time at once
    (told,) = machine.events("clock-set")
    assert told["seconds"] == pytest.approx(seconds, abs=1)
    assert machine.registered() == [A, B]
    machine.now += 800  # of B's 1000, 110 had passed
    machine.pump()
    assert machine.registered() == [A, B]
    machine.now += 100
    machine.pump()
    assert machine.registered() == [A]
    machine.now += 80_000
    machine.pump()
    assert not machine.events("failed")
    machine.now += 86_400 - 80_000
    machine.pump()
    assert [record["msgId"] for record in machine.events("failed")] == [stored["msgId"]]


def test_while_the_gateway_is_off_time_goes_by(machine):
    machine.register(A)
    machine.register(B, regExpTime=1000)
    machine.restart(off=2000)
    assert machine.registered() == [A]
    assert machine.events("expired") and not machine.events("clock-set")
    machine.restart(off=2000)
    assert machine.registered() == []


def test_a_pause_and_a_delivery_that_is_out_survive_the_jump(machine):
    machine.register(A)
    machine.register(B)
    machine.send(A, machine.msg(A, B, "1"))
    machine.send(A, machine.msg(A, B, "2"))
    (out,) = machine.pushes()
    machine.wall -= 20 * YEAR
    machine.pump()
    machine.takes(out)
    machine.settle()
    assert [text for _, _, text in machine.heard[B]] == ["1", "2"]
    codes = [machine.ask(A, machine.msg(A, B, "more")).code for _ in range(20)]
    assert codes == ["2.04"] * 20  # and nobody comes too often


def test_the_clock_is_set_again_and_again(machine):
    machine.register(A, regExpTime=3000)
    for seconds in (20 * YEAR, -40 * YEAR, 3 * YEAR, 17 * YEAR) * 5:
        machine.wall += seconds
        machine.now += 100
        machine.pump()
        assert machine.registered() == [A]
    machine.now += 1001
    machine.pump()
    assert machine.registered() == []


def test_a_store_that_knows_no_time_yet(machine):
    """As an older program left it."""
    machine.register(A)
    machine.gateway.store._db.execute("DROP TABLE clock")
    machine.restart(off=100)
    assert machine.registered() == [A]
    machine.restart(off=-YEAR)
    assert machine.registered() == [A]


def test_no_time_of_the_store_is_forgotten(tmp_path):
    """A column of type REAL is a moment: it is set with the clock, or it is a record of what was."""
    store = Store(str(tmp_path / "g.db"))
    execute = store._db.execute
    found = {
        (table, column)
        for (table,) in execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        for _, column, kind, *_ in execute("PRAGMA table_info(%s)" % table).fetchall()
        if kind == "REAL"
    }
    store.close()
    known = {(table, column) for table, columns in TIMES.items() for column in columns}
    assert found == known | RECORDS
