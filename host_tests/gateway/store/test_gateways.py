# SPDX-License-Identifier: MIT
"""Which UEs are Gateway UEs and which stand behind them: on the command line, and in the store."""

import sqlite3

import pytest

from tools import cli
from tools.store.store import Store
from tools.wire.identity import Peer

GW, OTHER, UE = "ue:gw@example.org", "ue:gw-2@example.org", "ue:s1@example.org"
HERE, THERE = Peer("192.0.2.1", 40000), Peer("192.0.2.2", 40000)
NOW = 1_000_000.0


@pytest.fixture
def device(tmp_path, capsys):
    """device(*words): (exit code, stdout, stderr) of `msgin5g gateway device`."""

    def run(*words):
        try:
            code = cli.main(["gateway", "device", *words, "--store", str(tmp_path / "g.db")])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    run("add", "ue:plain")  # the store is there
    return run


def test_a_gateway_and_the_ues_behind_it_are_added_and_listed(device):
    assert device("add", GW, "--gateway")[:2] == (
        0,
        f"added {GW}\n{GW} is a gateway: add the UEs behind it with --via {GW}\n",
    )
    assert device("add", UE, "--via", GW)[:2] == (0, f"added {UE}\n{UE} may be registered by {GW}\n")
    assert device("list")[1] == f"{GW} is a gateway\nue:plain\n{UE} via {GW}\n"
    assert device("remove", GW)[0] == 0
    assert device("list")[1] == f"ue:plain\n{UE}\n"


def test_what_is_there_already_becomes_a_gateway_or_gets_one(device):
    device("add", GW)
    assert device("add", GW, "--gateway")[1].startswith(f"{GW} is there already\n{GW} is a gateway")
    device("add", OTHER, "--gateway")
    device("add", UE, "--via", GW)
    device("add", UE, "--via", OTHER)
    assert device("list")[1] == f"{OTHER} is a gateway\n{GW} is a gateway\nue:plain\n{UE} via {OTHER}\n"
    assert device("add", UE)[1] == f"{UE} is there already\n"  # changes nothing
    assert f"{UE} via {OTHER}" in device("list")[1]


def test_a_gateway_has_keys_as_any_other(device, tmp_path):
    file = tmp_path / "gw.json"
    code, out, _ = device("add", GW, "--gateway", "--key", str(file))
    assert code == 0 and file.exists()
    assert f"new keys in {file}: msgin5g gateway --upstream URI --ue {GW} --upstream-key {file}\n" in out


@pytest.mark.parametrize(
    "words, sentence",
    [
        ((UE, "--via", "ue:nobody"), "it is no gateway yet: device add ue:nobody --gateway"),
        ((UE, "--via", "ue:plain"), "it is no gateway yet: device add ue:plain --gateway"),
        ((UE, "--via", UE), "is not behind itself"),
        ((UE, "--via", GW, "--gateway"), "exclude each other"),
        ((GW, "--via", OTHER), "is a gateway, which is behind no other"),
        (("ue:behind", "--gateway"), "is behind %s, so it cannot be a gateway" % GW),
        ((UE, "--via", "a\nb"), "1 to 255 octets"),
        ((UE, "--via", ""), "1 to 255 octets"),
    ],
)
def test_wrong_use_is_one_sentence_and_does_nothing(device, words, sentence):
    for each in (GW, OTHER):
        device("add", each, "--gateway")
    device("add", "ue:behind", "--via", GW)
    before = device("list")
    code, out, err = device("add", *words)
    assert code == 2 and out == "" and sentence in err
    assert device("list") == before


# ---- in the store ----------------------------------------------------------------------------------------------------


@pytest.fixture
def store():
    made = Store(":memory:")
    yield made
    made.close()


def register(store, ue, peer=HERE, until=NOW + 100, via=None):
    store.register(ue, peer, NOW, until, None, {}, via)


def behind(store, gateway, now):
    return {each.ue for each in store.registrations(now) if each.via == gateway}


def test_who_is_registered_through_a_gateway_is_where_that_one_is(store):
    register(store, GW, HERE, NOW + 200)
    register(store, UE, Peer("203.0.113.9", 1), via=GW)
    found = store.registration(UE, NOW)
    assert (found.via, found.peer) == (GW, HERE)
    store.rebind(GW, THERE)
    assert store.registration(UE, NOW).peer == THERE
    assert [(each.ue, each.via, each.peer) for each in store.registrations(NOW)] == [
        (GW, None, THERE),
        (UE, GW, THERE),
    ]
    assert store.ues_at(THERE, NOW) == {GW}  # the address is the gateway's, not the UE's
    assert behind(store, GW, NOW) == {UE}


