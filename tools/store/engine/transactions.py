# SPDX-License-Identifier: MIT
"""Transactions of the store, savepoints in them, and memory that goes back with them.

Events of the server that come together share one transaction, each in a savepoint; in it, what concerns one row or one
recipient is done in a savepoint of its own, so that an exception undoes that and nothing else.
"""

import contextlib
import threading
import time

from tools.store.faults import DATABASE_ERRORS, InDoubt, Unavailable, store_stopped

GONE = object()  # what was in a Kept before a key was


class Unreadable(Exception):
    """A row that no handling can begin with. `culprit` is (kind, key), as in `isolation`."""

    def __init__(self, kind, key, why):
        super().__init__("%s %s cannot be read: %s" % (kind, key, why))
        self.culprit = (kind, key)


class reading:
    """A context that turns an error in reading a row into Unreadable, which names the row."""

    __slots__ = ("_key", "_kind")

    def __init__(self, kind, key):
        self._kind, self._key = kind, key

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        if isinstance(error, Exception) and not store_stopped(error) and not isinstance(error, Unreadable):
            raise Unreadable(self._kind, self._key, "%s: %s" % (type(error).__name__, error)) from error


class Kept(dict):
    """A dict beside the store: a change is undone with the transaction or savepoint that it was made in."""

    def __init__(self, transactions):
        super().__init__()
        self._transactions = transactions

    def _note(self, key):
        if self._transactions._open:
            self._transactions._notes.append((self, key, self.get(key, GONE)))

    def __setitem__(self, key, value):
        self._note(key)
        super().__setitem__(key, value)

    def __delitem__(self, key):
        self._note(key)
        super().__delitem__(key)

    def pop(self, key, *default):
        if key in self:
            self._note(key)
        return super().pop(key, *default)

    def put_back(self, key, before):
        """Undoes a change: the value that was there before it, or GONE."""
        if before is GONE:
            dict.pop(self, key, None)
        else:
            dict.__setitem__(self, key, before)

    def _unnoted(self, *arguments, **named):
        raise TypeError("this change of a Kept would not be undone")

    clear = popitem = setdefault = update = __ior__ = _unnoted


class _Scope:
    """A context: what is done in it is done wholly or not at all, in the store and in each Kept beside it."""

    __slots__ = ("_back", "_begin", "_end", "_mark", "_of")

    def __init__(self, of, begin, end, *back):
        self._of, self._begin, self._end, self._back = of, begin, end, back

    def __enter__(self):
        if not self._of._open:
            self._of._known.clear()
        self._enter(self._of._db)
        self._mark = len(self._of._notes)
        self._of._open += 1

    def _enter(self, db):
        db.raw(self._begin)
        self._of.look_for_others()  # from now on nobody else can write, or is seen to

    def __exit__(self, kind, error, trace):
        of = self._of
        try:
            if kind is None:
                self._leave(of._db)
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
                of.settled()

    def _leave(self, db):
        self._of.before_commit()
        db.raw(self._end)

    def _undo(self):
        self._of._known.clear()
        _restore(self._of._notes, self._mark)
        self._go_back(self._of._db)

    def _go_back(self, db):
        if db.can_go_back:  # some failures have undone the whole transaction already
            for statement in self._back:
                db.raw(statement)


_LATE, _BEGUN, _SHARED = range(3)


def begin_late(late):
    """For a connection that has just begun a savepoint: it is that of all these, the outermost first, in none of which
    anything was written."""
    first, *others = late
    late.clear()
    first.state = _BEGUN
    for each in others:
        each.state = _SHARED


class _Savepoint(_Scope):
    """A _Scope in a transaction. It has not begun as long as nothing was written in it (LATE); it has (BEGUN), or at
    the place of one around it, in which nothing was written before either (SHARED)."""

    __slots__ = ("state",)

    def __init__(self, of):
        self._of, self.state = of, _LATE

    def __enter__(self):
        of = self._of
        self._mark = len(of._notes)
        of._open += 1
        of._db.late.append(self)

    def __exit__(self, kind, error, trace):
        if kind is not None or self.state == _BEGUN:
            return super().__exit__(kind, error, trace)
        of = self._of
        of._open -= 1
        if self.state == _LATE:
            of._db.late.remove(self)
        return None

    def _leave(self, db):
        db.raw("RELEASE unit")

    def _go_back(self, db):
        if self.state == _LATE:
            db.late.remove(self)
        elif db.can_go_back and not db.doomed:
            db.raw("ROLLBACK TO unit")
            if self.state == _BEGUN:
                db.raw("RELEASE unit")


def _restore(notes, mark):
    while len(notes) > mark:
        kept, key, before = notes.pop()
        kept.put_back(key, before)


