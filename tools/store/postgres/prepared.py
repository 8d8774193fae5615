# SPDX-License-Identifier: MIT
"""A statement as a connection knows it: prepared once, with what makes its parameters and reads its rows."""

import select

from psycopg import pq
from psycopg.adapt import Transformer

from tools.store.postgres.failures import fault_of
from tools.store.postgres.values import TEXTS, encoder_of, restored

_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


def waited(link):
    """The next result, None behind the last one. Other threads go on meanwhile, as libpq would not let them: who looks
    after connections that hang is one."""
    while link.is_busy():
        ready = select.poll()
        ready.register(link.socket, select.POLLIN)
        ready.poll()
        link.consume_input()
    return link.get_result()


class Rows:
    """A cursor over what a statement gave."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows, rowcount):
        self._rows, self.rowcount = iter(rows), rowcount

    def fetchone(self):
        return next(self._rows, None)

    def fetchall(self):
        return list(self._rows)

    def __iter__(self):
        return self._rows


class Later:
    """The cursor of a statement that waits: who looks at it has it sent."""

    __slots__ = ("_count", "_of")

    def __init__(self, of):
        self._of, self._count = of, None

    @property
    def rowcount(self):
        if self._count is None:
            self._of.flush()
        return self._count

    def done(self, count):
        self._count = count

    def fetchone(self):
        return None

    def fetchall(self):
        return []

    def __iter__(self):
        return iter(())


class Prepared:
    """`own`: how many columns of its rows are the statement's; behind them stand those that somebody notices."""

    def __init__(self, link, name, translation, watched=None):
        """`watched`: the Watched of the rows that it writes, or None. Raises Fault."""
        self.of = translation
        self.name = name
        self.watched = watched
        noticed = watched.columns if watched else ()
        sql = translation.sql
        if noticed:
            sql += (", " if translation.returns else " RETURNING ") + ", ".join(noticed)
        result = link.prepare(name, sql.encode())
        if result.status not in _DONE:
            raise fault_of(result, link)
        link.send_describe_prepared(name)
        described = waited(link)
        while waited(link) is not None:
            pass
        if described.status not in _DONE:
            raise fault_of(described, link)
        self._encoders = []
        self._formats = []
        for number, value in enumerate(translation.order):
            encode, format_ = encoder_of(described.param_type(number))
            self._encoders.append((encode, value))
            self._formats.append(format_)
        types = [described.ftype(column) for column in range(described.nfields)]
        self.own = len(types) - len(noticed)
        self._texts = tuple(column for column, type_ in enumerate(types) if type_ in TEXTS)
        self._reader = Transformer()
        self._reader.set_loader_types(types, pq.Format.BINARY)
        self.has_rows = bool(types)
        self.writes = bool(translation.tables)
        self.later = self.writes and not types  # nobody looks at what comes of it, but for an error

    def values(self, values):
        """The parameters, in PostgreSQL's form."""
        return [
            None if (value := values[index]) is None else encode(value) for encode, index in self._encoders
        ]

    @property
    def formats(self):
        return self._formats

    def rows(self, result):
        """What it gave, as tuples."""
        count = result.ntuples
        if not count:
            return []
        self._reader.set_pgresult(result, set_loaders=False)
        rows = self._reader.load_rows(0, count, tuple)
        return restored(rows, self._texts) if self._texts else rows
