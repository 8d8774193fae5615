# SPDX-License-Identifier: MIT
"""Machines of named states, each a table of what an event makes of a state.

A table has four parts: the states; for each of them, the place of the state whose name an application sees; the
events; and a line for each state, with the place that each event leads to. A place is a letter, `a` for the first
state. A dot means that the event changes nothing there.
"""


def word(table, state):
    """Return the word that an application sees for a state."""
    names = table[0]
    return names[table[1][names.index(state)] - 0x61]


def after(table, state, event):
    """Return the state that an event leads to, None where it means nothing in this one. Want no memory."""
    names, _, events, places = table
    place = places[names.index(state) * len(events) + events.index(event)]
    return None if place == 0x2E else names[place - 0x61]
