# SPDX-License-Identifier: MIT
"""When each of many things is due: the next one is found at once, however many there are."""

import heapq
import itertools
from math import inf

from tools.store.engine.transactions import GONE, Kept

_SPARE = 64  # entries that may be outdated, beyond as many as there are good ones


class _Heap:
    """What both kinds of deadlines share; a dict {key: time} with a heap beside it."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._numbers = itertools.count()  # of entries with one time the first one comes first
        self._heap = []  # (time, number, key): the time of each key, and entries that are outdated

    def __setitem__(self, key, time):
        if self.get(key) != time:
            super().__setitem__(key, time)
            self._push(key, time)

    def _push(self, key, time):
        if time != inf:
            heapq.heappush(self._heap, (time, next(self._numbers), key))
        if len(self._heap) > 2 * len(self) + _SPARE:
            self._heap = [(time, next(self._numbers), key) for key, time in self.items() if time != inf]
            heapq.heapify(self._heap)

    def first(self):
        """When the next one is due, or None."""
        while self._heap and self.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now):
        """The keys that are due by now, in the order of their times; they are not in here any more."""
        taken = []
        while (time := self.first()) is not None and time <= now:
            taken.append(self._heap[0][2])
            del self[taken[-1]]
        return taken

    def shift(self, seconds):
        """The clock was set by so many seconds. Not in a transaction."""
        for key, time in list(self.items()):
            dict.__setitem__(self, key, time + seconds)
        self._heap = []
        for key, time in self.items():
            self._push(key, time)


class Deadlines(_Heap, dict):
    """By key: when it is due; `math.inf` for never."""


class KeptDeadlines(_Heap, Kept):
    """The same, beside the store: as a Kept it is undone with the transaction."""

    def put_back(self, key, before):
        super().put_back(key, before)
        if before is not GONE:
            self._push(key, before)
