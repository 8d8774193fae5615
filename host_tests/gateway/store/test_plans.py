# SPDX-License-Identifier: MIT
"""What a look into the store costs does not grow with what is there. That no statement goes through a whole table is
looked at in all tests (`plans`); here, that this would be noticed, and steps of SQLite's own machine."""

import sqlite3

import pytest

from host_tests.gateway.store import plans
from tools.store.keys.sectables import Keys
from tools.store.store import Store
from tools.store.tables import DATA
from tools.wire.bodies import Address
from tools.wire.identity import Peer


def of_tools(store, statement):
    """Executes it as if it stood in a module of tools."""
    exec(
        compile("db.execute(statement)", plans.ROOM + "of.py", "exec"),
        {"db": store._db, "statement": statement},
    )
    found, plans.scans[:] = plans.scans[:], []
    return [said for _, said in found]


@pytest.fixture
def store():
    made = Store(":memory:")
    yield made
    made.close()


def test_a_statement_without_an_index_is_noticed(store):
    assert of_tools(store, "SELECT ue FROM registration WHERE profile='{}'") == ["SCAN registration"]
    (said,) = of_tools(store, "SELECT count(*) FROM message")
    assert said.startswith("SCAN message USING COVERING INDEX")
    assert of_tools(store, "DELETE FROM part WHERE payload='noticed'") == ["SCAN part"]
    store._db.execute("SELECT ue FROM registration WHERE profile='a test may'")
    assert plans.scans == []


def test_what_has_an_index_or_a_reason_is_not(store):
    assert of_tools(store, "SELECT profile FROM registration WHERE ue='noticed'") == []
    assert of_tools(store, "SELECT min(expires) FROM registration WHERE live") == []
    assert of_tools(store, "SELECT name, 'noticed' FROM sqlite_master") == []
    assert isinstance(store._db, sqlite3.Connection)


def steps(store, function, *arguments):
    """Instructions of SQLite's machine that it takes."""
    count = 0

    def one():
        nonlocal count
        count += 1

    store.look_for_others()  # which is done now and then, by itself
    store._db.set_progress_handler(one, 1)
    try:
        function(*arguments)
    finally:
        store._db.set_progress_handler(None, 0)
    return count


def device(store, number):
    name = b"%d" % number
    ue = "ue:%d" % number
    store.register(ue, Peer("192.0.2.1", number), 0, 1000 + number, None, {})
    assert store.bind_keys(ue, Keys(name, b"g", b"s" * 16, name)) is None
    for lane in (DATA, 0):
        store.add(lane, "MSG", Address("UE", ue), None, {"msgType": "MSG"}, [], "stored", 1000 + number)


LOOKS = {
    "the key of a datagram": lambda store: store.keys_of_kid(b"7", None),
    "a key that nobody has": lambda store: store.keys_of_kid(b"x", None),
    "registrations that are over": lambda store: store.expired_registrations(500),
    "messages that are over": lambda store: store.overdue(500),
    "when something is due": lambda store: store.deadline(),
    "what waits of all": lambda store: store.load(DATA),
    "windows that open": lambda store: store.waking(500),
    "who is at an address": lambda store: store.ues_at(Peer("192.0.2.1", 7), 0),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_costs_the_same_with_many_devices(store, look):
    few = 10
    for number in range(few):
        device(store, number)
    before = steps(store, LOOKS[look], store)
    for number in range(few, 400):
        device(store, number)
    # Some of it is a walk down a tree, which has no instructions of its own.
    assert steps(store, LOOKS[look], store) == before > 0
