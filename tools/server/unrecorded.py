# SPDX-License-Identifier: MIT
"""Outcomes of deliveries that could not be recorded, because the store cannot be written just now.

They wait in memory, as many as were out to a recipient, and for that it stays busy until its outcome is recorded. So no
message is delivered again and again while a disk is full.
"""

from tools.wire.answers import Refusal

FIRST, LONGEST = 0.1, 60  # s, between two tries; doubled each time


class Unrecorded:
    """`record(push, outcome)` raises Refusal where it could not; `later(seconds, function)` is the loop's."""

    def __init__(self, record, later):
        self._record = record
        self._later = later
        self._waiting = []
        self._delay = FIRST
        self._timer = None

    def __len__(self):
        return len(self._waiting)

    def add(self, push, outcome):
        """Records it, now or as soon as that can be done."""
        if self._waiting or not self._recorded(push, outcome):
            self._waiting.append((push, outcome))
            self._again()

    def _recorded(self, push, outcome):
        try:
            self._record(push, outcome)
        except Refusal:
            return False
        return True

    def _again(self):
        if self._timer is None:
            self._timer = self._later(self._delay, self._try)

    def _try(self):
        self._timer = None
        before, self._waiting = self._waiting, []
        for at, (push, outcome) in enumerate(before):
            if not self._recorded(push, outcome):
                # The others are tried first next time: perhaps only this one fails.
                self._waiting = [*before[at + 1 :], before[at]]
                break
        if self._waiting:
            self._delay = FIRST if len(self._waiting) < len(before) else min(self._delay * 2, LONGEST)
            self._again()
        else:
            self._delay = FIRST

    def stop(self):
        if self._timer:
            self._timer.cancel()
