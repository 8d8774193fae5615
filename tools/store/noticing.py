# SPDX-License-Identifier: MIT
"""What has changed is looked at, and nothing else: who works on many things is told which of them are worth a look, and
what queries gave is kept as long as no row that they may have read has changed."""

import time
import weakref
from collections.abc import Mapping

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

    # ---- what queries gave -------------------------------------------------------------------------------------------

    _LASTING = {
        "registrations": ("registration", "registration_via"),
        "devices": ("device",),
        "windows": ("availability",),
        "bulk": ("gateway_held", "gateway_response"),
        "servers": ("application_server",),
    }
    _BELIEVED = 0.02  # s, outside of a transaction: another process may have written since
    _answers: Mapping = {}  # name: Lasting
    _believed, _seen_version = 0.0, None  # until when, by time.monotonic; data_version of SQLite

    def begin_lasting(self):
        """Once the tables are there."""
        self._answers = {}
        for name, tables in self._LASTING.items():
            self._answers[name] = lasting = Lasting(self)
            for table in tables:
                for change in ("INSERT", "UPDATE", "DELETE"):
                    self.notice("%s_%s" % (table, change), "%s ON %s" % (change, table), lasting.touch)

    def look_for_others(self):
        """Where another process has written, nothing that was kept is true any more."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version != self._seen_version:
            self._seen_version = version
            for each in self._answers.values():
                each.answers.clear()
        self._believed = time.monotonic() + self._BELIEVED

    def lasting(self, name, read, query, *values):
        """As `once`, of a query that reads nothing but the tables of this name in `_LASTING`: it is kept from one
        transaction to the next. What it gives is shared, and not to be changed."""
        lasting = self._answers[name]
        # While a COMMIT of ours is under way nobody else can have written.
        if not self._open and self._writing is None and time.monotonic() > self._believed:
            self.look_for_others()
        if lasting.changed:
            return read(self._db.execute(query, values))
        key = query, values
        answers = lasting.answers
        try:
            return answers[key]
        except KeyError:
            found = read(self._db.execute(query, values))
        if len(answers) >= lasting.MOST:
            answers.clear()
        answers[key] = found
        return found
