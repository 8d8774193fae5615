# SPDX-License-Identifier: MIT
"""Each statement of the store has its index in PostgreSQL: what it says of its plans, in tables that are full.

Of every place in the families that executes something, one example at least: who adds a statement that nothing here
comes to is told.
"""

import ast
import contextlib
import sys
from pathlib import Path

import pytest

import tools.store
from host_tests.gateway.store.engine import filled
from host_tests.gateway.store.plans import MAY_SCAN
from tools.store.faults import Fault
from tools.store.postgres.dialing import dial
from tools.store.postgres.store import PostgresStore

ROOM = Path(tools.store.__file__).parent
FAMILIES = sorted(
    path
    for folder in ("", "keys", "messages", "server", "gateway")
    for path in (ROOM / folder).glob("*.py")
    if path.stem.endswith("tables") or path.stem in ("families", "numbers", "windows", "moved")
)
_EXECUTES = {"execute", "executemany", "_one", "once", "lasting"}
_OTHERWISE = {"shift_times", "waiting_targets"}  # Dialect
# Beside the reasons that hold of SQLite, too.
_MAY = {
    "once at each start": ("UPDATE message SET expires=? WHERE expires>?", "DELETE FROM load WHERE"),
    "by a command": ("SELECT max(next) FROM security_context",),
    "all of them is what was asked for": (
        "SELECT ue FROM availability WHERE wakes IS NOT NULL ORDER BY wakes",
    ),
}
_ALLOWED = tuple(words for reasons in (MAY_SCAN, _MAY) for several in reasons.values() for words in several)


def _walk(node):
    """All below a node, but for the functions that PostgreSQL has in another form."""
    for each in ast.iter_child_nodes(node):
        if not (isinstance(each, ast.FunctionDef) and each.name in _OTHERWISE):
            yield each
            yield from _walk(each)


def places():
    """{(file, first line): last line} of the calls that execute a statement."""
    found = {}
    for path in FAMILIES:
        for node in _walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in _EXECUTES
            ):
                found[str(path), node.lineno] = node.end_lineno
    return found


_BY_INDEX = {"Index Scan", "Index Only Scan"}
_PASSES_ON = {*_BY_INDEX, "Result", "LockRows", "Subquery Scan", "Append", "Merge Append", "Nested Loop"}


class Undone(Exception):
    pass


class Watched:
    """In the place of a store's connection: what is executed, and by which lines of the families."""

    def __init__(self, connection):
        self._connection = connection
        self.statements, self.lines = {}, set()

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def __setattr__(self, name, value):
        if name in ("_connection", "statements", "lines"):
            super().__setattr__(name, value)
        else:
            setattr(self._connection, name, value)

    def _note(self, statement):
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename.startswith(str(ROOM)):
                self.lines.add((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        self.statements[statement] = None

    def execute(self, statement, values=()):
        self._note(statement)
        return self._connection.execute(statement, values)

    def executemany(self, statement, rows):
        self._note(statement)
        return self._connection.executemany(statement, rows)


def run(store):
    """Calls everything; what the database refuses."""
    refused = []
    for name, arguments, named in filled.calls():
        try:
            with contextlib.suppress(Undone), store.transaction():
                try:
                    function = getattr(store, name)  # a property has been looked at then
                    if callable(function):
                        function(*arguments, **named)
                    store._db.flush()
                except Fault:
                    raise
                except Exception as error:  # of what is made of an example's rows: its statement is known
                    print(name, repr(error))
                raise Undone
        except Fault as error:
            refused.append("%s: %s" % (name, error))
    store.tidy_keys()  # which has transactions of its own
    return refused


def scans(plan, tables, first=False):
    """What a plan goes through from end to end. `first`: of what it gives, only the first rows are looked at."""
    kind, table = plan["Node Type"], plan.get("Relation Name")
    first = kind == "Limit" or first and kind in _PASSES_ON and "Filter" not in plan
    whole = kind == "Seq Scan" or kind in _BY_INDEX and "Index Cond" not in plan and not first
    if whole and table in tables:
        yield "%s on %s %s" % (kind, table, plan.get("Index Name", ""))
    for each in plan.get("Plans", ()):
        yield from scans(each, tables, first)


def plan_of(link, sql, parameters=0):
    """How PostgreSQL goes about a statement, whatever its values are."""
    values = "(%s)" % ", ".join(["NULL"] * parameters) if parameters else ""
    link.execute("PREPARE it AS " + sql)
    try:
        return link.execute("EXPLAIN (FORMAT JSON) EXECUTE it" + values).fetchone()[0][0]["Plan"]
    finally:
        link.execute("DEALLOCATE it")


@pytest.fixture(scope="module")
def plans(postgres):
    """A store that is full, a connection to its database as it has them, and the tables that grow."""
    name = postgres.create()
    uri = postgres.uri(name)
    store = PostgresStore(uri)  # before there is anything to tidy
    with dial(uri) as link:
        yield store, link, filled.fill(link) - filled.FEW
    store.close()
    postgres.drop(name)


@pytest.mark.parametrize(
    "statement, said",
    [
        ("SELECT ue FROM registration WHERE profile='{}'", ["Seq Scan on registration "]),
        ("DELETE FROM part WHERE payload='noticed'", ["Seq Scan on part "]),
        (
            "SELECT number FROM seen WHERE originator || ''='a' ORDER BY number LIMIT 1",
            ["Index Scan on seen seen_pkey"],
        ),
        ("SELECT number FROM seen ORDER BY number LIMIT 1", []),
        ("SELECT ue FROM registration WHERE ue='a'", []),
        ("SELECT min(expires) FROM registration WHERE live", []),
        ("SELECT * FROM peer", []),
    ],
)
def test_what_goes_through_a_table_is_noticed(plans, statement, said):
    _, link, tables = plans
    assert list(scans(plan_of(link, statement), tables)) == said


def test_each_statement_has_its_index(plans):
    store, link, tables = plans
    watched = store._db = store._main = Watched(store._db)
    store._aside = watched  # what goes there, goes here
    store.draw(b"of no key")
    store._aside = None
    refused = run(store)
    assert not refused, "\n".join(refused)
    found = []
    for statement in watched.statements:
        prepared = watched._prepared.get(statement)  # None of what begins and ends transactions
        if prepared is not None and not any(words in statement for words in _ALLOWED):
            plan = plan_of(link, prepared.of.sql, len(prepared.of.order))
            found += ["%s: %s" % (statement, said) for said in scans(plan, tables)]
    assert not found, "\n".join(found)
    left = [
        "%s:%d" % (Path(file).name, first)
        for (file, first), last in places().items()
        if not any(file == at and first <= line <= last for at, line in watched.lines)
    ]
    assert not left, "\n".join(left)
