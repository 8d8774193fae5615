# SPDX-License-Identifier: MIT
"""The states of what has some, and what each event makes of them: tables as coap/states.py has them, from which
docs/states.md is drawn.
"""

from coap.states import after as after  # for those who read these tables
from coap.states import word as word

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
    b"b........."  # stopped
    b".fcde.e.g."  # registering
    b".fcde.e.g."  # waiting
    b".fcde.e.g."  # refused
    b".fcde.e.g."  # unreachable
    b".ffdfbeeh."  # registered: where a refresh fails, what was granted holds until it expires
    b"bh.......a"  # leaving
    b"b........a",  # de-registering
)

# A message on its way out. An event may be its end: `final` tells that, and then none means anything.
OUTGOING = (
    ("queued", "sent", "accepted", "stored", "delivered", "failed", "expired"),
    ("queued", "sent", "accepted", "stored", "delivered", "failed", "expired"),
    ("sent", "accepted", "stored", "delivered", "failed", "expired"),
    b"bcdefg"  # queued
    b"bcdefg"  # sent: on the air, or some of its segments were
    b".cdef."  # accepted: the end where no report is waited for
    b"..def."  # stored: the same
    b"......"  # delivered
    b"......"  # failed
    b"......",  # expired
)

# A topic: clause 6.6. "resuming": from before a restart. "postponed": refused after it was granted; the device asks
# again, from time to time.
SUBSCRIPTION = (
    ("subscribing", "resuming", "subscribed", "postponed", "unsubscribing", "refused", "unsubscribed"),
    ("subscribing", "subscribing", "subscribed", "refused", "unsubscribing", "refused", "unsubscribed"),
    ("subscribe", "unsubscribe", "granted", "refused", "ended"),
    b".ecf."  # subscribing
    b"aecd."  # resuming
    b".ecd."  # subscribed
    b"aecd."  # postponed
    b"a...g"  # unsubscribing
    b"a...."  # refused
    b"a....",  # unsubscribed
)

# A set of segments on its way in: clause 6.5.1.2. "asking": a SEGREC waits or is on the air, or the device has not
# begun after a restart; no gap is counted until that ends. "dropped": given up, or it has no room.
SEGMENTS = (
    ("gathering", "asking", "taken", "dropped"),
    ("", "", "", ""),
    ("gap", "asked", "taken", "dropped"),
    b"b.cd"  # gathering
    b".acd"  # asking
    b"...."  # taken
    b"....",  # dropped
)
