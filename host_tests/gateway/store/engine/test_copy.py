# SPDX-License-Identifier: MIT
"""A store that is copied whole into a database and back: each row, the numbers, and that nobody serves from two."""

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from host_tests.gateway.scripted import SERVICE
from tools.cli import main
from tools.server.delivery.pushes import Outcome
from tools.server.server import Server
from tools.server.settings import Settings
from tools.store import opening, tables
from tools.store.engine.copying import catalogue
from tools.store.engine.copying.copy import copy, take_back
from tools.store.faults import StoreError
from tools.store.keys.numbers import AHEAD
from tools.store.keys.sectables import Keys
from tools.store.postgres.migrating import migrations
from tools.store.store import Store
from tools.wire.bodies import Address
from tools.wire.identity import Peer

ROOT = str(Path(__file__).resolve().parents[4])
UE, OTHER = "ue:a@example.org", "ue:b@example.org"
KEYS = Keys(b"\x01", b"\x02", b"sixteen of these")
ROWS = 3
# What triggers have counted, with the words that a sum of several rows is asked in.
COUNTED = (
    "SELECT lane, type, id, CAST(sum(messages) AS BIGINT), CAST(sum(octets) AS BIGINT) FROM load"
    " GROUP BY lane, type, id HAVING sum(messages)<>0 ORDER BY lane, type, id",
    "SELECT state, CAST(sum(ues) AS BIGINT) FROM ue_count GROUP BY state ORDER BY state",
    "SELECT ue, state FROM ue_listed ORDER BY ue",
    "SELECT job, state, CAST(sum(devices) AS BIGINT) FROM update_count GROUP BY job, state ORDER BY job, state",
)


@contextlib.contextmanager
def opened(where):
    store = opening.open_to_move(where)
    try:
        yield store
    finally:
        store.close()


def tables_of(store):
    """({table: its rows in order}, what was counted)."""
    of = catalogue.FileCatalogue if isinstance(store, Store) else catalogue.DatabaseCatalogue
    rows = {}
    for name, table in of(store._db).tables().items():
        columns = sorted(table.columns)
        found = store._db.execute("SELECT %s FROM %s" % (", ".join(columns), name)).fetchall()
        rows[name] = sorted((tuple(row) for row in found), key=repr)
    return rows, [[tuple(row) for row in store._db.execute(query).fetchall()] for query in COUNTED]


def content(where):
    with opened(where) as store:
        return tables_of(store)


def fill(path):
    """A store with some rows in each table, and one in which each column says what it is."""
    store = Store(str(path))
    kinds = {
        (table, column): kind.upper()
        for table, column, kind in store._db.execute(
            "SELECT it.name, of.name, of.type FROM sqlite_master AS it, pragma_table_info(it.name) AS of"
            " WHERE it.type='table'"
        )
    }

    truths = truth_columns()

    def value(table, column, number):
        kind = kinds[table, column]
        if (table, column) in truths:
            return number % 2
        if table == "availability" and column in ("duration", "interval"):
            return (60, 2.5, 3600)[number % 3]
        if column in ("message", "segment_set", "lane", "stage"):  # what another table has, or counts by
            return number + 1
        if kind == "INTEGER":
            return number + 1 if number else (1 << 40) - 1 if column == "next" else 1
        if kind in ("REAL", "NUMERIC"):
            return 1700000000.25 + number
        if kind == "BLOB":
            name = "digest" if column == "old" else column  # new keys are of some that are there
            return bytes((0, number, 255)) + name.encode()
        if column == "live":
            return number % 2
        return "%s %d: \0 ' \\ \x1a \N{SNOWMAN}" % (column, number)

    with store.transaction():
        for name, table in catalogue.FileCatalogue(store._db).tables().items():
            count = 1 if name == "ue_id_secret" else ROWS
            columns = list(table.columns)
            for number in range(count):
                store._db.execute(
                    "INSERT INTO %s (%s) VALUES (%s)"
                    % (name, ", ".join(columns), ",".join("?" * len(columns))),
                    [value(name, column, number) for column in columns],
                )
    store.close()
    return str(path)


def truth_columns():
    """As the other engine's migrations spell them."""
    found = set()
    for migration in migrations():
        for statement in migration.sql.split(";"):
            if "CREATE TABLE" in statement:
                name = statement.split("CREATE TABLE")[1].split()[0]
                found |= {
                    (name, part.split()[0])
                    for part in statement.split("(", 1)[1].replace("\n", " ").split(",")
                    if " BOOLEAN" in part
                }
    return found


