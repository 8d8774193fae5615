# SPDX-License-Identifier: MIT
"""What several servers decide on one database: each message leaves from one of them, in order, whoever dies."""

import contextlib
import json
import threading
import time

import psycopg
import pytest

from host_tests.gateway.server.test_decisions import msg
from host_tests.nodes.several import Node, Nodes
from tools.store.faults import Conflict, StoreError, Unavailable
from tools.store.opening import open_store
from tools.store.postgres import migrating
from tools.store.postgres.several import members
from tools.wire.bodies import Address
from tools.wire.identity import Peer

A, B = "ue:a", "ue:b"
AS = "as:weather@example.org"
HERE, THERE = Peer("192.0.2.1", 40000), Peer("192.0.2.2", 40000)
URI = "http://192.0.2.9/as"


@pytest.fixture
def nodes(database):
    made = []

    def make(*names, **settings):
        made.append(Nodes(database, names or "abc", **settings))
        return made[-1].all

    yield make
    for each in made:
        each.close()


def register_as(node, id_=AS):
    body = {"asSvcId": id_, "appId": "x", "targetUri": URI}
    return node.event(lambda now: node.server.application_servers.register(body, now))


def sent(node):
    return [push.body.get("payload") for push in node.work()]


def test_what_one_node_accepts_another_one_sends_at_once(nodes):
    a, b, c = nodes()
    a.register(A, HERE)
    b.register(B, THERE)
    assert a.code(HERE, msg(A, B, "one")) == "2.04"
    assert a.work() == [] and c.work() == []
    push = b.one()
    assert (push.where, push.body["payload"]) == (THERE, "one")
    b.outcome(push)
    assert a.work() == b.work() == c.work() == []
    assert b.events("delivered")


def test_what_the_ue_says_elsewhere_moves_it_with_all_that_waits(nodes):
    a, b, c = nodes()
    a.register(A, HERE)
    b.register(B, THERE)
    assert a.code(HERE, msg(A, B, "one")) == "2.04"
    old = b.one()
    moved = Peer("192.0.2.2", 50000)
    assert c.code(moved, msg(B, A, "hello")) == "2.04"
    new = c.one()
    assert (new.where, new.body["payload"]) == (moved, "one")
    assert b.work() == []
    b.outcome(old)  # given up: it says nothing any more
    assert not b.events("delivered")
    c.outcome(new)
    assert len(c.events("delivered")) == 1
    assert sent(a) == ["hello"]
    assert a.code(HERE, msg(A, B, "two")) == "2.04"
    assert sent(b) == [] and sent(c) == ["two"]


def test_an_application_server_is_one_nodes_until_that_dies(nodes):
    a, b, c = three = nodes()
    a.register(A, HERE)
    register_as(a)
    assert a.code(HERE, msg(A, AS, "one", "AS")) == "2.04"
    for _ in range(3):
        begun = [(node, push) for node in three for push in node.work()]
        if begun:
            break
    ((holder, push),) = begun
    others = [node for node in three if node is not holder]
    assert all(node.work() == [] for node in three)
    assert others[0].store.node_of(Address("AS", AS), 0) == holder.name

    holder.outcome(push)
    holder.code(HERE, msg(A, AS, "two", "AS"))
    (second,) = holder.work()
    assert second.row != push.row
    holder.kill()
    begun = []
    for _ in range(200):
        for node in others:
            node.beat()
            begun += [(node, push) for push in node.work()]
        if begun:
            break
        time.sleep(0.05)
    ((taker, again),) = begun
    assert again.row == second.row  # it was not noted: it goes again, and nothing else
    taker.outcome(again)
    assert len(taker.events("delivered")) == 1


def test_a_node_that_says_nothing_is_fenced(nodes):
    """One that hangs: its session is ended, what it would write comes to nothing, and it begins anew."""
    a, b = nodes("a", "b")
    a.register(A, HERE)
    assert a.store.leads
    b.store._main.execute("UPDATE node SET beat=beat-? WHERE name='a'", (members.SILENT + 1,))
    until_it_leads(b)
    with pytest.raises(Unavailable):
        a.ask(HERE, msg(A, B, "late"))


def until_it_leads(node):
    """A session that is ended is there for a moment still."""
    for _ in range(200):
        node.beat()
        if node.store.leads:
            return
        time.sleep(0.05)
    pytest.fail("it does not lead")


def test_a_second_process_of_one_name_is_refused(database, nodes):
    (a,) = nodes("a")
    ended = threading.Event()

    def beat():
        while not ended.wait(0.3):
            a.store._beating.step()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(StoreError, match="a node named a serves already"):
            Node(database, "a")
    finally:
        ended.set()
        thread.join()


