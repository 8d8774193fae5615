# SPDX-License-Identifier: MIT
"""What goes wrong with the store's database, whichever it is: whether the store as a whole can be written now, whether
a request may go better later, and whether the same is to be decided once more.

Who catches an error of the database catches DATABASE_ERRORS: sqlite3's own, and Fault from all other engines.
"""

import sqlite3


class StoreError(Exception):
    """The store cannot be used; the sentence says what to do."""


class NoStore(StoreError):
    """There is no store of this name, and none was to be made."""


class Fault(Exception):
    """An error of the database in what was asked: a row or a statement is at fault."""


class Unavailable(Fault):
    """The database as a whole takes nothing now."""


class Conflict(Unavailable):
    """Another node has written what this transaction stands on: all of it is undone, and may be decided again."""


class InDoubt(Unavailable):
    """The connection was lost while a COMMIT was under way: it is in the database, or it is not. `transaction`: the
    database's number of it; `session`: that of the connection."""

    def __init__(self, words, transaction, session):
        super().__init__(words)
        self.transaction, self.session = transaction, session


DATABASE_ERRORS = (sqlite3.Error, Fault)
TAKES_NOTHING = (sqlite3.OperationalError, Unavailable)  # for now: trying again may help

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


def _code(error):
    return getattr(error, "sqlite_errorcode", -1) & 0xFF if isinstance(error, sqlite3.Error) else None


def store_stopped(error):
    """Whether the exception says that nothing can be written, whatever it is."""
    code = _code(error)
    if code is None:
        return isinstance(error, Unavailable)
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
    """Whether somebody else is writing just now: soon it is over."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or again(error)


def in_doubt(error):
    """Whether what ended like this may be in the store all the same: it must not be decided once more."""
    return isinstance(error, InDoubt)


def again(error):
    """Whether the same is to be decided once more: on what others have written meanwhile."""
    return isinstance(error, Conflict)