def test_each_table_is_the_same_there_and_back(tmp_path, database):
    file, again = fill(tmp_path / "one.db"), str(tmp_path / "two.db")
    before = content(file)
    assert all(before[0].values())  # no table is without a row
    counts, _ = copy("sqlite:" + file, database)
    there = content(database)
    copy(database, again)
    after = content(again)
    expected = {name: rows for name, rows in before[0].items() if name != "security_context"}
    for at, found in (("there", there), ("back", after)):
        assert {name for name in expected if found[0][name] != expected[name]} == set(), at
        assert found[1] == before[1], at
    assert counts == {name: len(rows) for name, rows in before[0].items()}


def test_the_numbers_of_keys_go_ahead_with_each_copy(tmp_path, database):
    file, again = str(tmp_path / "one.db"), str(tmp_path / "two.db")
    with opened(file_with_keys(file)):
        pass
    copy(file, database)
    with opened(database) as store:
        assert store.sequence(KEYS.digest) == (640 + AHEAD, True)
        assert store.keys_of_ue(UE) == KEYS
    copy(database, again)
    with opened(again) as store:
        assert store.sequence(KEYS.digest) == (640 + 2 * AHEAD, True)


def file_with_keys(path):
    store = Store(path)
    with store.transaction():
        store.add_device(UE)
        assert store.bind_keys(UE, KEYS) is None
    store.save_sequence(KEYS.digest, 640)
    store.close()
    return path


def test_nobody_serves_from_the_old_one_until_it_is_taken_back(tmp_path, database, capsys):
    file = file_with_keys(str(tmp_path / "one.db"))
    assert main(["store", "copy", file, database]) == 0
    told = capsys.readouterr().out
    assert "1 device" in told and KEYS.secret.hex() not in told
    for serving in (True, False):
        with pytest.raises(StoreError, match="was copied to postgresql://.* take-back"):
            opening.open_store(file, serving=serving)
    assert main(["store", "copy", file, str(tmp_path / "three.db")]) == 2
    assert "was copied to" in capsys.readouterr().err
    assert main(["store", "take-back", file]) == 0
    store = opening.open_store(file)
    try:  # others may have used the numbers from the copy on: those are a chance of 1 in 2**30 apart, and far above
        number, _ = store.sequence(KEYS.digest)
        assert number >= 640 + AHEAD
    finally:
        store.close()
    assert main(["store", "take-back", file]) == 0
    assert "was not copied" in capsys.readouterr().out


def test_a_database_that_was_copied_is_not_served_either(tmp_path, database):
    copy(file_with_keys(str(tmp_path / "one.db")), database)
    copy(database, str(tmp_path / "two.db"))
    with pytest.raises(StoreError, match="was copied to .*two.db"):
        opening.open_store(database)
    assert take_back(database) == str(tmp_path / "two.db")
    opening.open_store(database).close()


def test_what_is_not_empty_is_left_as_it_is(tmp_path, database):
    file, other = file_with_keys(str(tmp_path / "one.db")), str(tmp_path / "other.db")
    copy(file_with_keys(other), database)
    there = content(database)
    with pytest.raises(StoreError, match="is not empty"):
        copy(file, database)
    assert content(database) == there
    opening.open_store(file).close()  # it is no other one's


def test_who_serves_is_not_copied_from_nor_to(tmp_path, database):
    file = file_with_keys(str(tmp_path / "one.db"))
    served = opening.open_store(file)
    with pytest.raises(StoreError, match="in use by another gateway"):
        copy(file, database)
    served.close()
    serving = opening.open_store(database)
    try:
        with pytest.raises(StoreError, match="is served by"):
            copy(file, database)
    finally:
        serving.close()
    opening.open_store(file).close()
    copy(file, database)
    new = str(tmp_path / "two.db")
    serving = opening.open_store(database)
    try:
        with pytest.raises(StoreError, match="is served by"):
            copy(database, new)
    finally:
        serving.close()
    copy(database, new)  # and nothing was left of the first try


def test_a_damaged_row_leaves_nothing_behind(tmp_path, database):
    file = file_with_keys(str(tmp_path / "one.db"))
    store = Store(file)
    store._db.execute("INSERT INTO target (address, service_id) VALUES (?,?)", ("one", b"\xff"))
    store.close()
    with pytest.raises(StoreError, match="table target .*is damaged"):
        copy(file, database)
    rows, _ = content(database)
    assert not any(rows.values())
    opening.open_store(file).close()


def test_a_file_that_was_made_in_vain_is_none(tmp_path, database):
    copy(file_with_keys(str(tmp_path / "one.db")), database)
    serving = opening.open_store(database)
    try:
        with pytest.raises(StoreError):
            copy(database, str(tmp_path / "two.db"))
    finally:
        serving.close()
    assert not (tmp_path / "two.db").exists()


