# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Machines of named states, each a table of what an event makes of a state.

A table has four parts: the states; for each of them, the place of the state whose name an application sees; the
events, with a space between; and a line for each state, with the place that each event leads to. A place is a letter,
`a` for the first state. A dot means that the event changes nothing there.

The events are one string, which costs a heap less than a tuple of them. So no name may be a part of one before it.
"""
def word(table, state):
    """Return the word that an application sees for a state."""
def after(table, state, event):
    """Return the state that an event leads to, None where it means nothing in this one. Want no memory."""
