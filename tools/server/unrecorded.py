# SPDX-License-Identifier: MIT
"""Outcomes of deliveries that could not be recorded, because the store cannot be written just now.

They wait in memory, as many as were out to a recipient, and for that it stays busy until its outcome is recorded. So no
message is delivered again and again while a disk is full.
"""

from tools.wire.answers import Refusal

FIRST, LONGEST = 0.1, 60  # s, between two tries; doubled each time


class Unrecorded:
    """`await record(push, outcome)` raises Refusal where it could not; `later(seconds, coroutine_function)` is the
    loop's."""

    def __init__(self, record, later):
        self._record = record
        self._later = later
        self._waiting = []
        self._delay = FIRST
        self._timer = None
        self._trying = False

    def __len__(self):
        return len(self._waiting)

    async def add(self, push, outcome):
        """Records it, now or as soon as that can be done."""
        if self._waiting or not await self._recorded(push, outcome):
            self._waiting.append((push, outcome))
            self._again()

    async def _recorded(self, push, outcome):
        try:
            await self._record(push, outcome)
        except Refusal:
            return False
        return True

    def _again(self):
        if self._timer is None and not self._trying:
            self._timer = self._later(self._delay, self._try)

    async def _try(self):
        self._timer, self._trying = None, True
        count = len(self._waiting)
        try:
            for _ in range(count):
                if not await self._recorded(*self._waiting[0]):
                    # The others are tried first next time: perhaps only this one fails.
                    self._waiting.append(self._waiting.pop(0))
                    break
                del self._waiting[0]
        finally:
            self._trying = False
        if self._waiting:
            self._delay = FIRST if len(self._waiting) < count else min(self._delay * 2, LONGEST)
            self._again()
        else:
            self._delay = FIRST

    def stop(self):
        if self._timer:
            self._timer.cancel()
