# SPDX-License-Identifier: MIT
"""What has changed is looked at, and nothing else: who works on many things is told which of them are worth a look, and
what queries gave is kept as long as no row that they may have read has changed."""

from tools.store.engine.deadlines import KeptDeadlines

_ALL = ()  # smaller than any other key


class Touched:
    """Keys of one kind that are worth a look: something about them has changed, or a moment has come that was waited
    for. What was taken in a transaction that is undone is there again.

    `everything()` gives the keys of all that there is to look at: after a start, and where nobody knows what changed.
    """

    def __init__(self, store, everything):
        self._everything = everything
        self._keys = store.kept()
        self._due = KeptDeadlines(store)  # (key, why): when
        self.touch_all()

    def touch(self, key):
        self._keys[key] = True

    def touch_all(self):
        """Not undone: whatever the transaction is."""
        dict.__setitem__(self._keys, _ALL, True)

    def at(self, key, why, when):
        """It will be touched then, in the place of an earlier time for the same reason."""
        self._due[key, why] = when

    def not_at(self, key, why):
        if (key, why) in self._due:
            del self._due[key, why]

    def take(self, now):
        """All that is touched by now, in order; it is not any more."""
        for key, _ in self._due.take(now):
            self._keys[key] = True
        if self._keys.pop(_ALL, None):
            for key in self._everything():
                self._keys[key] = True
        taken = sorted(self._keys)
        for key in taken:
            del self._keys[key]
        return taken

    def first(self):
        """When the next moment comes, or None."""
        return self._due.first()

    def clock_set(self, seconds):
        self._due.shift(seconds)
        self.touch_all()


class Lasting:
    """What queries of these tables gave, by query and values. It is forgotten with each row of theirs that changes;
    between such a change and its COMMIT nothing is kept, for it may be undone, and others do not see it yet."""

    MOST = 1024

    def __init__(self, store):
        self.changed = False
        self.answers = {}
        self._store = store

    def touch(self):
        self.answers.clear()
        if self._store._open and not self.changed:
            self.changed = True
            self._store._changed.append(self)


# By name: the tables that queries of `lasting` read, and no others.
LASTING = {
    "registrations": ("registration", "registration_via"),
    "devices": ("device",),
    "windows": ("availability",),
    "bulk": ("gateway_held", "gateway_response"),
    "servers": ("application_server",),
}
