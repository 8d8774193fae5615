# SPDX-License-Identifier: MIT
"""Messages of a database that several nodes serve from: each has one end, each is somebody's, and counts once."""

import psycopg
import pytest

from tools.store.faults import Conflict
from tools.store.postgres.store import PostgresStore
from tools.store.states import HELD, QUEUED, STORED
from tools.store.tables import CONTROL, DATA
from tools.wire.bodies import Address
from tools.wire.identity import Peer

A, B = Address("UE", "ue:a"), Address("UE", "ue:b")
WEATHER = Address("AS", "as:weather")
NOW = 1000.0


@pytest.fixture
def pair(database):
    made = [PostgresStore(database, node=name) for name in ("one", "two")]
    yield made
    for each in made:
        each.close()


def put(store, target=B, origin=A, expires=NOW + 60, state=QUEUED, parts=("part",), lane=DATA):
    head = {"msgType": "MSG", "msgId": "m"}
    with store.transaction():
        return store.add(lane, "MSG", target, origin, head, list(parts), state, expires)


def rows(database, query):
    with psycopg.connect(database) as link:
        return link.execute(query).fetchall()


# ---- one end -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["remove", "set_state"])
def test_of_two_that_end_a_message_one_is_to_decide_again(pair, ends):
    one, two = pair
    id_ = put(one)
    with pytest.raises(Conflict), one.transaction():
        assert one.message(id_) is not None
        with two.transaction():  # its life is over there, while its outcome is handled here
            assert two.message(id_) is not None
            two.remove(id_)
        if ends == "remove":
            one.remove(id_)
        else:
            one.set_state(id_, HELD, NOW + 10)
        one.add(CONTROL, "IMDN", A, B, {"msgType": "IMDN"}, [], QUEUED, NOW + 60)
    assert one.message(id_) is None
    assert one.load(CONTROL) == (0, 0)  # what answered with it is undone, too
    with one.transaction():  # once more: there is nothing left to answer
        assert one.message(id_) is None


def test_what_another_node_is_ending_is_not_overdue_here(pair):
    one, two = pair
    first, second, held = put(one, expires=NOW), put(one, expires=NOW), put(one, expires=NOW, state=HELD)
    put(one, expires=NOW + 1)
    with one.transaction():
        one.set_state(held, HELD, NOW)
    with two.transaction():
        two.remove(first)
        two.message(second)  # sends what waits to be written
        with one.transaction():
            assert sorted(one.overdue(NOW)) == [second, held]


def test_of_two_leaders_one_takes_what_is_overdue(pair):
    one, two = pair
    id_ = put(one, expires=NOW)
    with one.transaction():
        assert one.overdue(NOW) == [id_]
        with two.transaction():
            assert two.overdue(NOW) == []
        one.remove(id_)
    with two.transaction():
        assert two.overdue(NOW) == []


def test_a_ue_that_registers_elsewhere_just_now_has_not_expired(pair):
    one, two = pair
    with one.transaction():
        one.register("ue:a", Peer("192.0.2.1", 1), 0, NOW, None, {})
    with two.transaction():
        two.register("ue:a", Peer("192.0.2.1", 1), NOW, NOW + 60, None, {})
        two.registration("ue:a")
        with one.transaction():
            assert one.expired_registrations(NOW) == []
    assert two.registration("ue:a", NOW).expires == NOW + 60


def test_its_parts_and_traits_go_with_a_message(pair, database):
    one, _ = pair
    with one.transaction():
        id_ = one.add(
            DATA,
            "MSG",
            B,
            A,
            {"msgType": "MSG", "msgId": "w", "msgList": [{"msgId": "e"}]},
            ["part"] * 3,
            QUEUED,
            NOW,
            high=True,
            whole="w",
        )
    tables = {"part": 3, "trait": 1, "element": 1}
    for table, count in tables.items():
        assert rows(database, "SELECT count(*) FROM %s" % table) == [(count,)]
    with one.transaction():
        one.remove(id_)
    for table in tables:
        assert rows(database, "SELECT count(*) FROM %s" % table) == [(0,)]


def test_segments_go_with_their_set_and_count_until_then(pair, database):
    one, two = pair
    with one.transaction():
        set_ = one.open_set("ue:a", "s", "m", {"msgType": "MSG", "msgId": "m"}, NOW)
        one.add_segment(set_.id, 1, "part", {"msgType": "MSG", "msgId": "m"}, NOW)
        one.add_segment_msg_id(set_.id, "m", 1)
    assert two.waiting(A) == two.waiting() == (0, 4)  # those of "part"
    with two.transaction():
        two.remove_set(set_.id)
    assert one.waiting(A) == one.waiting() == (0, 0)
    for table in ("segment", "segment_msg_id", "segment_set"):
        assert rows(database, "SELECT count(*) FROM %s" % table) == [(0,)]


