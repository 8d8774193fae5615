# SPDX-License-Identifier: MIT
"""Transactions of the store, savepoints in them, and memory that goes back with them.

Each event of the server is one transaction; in it, what concerns one row or one recipient is done in a savepoint of
its own, so that an exception undoes that and nothing else.
"""

import contextlib
import sqlite3

# The store as a whole can't be written now: no row's fault, and the same for the next one.
_STOPPED = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
# A page that can't be read is one row's fault at first; a request that met it can't be answered.
_DAMAGED = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# Of reading; any other IOERR is of writing, and so of all.
_READING = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ}
_GONE = object()


def _code(error):
    return getattr(error, "sqlite_errorcode", -1) & 0xFF if isinstance(error, sqlite3.Error) else None


def store_stopped(error):
    """Whether the exception says that nothing can be written, whatever it is."""
    code = _code(error)
    if code == sqlite3.SQLITE_IOERR:
        return error.sqlite_errorcode not in _READING
    return code in _STOPPED


def store_failed(error):
    """Whether a request that ended like this may go better when the store is well again (5.03)."""
    unnamed = type(error) is sqlite3.OperationalError and not hasattr(error, "sqlite_errorcode")
    return (
        store_stopped(error)
        or _code(error) in _DAMAGED
        or (unnamed and not str(error).startswith("Could not decode"))
    )


def busy(error):
    """Whether another process is writing just now."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Unreadable(Exception):
    """A row that no handling can begin with. `culprit` is (kind, key), as in `isolation`."""

    def __init__(self, kind, key, why):
        super().__init__("%s %s cannot be read: %s" % (kind, key, why))
        self.culprit = (kind, key)


@contextlib.contextmanager
def reading(kind, key):
    """What is wrong with the row that is read in this is said to be that row's fault."""
    try:
        yield
    except Exception as error:
        if store_stopped(error) or isinstance(error, Unreadable):
            raise
        raise Unreadable(kind, key, "%s: %s" % (type(error).__name__, error)) from error


class Kept(dict):
    """A dict beside the store: a change is undone with the transaction or savepoint that it was made in."""

    def __init__(self, transactions):
        super().__init__()
        self._transactions = transactions

    def _note(self, key):
        if self._transactions._open:
            self._transactions._notes.append((self, key, self.get(key, _GONE)))

    def __setitem__(self, key, value):
        self._note(key)
        super().__setitem__(key, value)

    def __delitem__(self, key):
        self._note(key)
        super().__delitem__(key)

    def pop(self, key, *default):
        self._note(key)
        return super().pop(key, *default)


class Transactions:
    """For Store, whose `_db` these methods use."""

    def __init__(self):
        self._notes = []  # (Kept, key, what was there before), since the transaction began
        self._open = 0

    def kept(self):
        return Kept(self)

    @property
    def in_transaction(self):
        return self._db.in_transaction

    @contextlib.contextmanager
    def transaction(self):
        """One event. sqlite3.OperationalError at once where another process is writing."""
        self._db.execute("BEGIN IMMEDIATE")
        with self._memory():
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def savepoint(self):
        """A part of an event that is done wholly or not at all; by itself a transaction."""
        self._db.execute("SAVEPOINT unit")
        with self._memory():
            try:
                yield
                self._db.execute("RELEASE unit")
            except BaseException:
                if self._db.in_transaction:  # some failures have undone the whole transaction already
                    self._db.execute("ROLLBACK TO unit")
                    self._db.execute("RELEASE unit")
                raise

    @contextlib.contextmanager
    def _memory(self):
        mark = len(self._notes)
        self._open += 1
        try:
            yield
        except BaseException:
            while len(self._notes) > mark:
                kept, key, before = self._notes.pop()
                if before is _GONE:
                    dict.pop(kept, key, None)
                else:
                    dict.__setitem__(kept, key, before)
            raise
        finally:
            self._open -= 1
            if not self._open:
                self._notes.clear()