def test_the_end_of_the_gateway_is_not_that_of_its_ues(store):
    register(store, GW, until=NOW + 10)
    register(store, UE, via=GW)
    assert store.registration(UE, NOW + 11).peer is None
    assert behind(store, GW, NOW + 11) == {UE}
    store.end_registration(GW)
    assert store.registration(UE, NOW).peer is None
    register(store, GW, THERE)
    assert store.registration(UE, NOW).peer == THERE
    assert behind(store, GW, NOW + 101) == set()


def test_a_registration_is_through_one_gateway_or_none(store):
    for gateway, peer in ((GW, HERE), (OTHER, THERE)):
        register(store, gateway, peer)
    register(store, UE, via=GW)
    register(store, UE, via=OTHER)
    assert (behind(store, GW, NOW), behind(store, OTHER, NOW)) == (set(), {UE})
    register(store, UE, Peer("192.0.2.3", 3))
    found = store.registration(UE, NOW)
    assert (found.via, found.peer, behind(store, OTHER, NOW)) == (None, Peer("192.0.2.3", 3), set())
    register(store, UE, via=GW)
    store.end_registration(UE)
    assert store.registration(UE, NOW) is None and behind(store, GW, NOW) == set()


def test_another_gateway_or_none_ends_the_registration_through_the_old_one(store):
    for gateway in (GW, OTHER):
        store.add_gateway(gateway)
        register(store, gateway)
    for ue in (UE, "ue:s2"):
        store.put_behind(ue, GW)
        register(store, ue, via=GW)
    store.put_behind(UE, GW)  # changes nothing
    assert behind(store, GW, NOW) == {UE, "ue:s2"}
    store.put_behind(UE, OTHER)
    assert store.expired_registrations(NOW) == [UE]
    store.remove_device(GW)
    assert sorted(store.expired_registrations(NOW)) == [UE, "ue:s2"]
    assert (store.gateways(), store.gateway_of("ue:s2"), store.gateway_of(UE)) == ([OTHER], None, OTHER)


def test_an_open_server_forgets_no_gateway_that_somebody_is_behind(store):
    register(store, GW)
    register(store, UE, via=GW)
    register(store, "ue:gone")
    for each in (GW, "ue:gone"):
        store.end_registration(each)
    store.forget_ues(2)
    assert not store.known("ue:gone") and store.known(GW)


# The tables of a store as the program before gateways made it.
OLDER = """
CREATE TABLE device (ue TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE registration (
  ue TEXT PRIMARY KEY, host TEXT, port INTEGER, live INTEGER, expires REAL, since REAL, max_segment INTEGER,
  profile TEXT) WITHOUT ROWID;
CREATE TABLE seen (number INTEGER PRIMARY KEY, originator TEXT, msg_id TEXT, set_id TEXT, UNIQUE (originator, msg_id));
CREATE TABLE application_server (
  id TEXT PRIMARY KEY, registration TEXT UNIQUE, target_uri TEXT, profile TEXT) WITHOUT ROWID;
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER, lane INTEGER, kind TEXT, target_type TEXT, target TEXT,
  origin_type TEXT, origin TEXT, msg_id TEXT, head TEXT, origin_set TEXT, set_id TEXT, store_forward INTEGER,
  state TEXT, expires REAL, hold_until REAL, octets INTEGER);
CREATE TABLE segment_set (
  id INTEGER PRIMARY KEY, originator TEXT, set_id TEXT, msg_id TEXT, body TEXT, total INTEGER, progress REAL,
  asked INTEGER, fresh REAL, octets INTEGER, UNIQUE (originator, set_id, msg_id));
INSERT INTO device VALUES ('ue:s1@example.org');
INSERT INTO registration VALUES ('ue:s1@example.org', '192.0.2.1', 40000, 1, 1000100.0, 1000000.0, 512, '{"a":1}');
PRAGMA user_version=1;
"""


def test_a_store_of_before_opens_with_its_registrations(tmp_path):
    path = str(tmp_path / "old.db")
    with sqlite3.connect(path) as older:
        older.executescript(OLDER)
    older.close()
    store = Store(path)
    found = store.registration(UE, NOW)
    assert (found.peer, found.via, found.max_segment, found.profile) == (HERE, None, 512, {"a": 1})
    assert store.gateways() == []
    store.close()