def test_a_node_of_the_same_name_goes_on_with_its_ues_at_once(nodes, database):
    a, b = nodes("a", "b")
    a.register(A, HERE)
    b.register(B, THERE)
    b.code(THERE, msg(B, A, "one"))
    a.one()
    a.kill()
    b.beat()
    assert b.work() == []  # nobody's, until A is heard or that node is back
    a.start()
    assert sent(a) == ["one"]


def test_the_leader_alone_ends_what_is_over_and_another_one_leads_after_it(nodes):
    a, b = nodes("a", "b", lifetime=100)
    assert (a.store.leads, b.store.leads) == (True, False)
    b.register(B, THERE)
    b.now += 200
    b.work()
    assert not b.events("expired")
    a.kill()
    until_it_leads(b)
    b.work()
    assert b.events("expired")


def test_quotas_are_those_of_all_nodes_together(nodes):
    a, b = nodes("a", "b", pending_each=3)
    a.register(A, HERE)
    b.register(B, THERE)
    for node, peer in ((a, HERE), (b, THERE)):
        node.register("ue:%s2" % node.name, Peer(peer.host, 1))
    codes = [
        node.code(Peer(peer.host, 1), msg("ue:%s2" % node.name, B, "x"))
        for node, peer in ((a, HERE), (b, THERE)) * 2
    ]
    assert codes == ["2.04", "2.04", "2.04", "5.03"]


def test_order_of_an_originator_holds_over_nodes(nodes):
    """A says something at one node after the other; B moves in between."""
    three = nodes()
    three[0].register(B, THERE)
    three[0].register(A, HERE)
    got, at = [], THERE
    for number in range(9):
        node = three[number % 3]
        assert node.code(HERE, msg(A, B, str(number))) == "2.04"
        if number in (3, 6):
            at = Peer("192.0.2.2", 40000 + number)
            three[(number + 1) % 3].code(at, msg(B, A, "moved"))
        for each in three * 2:
            for push in each.work():
                if push.target.id == B:
                    assert push.where == at
                    got.append(push.body["payload"])
                each.outcome(push)
    assert got == [str(number) for number in range(9)]


def test_a_message_stored_while_its_ue_registers_elsewhere_is_decided_once_more(nodes):
    a, b = nodes("a", "b")
    a.register(A, HERE)
    b.register(B, THERE)
    b.code(THERE, {"msgIden": msg(B, A)["msgIden"], "msgType": "DEREG", "oriAddr": msg(B, A)["oriAddr"]})
    body = msg(A, B, "kept", sfFlag=True)
    with pytest.raises(Conflict), a.store.transaction():
        a.store.registration(B)  # it sees the store as it is now
        b.register(B, THERE)
        ask_within(a, body)
    assert a.code(HERE, body) == "2.04"
    assert sent(b) == ["kept"]


def ask_within(node, body):
    answer = node.server.request(HERE, 50, json.dumps(body).encode(), node.now)
    assert answer.code == "2.04"


def test_a_command_is_heard_by_all(nodes, database):
    a, b = nodes("a", "b", open=False)
    with contextlib.closing(open_store(database, serving=False)) as store, store.transaction():
        store.add_device(A)
    looked = []
    for node in (a, b):
        node.store.told["changed"] = lambda payload, sender, node=node: looked.append(node.name)
        node.hear()
    assert looked == ["a", "b"]


def test_who_has_taken_the_lock_just_now_has_time_to_say_so(database):
    """Its row may be that of its last life, silent for long: its session is ended where it stays so."""
    with (
        psycopg.connect(database, autocommit=True) as link,
        psycopg.connect(database, autocommit=True) as other,
    ):
        migrating.migrate(link, database, True)
        link.execute("INSERT INTO node (name, shard, beat, state, started) VALUES ('a', 7, 0, 'up', 0)")
        link.execute("SELECT pg_advisory_lock(%s, 7)", (members.CLASS,))
        suspected = {}
        for now in (100.0, 100.9):
            (member,) = members.look(other, suspected, now)
            assert member.lives and member.is_silent
            link.execute("SELECT 1")
        members.beat(link, "a", members.UP, None, None)
        members.look(other, suspected, 101.5)
        assert suspected == {}
        link.execute("UPDATE node SET beat=0")
        members.look(other, suspected, 102.0)
        members.look(other, suspected, 103.0)
        with pytest.raises(psycopg.OperationalError):
            link.execute("SELECT 1")
