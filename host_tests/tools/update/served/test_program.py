# SPDX-License-Identifier: MIT
"""`msgin5g update` on a store: what each verb does there, what it says, and which mistakes it names."""

import json
import os

import pytest

from host_tests.tools.update import corpus
from tools import cli
from tools.store.server import updatetables
from tools.store.server.grouptables import NORMAL, Member
from tools.store.store import Store
from tools.update import format, watching
from tools.wire.identity import Peer

A, B, C, GW = "ue:a@example.org", "ue:b@example.org", "ue:c@example.org", "ue:gw@example.org"
BEHIND = "ue:applications@example.org"
GROUP = "group:garden@example.org"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store("gateway.db")
    with store.transaction():
        for ue in (A, B, GW):
            store.add_device(ue)
        store.add_gateway(GW)
        store.add_device(BEHIND)
        store.add_application(1, BEHIND, b"")
        store.register(C, Peer("192.0.2.1", 1), 0, 2**32, None, {})
        store.add_group(GROUP, NORMAL, None, 0, {}, [Member(A), Member(C), Member("as:x@example.org")])
    store.close()
    (tmp_path / "garden.bundle").write_bytes(corpus.good().octets)
    return tmp_path


def said(capsys, *words):
    code = cli.main(["update", *words])
    out, err = capsys.readouterr()
    return code, out, err


def done(capsys, *words):
    code, out, err = said(capsys, *words)
    assert (code, err) == (0, "")
    return out


