# SPDX-License-Identifier: MIT
"""How changes are noticed in an SQLite file: by triggers of the connection, and by the file's version where another
process has written."""

import time
import weakref
from collections.abc import Mapping

from tools.store.engine.noticing import LASTING, Lasting


class Noticing:
    """For Store, whose `_db` these methods use. Changes are noticed where they are made: whatever statement it is,
    nobody has to remember to say so. The triggers are of this connection alone, in memory, and leave nothing in the
    file: what another process writes is not noticed."""

    def notice(self, name, change, function, *columns, when="1", whose="all"):
        """Has a method called with these columns (NEW.ue, OLD.ue) of each row that a change ("INSERT ON device")
        concerns, as long as its object is there, in the middle of the statement: it may not use the store, and returns
        None. In the place of an earlier one of this name. `whose`: which node hears of it, where there are several: all
        of them, the "leader", or the "owner" of the Address in the first two columns."""
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

    _BELIEVED = 0.02  # s, outside of a transaction: another process may have written since
    _answers: Mapping = {}  # name: Lasting
    _believed, _seen_version = 0.0, None  # until when, by time.monotonic; data_version of SQLite

    def begin_lasting(self):
        """Once the tables are there."""
        self._answers = {}
        for name, tables in LASTING.items():
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
        """As `once`, of a query that reads nothing but the tables of this name in LASTING: it is kept from one
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
