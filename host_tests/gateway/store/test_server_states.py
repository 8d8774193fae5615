# SPDX-License-Identifier: MIT
"""The states of a message have names, given at one place; each event makes of each what `states` says."""

import ast
from pathlib import Path

import pytest

from host_tests.gateway.scripted import SERVICE
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, both, msg, own
from tools.store import states
from tools.store.states import HELD, MESSAGE, QUARANTINED, QUEUED, STORED

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "tools/store/states.py"
STATES = (QUEUED, STORED, HELD, QUARANTINED)
UNITS = (states.SEGMENT_SET, states.RECIPIENT)


def spelt(tree):
    """The lines where a state or a unit is spelt: an argument of `emit` is the name of an event, not a state."""
    told = {
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "").endswith("emit") and node.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in told:
            quoted = any("'%s'" % state in node.value for state in STATES)
            if node.value in (*STATES, *UNITS, states.FAILED) or quoted:
                yield node.lineno


@pytest.mark.parametrize("room", ["store", "server"])
def test_each_is_spelt_once(room):
    files = [path for path in (ROOT / "tools" / room).rglob("*.py") if path != HOME]
    assert len(files) > 10
    found = [(path.name, line) for path in files for line in spelt(ast.parse(path.read_text()))]
    assert found == []


def test_it_sees_one_that_is_spelt():
    text = "if row.state == 'held':\n    self.emit('stored')\nexecute(\"... state='queued'\")\n"
    assert sorted(spelt(ast.parse(text))) == [1, 3]


# ---- state x event ---------------------------------------------------------------------------------------------------

HOLD, KEEP = 100, 1000
SET = "aabbccdd00112233"
GONE = None


class Walk:
    """A message of A to B, in segments, in one of the states."""

    def __init__(self, state):
        self.bench = bench = both(hold=HOLD, keep=KEEP, lifetime=10 * KEEP)
        for number in (1, 2):
            head = msg(A, B, "part%d" % number, sfFlag=True, msgId="00000000-0000-4000-8000-000000000001")
            params = {"segId": SET, "segNumb": number, "totalSegCount": 2}
            assert bench.code(HERE, head | {"isSegmented": True, "segParams": params}) == "2.04"
        self.confirm_to_originator()
        (self.id,) = bench.store.ids(("UE", B), QUEUED)
        bench.take()  # the first segment: the second one is what a queued message waits for
        if state == STORED:
            self.leaves()
        elif state == HELD:
            bench.take()
        elif state == QUARANTINED:
            self.raises()
        assert self.state() == state

    def confirm_to_originator(self):
        pushes = self.bench.work()
        assert [push.kind for push in pushes] == ["SEGCONFIR", "MSG"]
        self.bench.outcome(pushes[0])
        self.bench.outcome(pushes[1], "5.03")
        self.bench.now += 10

    def state(self):
        row = self.bench.store.message(self.id)
        return row and row.state

    def leaves(self):
        assert self.bench.code(THERE, own("DEREG", B)) == "2.04"

    def registers(self):
        self.bench.register(B, THERE)

    def last_segment(self):
        for push in self.bench.work(10):
            self.bench.outcome(push)

    def recovery(self):
        body = {"msgIden": SERVICE, "msgType": "SEGREC", "segId": SET, "segNoList": "(1-1)"}
        self.bench.ask(THERE, body)

    def confirmation(self):
        body = {"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": SET, "result": True}
        self.bench.ask(THERE, body)

    def hold_over(self):
        self.bench.now += HOLD
        self.bench.server.work(self.bench.now)

    def life_over(self):
        self.bench.now += KEEP
        self.bench.server.work(self.bench.now)

    def raises(self):
        self.bench.server.isolation.set_aside(MESSAGE, self.id, KeyError("x"), self.bench.now)

    def retry(self):
        for aside in self.bench.server.quarantine.listed():
            self.bench.server.quarantine.retry(aside["id"], self.bench.now)


# TS 24.538 clause 6.4.1.2.6 for a recipient that leaves and registers, 6.5.3 for the requests about segments; the
# quarantine of docs/gateway.md, "What is set aside". What is not named changes nothing.
CELLS = {
    (QUEUED, "leaves"): STORED,
    (QUEUED, "last_segment"): HELD,
    (QUEUED, "confirmation"): GONE,
    (QUEUED, "life_over"): GONE,
    (QUEUED, "raises"): QUARANTINED,
    (STORED, "registers"): QUEUED,
    (STORED, "life_over"): GONE,
    (STORED, "raises"): QUARANTINED,
    (HELD, "recovery"): QUEUED,
    (HELD, "confirmation"): GONE,
    (HELD, "hold_over"): GONE,
    (HELD, "life_over"): GONE,
    (HELD, "raises"): QUARANTINED,
    (QUARANTINED, "retry"): QUEUED,
    (QUARANTINED, "life_over"): GONE,
}
EVENTS = ("leaves", "registers", "last_segment", "recovery", "confirmation", "hold_over", "life_over")
EVENTS += ("raises", "retry")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", STATES)
def test_each_event_makes_of_each_state_what_is_said(state, event):
    walk = Walk(state)
    getattr(walk, event)()
    assert walk.state() == CELLS.get((state, event), state)
