# SPDX-License-Identifier: MIT
"""The connection to an SQLite file."""

import sqlite3

from tools.store.engine.transactions import begin_late
from tools.store.faults import StoreError

_execute, _executemany = sqlite3.Connection.execute, sqlite3.Connection.executemany
_NEEDED = (3, 35)  # RETURNING


class Connection(sqlite3.Connection):
    """A connection whose savepoints begin with the first statement in them that may write: most units only read."""

    raw = _execute
    lost = None  # a file is there or not; what cannot be read of it is said by each statement
    doomed = False  # what SQLite undoes by itself is all of a transaction

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.late = []

    def execute(self, statement, values=(), /):
        if self.late and not statement.startswith("SELECT"):
            self._begin()
        return _execute(self, statement, values)

    def executemany(self, statement, rows, /):
        if self.late:
            self._begin()
        return _executemany(self, statement, rows)

    def _begin(self):
        _execute(self, "SAVEPOINT unit")
        begin_late(self.late)

    @property
    def can_go_back(self):
        return self.in_transaction


# As PostgreSQL has them: NULL counts for nothing.
def _least(*values):
    return min((value for value in values if value is not None), default=None)


def _greatest(*values):
    return max((value for value in values if value is not None), default=None)


def connect(path, timeout):
    """A COMMIT may run in another thread; one at a time uses it (`transactions.Shared`). Raises StoreError."""
    if sqlite3.sqlite_version_info < _NEEDED:
        raise StoreError(
            "this Python has SQLite %s, and the store needs %d.%d or newer: use a newer Python"
            % (sqlite3.sqlite_version, *_NEEDED)
        )
    connection = sqlite3.connect(
        path,
        isolation_level=None,
        timeout=timeout,
        check_same_thread=False,
        cached_statements=512,
        factory=Connection,
    )
    connection.create_function("least", -1, _least, deterministic=True)
    connection.create_function("greatest", -1, _greatest, deterministic=True)
    return connection
