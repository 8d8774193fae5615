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
    """Turns an error in reading a row into Unreadable, which names the row."""
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

    def _unnoted(self, *arguments, **named):
        raise TypeError("this change of a Kept would not be undone")

    clear = popitem = setdefault = update = __ior__ = _unnoted


class _Scope:
    """A context: what is done in it is done wholly or not at all, in the store and in each Kept beside it."""

    __slots__ = ("_back", "_begin", "_end", "_mark", "_of")

    def __init__(self, of, begin, end, *back):
        self._of, self._begin, self._end, self._back = of, begin, end, back

    def __enter__(self):
        self._of._db.execute(self._begin)
        self._mark = len(self._of._notes)
        self._of._open += 1

    def __exit__(self, kind, error, trace):
        of = self._of
        try:
            if kind is None:
                of._db.execute(self._end)
                return
            self._undo()
        except BaseException:
            if kind is None:  # not even its end could be written
                self._undo()
            raise
        finally:
            of._open -= 1
            if not of._open:
                of._notes.clear()

    def _undo(self):
        notes, execute = self._of._notes, self._of._db.execute
        while len(notes) > self._mark:
            kept, key, before = notes.pop()
            if before is _GONE:
                dict.pop(kept, key, None)
            else:
                dict.__setitem__(kept, key, before)
        if self._of._db.in_transaction:  # some failures have undone the whole transaction already
            for statement in self._back:
                execute(statement)


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

    def transaction(self):
        """One event, as a context. sqlite3.OperationalError at once where another process is writing."""
        return _Scope(self, "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")

    def savepoint(self):
        """A part of an event, as a context; by itself a transaction."""
        return _Scope(self, "SAVEPOINT unit", "RELEASE unit", "ROLLBACK TO unit", "RELEASE unit")