# ---- whose it is -------------------------------------------------------------------------------------------------


def test_a_node_looks_at_what_it_serves_and_at_what_nobody_does(pair, database):
    one, two = pair
    with one.transaction():
        one.register("ue:one", Peer("192.0.2.1", 1), 0, NOW, None, {})
        one.register("ue:behind two", None, 0, NOW, None, {}, via="ue:two")
    with two.transaction():
        two.register("ue:two", Peer("192.0.2.2", 1), 0, NOW, None, {})
    with psycopg.connect(database) as link:
        link.execute("INSERT INTO lease VALUES ('AS', 'as:one', 'one'), ('AS', 'as:two', 'two')")
    targets = [Address("UE", name) for name in ("ue:one", "ue:two", "ue:behind two", "ue:none")]
    targets += [Address("AS", name) for name in ("as:one", "as:two", "as:none")]
    for target in targets:
        for _ in range(3):
            put(one, target)
        put(one, Address(target.type, target.id + " stored"), state=STORED)

    def names(store):
        return {target.id for target in store.waiting_targets()}

    nobodys = {"ue:none", "as:none"}
    assert names(one) == {"ue:one", "as:one", *nobodys}
    assert names(two) == {"ue:two", "ue:behind two", "as:two", *nobodys}
    with two.transaction():  # it speaks there, from the same address
        two.rebind("ue:one", Peer("192.0.2.1", 1))
    assert "ue:one" in names(two) and "ue:one" not in names(one)


def test_what_is_accepted_later_is_behind_whatever_node_it_was(pair):
    one, two = pair
    ids = [put(store) for store in (one, two, one, one, two)]
    assert ids == sorted(ids)
    assert one.ids(B, QUEUED) == two.ids(B, QUEUED) == ids


# ---- how much of whom --------------------------------------------------------------------------------------------


def test_what_waits_is_the_sum_of_all_nodes(pair, database):
    one, two = pair
    ids = [put(one), put(two), put(two)]
    size = one.message(ids[0]).octets
    assert size == 4  # those of "part"
    for store in pair:
        assert store.waiting(A) == store.waiting() == store.load(DATA) == (3, 3 * size)
        assert store.room(B, A) == (3, 0, 3, 3 * size, 3, 3 * size)
    with one.transaction():  # more than this node has accepted
        for id_ in ids:
            one.remove(id_)
    assert one.waiting(A) == two.waiting() == (0, 0)
    assert len(rows(database, "SELECT shard FROM load")) == 4  # a row a node of one originator, and of all
    with one.transaction():
        one.tidy(NOW)
    assert rows(database, "SELECT * FROM load") == []


def test_two_nodes_that_count_at_once_do_not_wait_for_each_other(pair):
    one, two = pair
    with one.transaction():
        one.add(DATA, "MSG", B, A, {"msgType": "MSG", "msgId": "1"}, ["part"], QUEUED, NOW)
        with two.transaction():
            two.add(DATA, "MSG", B, A, {"msgType": "MSG", "msgId": "2"}, ["part"], QUEUED, NOW)
        assert one.load(DATA)[0] == 1
    assert one.load(DATA)[0] == two.load(DATA)[0] == 2


# ---- what is known again -----------------------------------------------------------------------------------------


def test_numbers_of_what_is_known_again_grow_over_nodes(pair):
    one, two = pair
    with one.transaction():
        one.remember("UE ue:a", "1", "", 100)
    with two.transaction():
        two.mark_seen(NOW)
    with two.transaction():
        two.remember("UE ue:a", "2", "", 100)
    with one.transaction():
        assert one.forget_older(NOW, 10) is False
    assert [one.seen("UE ue:a", id_) for id_ in "12"] == [None, ""]


def test_the_newest_ids_of_an_originator_are_known(pair):
    one, _ = pair
    with one.transaction():
        for number in range(200):
            one.remember("UE ue:a", str(number), "", 64)
            one.remember("UE ue:b", str(number), "", 1000)
    known = [number for number in range(200) if one.seen("UE ue:a", str(number)) is not None]
    assert known[-64:] == list(range(136, 200)) and len(known) <= 66
    assert all(one.seen("UE ue:b", str(number)) is not None for number in range(200))