def test_the_next_message_is_behind_those_that_were_copied(tmp_path, database):
    file, again = str(tmp_path / "one.db"), str(tmp_path / "two.db")

    def add(store, name):
        body = {"msgType": "MSG", "msgId": name}
        with store.transaction():
            target, origin = Address("UE", UE), Address("UE", OTHER)
            return store.add(1, "MSG", target, origin, body, ['"x"'], "queued", 2e9)

    def queue(store):
        return [
            json_id for (json_id,) in store._db.execute("SELECT msg_id FROM message ORDER BY position, id")
        ]

    store = Store(file)
    with store.transaction():
        store.register(UE, Peer("192.0.2.1", 5683), 1e9, 2e9, None, {})
    for name in "abc":
        last = add(store, name)
    with store.transaction():
        store._db.execute("DELETE FROM message WHERE id=?", (last,))  # its number is not given again
    store.close()
    copy(file, database)
    with opened(database) as store:
        there = add(store, "d")
        assert there > last and queue(store) == ["a", "b", "d"]
    copy(database, again)
    with opened(again) as store:
        assert add(store, "e") > there and queue(store) == ["a", "b", "d", "e"]
        assert store.parts(there) == ['"x"']


def test_what_was_accepted_is_delivered_in_order_from_the_copy_and_once(tmp_path, database):
    file, again = str(tmp_path / "one.db"), str(tmp_path / "two.db")
    there, here = Peer("192.0.2.1", 5683), Peer("192.0.2.2", 5683)

    def body(kind, ue, **members):
        return {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}, **members}

    def ask(server, peer, said, now):
        answer = server.request(peer, 50, json.dumps(said).encode(), now)
        assert answer.code == "2.04", answer

    @contextlib.contextmanager
    def served(where, now):
        store = opening.open_store(where)
        server = Server(store, Settings(open=True), lambda event, **fields: None, rng=random.Random(1))
        server.start(now)
        yield server
        store.close()

    def send(server, payload, now):
        to = {"destAddrType": "UE", "addr": UE}
        message = body("MSG", OTHER, destAddr=to, msgId=str(uuid.uuid4()), payload=payload, appId="1")
        ask(server, here, message | {"isStoreForward": True}, now)

    def taken(server, now):
        (push,) = server.work(now)
        server.outcome(push, Outcome.of_coap("2.04", "", None), now)
        return push.body["payload"]

    with served(file, 1000.0) as server:
        for ue, peer in ((UE, there), (OTHER, here)):
            ask(server, peer, body("REG", ue), 1000.0)
        for payload in ("one", "two", "three"):
            send(server, payload, 1000.0)
        assert taken(server, 1000.0) == "one"
    copy(file, database)
    with served(database, 1001.0) as server:
        for ue, peer in ((UE, there), (OTHER, here)):
            ask(server, peer, body("REG", ue), 1001.0)  # its node has heard it now
        send(server, "four", 1001.0)
        assert taken(server, 1001.0) == "two"
    copy(database, again)
    with served(again, 1002.0) as server:
        assert [taken(server, 1002.0) for _ in range(2)] == ["three", "four"]
        assert server.work(1002.0) == []


def test_a_store_of_the_first_version_is_copied(tmp_path, database):
    """Its tables are made as a start of this program makes them."""
    file = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as old:
        for statement in tables.SCHEMA.split(";"):
            old.execute(statement)
        old.execute("PRAGMA user_version=%d" % tables.VERSION)
        old.execute("INSERT INTO device VALUES (?)", (UE,))
        old.execute(
            "CREATE TABLE application (app_id INTEGER PRIMARY KEY, ue TEXT UNIQUE, credential BLOB,"
            " identifier TEXT UNIQUE, registration_id BLOB)"
        )
        old.execute("INSERT INTO application VALUES (7, ?, ?, NULL, NULL)", (UE, b"digest"))
        old.execute(
            "INSERT INTO message (position, lane, kind, target_type, target, msg_id, head, origin_set, set_id,"
            " store_forward, state, expires, octets) VALUES (1, 1, 'MSG', 'UE', ?, 'm', '{}', '', '', 1, 'stored',"
            " 2e9, 5)",
            (UE,),
        )
    file.chmod(0o600)
    counts, _ = copy(str(file), database)
    assert (counts["device"], counts["message"], counts["app_client"], counts["app_ue"]) == (1, 1, 1, 1)
    with opened(database) as store:
        assert store.applications_of(UE)[0].app_id == 7
        assert store.count_listed()["never"] == 1
        assert store.load(1) == (1, 5)


def test_a_password_is_not_shown(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tools.cli", "store", "copy", "x.db", "postgresql://me:hush@127.0.0.1:1/x"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    assert done.returncode == 2 and "hush" not in done.stderr + done.stdout
    assert "there is no store x.db" in done.stderr
