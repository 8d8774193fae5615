# SPDX-License-Identifier: MIT
"""Machines of named states, each a table of what an event makes of a state.

A table has the states, the word that an application sees for each, the events, and for each state a line with a letter
for each event: the place of the state that it leads to, `a` for the first. A dot: the event means nothing there, and
changes nothing.
"""


def word(table, state):
    """Return the word that an application sees for a state."""
    return table[1][table[0].index(state)]


def after(table, state, event):
    """Return the state that an event leads to, None where it means nothing in this one. Want no memory."""
    names, _, events, places = table
    place = places[names.index(state) * len(events) + events.index(event)]
    return None if place == 0x2E else names[place - 0x61]
