# SPDX-License-Identifier: MIT
"""The list of devices: all of them in it, whoever writes the tables; what it costs does not grow with how many there
are; and what a restart leaves of when each was heard."""

import random

import pytest

from host_tests.gateway.page.asked import Bare, Page
from host_tests.gateway.scripted import Ue, gateway, run
from host_tests.gateway.store.test_plans import steps
from tools.page.devices import Devices
from tools.page.events import Events
from tools.page.past.history import History
from tools.server.counters import Counters
from tools.server.delivery.windows import Windows
from tools.store.server import listedtables
from tools.store.server.listedtables import LOOKED
from tools.store.store import Store
from tools.wire.bodies import Malformed
from tools.wire.identity import Peer

A, B = "ue:a@example.org", "ue:b@example.org"
HERE = Peer("192.0.2.1", 4000)


@pytest.fixture
def store():
    made = Store(":memory:")
    yield made
    made.close()


def expected(store):
    """{ue: state}, from the tables that say it."""
    found = dict.fromkeys((ue for (ue,) in store._db.execute("SELECT ue FROM device WHERE ue>''")), "never")
    rows = store._db.execute("SELECT ue, live FROM registration WHERE ue>''")
    found |= {ue: "registered" if live else "away" for ue, live in rows.fetchall()}
    ways = store._db.execute("SELECT ue FROM gateway_way WHERE ue>''")
    return found | dict.fromkeys((ue for (ue,) in ways.fetchall()), "registered")


def check(store):
    states = expected(store)
    assert dict(store.listed(None, 0, 1000)) == states
    assert [ue for ue, _ in store.listed(None, 0, 1000)] == sorted(states)
    counted = {state: list(states.values()).count(state) for state in listedtables.STATES}
    assert store.count_listed() == counted
    for state in listedtables.STATES:
        assert [ue for ue, _ in store.listed(state, 0, 1000)] == sorted(
            u for u in states if states[u] == state
        )
    heard = {ue for (ue,) in store._db.execute("SELECT ue FROM ue_heard WHERE ue>''")}
    assert heard <= set(states)


class Undone(Exception):
    pass


def test_it_follows_whatever_is_written(store):
    rng = random.Random(1)
    changes = (
        store.add_device,
        store.remove_device,
        lambda ue: store.register(ue, HERE, 0, 100, None, {}),
        store.end_registration,
        lambda ue: store.set_way(ue, HERE, 100),
        store.end_way,
        lambda ue: store.note_heard([(ue, 5.0)]),
        lambda ue: store.forget_ways(50 if rng.random() < 0.5 else 200),
    )
    for _ in range(1500):
        undone = rng.random() < 0.2
        try:
            with store.transaction():
                rng.choice(changes)("ue:%d" % rng.randrange(6))
                if undone:
                    raise Undone
        except Undone:
            pass
        check(store)


def test_what_an_older_program_left_is_listed_once(tmp_path):
    path = str(tmp_path / "store.db")
    old = Store(path)
    with old.transaction():
        old.add_device("ue:never")
        old.register("ue:away", HERE, 0, 100, None, {})
        old.end_registration("ue:away")
        old.register("ue:here", HERE, 0, 100, None, {})
        old.set_way("ue:way", HERE, 100)
        names = (
            "SELECT type, name FROM sqlite_master WHERE name LIKE 'listed%' OR name LIKE 'ue!_%' ESCAPE '!'"
        )
        for type_, name in old._db.execute(names).fetchall():
            if type_ in ("trigger", "table") and name != "ue_configurations":
                old._db.execute("DROP %s IF EXISTS %s" % (type_, name))
    old.close()
    new = Store(path)
    states = {"ue:never": "never", "ue:away": "away", "ue:here": "registered", "ue:way": "registered"}
    assert dict(new.listed(None, 0, 10)) == states
    check(new)
    new.close()
    again = Store(path)
    check(again)
    again.close()


# ---- cost ------------------------------------------------------------------------------------------------------------


class Program:
    def __init__(self, store):
        self.store, self.windows, self.counters = store, Windows(store), Counters({})

    def clock(self):
        return 50.0


def filled(store, first, last):
    with store.transaction():
        for number in range(first, last):
            ue = "ue:%05d@example.org" % number
            store.add_device(ue)
            if number % 3:
                store.register(ue, Peer("192.0.2.1", number), 0, 1000, None, {})
            if number % 3 == 2:
                store.end_registration(ue)


PAGES = {
    "all": {},
    "of one state": {"state": "away"},
    "provisioned only": {"state": "never"},
    "the second one": {"page": 2},
}


