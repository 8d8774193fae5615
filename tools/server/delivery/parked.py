# SPDX-License-Identifier: MIT
"""Who waits for somebody else: recipients behind a gateway that takes nothing now."""


class Parked:
    """Each waits for one other; undone with the transaction of the store."""

    def __init__(self, store):
        self._store = store
        self._whom = store.kept()  # who waits: for whom
        self._waiting = {}  # for whom: who waits, in order

    def put(self, who, whom):
        self.pop(who)
        if whom not in self._waiting:
            self._waiting[whom] = self._store.kept()
        self._waiting[whom][who] = True
        self._whom[who] = whom

    def pop(self, who):
        if who in self._whom:
            del self._waiting[self._whom[who]][who]
            del self._whom[who]

    def get(self, who):
        """For whom it waits, or None."""
        return self._whom.get(who)

    def count(self, whom):
        """How many wait for this one."""
        return len(self._waiting.get(whom, ()))

    def first(self, whom):
        """Who has waited longest for this one, or None."""
        return next(iter(self._waiting.get(whom, ())), None)

    def clear(self):
        """Those that waited."""
        waited = list(self._whom)
        for who in waited:
            self.pop(who)
        return waited
