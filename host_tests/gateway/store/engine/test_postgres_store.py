# SPDX-License-Identifier: MIT
"""The store in PostgreSQL: how it is named and opened, its tables by numbered files, what is noticed of changes, and
how long what queries gave is believed.
"""

import subprocess
import sys
import threading

import psycopg
import pytest

from tools.store.engine.noticing import Touched
from tools.store.faults import NoStore, StoreError
from tools.store.messages.messagetables import DATA
from tools.store.opening import open_file, open_store
from tools.store.postgres import migrating
from tools.store.postgres.naming import masked
from tools.store.postgres.store import PostgresStore
from tools.store.states import QUEUED
from tools.store.store import Store
from tools.wire.bodies import Address
from tools.wire.identity import Peer

AS, UE = Address("AS", "as:a"), Address("UE", "ue:a")
HERE = Peer("192.0.2.1", 4000)
MSG_ID = "0a0a0a0a-0000-4000-8000-000000000001"


@pytest.fixture
def store(database):
    made = PostgresStore(database)
    yield made
    made.close()


# ---- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("postgresql://u:geheim@db.example/x?host=/tmp", "postgresql://u:***@db.example/x?host=/tmp"),
        ("postgres://u@db.example:5432/x", "postgres://u@db.example:5432/x"),
        ("postgresql:///x?user=u&password=geheim&port=1", "postgresql:///x?user=u&password=***&port=1"),
        ("gateway.db", "gateway.db"),
        ("a:b@c.db", "a:b@c.db"),
    ],
)
def test_no_password_is_shown(name, shown):
    assert masked(name) == shown


def test_which_store_it_is_follows_from_its_name(tmp_path, database):
    for name in ("sqlite:%s" % (tmp_path / "a.db"), str(tmp_path / "a.db"), ":memory:", "sqlite::memory:"):
        made = open_store(name)
        assert type(made) is Store
        made.close()
    made = open_store(database)
    assert type(made) is PostgresStore and made.file is None
    made.close()
    with pytest.raises(StoreError, match="a gateway's store is a file") as refused:
        open_file("postgresql://u:geheim@db.example/x")
    assert "geheim" not in str(refused.value)


def test_psycopg_is_imported_for_postgresql_alone_and_missed_with_a_sentence(tmp_path):
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from tools.store.opening import open_store\n"
        "open_store(sys.argv[1]).close()\n"
        "try: open_store('postgresql://x/y')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.db")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (
        "StoreError --store postgresql://... needs psycopg: pip install 'msgin5g-tools[postgres]'"
    )


def test_a_database_that_cannot_be_used_is_refused_with_a_sentence(database):
    for name, words in (
        ("postgresql://u:geheim@127.0.0.1:1/x", "start it, or give another --store"),
        (database + "&sslmode=nonsense", "--store"),
        ("postgresql://[", "is no URI of a PostgreSQL database"),
    ):
        with pytest.raises(StoreError, match=words) as refused:
            open_store(name)
        assert "geheim" not in str(refused.value) and "\n" not in str(refused.value)


# ---- tables ----------------------------------------------------------------------------------------------------------


def test_a_command_makes_no_store_and_a_server_says_that_it_has(database):
    with pytest.raises(NoStore, match="msgin5g server makes"):
        open_store(database, serving=False, create=False)
    first = open_store(database)
    assert [event for event, _ in first.news()] == ["store-made"]
    first.close()
    for serving in (True, False):
        again = open_store(database, serving=serving, create=False)
        assert list(again.news()) == []
        again.close()


def test_tables_of_another_program_are_left_alone(database):
    with psycopg.connect(database, autocommit=True) as link:
        link.execute("CREATE TABLE customers (id BIGINT)")
    with pytest.raises(StoreError, match=r"another program \(customers\)"):
        open_store(database)


def test_a_newer_database_and_another_one_are_refused(database):
    open_store(database).close()
    with psycopg.connect(database, autocommit=True) as link:
        link.execute("INSERT INTO migration (number, name, digest) VALUES (9999, 'x', 'y')")
        with pytest.raises(StoreError, match="version 9999 by a newer program"):
            open_store(database)
        link.execute("DELETE FROM migration WHERE number=9999")
        link.execute("UPDATE migration SET digest='other' WHERE number=1")
        with pytest.raises(StoreError, match="another state of 0001_"):
            open_store(database)


