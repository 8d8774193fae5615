# SPDX-License-Identifier: MIT
"""What queries gave is kept from one transaction to the next, until something changes that they may have read: by this
program, by another one, or not after all."""

import contextlib
import sqlite3

import pytest

from tools.store.engine import noticing
from tools.store.sqlite.noticing import Noticing
from tools.store.store import Store
from tools.wire.identity import Peer

UE, HERE, THERE = "ue:a", Peer("192.0.2.1", 1), Peer("192.0.2.2", 2)


@pytest.fixture
def store(tmp_path, monkeypatch):
    made = Store(str(tmp_path / "g.db"))
    monkeypatch.setattr(Noticing, "_BELIEVED", 60)  # a machine may be slow
    yield made
    made.close()


@contextlib.contextmanager
def statements(store):
    seen = []
    store._db.set_trace_callback(seen.append)
    yield seen
    store._db.set_trace_callback(None)


def where(store):
    return [store.registration(UE, 5) and store.registration(UE, 5).peer, UE in store.ues_at(HERE, 5)]


def register(store, peer, expires=10):
    store.register(UE, peer, 0, expires, None, {})


def test_a_second_look_costs_no_statement(store):
    with store.transaction():
        register(store, HERE)
    where(store)
    with statements(store) as seen, contextlib.suppress(ZeroDivisionError):
        with store.transaction():
            assert where(store) == [HERE, True]
            assert (
                store.registration(UE, 10) is None and store.registration(UE).peer == HERE
            )  # its time is over
        assert not store.ues_at(HERE, 10)
    assert [each.split()[0] for each in seen] == ["BEGIN", "PRAGMA", "COMMIT"]


def test_a_change_is_seen_at_once_and_one_that_is_undone_never_was(store):
    with store.transaction():
        register(store, HERE)
        assert where(store) == [HERE, True]
        with contextlib.suppress(ZeroDivisionError), store.savepoint():
            register(store, THERE)
            assert where(store) == [THERE, False]
            raise ZeroDivisionError
        assert where(store) == [HERE, True]
    with contextlib.suppress(ZeroDivisionError), store.transaction():
        store.end_registration(UE)
        assert where(store) == [None, False]
        raise ZeroDivisionError
    assert where(store) == [HERE, True]


def test_what_is_not_on_the_disk_yet_is_not_seen_beside_it(store):
    with store.transaction():
        register(store, HERE)
    where(store)
    shared = store.shared()
    register(store, THERE)
    assert where(store) == [THERE, False]
    shared.hand_over()
    assert where(store) == [HERE, True]  # from the connection that knows what was committed before
    shared.write()
    assert shared.settle() is None
    assert where(store) == [THERE, False]


@pytest.mark.parametrize("begin", (Store.transaction, Store.savepoint), ids=("transaction", "savepoint"))
def test_what_another_process_writes_is_seen_in_the_next_transaction(store, tmp_path, begin):
    with store.transaction():
        register(store, HERE)
    where(store)
    with contextlib.closing(sqlite3.connect(tmp_path / "g.db")) as other, other:
        other.execute("UPDATE registration SET host='192.0.2.2', port=2")
    with begin(store):
        assert where(store) == [THERE, False]


def test_a_registration_through_a_gateway_lasts_as_long_as_both(store):
    with store.transaction():
        store.register(UE, None, 0, 20, None, {}, via="ue:gw")
        store.register("ue:gw", HERE, 0, 10, None, {})
    assert [store.registration(UE, now).peer for now in (5, 9, 10, 19)] == [HERE, HERE, None, None]
    assert store.registration(UE, 20) is None and store.registration(UE).peer is None
    with store.transaction():
        store.rebind("ue:gw", THERE)
    assert store.registration(UE, 5).peer == THERE


def test_it_is_bounded(store):
    for number in range(3 * noticing.Lasting.MOST):
        store.known("ue:%d" % number)
    assert sum(len(each.answers) for each in store._answers.values()) <= 2 * noticing.Lasting.MOST


def test_an_application_server_is_looked_up_once_until_it_changes(store):
    with store.transaction():
        store.register_as("as:x", "1", "http://192.0.2.1/", {})
    assert store.application_server("as:x").target_uri == "http://192.0.2.1/"
    with statements(store) as seen:
        assert store.application_server("as:x").registration == "1"
    assert not [each for each in seen if "application_server" in each]
    with store.transaction():
        store.register_as("as:x", "2", None, {})
        assert store.application_server("as:x").registration == "2"
        store.remove_as("as:x")
        assert store.application_server("as:x") is None
    assert store.application_server("as:x") is None
