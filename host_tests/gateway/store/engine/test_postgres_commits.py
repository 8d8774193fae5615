# SPDX-License-Identifier: MIT
"""Rounds of events on PostgreSQL: two stores on one database that write the same, and a database that goes away."""

import asyncio
import contextlib
import time

import pytest

from host_tests.gateway.scripted import SERVICE
from tools.gateway.running import commits
from tools.gateway.running.commits import Commits, Event
from tools.page.tallies import Tallies
from tools.programs.ports import free_port
from tools.programs.postgres import Cluster
from tools.server.server import Server
from tools.server.settings import Settings
from tools.store.faults import Conflict, Unavailable, store_failed
from tools.store.postgres.store import PostgresStore
from tools.store.server.figures import Figures
from tools.store.tables import CONTROL, DATA
from tools.wire import bodies
from tools.wire.answers import Refusal
from tools.wire.bodies import Address
from tools.wire.identity import Peer

HERE, NOW = Peer("192.0.2.1", 4000), 1_000_000.0
SENDER, RECIPIENT = "ue:a@example.org", "ue:b@example.org"
MSG_ID = "0a0a0a0a-0000-4000-8000-000000000001"


class Program:
    """Decides by calling; what fails is 5.03."""

    def __init__(self, store):
        self.store = store
        self.tallies = Tallies()
        self.tries = 0

    def prepare(self):
        pass

    def decide(self, event):
        self.tries += 1
        event.result = event.error = None
        try:
            with self.store.savepoint():
                event.result = event.function(*event.arguments)
        except Exception as error:
            self.failed(event, error)

    def failed(self, event, error):
        event.error = Refusal("5.03" if store_failed(error) else "5.00", str(error))
        event.error.__cause__ = error

    def work(self):
        return ()

    def note(self):
        pass

    def ended(self, events, written):
        for event in events:
            event.end()


@pytest.fixture
def stores(database):
    made = [PostgresStore(database), PostgresStore(database)]
    yield made
    for each in made:
        each.close()


def message(msg_id=MSG_ID):
    return bodies.encode(
        {
            "msgIden": SERVICE,
            "msgType": "MSG",
            "oriAddr": bodies.origin(Address("UE", SENDER)),
            "destAddr": bodies.destination(Address("UE", RECIPIENT)),
            "msgId": msg_id,
            "sfFlag": True,
            "payload": "x",
        }
    )


def test_the_same_message_at_two_nodes_at_once_is_taken_once(stores):
    """One of them sees the store as it was before the other one has written; it decides once more."""
    one, other = stores
    servers = [Server(each, Settings(open=True, rate=1e9), lambda event, **about: None) for each in stores]
    with one.transaction():
        for ue in (SENDER, RECIPIENT):
            one.add_device(ue)
        one.register(SENDER, HERE, NOW, NOW + 3600, None, {})
    programs = [Program(each) for each in stores]
    first, second = (Commits(each, program) for each, program in zip(stores, programs, strict=True))
    inner = []

    def at_the_other():
        return servers[1].request(HERE, 50, message(), NOW)

    def at_one():
        one.devices()  # from here on it sees nothing that others write
        if not inner:
            inner.append(second.now(Event(at_the_other, ())))
        return servers[0].request(HERE, 50, message(), NOW)

    answer = first.now(Event(at_one, ()))
    assert inner[0].code == answer.code == "2.04"
    assert [program.tries for program in programs] == [2, 1]
    kinds = [kind for (kind,) in one._db.execute("SELECT kind FROM message ORDER BY id")]
    assert kinds == ["MSG", "MSGRESP"]  # it is stored, which its originator hears once
    counted = one._db.execute(
        "SELECT lane, CAST(sum(messages) AS BIGINT) FROM load WHERE type<>'' GROUP BY lane ORDER BY lane"
    )
    assert counted.fetchall() == [(CONTROL, 1), (DATA, 1)]
    for each in (first, second):
        each.stop()


def test_an_event_that_is_always_in_anothers_way_ends(stores):
    one, other = stores
    one.add_device("ue:x")
    program = Program(one)
    first = Commits(one, program)
    profile = iter(range(100))

    def in_the_way():
        one.devices()
        other._db.execute("UPDATE device SET ue=?", ("ue:%d" % next(profile),))
        one._db.execute("UPDATE device SET ue='ue:y'")

    with pytest.raises(Refusal) as refused:
        first.now(Event(in_the_way, ()))
    assert refused.value.answer.code == "5.03"
    assert isinstance(refused.value.__cause__, Conflict)
    assert program.tries == commits.CONFLICTS + 1
    assert not one.in_transaction
    first.stop()


def test_those_beside_one_in_conflict_are_decided_by_themselves(stores):
    one, other = stores
    one.add_device("ue:x")
    once = []

    def in_the_way():
        one.devices()
        if not once:
            other._db.execute("UPDATE device SET ue='ue:z' WHERE ue='ue:x'")
            once.append(True)
        one._db.execute("UPDATE device SET ue='ue:y' WHERE ue IN ('ue:x', 'ue:z')")

    async def scene():
        program = Program(one)
        first = Commits(one, program)
        events = [first.add(Event(one.add_device, ("ue:%d" % number,))) for number in range(3)]
        events.insert(1, first.add(Event(in_the_way, ())))
        for each in events:
            await each
        first.stop()

    asyncio.run(scene())
    assert other.devices() == ["ue:0", "ue:1", "ue:2", "ue:y"]


def test_a_database_that_is_killed_is_found_again():
    with Cluster(port=free_port()) as cluster:
        name = cluster.create()
        store = PostgresStore(cluster.uri(name))
        try:
            store.add_device("ue:before")
            figures = Figures(store)
            assert figures.read(NOW)["rows"]["device"] == 1
            version = store.version
            cluster.kill()
            with pytest.raises(Unavailable), store.transaction():
                store.add_device("ue:lost")
            assert store.out_of_reach()
            with pytest.raises(Unavailable):
                figures.read(NOW)
            began = time.monotonic()
            with pytest.raises(Unavailable, match="out of reach"), store.transaction():
                pass
            with contextlib.suppress(Unavailable):
                store.devices()
            assert time.monotonic() - began < 30  # it does not wait for the database
            cluster.start()
            for _ in range(300):
                with contextlib.suppress(Unavailable), store.transaction():
                    store.add_device("ue:after")
                    break
                time.sleep(0.1)
            assert store.devices() == ["ue:after", "ue:before"]
            assert store.out_of_reach() is None
            assert figures.read(NOW)["rows"]["device"] == 2  # who watches goes on, too
            figures.close()
            assert store.version != version  # who serves looks at everything again
        finally:
            store.close()