def mistake(capsys, *words):
    code, out, err = said(capsys, *words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    return err


def send(capsys, *words):
    return json.loads(done(capsys, "send", "garden.bundle", *words, "--no-wait", "--json"))


def change(function):
    store = Store("gateway.db", serving=False)
    try:
        with store.transaction():
            return function(store)
    finally:
        store.close()


def ues(capsys, job):
    return [each["ue"] for each in json.loads(done(capsys, "show", str(job), "--json"))["items"]]


def test_a_bundle_goes_to_whom_it_is_said_to(here, capsys):
    bundle = format.read((here / "garden.bundle").read_bytes())
    first = send(capsys, "--ue", A, B, A)
    assert (first["bundle"], first["name"], first["version"]) == (
        bundle.id,
        bundle.manifest.name,
        bundle.manifest.version,
    )
    assert ues(capsys, first["job"]) == [A, B]
    code, out, err = said(capsys, "send", "garden.bundle", "--group", GROUP, "--no-wait", "--json")
    assert (code, ues(capsys, json.loads(out)["job"])) == (0, [A, C])
    assert err == (f"msgin5g: not sent to 1 member of {GROUP}, no device of gateway.db: as:x@example.org\n")
    assert ues(capsys, send(capsys, "--all", "--first", "1", "--then", "50%")["job"]) == [A, B, C]
    plan = change(lambda store: store.update(3).plan)
    assert (plan.first, plan.then, plan.patience) == ("1", "50%", 2)
    contents = change(lambda store: store.bundle_piece(bundle.id, 0, len(bundle.contents)))
    assert contents == bundle.contents
    assert change(lambda store: store.bundle_head(bundle.id)) == (bundle.signed, bundle.signature)


def test_what_there_is_is_listed_and_shown(here, capsys):
    assert done(capsys, "list") == ""
    job = send(capsys, "--ue", A, B)["job"]
    change(lambda store: store.change_update_device(job, A, state="loading", have=50, total=100))
    change(lambda store: store.change_update_device(job, B, state="refused", cause="board: not this one"))
    assert "(app), running; stage 0; 1 loading, 1 refused" in done(capsys, "list")
    _, *devices = done(capsys, "show", str(job)).splitlines()
    assert devices == [f"  {A}  loading 50 %", f"  {B}  refused: board: not this one"]
    assert done(capsys, "show", str(job), "--state", "refused").splitlines()[1:] == devices[1:]
    (item,) = json.loads(done(capsys, "list", "--json"))["items"]
    assert item["counts"] == {"loading": 1, "refused": 1}


def test_it_is_paused_resumed_stopped_and_begun_again(here, capsys):
    job = str(send(capsys, "--ue", A, B)["job"])
    state = lambda: change(lambda store: store.update(int(job)).state)  # noqa: E731
    done(capsys, "pause", job)
    assert state() == "paused"
    assert "is paused, not running" in mistake(capsys, "pause", job)
    done(capsys, "resume", job)
    assert state() == "running"
    assert "1 device" in done(capsys, "stop", job, "--ue", A)
    assert state() == "running"
    assert f"{A} is at its end in update {job}: stopped" in mistake(capsys, "stop", job, "--ue", A)
    assert "1 device" in done(capsys, "stop", job)
    assert state() == "stopped"
    assert "2 devices" in done(capsys, "again", job)
    assert state() == "running"
    assert "no device refused update" in mistake(capsys, "again", job)
    done(capsys, "stop", job, "--ue", A)
    done(capsys, "pause", job)
    assert f"1 device again once it is resumed: update resume {job}" in done(capsys, "again", job)
    assert state() == "paused"


def test_each_mistake_is_one_line(here, capsys):
    assert "no such" in mistake(capsys, "send", "none.bundle", "--all").lower()
    (here / "bad.bundle").write_bytes(corpus.good().octets[:-1])
    assert "bad.bundle: it is cut short" in mistake(capsys, "send", "bad.bundle", "--all")
    assert f"{GW}x is not in gateway.db" in mistake(capsys, "send", "garden.bundle", "--ue", GW + "x")
    for other in (GW, BEHIND):
        assert "no device that takes updates" in mistake(capsys, "send", "garden.bundle", "--ue", other)
    assert "see `msgin5g gateway group list`" in mistake(
        capsys, "send", "garden.bundle", "--group", "group:x"
    )
    change(lambda store: store.add_group("group:as", NORMAL, None, 0, {}, [Member("as:x@example.org")]))
    assert "there is no device to send it to" in mistake(
        capsys, "send", "garden.bundle", "--group", "group:as"
    )
    assert "give --first N" in mistake(capsys, "send", "garden.bundle", "--all", "--then", "5")
    assert "there is no store x.db" in mistake(capsys, "list", "--store", "x.db")
    assert "there is no update 9" in mistake(capsys, "show", "9")
    for wrong in ("0", "101%", "-1", "x", "5%%"):
        with pytest.raises(SystemExit) as end:
            cli.main(["update", "send", "garden.bundle", "--all", f"--first={wrong}"])
        assert end.value.code == 2
        assert "no number of devices" in capsys.readouterr().err


def test_more_devices_than_there_may_be_are_refused_and_none_is_left_out(here, capsys, monkeypatch):
    monkeypatch.setattr(updatetables, "DEVICES", 2)
    assert "3 are too many for one update" in mistake(capsys, "send", "garden.bundle", "--all")
    change(lambda store: store.remove_device(A))
    assert len(ues(capsys, send(capsys, "--all")["job"])) == 2


def test_who_waits_hears_each_change_and_the_end(here, capsys):
    job = send(capsys, "--ue", A, B)["job"]
    steps = iter(
        [
            lambda store: store.begin_stage(job, 1, 2, 1.0),
            lambda store: store.change_update_device(job, A, state="loading", have=33, total=100),
            lambda store: store.change_update_device(job, A, have=37),  # the same tenth
            lambda store: store.change_update_device(job, A, state="confirmed"),
            lambda store: store.change_update_device(job, B, state="rolled-back"),
            lambda store: store.set_update_state(job, "done"),
        ]
    )
    store = Store("gateway.db", serving=False)
    try:
        assert watching.watch(store, job, "gateway.db", False, lambda _: change(next(steps))) == 1
    finally:
        store.close()
    assert capsys.readouterr().out.splitlines() == [
        f"update {job}, stage 0: 2 waiting",
        f"update {job}, stage 1: 2 waiting",
        f"update {job}, stage 1: 1 waiting, 1 loading 30 %",
        f"update {job}, stage 1: 1 waiting, 1 confirmed",
        f"update {job}, stage 1: 1 confirmed, 1 rolled-back",
        f"update {job} is done: confirmed by 1 of 2 devices",
    ]


def test_on_a_terminal_there_is_a_bar(here, capsys, monkeypatch):
    job = send(capsys, "--ue", A)["job"]
    steps = iter(
        [
            lambda store: store.change_update_device(job, A, state="loading", have=50, total=100),
            lambda store: store.change_update_device(job, A, state="confirmed"),
            lambda store: store.set_update_state(job, "done"),
        ]
    )
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    store = Store("gateway.db", serving=False)
    try:
        assert watching.watch(store, job, "gateway.db", False, lambda _: change(next(steps))) == 0
    finally:
        store.close()
    assert capsys.readouterr().out == f"update {job} is done: confirmed by 1 of 1 device\n"


def test_who_waits_where_nobody_serves_is_told_so_once(here, capsys, monkeypatch):
    job = send(capsys, "--ue", A)["job"]
    monkeypatch.setattr(watching, "NOBODY", -1)
    steps = iter(
        [lambda store: None, lambda store: None, lambda store: store.set_update_state(job, "stopped")]
    )
    store = Store("gateway.db", serving=False)
    try:
        assert watching.watch(store, job, "gateway.db", False, lambda _: change(next(steps))) == 1
    finally:
        store.close()
    out = capsys.readouterr().out
    assert out.count("no server works with gateway.db now") == 1
    assert out.endswith(f"update {job} is stopped: confirmed by 0 of 1 device\n")


def test_who_waits_no_longer_ends_nothing(here, capsys, monkeypatch):
    job = send(capsys, "--ue", A)["job"]

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.update.watching.watch.__defaults__", (interrupt,))
    code, _, err = said(capsys, "send", "garden.bundle", "--ue", B)
    assert code == 130
    assert err == (
        f"msgin5g: update {job + 1} goes on: update show {job + 1} says how far it is, update stop {job + 1} ends it\n"
    )
    assert change(lambda store: store.update(job + 1).state) == "running"


def test_one_that_makes_room_while_it_is_waited_for_is_said_to_be_gone(here, capsys):
    job = send(capsys, "--ue", A)["job"]
    store = Store("gateway.db", serving=False)
    try:
        gone = lambda _: change(lambda store: store.remove_update(job))  # noqa: E731
        assert watching.watch(store, job, "gateway.db", False, gone) == 1
    finally:
        store.close()
    assert f"update {job} is gone from gateway.db" in capsys.readouterr().err


def test_a_paused_one_ends_the_waiting_with_what_to_do(here, capsys):
    job = send(capsys, "--ue", A)["job"]
    change(lambda store: store.set_update_state(job, "paused", "2 devices failed"))
    store = Store("gateway.db", serving=False)
    try:
        assert watching.watch(store, job, "gateway.db", False, os.abort) == 1
    finally:
        store.close()
    assert f"update {job} is paused: 2 devices failed" in capsys.readouterr().out
