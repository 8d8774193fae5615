# SPDX-License-Identifier: MIT
"""What has changed is looked at, and nothing else: who works on many things is told which of them are worth a look."""

import weakref

from tools.store.deadlines import KeptDeadlines

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


class Noticing:
    """For Store, whose `_db` these methods use. Changes are noticed where they are made: whatever statement it is,
    nobody has to remember to say so. The triggers are of this connection alone, in memory, and leave nothing in the
    file: what another process writes is not noticed."""

    def notice(self, name, change, function, *columns, when="1"):
        """Has a method called with these columns (NEW.ue, OLD.ue) of each row that a change ("INSERT ON device")
        concerns, as long as its object is there, in the middle of the statement: it may not use the store, and returns
        None. In the place of an earlier one of this name."""
        method = weakref.WeakMethod(function)  # SQLite would keep it, and with it all that knows of the store

        def call(*values):
            function = method()
            if function is not None:
                function(*values)

        self._db.create_function(name, len(columns), call)
        self._db.execute("DROP TRIGGER IF EXISTS temp.%s" % name)
        self._db.execute(
            "CREATE TEMP TRIGGER %s AFTER %s WHEN %s BEGIN SELECT %s(%s); END"
            % (name, change, when, name, ", ".join(columns))
        )
