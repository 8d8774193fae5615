# SPDX-License-Identifier: MIT
"""The states of what has some, and what each event makes of them. docs/states.md is drawn from these tables.

A table has the states, the word that an application sees for each, the events, and for each state a line with a digit
for each event: the place of the state that it leads to. A dot: the event means nothing there, and changes nothing.
"""

# Of the device or of its application, with a gateway and a server: clauses 6.3.1 to 6.3.5. "waiting": the gateway bulks
# it and will answer by itself. "leaving": stopped while a request is on the air; what that brings is given back.
REGISTRATION = (
    (
        "stopped",
        "registering",
        "waiting",
        "refused",
        "unreachable",
        "registered",
        "leaving",
        "de-registering",
    ),
    (
        "stopped",
        "registering",
        "waiting",
        "refused",
        "unreachable",
        "registered",
        "registering",
        "registered",
    ),
    (
        "start",
        "granted",
        "bulked",
        "refused",
        "failed",
        "required",
        "deregistered",
        "expired",
        "stop",
        "left",
    ),
    "1........."  # stopped
    ".5234.4.6."  # registering
    ".5234.4.6."  # waiting
    ".5234.4.6."  # refused
    ".5234.4.6."  # unreachable
    ".55351447."  # registered: where a refresh fails, what was granted holds until it expires
    "17.......0"  # leaving
    "1........0",  # de-registering
)

# A message on its way out. An event may be its end: `final` tells that, and then none means anything.
OUTGOING = (
    ("queued", "sent", "accepted", "stored", "delivered", "failed", "expired"),
    ("queued", "sent", "accepted", "stored", "delivered", "failed", "expired"),
    ("sent", "accepted", "stored", "delivered", "failed", "expired"),
    "123456"  # queued
    "123456"  # sent: on the air, or some of its segments were
    ".2345."  # accepted: the end where no report is waited for
    "..345."  # stored: the same
    "......"  # delivered
    "......"  # failed
    "......",  # expired
)

# A topic: clause 6.6. "resuming": from before a restart. "postponed": refused after it was granted; the device asks
# again, from time to time.
SUBSCRIPTION = (
    ("subscribing", "resuming", "subscribed", "postponed", "unsubscribing", "refused", "unsubscribed"),
    ("subscribing", "subscribing", "subscribed", "refused", "unsubscribing", "refused", "unsubscribed"),
    ("subscribe", "unsubscribe", "granted", "refused", "ended"),
    ".425."  # subscribing
    "0423."  # resuming
    ".423."  # subscribed
    "0423."  # postponed
    "0...6"  # unsubscribing
    "0...."  # refused
    "0....",  # unsubscribed
)

# A set of segments on its way in: clause 6.5.1.2. "asking": a SEGREC waits or is on the air, or the device has not
# begun after a restart; no gap is counted until that ends. "dropped": given up, or it has no room.
SEGMENTS = (
    ("gathering", "asking", "taken", "dropped"),
    ("", "", "", ""),
    ("gap", "asked", "taken", "dropped"),
    "1.23"  # gathering
    ".023"  # asking
    "...."  # taken
    "....",  # dropped
)


def word(table, state):
    """Return the word that an application sees for a state."""
    return table[1][table[0].index(state)]


def after(table, state, event):
    """Return the state that an event leads to, None where it means nothing in this one."""
    names, _, events, places = table
    place = places[names.index(state) * len(events) + events.index(event)]
    return None if place == "." else names[int(place)]
