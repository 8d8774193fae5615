# SPDX-License-Identifier: MIT
"""What was promised and what became of it: each message of a worker's devices from the moment it was sent, until its
Application Server has it and its device the report.

An entry goes when both is done. What comes after that, or was never sent, came twice.
"""

import collections
from dataclasses import dataclass

CAUSES = 50  # kinds of refusal that are counted apart
OTHER = "other causes"
TIMES = ("accepted", "message", "report", "report of one asleep")
GIVEN_UP = 10_000  # messages that no server has accepted are known for so long: one may have heard of it all the same


@dataclass
class Entry:
    began: float
    asleep: bool
    accepted: bool = False
    came: bool = False
    final: bool = False
    reported: bool = False


class Ledger:
    """`counts` of all that happened, `refused` by cause. `time(name, seconds)` hears each of the TIMES."""

    def __init__(self, time):
        self.counts = collections.Counter()
        self.refused = collections.Counter()
        self._time = time
        self._entries = {}
        self._given_up = collections.deque()

    def sent(self, message_id, now, asleep=False):
        self.counts["sent"] += 1
        self._entries[message_id] = Entry(now, asleep)

    def stands(self, message_id, state, final, cause, now):
        """A message of a device is in this state now."""
        entry = self._entries.get(message_id)
        if entry is None:
            return
        if state in ("accepted", "stored", "delivered") and not entry.accepted:
            entry.accepted = True
            self.counts["accepted"] += 1
            self._time("accepted", now - entry.began)
        if not final:
            return
        entry.final = True
        if state == "delivered":
            entry.reported = True
            self.counts["reported"] += 1
            self._time(TIMES[3] if entry.asleep else "report", now - entry.began)
        elif not entry.accepted:
            self._refuse(cause or state)
            self._given_up.append(message_id)
            if len(self._given_up) > GIVEN_UP:
                self._entries.pop(self._given_up.popleft(), None)
        else:
            self.counts["failed"] += 1
            self._refuse("accepted, then " + (cause or state))
        self._settle(message_id, entry)

    def came(self, message_id, now):
        """An Application Server has it."""
        entry = self._entries.get(message_id)
        if entry is None or entry.came:
            self.counts["doubled"] += 1
            return
        entry.came = True
        self.counts["came"] += 1
        self._time("message", now - entry.began)
        self._settle(message_id, entry)

    def _refuse(self, cause):
        self.counts["refused"] += 1
        if cause not in self.refused and len(self.refused) >= CAUSES:
            cause = OTHER
        self.refused[cause] += 1

    def _settle(self, message_id, entry):
        if entry.came and entry.reported:
            del self._entries[message_id]

    @property
    def open(self):
        """Messages of which more is to come."""
        return sum(not each.final or each.accepted and not each.came for each in self._entries.values())

    def close(self):
        """The counts at the end. Lost is what was accepted and did not come, or came and its report did not."""
        for each in self._entries.values():
            self.counts["lost"] += each.accepted and not each.came
            self.counts["reports_lost"] += each.accepted and each.came and not each.reported
            self.counts["unanswered"] += not each.accepted and not each.final
        return {"counts": self.counts, "refused": self.refused}