@pytest.mark.parametrize("asked", PAGES)
def test_a_page_costs_the_same_with_ten_thousand_devices(store, asked):
    devices = Devices(Program(store), History(Events()))
    filled(store, 0, 600)
    page = devices.page(**PAGES[asked])
    few = steps(store, lambda: devices.page(**PAGES[asked]))
    filled(store, 600, 10_000)
    assert devices.page(**PAGES[asked])["items"] == page["items"]
    assert steps(store, lambda: devices.page(**PAGES[asked])) == few > 50


def test_counts_and_one_device_cost_the_same(store):
    devices = Devices(Program(store), History(Events()))
    looks = (store.count_listed, lambda: devices.one("ue:00007@example.org"))
    counts = []
    for first, last in ((0, 100), (100, 3000)):
        filled(store, first, last)
        for look in looks:
            look()  # what is kept in memory is there then
        counts.append([steps(store, look) for look in looks])
    assert counts[0] == counts[1]


def test_a_search_goes_through_so_many_at_most(store, monkeypatch):
    devices = Devices(Program(store), History(Events()))
    assert LOOKED == 20_000
    monkeypatch.setattr(listedtables, "LOOKED", 500)
    filled(store, 0, 500)
    few = steps(store, lambda: devices.page("nothing like it"))
    filled(store, 500, 3000)
    assert steps(store, lambda: devices.page("nothing like it")) <= few + 10


# ---- what it says ----------------------------------------------------------------------------------------------------


def names(page):
    return [item["ue"] for item in page["items"]]


def test_words_are_found_anywhere_and_are_no_pattern(store):
    devices = Devices(Program(store), History(Events()))
    for ue in (
        "ue:roof-1@example.org",
        "ue:Roof_2@example.org",
        "ue:100%@example.org",
        "ue:cellar@a.example",
    ):
        store.add_device(ue)
    assert names(devices.page("roof")) == ["ue:Roof_2@example.org", "ue:roof-1@example.org"]
    assert names(devices.page("a.example")) == ["ue:cellar@a.example"]
    assert names(devices.page("_2")) == ["ue:Roof_2@example.org"]
    assert names(devices.page("0%")) == ["ue:100%@example.org"]
    assert names(devices.page("\\")) == [] == names(devices.page("roof", "registered"))
    assert devices.page("roof", page=2, size=1) == devices.page("roof") | {
        "page": 2,
        "size": 1,
        "items": devices.page("roof")["items"][1:],
    }


@pytest.mark.parametrize(
    "asked", [{"size": 0}, {"size": 201}, {"page": 0}, {"page": 10**6 + 1}, {"state": "gone"}]
)
def test_what_is_out_of_bounds_is_refused(store, asked):
    with pytest.raises(Malformed):
        Devices(Program(store), History(Events())).page(**asked)


def test_pages_are_all_of_them_and_none_twice(store):
    devices = Devices(Program(store), History(Events()))
    filled(store, 0, 130)
    pages = [devices.page(page=number) for number in (1, 2, 3, 4)]
    assert [len(each["items"]) for each in pages] == [50, 50, 30, 0]
    assert [each["total"] for each in pages] == [130] * 4
    found = [ue for each in pages for ue in names(each)]
    assert found == sorted(expected(store))


def test_when_a_device_was_heard_outlives_the_program(tmp_path):
    path = str(tmp_path / "store.db")

    async def main():
        async with gateway(path, port=0) as g, Page(g) as page, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            await a.send(B, "x")
            await b.next("MSG")
            await g.journal.wait("delivered")
            before = [(await page.device(ue))["lastHeard"] for ue in (A, B)]
            since = g.store.registration(A).since
        async with gateway(path) as g, Page(g) as page:
            assert [(await page.device(ue))["lastHeard"] for ue in (A, B)] == before
            assert before[0] > since  # by its message, not by its registration

    run(main())


def test_who_does_not_answer_is_silent_since_then():
    async def main():
        async with gateway(ack_timeout=0.01) as g, Page(g) as page, Ue(g, A) as a:
            bare = Bare(g, B)
            await a.register()
            await bare.register()
            assert (await page.device(B))["silentSince"] is None
            await a.send(B, "x")
            await g.journal.wait("retry")
            device = await page.device(B)
            assert device["silentSince"] >= device["lastHeard"] and device["waits"] == 1
            assert device["stats"]["unanswered"] >= 1
            await bare.register()
            assert (await page.device(B))["silentSince"] is None
            bare.close()

    run(main())
