# SPDX-License-Identifier: MIT
"""The connection to PostgreSQL, in the form that the families know one of SQLite in.

What a statement costs here is the way to the database and back. So each is prepared once, and what nobody looks at the
result of waits for one that somebody does, or for the end of its savepoint: they go together. An error is raised within
the savepoint that it belongs to.
"""

import contextlib
import os
import socket
import time

import psycopg
from psycopg import pq

from tools.store.engine.transactions import begin_late
from tools.store.faults import Conflict, Fault, InDoubt, Unavailable
from tools.store.postgres.failures import fault_of, first_line
from tools.store.postgres.prepared import Later, Prepared, Rows, waited
from tools.store.postgres.translation import translate

_MOST_LATER = 256  # statements that wait
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)
_BEGIN, _COMMIT, _ROLLBACK = "BEGIN ISOLATION LEVEL REPEATABLE READ", "COMMIT", "ROLLBACK"
_SAVEPOINT, _RELEASE, _BACK = "SAVEPOINT unit", "RELEASE unit", "ROLLBACK TO unit"
_NUMBER = "SELECT CAST(pg_current_xact_id_if_assigned() AS TEXT)"
TRANSACTION = (_BEGIN, _COMMIT, _ROLLBACK)


class Connection:
    """`link`: the psycopg connection. `noticed(translation)` gives the Watched of a statement, or None, and
    `written(translation)` hears of each that writes: both of the store, where it wants that."""

    def __init__(self, link, noticed=None, written=None):
        self.link = link
        self.late = []
        self.lost = None  # why it can't be used any more
        self.since = None  # when what runs now began, by time.monotonic
        self.sent = 0  # statements that had to be waited for; for measuring
        self._pg = link.pgconn
        self._noticed = noticed
        self._written = written
        self._prepared = {}
        self._later = []  # (Prepared, parameters, Later or None)
        self._in = False  # a transaction has begun, be it sent or not
        self._spoilt = None  # the Fault that the transaction cannot go on after
        self._number = None  # the database's own of the transaction, once it has written
        self._changes = 0
        self._count = 0  # of prepared statements

    # ---- state -------------------------------------------------------------------------------------------------------

    @property
    def in_transaction(self):
        return self._in and self._spoilt is None and self.lost is None

    @property
    def can_go_back(self):
        return self._in and self.lost is None

    @property
    def doomed(self):
        """Whether what is around a savepoint has seen the same: then all of the transaction goes."""
        return isinstance(self._spoilt, Conflict)

    @property
    def total_changes(self):
        if self._later:
            self.flush()
        return self._changes

    # ---- statements --------------------------------------------------------------------------------------------------

    def execute(self, statement, values=(), /):
        prepared = self._prepared.get(statement) or self._prepare(statement)
        if prepared.writes:
            self._before(prepared)
            if prepared.later and self._in:
                return self._wait(prepared, values)
        if self._later or (prepared.writes and self._in and self._number is None):
            return self._flush(prepared, prepared.values(values))
        return self._run(prepared, prepared.values(values))

    def executemany(self, statement, rows, /):
        prepared = self._prepared.get(statement) or self._prepare(statement)
        self._before(prepared)
        for row in rows:
            self._wait(prepared, row)
        if not (prepared.later and self._in):
            self.flush()

    def raw(self, statement):
        """A statement of a transaction; see Transactions."""
        if statement == _BEGIN:
            self._usable()
            self._in, self._spoilt, self._number = True, None, None
            self._later.append((self._plain(_BEGIN), (), None))
        elif statement == _COMMIT:
            self._commit()
        elif statement == _ROLLBACK:
            self._roll_back()
        elif statement == _RELEASE:
            self._release()
        elif statement == _BACK:
            self._go_back()
        else:
            raise ValueError(statement)

    def flush(self):
        """Sends what waits. Raises the Fault of the first one that could not be done."""
        if self._later:
            self._flush()

    def close(self):
        self._later.clear()
        with contextlib.suppress(psycopg.Error):
            self.link.close()
        self.lost = self.lost or "it is closed"

    def cut(self):
        """Ends it from another thread, where the database does not answer: who waits for it gets an error."""
        with contextlib.suppress(OSError, psycopg.Error):
            with socket.socket(fileno=os.dup(self._pg.socket)) as line:
                line.shutdown(socket.SHUT_RDWR)

    # ---- savepoints --------------------------------------------------------------------------------------------------

    def _before(self, prepared):
        if self.late:
            # An error of what waits belongs to what is around the savepoint.
            if self._later and self._later[-1][0].name not in (b"begin", b"savepoint", b"release"):
                self.flush()
            self._usable()
            self._later.append((self._plain(_SAVEPOINT), (), None))
            begin_late(self.late)
        if self._written is not None:
            self._written(prepared.of)

    def _release(self):
        if self._spoilt is not None:
            raise self._again()
        if not self._later or self._later[-1][0].name == b"release":
            self._later.append((self._plain(_RELEASE), (), None))  # it can't fail, and goes with what comes
        else:
            self._flush(self._plain(_RELEASE), ())

    def _go_back(self):
        """What was not sent is forgotten; a RELEASE that waits is of a savepoint within."""
        later = self._later
        for at in range(len(later) - 1, -1, -1):
            name = later[at][0].name
            if name == b"savepoint":
                del later[at + 1 :]
                return
            if name in (b"release", b"begin"):
                del later[at + 1 :]
                break
        else:
            later.clear()
        self._flush(self._plain(_BACK), (), after_error=True)
        self._spoilt = None

    def _commit(self):
        lost = self.lost
        try:
            if self._spoilt is not None:
                raise self._again()
            if (
                self._later
                and self._later[0][0].name == b"begin"
                and not any(each[0].writes for each in self._later)
            ):
                self._later.clear()  # nothing was asked, nor written
            else:
                self._flush(self._plain(_COMMIT), ())
        except BaseException as error:
            if self._spoilt is None and isinstance(error, Fault):
                self._spoilt = error
            if self.lost is not None and lost is None and self._number is not None:
                raise InDoubt(self.lost, self._number, self._pg.backend_pid) from error
            raise
        self._in = False

    def _roll_back(self):
        begun = not (self._later and self._later[0][0].name == b"begin")
        self._later.clear()
        try:
            if begun and self.lost is None:
                self._flush(self._plain(_ROLLBACK), (), after_error=True)
        finally:
            self._in, self._spoilt = False, None

    # ---- to the database ---------------------------------------------------------------------------------------------

    def _usable(self):
        if self.lost is not None:
            raise Unavailable(self.lost)
        if self._spoilt is not None:
            raise self._again()

    def given_up(self):
        """The Fault that ended the transaction at hand, None where none did."""
        return self._again() if self._spoilt is not None else None

    def _again(self):
        """What is said once more of a transaction that cannot go on."""
        kind = Conflict if isinstance(self._spoilt, Conflict) else Unavailable
        return kind("the transaction was given up: %s" % self._spoilt)

    def _prepare(self, statement):
        if self._later:
            self.flush()
        self._usable()
        translation = translate(statement)
        watched = self._noticed(translation) if self._noticed is not None else None
        self._count += 1
        with self._watched():
            prepared = self._made(b"s%d" % self._count, translation, watched)
        self._prepared[statement] = prepared
        return prepared

    def _made(self, name, translation, watched=None):
        try:
            return Prepared(self._pg, name, translation, watched)
        except psycopg.Error as error:
            raise self._failed(None, error) from error
        except Fault as error:
            raise self._spoil(error) from None

    def _plain(self, statement):
        prepared = self._prepared.get(statement)
        if prepared is None:
            with self._watched():
                prepared = self._prepared[statement] = self._made(_NAMES[statement], translate(statement))
        return prepared

    def begin_plain(self):
        """Prepares what transactions are made of: later a transaction may be in no state to prepare anything."""
        for statement in _NAMES:
            self._plain(statement)

    def forget(self):
        """Other rows are noticed from now on: all is prepared anew."""
        for prepared in self._prepared.values():
            if prepared.name not in _NAMES.values():
                with contextlib.suppress(psycopg.Error):
                    self._pg.exec_(b"DEALLOCATE " + prepared.name)
        self._prepared = {
            statement: each for statement, each in self._prepared.items() if statement in _NAMES
        }

    def _wait(self, prepared, values):
        self._usable()
        cursor = Later(self)
        self._later.append((prepared, prepared.values(values), cursor))
        if len(self._later) > _MOST_LATER:
            self.flush()
        return cursor

    def _run(self, prepared, values):
        """One statement by itself."""
        self._usable()
        self.sent += 1
        self.since = time.monotonic()
        try:
            result = self._pg.exec_prepared(prepared.name, values, prepared.formats, pq.Format.BINARY)
        except psycopg.Error as error:
            raise self._failed(None, error) from error
        finally:
            self.since = None
        if result.status in _FAILED:
            raise self._failed(result)
        return self._done(prepared, result)

    def _done(self, prepared, result, cursor=None):
        count = result.command_tuples or 0
        if prepared.writes:
            self._changes += count
        if cursor is not None:
            cursor.done(count)
        if not prepared.has_rows:
            return Rows((), count)
        rows = prepared.rows(result)
        if prepared.watched:
            prepared.watched.call(prepared.own, rows)
            rows = [row[: prepared.own] for row in rows] if prepared.own else []
        return Rows(rows, count)

    def _flush(self, last=None, values=None, after_error=False):
        """What waits, and behind it `last`, whose Rows it gives."""
        if not after_error:
            self._usable()
        elif self.lost is not None:
            raise Unavailable(self.lost)
        items, self._later = self._later, []
        if last is not None:
            items.append((last, values, None))
        if self._number is None and self._in and not after_error:
            self._ask_number(items)
        self.sent += 1
        self.since = time.monotonic()
        try:
            results = self._pipeline(items)
        except psycopg.Error as error:
            raise self._failed(None, error) from error
        finally:
            self.since = None
        rows = None
        for (prepared, _, cursor), result in zip(items, results, strict=True):
            self._check(prepared, result)
            rows, before = self._done(prepared, result, cursor), rows
            if prepared.name == b"number":
                ((self._number,), rows) = rows.fetchone(), before
        return rows

    def _check(self, prepared, result):
        """Raises the Fault of a result that is an error."""
        if result is None or result.status in _FAILED:
            raise self._failed(result)
        if result.status == pq.ExecStatus.PIPELINE_ABORTED:
            raise self._spoil(Unavailable("an earlier statement failed"))
        if prepared.name == b"commit" and result.command_status != b"COMMIT":
            self._in = False  # it was undone instead
            raise self._spoil(Unavailable("the database has undone the transaction"))

    def _ask_number(self, items):
        """Should the answer to the COMMIT be lost, it is known by its number; see doubt.py."""
        if items[-1][0].name != b"commit" and any(each[0].writes for each in items):
            items.append((self._plain(_NUMBER), (), None))

    def _pipeline(self, items):
        """The result of each."""
        pg = self._pg
        if len(items) == 1:
            ((prepared, values, _),) = items
            return [pg.exec_prepared(prepared.name, values, prepared.formats, pq.Format.BINARY)]
        pg.enter_pipeline_mode()
        try:
            for prepared, values, _ in items:
                pg.send_query_prepared(prepared.name, values, prepared.formats, pq.Format.BINARY)
            pg.pipeline_sync()
            results = []
            while True:
                result = waited(pg)
                if result is None:
                    if pg.status != pq.ConnStatus.OK:
                        raise psycopg.OperationalError("the connection is lost")
                elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                    break
                else:
                    results.append(result)
                    if pg.status != pq.ConnStatus.OK:
                        raise psycopg.OperationalError("the connection is lost")
            return results
        finally:
            with contextlib.suppress(psycopg.Error):
                pg.exit_pipeline_mode()

    @contextlib.contextmanager
    def _watched(self):
        self.since = time.monotonic()
        try:
            yield
        finally:
            self.since = None

    def _failed(self, result, error=None):
        """The Fault of it; the transaction is spoilt, and perhaps the connection lost."""
        fault = Unavailable(first_line(str(error))) if error else fault_of(result, self._pg)
        if self._pg.status != pq.ConnStatus.OK:
            self.lost = str(fault)
            fault = Unavailable(self.lost)
        return self._spoil(fault)

    def _spoil(self, fault):
        self._later.clear()
        if self._in and not isinstance(self._spoilt, Conflict):
            self._spoilt = fault
        return fault


_NAMES = {
    _BEGIN: b"begin",
    _COMMIT: b"commit",
    _ROLLBACK: b"rollback",
    _SAVEPOINT: b"savepoint",
    _RELEASE: b"release",
    _BACK: b"back",
    _NUMBER: b"number",
}
