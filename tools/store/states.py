# SPDX-License-Identifier: MIT
"""What the words of the store are called: where a message stands, and what of it can be set aside by itself.

A message of the table `message` is in one of four states:

| state | waits for | and becomes |
| --- | --- | --- |
| QUEUED | its turn to be sent | STORED when its recipient goes away; HELD when the last of its segments was taken |
| STORED | its recipient to register | QUEUED when it does (TS 24.538 clause 6.4.1.2.6: store and forward) |
| HELD | the SEGCONFIR of its recipient, or its report | QUEUED when a SEGREC asks for segments again (clause 6.5.3) |
| QUARANTINED | somebody to look at what went wrong | QUEUED when it is to be tried again |

Whatever its state, it is QUARANTINED when its handling raises. Its end is no state: the row is gone. A segment set on
its way in has no states: it is unfinished, or gone.
"""

QUEUED = "queued"
STORED = "stored"
HELD = "held"
QUARANTINED = "quarantined"

FAILED = "failed"  # of a message that is refused where it would be queued: it never becomes a row

# Conditions of SQL for the table `message`: spelt out, for a parameter would cost at each look.
IS_QUEUED = "state='%s'" % QUEUED
IS_STORED = "state='%s'" % STORED
IS_HELD = "state='%s'" % HELD
IS_WELL = "state<>'%s'" % QUARANTINED
IS_MORTAL = "state NOT IN ('%s', '%s')" % (HELD, QUARANTINED)  # its time of expiry is what ends it

# Units of `server.isolation`. Those that have a row can be moved to the quarantine, and are named so there; the others
# rest in memory.
MESSAGE = "message"
SEGMENT_SET = "segment set"
REGISTRATION = "registration"
RECIPIENT = "recipient"
ASIDE = "quarantine"  # one of what is set aside
TRIGGER = "trigger"  # of a UE
MONITORING = "monitoring"  # of a UE
STEP = "step"  # one of the work, by its name
HELD_REQUEST = "held request"  # at a Gateway UE
OWED = "owed response"  # of it to a UE
UPDATE = "update"  # of a device, in a job
FETCH = "held fetch"  # of a UE that waits for its configuration there
