# SPDX-License-Identifier: MIT
"""How changes are noticed in PostgreSQL: by what each statement that writes gives back of its rows; and what queries
gave is kept within a transaction, until one of their tables is written.
"""

import re
import weakref
from dataclasses import dataclass, field
from typing import Any

from tools.store.postgres.translation import translate

_CHANGE = re.compile(r"(INSERT|UPDATE|DELETE)(?: OF ([\w, ]+))? ON (\w+)")
_ROW = re.compile(r"\b(NEW|OLD)\.(\w+)")
_EARLIER = re.compile(
    r"\s+AND\s+[^()]*\bOLD\.[^()]*"
)  # of a row that is changed, only what it is now is told
_NEW_ROW = "xmax = 0"  # of an INSERT that may find the row there: whether it was not

# What its triggers and what goes along with a row write, by table: names in their text that are those of tables.
_TRIGGERS = """
SELECT t.tgrelid::regclass::text, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid=t.tgfoid JOIN pg_class c
ON c.oid=t.tgrelid WHERE NOT t.tgisinternal AND c.relnamespace=current_schema()::regnamespace
UNION ALL SELECT confrelid::regclass::text, conrelid::regclass::text FROM pg_constraint
WHERE confdeltype='c' AND connamespace=current_schema()::regnamespace
"""
_TABLES = (
    "SELECT relname::text FROM pg_class WHERE relkind='r' AND relnamespace=current_schema()::regnamespace"
)
_FUNCTIONS = "SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace=current_schema()::regnamespace"
_WORD = re.compile(r"\w+")


@dataclass
class Watch:
    """Who is told of one kind of change of a table."""

    name: str
    change: str
    only: frozenset[str]  # columns
    method: Any
    columns: tuple[str, ...]
    when: str
    whose: str

    def concerns(self, translation):
        """(whether it is told of the rows that the statement makes or takes away, of those that it changes)"""
        sets = self.change == "UPDATE" and (not self.only or bool(self.only & translation.columns))
        if translation.change == "INSERT":
            return self.change == "INSERT", translation.upserts and sets
        return (translation.change == "DELETE" and self.change == "DELETE"), (
            translation.change == "UPDATE" and sets
        )


@dataclass
class Watched:
    """Of one statement: `columns` that it is to give back of each row, and `call(own, rows)` with what it gave, behind
    the `own` columns."""

    tell: Any
    watches: list = field(
        default_factory=list
    )  # (Watch, column where its own begin, of new rows, of changed ones)
    columns: list = field(default_factory=list)
    upserts: bool = False

    def call(self, own, rows):
        for row in rows:
            new = row[own] if self.upserts else None
            for watch, at, of_new, of_changed in self.watches:
                if self.upserts and not (of_new if new else of_changed):
                    continue
                if row[own + at]:
                    self.tell(watch, row[own + at + 1 : own + at + 1 + len(watch.columns)])


class Noticing:
    """For PostgresStore, whose `_db` these methods use."""

    _watches: dict
    _readers: dict

    def begin_noticing(self):
        """Before the first connection is used."""
        self._watches = {}  # name: (table, Watch)
        self._readers = {}  # table: keys of `_known`
        self._tables = frozenset()
        self._follows = {}  # table: tables that change with it
        self._read = {}  # query: tables
        self._told_elsewhere = self.kept()  # (name, values): True, until the transaction's end

    def learn_tables(self, execute):
        """Of a connection: which tables there are, and what changes with what."""
        self._tables = frozenset(name for (name,) in execute(_TABLES))
        functions = {name: frozenset(_WORD.findall(text)) for name, text in execute(_FUNCTIONS)}
        direct = {table: set() for table in self._tables}
        for table, text in execute(_TRIGGERS):
            words, more = set(), set(_WORD.findall(text))
            while more - words:
                words |= more
                more = {word for name in words & functions.keys() for word in functions[name]}
            direct.setdefault(table, set()).update(words & self._tables)
        for table in direct:
            found, more = set(), {table}
            while more - found:
                found |= more
                more = {each for name in found for each in direct.get(name, ())}
            self._follows[table] = frozenset(found)

    # ---- noticing ----------------------------------------------------------------------------------------------------

    def notice(self, name, change, function, *columns, when="1", whose="all"):
        """Has a method called with these columns (NEW.ue, OLD.ue) of each row that a change ("INSERT ON device")
        concerns, as long as its object is there, with the statement: it may not use the store, and returns None. In
        the place of an earlier one of this name. `whose` work it is: that of the "owner" of the Address that the first
        two columns are, of the "leader", or of "all" nodes."""
        kind, only, table = _CHANGE.fullmatch(change).groups()
        watch = Watch(
            name,
            kind,
            frozenset(only.split(", ") if only else ()),
            weakref.WeakMethod(function),
            columns,
            "TRUE" if when == "1" else _EARLIER.sub("", when),
            whose,
        )
        self._watches[name] = table, watch
        self._main.forget()

    def _noticed(self, translation):
        """For a Connection."""
        if translation.table is None:
            return None
        watched = Watched(self._tell, upserts=translation.upserts)

        def column(text):
            return _ROW.sub(lambda match: "%s.%s" % (translation.called, match[2]), text)

        if translation.upserts:
            watched.columns.append("%s.%s" % (translation.called, _NEW_ROW))
        for table, watch in self._watches.values():
            if table != translation.table:
                continue
            of_new, of_changed = watch.concerns(translation)
            if of_new or of_changed:
                watched.watches.append((watch, len(watched.columns), of_new, of_changed))
                watched.columns.append("(%s)" % column(watch.when))
                watched.columns.extend("(%s)" % column(each) for each in watch.columns)
        return watched if watched.watches else None

    def _tell(self, watch, values):
        here, elsewhere = self.whose_work(watch.whose, values)
        if elsewhere:
            self._told_elsewhere[watch.name, values] = True
        if here:
            function = watch.method()
            if function is not None:
                function(*values)

    def hear_noticed(self, name, values):
        """Another node has noticed this."""
        found = self._watches.get(name)
        function = found and found[1].method()
        if function is not None:
            function(*values)

    def before_commit(self):
        collected = list(self._told_elsewhere)
        dict.clear(self._told_elsewhere)
        self._tell_noticed(collected)

    # ---- what queries gave -------------------------------------------------------------------------------------------

    def look_for_others(self):
        """A transaction begins: what others have written until now is seen in it."""
        self._known.clear()
        self._readers.clear()
        dict.clear(self._told_elsewhere)

    def _written(self, translation):
        """For a Connection: of tables that are written nothing is known any more."""
        if self._readers:
            for table in translation.tables:
                for each in self._follows.get(table, (table,)):
                    for key in self._readers.pop(each, ()):
                        self._known.pop(key, None)

    def once(self, read, query, *values):
        """What `read(cursor)` makes of a query: asked again in a transaction that none of its tables was written in
        meanwhile, it is the same again."""
        db = self._db
        if not db.in_transaction:
            return read(db.execute(query, values))
        key = read, query, values
        try:
            return self._known[key]
        except KeyError:
            pass
        except TypeError:  # a list among the values
            return read(db.execute(query, values))
        found = self._known[key] = read(db.execute(query, values))
        tables = self._read.get(query)
        if tables is None:
            tables = self._read[query] = translate(query).words & self._tables
        for table in tables:
            self._readers.setdefault(table, []).append(key)
        return found

    def lasting(self, name, read, query, *values):
        """As `once`: another node may have written as soon as the transaction is over."""
        return self.once(read, query, *values)
