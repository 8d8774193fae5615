# SPDX-License-Identifier: MIT
"""What tables a store has, in either engine, and the numbers that it has given."""

from dataclasses import dataclass

# Not copied: what is of this one file or database, and of those who serve from it.
OWN = {"generation", "generation_mark", "moved", "clock", "migration", "node", "lease", "security_window"}
COUNTED = {
    "load",
    "list_state",
    "ue_count",
    "ue_listed",
    "update_count",
}  # triggers bring them into being again
# Of the others, a table that no program writes any more, and is empty.
_OLD = {"application"}
_OWN_COLUMNS = {("registration", "node"), ("ue_id_secret", "one")}
_FIRST = ("message", "segment_set")  # that others refer to

# Tables whose rows have numbers that are not given twice, and the sequence where the database has one by a name.
NUMBERED = {
    "message": ("id", "message_id"),
    "seen": ("number", "seen_number"),
    "seen_mark": ("id", None),
    "segment_set": ("id", None),
    "quarantine": ("id", None),
    "update_job": ("job", None),
    "app_ue": ("number", None),
    "gateway_held": ("id", None),
    "gateway_response": ("id", None),
    "gateway_fetch": ("id", None),
}


@dataclass(frozen=True)
class Table:
    """`columns`: {name: what makes of a value one that it takes}; `key`: the columns of its primary key, () without."""

    name: str
    columns: dict
    key: tuple[str, ...]


def _tables(found):
    """{name: Table} in the order to fill them in. `found`: (table, column, taken, place in the key or 0)."""
    tables, keys = {}, {}
    for table, column, taken, place in found:
        if table in OWN | COUNTED | _OLD or (table, column) in _OWN_COLUMNS:
            continue
        tables.setdefault(table, {})[column] = taken
        if place:
            keys.setdefault(table, {})[place] = column
    names = sorted(tables, key=lambda name: (name not in _FIRST, name))
    return {
        name: Table(name, tables[name], tuple(keys.get(name, {})[at] for at in sorted(keys.get(name, ()))))
        for name in names
    }


def _unless_null(taken):
    return lambda value: None if value is None else taken(value)


def _as_it_is(value):
    return int(value) if isinstance(value, bool) else value


def _octets(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def _text(value):
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


class FileCatalogue:
    """Of an SQLite file. `db`: its connection."""

    def __init__(self, db):
        self._db = db

    def tables(self):
        return _tables(
            (table, column, _as_it_is, place)
            for table, column, place in self._db.execute(_FILE_COLUMNS).fetchall()
        )

    def begin(self):
        """In the transaction of a copy, before anything else. None: nobody else serves, the file is held."""

    def last_number(self, table):
        column, _ = NUMBERED[table]
        found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name=?", (table,)).fetchone()
        (highest,) = self._db.execute("SELECT max(%s) FROM %s /*whole*/" % (column, table)).fetchone()
        return max(found[0] if found else 0, highest or 0)

    def set_last_number(self, table, number):
        """Of those alone that the file keeps one of."""
        (sql,) = self._db.execute("SELECT sql FROM sqlite_master WHERE name=?", (table,)).fetchone()
        if "AUTOINCREMENT" in sql:
            self._db.execute("DELETE FROM sqlite_sequence WHERE name=?", (table,))
            self._db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?,?)", (table, number))


_FILE_COLUMNS = (
    "SELECT it.name, of.name, of.pk FROM sqlite_master AS it, pragma_table_info(it.name) AS of"
    " WHERE it.type='table' AND substr(it.name, 1, 7)<>'sqlite_'"
)

_TAKEN = {
    "boolean": _unless_null(bool),
    "double precision": _unless_null(float),
    "bigint": _unless_null(int),
    "bytea": _unless_null(_octets),
    "text": _unless_null(_text),
}
_DATABASE_COLUMNS = (
    "SELECT CAST(it.relname AS TEXT), CAST(of.attname AS TEXT), format_type(of.atttypid, NULL),"
    " CAST(coalesce(array_position(CAST(keys.conkey AS SMALLINT[]), of.attnum), 0) AS BIGINT)"
    " FROM pg_class AS it JOIN pg_attribute AS of ON of.attrelid=it.oid AND of.attnum>0 AND NOT of.attisdropped"
    " LEFT JOIN pg_constraint AS keys ON keys.conrelid=it.oid AND keys.contype='p'"
    " WHERE it.relkind='r' AND it.relnamespace=CAST(current_schema() AS regnamespace)"
)


class DatabaseCatalogue:
    """Of a PostgreSQL database."""

    def __init__(self, db):
        self._db = db

    def tables(self):
        return _tables(
            (table, column, _TAKEN.get(kind, _as_it_is), place)
            for table, column, kind, place in self._db.execute(_DATABASE_COLUMNS).fetchall()
        )

    def begin(self):
        """In the transaction of a copy, before anything else: no node begins to serve until its end. The sentence names
        those that serve; None where none does."""
        self._db.execute("LOCK TABLE node IN EXCLUSIVE MODE")
        (serving,) = self._db.execute(_SERVING).fetchone()
        if not serving:
            return None
        names = [name for (name,) in self._db.execute("SELECT name FROM node ORDER BY name").fetchall()]
        return ", ".join(names) or "%d programs" % serving

    def _sequence(self, table):
        column, name = NUMBERED[table]
        if name is not None:
            return name
        return self._db.execute(
            "SELECT CAST(pg_get_serial_sequence(CAST(? AS TEXT), CAST(? AS TEXT)) AS TEXT)", (table, column)
        ).fetchone()[0]

    def last_number(self, table):
        last, called = self._db.execute(
            "SELECT last_value, is_called FROM %s" % self._sequence(table)
        ).fetchone()
        return last if called else 0

    def set_last_number(self, table, number):
        if number:
            self._db.execute(
                "SELECT setval(CAST(CAST(? AS TEXT) AS regclass), CAST(? AS BIGINT))",
                (self._sequence(table), number),
            ).fetchone()


# Who serves has a connection aside, and as a node a lock.
_SERVING = (
    "SELECT count(DISTINCT pid) FROM (SELECT pid FROM pg_stat_activity"
    " WHERE datname=current_database() AND application_name='msgin5g aside'"
    " UNION ALL SELECT pid FROM pg_locks WHERE locktype='advisory' AND pid<>pg_backend_pid()"
    " AND database=(SELECT oid FROM pg_database WHERE datname=current_database())) AS others"
)
