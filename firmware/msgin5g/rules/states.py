# SPDX-License-Identifier: MIT
"""The states of a registration and of a message on its way out, and what each event makes of them: tables as
coap/compat.py has them, from which docs/states.md is drawn.

The tables of a topic and of a set of segments are where they are used, since a device may never need them.
"""

from coap.compat import after as after
from coap.compat import const
from coap.compat import word as word  # these two for those who read these tables

# Of the device or of its application, with a gateway and a server: clauses 6.3.1 to 6.3.5. "waiting": the gateway bulks
# it and will answer by itself. "leaving": stopped while a request is on the air; what that brings is given back.
# "discovering", "configuring": what comes before it is under way (rules/steps.py), "ready": that is done.
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
        "discovering",
        "configuring",
    ),
    b"abcdefbfij",
    "start granted bulked refused failed required deregistered expired stop left discover configure ready",
    b"b............"  # stopped
    b".fcde.e.g.ij."  # registering
    b".fcde.e.h.i.."  # waiting: the gateway may hand it in yet, so it is taken back
    b".fcde.e.g.ijb"  # refused
    b".fcde.e.g.ijb"  # unreachable
    b".ffdfbeeh...."  # registered: where a refresh fails, what was granted holds until it expires
    b"bh.......a..."  # leaving
    b"b........a..."  # de-registering
    b"...de...g..jb"  # discovering
    b"...de...g.i.b",  # configuring
)

# A message on its way out. "sending": it, or a segment of it, is on the air. "confirming": all segments are there, and
# SEGCONFIR is waited for. "accepted", "stored": a report is waited for; none is in "closed" and "shelved".
OUTGOING = (
    (
        "queued",
        "sending",
        "sent",
        "confirming",
        "accepted",
        "stored",
        "closed",
        "shelved",
        "delivered",
        "failed",
        "expired",
    ),
    b"acccefefijk",
    "goes closed back whole asked accepted stored shelved delivered failed expired",
    b"bg...efhijk"  # queued
    b".gcd.efhijk"  # sending
    b"bg.d.efhijk"  # sent: it goes out again, or the next segment does
    b".g.dcefhijk"  # confirming
    b".g....f.ij."  # accepted
    b".h......ij."  # stored
    b"..........."  # closed
    b"..........."  # shelved
    b"..........."  # delivered
    b"..........."  # failed
    b"...........",  # expired
)

FINAL = const(6)  # place of the first state that no event changes