def test_a_migration_is_wholly_done_or_not_at_all(database):
    known = migrating.migrations()
    numbers = [each.number for each in known]
    assert numbers == list(range(1, len(known) + 1))
    broken = migrating.Migration(numbers[-1] + 1, "broken", "CREATE TABLE more (x BIGINT); SELECT 1/0")
    with psycopg.connect(database, autocommit=True) as link:
        with pytest.raises(StoreError, match=r"cannot be brought to version \d+ \(broken: division by zero"):
            migrating.migrate(link, "it", True, [*known, broken])
        assert link.execute("SELECT count(*) FROM migration").fetchone() == (len(known),)
        assert link.execute("SELECT to_regclass('more')").fetchone() == (None,)
        with pytest.raises(StoreError, match="earlier version"):
            migrating.migrate(link, "it", False, [*known, broken])
    open_store(database).close()


def test_several_that_start_at_once_make_the_tables_once(database):
    errors = []

    def start():
        try:
            open_store(database).close()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []


# ---- what changed ----------------------------------------------------------------------------------------------------


class Heard:
    def __init__(self):
        self.heard = []

    def note(self, *values):
        self.heard.append(values)


def test_changes_are_noticed_in_the_words_of_the_rows(store):
    inserted, deleted, updated, other = heard = [Heard() for _ in range(4)]
    store.notice("one", "INSERT ON registration", inserted.note, "'UE'", "NEW.ue")
    store.notice("two", "DELETE ON registration", deleted.note, "'UE'", "OLD.ue", "OLD.host")
    store.notice("three", "UPDATE OF live, expires ON registration", updated.note, "NEW.ue", when="NEW.live")
    store.notice("four", "UPDATE OF since ON device", other.note, "NEW.ue")
    with store.transaction():
        store.register("ue:a", HERE, 1, 100, None, {})
        store.register("ue:a", HERE, 2, 100, None, {})
        store.register("ue:b", HERE, 2, 100, None, {})
        store._db.execute("UPDATE registration SET live=FALSE, expires=7 WHERE ue='ue:b'")
        store._db.execute("UPDATE registration SET max_segment=7")
        store._db.execute("DELETE FROM registration WHERE ue=?", ("ue:b",))
    assert [each.heard for each in heard] == [
        [("UE", "ue:a"), ("UE", "ue:b")],
        [("UE", "ue:b", "192.0.2.1")],
        [("ue:a",)],
        [],
    ]


def test_what_notices_goes_back_with_its_savepoint(store):
    touched = Touched(store, list)
    touched.take(0)
    store.notice("one", "INSERT ON device", touched.touch, "NEW.ue")
    with store.transaction():
        with pytest.raises(KeyError), store.savepoint():
            store.add_device("ue:a")
            store.devices()
            raise KeyError
        with store.savepoint():
            store.add_device("ue:b")
        assert touched.take(0) == ["ue:b"]


def test_who_is_gone_hears_nothing(store):
    heard = Heard()
    store.notice("one", "INSERT ON device", heard.note, "NEW.ue")
    del heard
    assert store.add_device("ue:a")


def test_what_a_query_gave_is_believed_until_its_tables_are_written(store):
    asked = []

    def read(cursor):
        asked.append(True)
        return cursor.fetchall()

    def look(query):
        return store.once(read, query)

    with store.transaction():
        assert look("SELECT ue FROM device") == look("SELECT ue FROM device") == []
        assert len(asked) == 1
        store.mark_seen(1)
        look("SELECT ue FROM device")
        assert len(asked) == 1
        store.add_device("ue:a")
        assert look("SELECT ue FROM device") == [("ue:a",)]
        with pytest.raises(KeyError), store.savepoint():
            store.add_device("ue:b")
            assert len(look("SELECT ue FROM device")) == 2
            raise KeyError
        assert look("SELECT ue FROM device") == [("ue:a",)]
    with store.transaction():
        before = len(asked)
        look("SELECT ue FROM device")
        assert len(asked) == before + 1  # others may have written meanwhile


def test_what_triggers_write_is_written(store):
    """A message in the queue changes `load`, which no statement names."""
    query = "SELECT CAST(sum(messages) AS BIGINT) FROM load WHERE type<>''"

    def look():
        return store.once(lambda cursor: cursor.fetchone()[0], query)

    with store.transaction():
        assert look() is None
        head = {"msgType": "MSG", "msgId": MSG_ID}
        store.add(DATA, "MSG", UE, AS, head, ["x"], QUEUED, 100)
        assert look() == 1
