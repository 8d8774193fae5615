# SPDX-License-Identifier: MIT
"""The states of a message have names, given at one place."""

import ast
from pathlib import Path

import pytest

from tools.store import states

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "tools/store/states.py"
STATES = (states.QUEUED, states.STORED, states.HELD, states.QUARANTINED)
UNITS = (states.SEGMENT_SET, states.RECIPIENT)


def spelt(tree):
    """The lines where a state or a unit is spelt: an argument of `tell` is the name of an event, not a state."""
    told = {
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "").endswith("tell") and node.args
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
    text = "if row.state == 'held':\n    self.tell('stored')\nexecute(\"... state='queued'\")\n"
    assert sorted(spelt(ast.parse(text))) == [1, 3]
