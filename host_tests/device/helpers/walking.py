# SPDX-License-Identifier: MIT
"""Walking through a table of states: each state against each event."""

from common import equal

SAME = None  # the event means nothing


def walk(names, expected, reach, events):
    """Every cell: `expected` has (state, states after the events in their order)."""
    equal(list(names), [row[0] for row in expected])
    for row in expected:
        for position, event in enumerate(events):
            thing = reach(row[0])
            equal((row[0], "before", stands(thing)), (row[0], "before", row[0]))
            event(thing)
            wanted = row[0] if row[1 + position] is SAME else row[1 + position]
            equal((row[0], position, stands(thing)), (row[0], position, wanted))


def stands(thing):
    for name in ("_stands", "stands", "state"):
        if hasattr(thing, name):
            return getattr(thing, name)