class Shared:
    """One transaction of many events, open from the start, whose COMMIT another thread may do.

    From `hand_over` to `settle` no statement of this thread runs on the connection that COMMIT runs on: what is read
    meanwhile comes from another one, which knows what was committed before; who must write waits for the COMMIT.
    """

    def __init__(self, of):
        of.rounds += 1
        self._of, self._scope = of, of.transaction()
        self._scope.__enter__()
        self._before = of._db.total_changes
        self._changed = None
        self._written = threading.Event()
        self.seconds = 0.0  # that COMMIT took
        self._error = None
        self._notes = None

    @property
    def changed(self):
        """Whether a row was written: else there is nothing to bring to the disk."""
        return self._of._db.total_changes != self._before if self._changed is None else self._changed

    def complete(self):
        """All that belongs to it is in it: the last chance to fail before another thread does the COMMIT."""
        self._of.before_commit()

    def undo(self, error):
        """Instead of a COMMIT."""
        self._scope.__exit__(type(error), error, None)

    def hand_over(self):
        """Nothing more belongs to it."""
        of, self._changed = self._of, self.changed
        self._db, self._notes, of._notes = of._db, of._notes, []
        of._open -= 1
        of._db, of._writing = of._aside or of._db, self

    def write(self):
        """COMMIT, in whichever thread; `settle` says what came of it."""
        began = time.monotonic()
        try:
            self._db.raw("COMMIT")
        except InDoubt as error:
            self._error = self._of.resolved(error)
        except BaseException as error:
            self._error = error
        finally:
            self.seconds = time.monotonic() - began
            self._written.set()

    def settle(self):
        """None once it is on the disk; else what COMMIT raised, and all of it is undone. Waits for COMMIT's end."""
        self._written.wait()
        of = self._of
        if of._writing is self:
            of._db, of._writing = self._db, None
            if self._error is not None:
                _restore(self._notes, 0)
                with contextlib.suppress(
                    *DATABASE_ERRORS
                ):  # where not even that can be, the next BEGIN says so
                    if self._db.can_go_back:
                        self._db.raw("ROLLBACK")
            of.settled()
        return self._error


class Transactions:
    """For Store, whose `_db` these methods use.

    A connection has `execute`, `executemany`, `raw` (a statement of these transactions, which begins no savepoint),
    `late` (the savepoints that have not begun, the outermost first: they begin at one place, so one is enough, with
    the first statement that may write; see `begin_late`), `in_transaction`, `can_go_back` (whether there is anything to
    undo: one that a failure has spoilt is no transaction to go on with), `doomed` (whether only the whole of it can be
    undone) and `total_changes`.
    """

    # What begins a transaction of the engine, what ends it, what undoes it; and one that may only read.
    WRITES: tuple = ()
    READS: tuple = ()

    def __init__(self):
        self._notes = []  # (Kept, key, what was there before), since the transaction began
        self._open = 0
        self.rounds = 0  # how many Shared there were
        self._known = {}  # what queries gave since the last change, in the transaction at hand
        self._known_at = 0
        self._aside = None  # a second connection, to read from while a COMMIT is under way
        self._writing = None  # the Shared that is being written
        self._changed = []  # each Lasting of whose tables a row was written, and waits for its COMMIT

    def kept(self):
        return Kept(self)

    def before_commit(self):
        """For an engine that has something to add at the end of a transaction."""

    def resolved(self, doubt):
        """What became of a COMMIT that is InDoubt: None where it is on the disk, what to raise where it was undone, the
        doubt itself where nobody knows. In whichever thread; for an engine that can lose a connection."""
        return doubt

    def settled(self):
        """Nothing that was written waits for its COMMIT any more."""
        while self._changed:
            self._changed.pop().changed = False

    @property
    def has_disk(self):
        """Whether a COMMIT may have to wait for one."""
        return self._aside is not None

    @property
    def in_transaction(self):
        return self._db.in_transaction

    def given_up(self):
        """What to raise where the transaction at hand is none any more."""
        return Unavailable("the store gave up the transaction")

    def transaction(self):
        """One event, as a context. One of DATABASE_ERRORS at once where another process is writing."""
        self.settle()
        return _Scope(self, *self.WRITES)

    def savepoint(self):
        """A part of an event, as a context; by itself a transaction."""
        if self._writing is not None:
            self.settle()
        if self._db.in_transaction:
            return _Savepoint(self)
        return _Scope(self, *self.READS)

    def once(self, read, query, *values):
        """What `read(cursor)` makes of a query: asked again in a transaction that nothing was written in meanwhile, it
        is the same again."""
        db = self._db
        if not db.in_transaction:
            return read(db.execute(query, values))
        if self._known_at != db.total_changes:
            self._known.clear()
            self._known_at = db.total_changes
        key = read, query, values
        if key not in self._known:
            self._known[key] = read(db.execute(query, values))
        return self._known[key]

    def part(self):
        """A part of the event at hand, as a context; where there is none, a transaction."""
        return self.savepoint() if self.in_transaction else self.transaction()

    def shared(self):
        """A Shared; raises as `transaction` does."""
        return Shared(self)

    def settle(self):
        """Waits for the COMMIT that is under way."""
        if self._writing is not None:
            self._writing.settle()
