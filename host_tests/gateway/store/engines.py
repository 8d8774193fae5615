# SPDX-License-Identifier: MIT
"""The tests of decisions on the other engine, too.

With `pytest --engine postgresql FOLDERS` each store that a test opens is a database of PostgreSQL, whatever its name,
and the same one for the same name. What is about a file of SQLite, or about a program that has its store for itself,
is no part of that: ON_POSTGRESQL says what is.
"""

import itertools

from host_tests.nodes.postgres import started
from tools.store import store as sqlite_store
from tools.store.alone import Alone

# Files of decisions that are the same on both. `test_decisions_on_postgresql` runs them; it takes a minute of one core.
_MESSAGES = "host_tests/gateway/server/messages/"
ON_POSTGRESQL = (
    _MESSAGES + "test_aggregated_reports.py",
    _MESSAGES + "test_aggregates.py",
    _MESSAGES + "test_broadcast.py",
    _MESSAGES + "test_elsewhere.py",
    _MESSAGES + "test_groups.py",
    "host_tests/gateway/reach/test_windows.py",
    "host_tests/gateway/server/test_decisions.py",
    "host_tests/gateway/server/test_reading.py",
    "host_tests/gateway/server/test_server_topics.py",
)
# But for times that are moved with the clock of one machine.
NOT_ON_POSTGRESQL = (
    "host_tests/gateway/reach/test_windows.py::test_what_counts_from_the_registration_is_set_with_the_clock",
)
NAMES = ("sqlite", "postgresql")


def add_option(parser):
    parser.addoption(
        "--engine", choices=NAMES, default=NAMES[0], help="what the stores of tests are (default: sqlite)"
    )


# Makes a database as it was when it was new: a new one takes ten times as long. Triggers would count what goes.
_EMPTY = """
CREATE FUNCTION empty_again() RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  it RECORD;
  full_one BOOLEAN;
BEGIN
  SET LOCAL session_replication_role=replica;
  FOR it IN SELECT relname FROM pg_class WHERE relkind='r' AND relnamespace='public'::regnamespace
      AND relname<>'migration' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', it.relname) INTO full_one;
    IF full_one THEN
      EXECUTE format('DELETE FROM %I', it.relname);
    END IF;
  END LOOP;
  FOR it IN SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL LOOP
    EXECUTE format('ALTER SEQUENCE %I RESTART', it.sequencename);
  END LOOP;
  INSERT INTO list_state VALUES (0, 0);
  INSERT INTO ue_count VALUES ('never', 0, 0), ('registered', 0, 0), ('away', 0, 0);
END $$;
"""
_MANY = 100  # times: then what was deleted is thrown away
_AT_ONCE = 8  # stores without a name of one test


def _alone(of):
    """A PostgresStore that is no node among others: what those decide has tests of its own (host_tests/nodes)."""

    class OfOne(of):
        begin_nodes = _joined = _tell_noticed = lambda self, *_: None
        node, leads = None, True
        serves, node_of, tell, contend = Alone.serves, Alone.node_of, Alone.tell, Alone.contend
        may_give_back, begin_serving, hear = Alone.may_give_back, Alone.begin_serving, Alone.hear
        drain, end_serving, nodes = Alone.drain, Alone.end_serving, Alone.nodes
        leave = Alone.end_serving

        def whose_work(self, whose, values):
            return True, False

    return OfOne


class Engine:
    """Databases for the stores of one test at a time, in a server of this process."""

    def __init__(self, cluster):
        import psycopg

        from tools.store.postgres.store import PostgresStore

        self._connect = psycopg.connect
        self._cluster = cluster
        self._store = _alone(PostgresStore)
        self._open = {}  # by its key, the stores of the test at hand
        self._taken = {}  # by its path, or a number where it has none: the database
        self._free = []
        self._links = {}  # to empty each database
        self._emptied = 0
        self._numbers = itertools.count()

    def open(self, path, serving=True, create=True):
        """In the place of Store."""
        key = str(path)
        if path == ":memory:":
            key = next(self._numbers)
            nameless = [each for each in self._taken if isinstance(each, int)]
            if len(nameless) > _AT_ONCE:  # the examples of hypothesis have one each
                self._end(nameless[0])
        if key not in self._taken:
            self._taken[key] = self._free.pop() if self._free else self._made()
        store = self._store(self._cluster.uri(self._taken[key]), serving, create)
        self._open.setdefault(key, []).append(store)
        return store

    def _end(self, key):
        for store in self._open.pop(key, ()):
            store.close()
        name = self._taken.pop(key)
        link = self._links[name]
        link.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname=current_database() AND pid<>pg_backend_pid()"
        )
        link.execute("SELECT empty_again()")
        self._emptied += 1
        if self._emptied % _MANY == 0:
            link.execute("VACUUM")
        self._free.append(name)

    def _made(self):
        name = self._cluster.create()
        uri = self._cluster.uri(name)
        self._store(uri, False).close()
        link = self._links[name] = self._connect(uri, autocommit=True)
        link.execute(_EMPTY)
        return name

    def end_test(self):
        for key in list(self._taken):
            self._end(key)


class _Instead(type(sqlite_store.Store)):
    """Whoever asks for a Store gets what the engine opens."""

    engine = None

    def __call__(cls, *arguments, **named):
        return cls.engine.open(*arguments, **named)


def put_in_place(config):
    """Before any test is imported; gives the Engine, None for the usual one."""
    if config.getoption("--engine") == "sqlite":
        return None
    cluster = started()
    engine = Engine(cluster)
    sqlite_store.Store = _Instead("Store", (), {"engine": engine})
    config.add_cleanup(cluster.close)
    return engine
