# SPDX-License-Identifier: MIT
"""The states of what has some, and what each event makes of them. docs/states.md is drawn from these tables.

A row is a state, the word that an application sees for it, and (event, state after it) for each event that means
something there. An event that a row lacks changes nothing.
"""

# Of the device or of its application, with a gateway and a server: clauses 6.3.1 to 6.3.5.
_ASKED = (
    ("granted", "registered"),
    ("bulked", "waiting"),
    ("refused", "refused"),
    ("failed", "unreachable"),
    ("deregistered", "unreachable"),
    ("stop", "leaving"),
)
REGISTRATION = (
    ("stopped", "stopped", ("start", "registering")),
    ("registering", "registering") + _ASKED,
    ("waiting", "waiting") + _ASKED,  # the gateway bulks it and will answer by itself
    ("refused", "refused") + _ASKED,
    ("unreachable", "unreachable") + _ASKED,
    (
        "registered",
        "registered",
        ("granted", "registered"),
        ("bulked", "registered"),
        ("failed", "registered"),  # a refresh: what was granted holds until it expires
        ("refused", "refused"),
        ("required", "registering"),
        ("deregistered", "unreachable"),
        ("expired", "unreachable"),
        ("stop", "de-registering"),
    ),
    # stopped while a request is on the air: what it brings is given back
    ("leaving", "registering", ("start", "registering"), ("granted", "de-registering"), ("left", "stopped")),
    ("de-registering", "registered", ("start", "registering"), ("left", "stopped")),
)

# A message on its way out. The last four events are the end: `final` tells that, and then none means anything.
_SENDING = (
    ("sent", "sent"),
    ("accepted", "accepted"),
    ("stored", "stored"),
    ("delivered", "delivered"),
    ("failed", "failed"),
    ("expired", "expired"),
)
_REPORTING = (
    ("stored", "stored"),
    ("delivered", "delivered"),
    ("failed", "failed"),
)
OUTGOING = (
    ("queued", "queued") + _SENDING,
    ("sent", "sent") + _SENDING,  # on the air, or some of its segments were
    ("accepted", "accepted", ("accepted", "accepted")) + _REPORTING,  # the end where no report is waited for
    ("stored", "stored") + _REPORTING,  # the same
    ("delivered", "delivered"),
    ("failed", "failed"),
    ("expired", "expired"),
)

# A topic: clause 6.6.
SUBSCRIPTION = (
    (
        "subscribing",
        "subscribing",
        ("granted", "subscribed"),
        ("refused", "refused"),
        ("unsubscribe", "unsubscribing"),
    ),
    # from before a restart
    (
        "resuming",
        "subscribing",
        ("granted", "subscribed"),
        ("refused", "postponed"),
        ("subscribe", "subscribing"),
        ("unsubscribe", "unsubscribing"),
    ),
    (
        "subscribed",
        "subscribed",
        ("granted", "subscribed"),
        ("refused", "postponed"),
        ("unsubscribe", "unsubscribing"),
    ),
    # refused after it was granted: the device asks again, from time to time
    (
        "postponed",
        "refused",
        ("granted", "subscribed"),
        ("refused", "postponed"),
        ("subscribe", "subscribing"),
        ("unsubscribe", "unsubscribing"),
    ),
    ("unsubscribing", "unsubscribing", ("subscribe", "subscribing"), ("ended", "unsubscribed")),
    ("refused", "refused", ("subscribe", "subscribing")),
    ("unsubscribed", "unsubscribed", ("subscribe", "subscribing")),
)

# A set of segments on its way in: clause 6.5.1.2.
SEGMENTS = (
    ("gathering", "", ("gap", "asking"), ("dropped", "dropped"), ("taken", "taken")),
    # A SEGREC waits or is on the air, or the device has not begun after a restart: no gap is counted until that ends.
    ("asking", "", ("asked", "gathering"), ("dropped", "dropped"), ("taken", "taken")),
    ("taken", ""),  # a message of the inbox now
    ("dropped", ""),  # given up, or it has no room
)


def row_of(table, state):
    """Return the row of a state."""
    for row in table:
        if row[0] == state:
            return row


def after(table, state, event):
    """Return the state that an event leads to, None where it means nothing in this one."""
    for cell in row_of(table, state)[2:]:
        if cell[0] == event:
            return cell[1]
    return None
