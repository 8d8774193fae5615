# SPDX-License-Identifier: MIT
"""msgin5g provision --ue-id: a board that holds nothing but its UE ID, its key and a peer (TS 24.538 clause 6.2.1)."""

import json
import subprocess
import sys

import pytest

from tools import cli
from tools.line import ports
from tools.store.store import Store

UE_ID = "urn:imei:35-209900-176148-1"
UE = "ue:sensor-1@example.org"
PEER = "coap://192.0.2.1"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [])
    return tmp_path


def read(path):
    return json.loads(path.read_text())


def digest(name):
    store = Store("gateway.db", serving=False)
    try:
        return store.key_of_ue_id(name), store.key_of_ue(name)
    finally:
        store.close()


def mark_used(ue_id):
    store = Store("gateway.db", serving=False)
    with store.transaction():
        store._db.execute("UPDATE security_context SET used=1 WHERE digest=?", (store.key_of_ue_id(ue_id),))
    store.close()


def test_a_board_gets_its_ue_id_its_key_and_a_peer_and_nothing_else(here, run):
    code, out, err = run("--ue-id", UE_ID, "--peer", PEER, "--state", "device")
    assert (code, err) == (0, "")
    assert out == (
        f"provision: new store {here}/gateway.db\n"
        f"provision: {UE_ID}: new keys; registered with the gateway's store gateway.db\n"
        f"provision: it has no UE Service ID there yet: msgin5g gateway ue add {UE_ID}, or --assign DOMAIN of the "
        "server\n"
        "provision: device/msgin5g.json: written, read back, the same\n"
    )
    config = read(here / "device/msgin5g.json")
    assert list(config) == ["role", "ue_id", "peer", "security"]
    assert (config["role"], config["ue_id"], config["peer"]) == ("client", UE_ID, PEER)
    bound = Store("gateway.db", serving=False)
    try:
        keys = bound.keys_of_kid(bytes.fromhex(config["security"]["sender_id"]), None)
        assert keys.secret.hex() == config["security"]["master_secret"]
        assert bound.ue_ids_of_keys(keys.digest) == {UE_ID}
        assert bound.devices() == []
    finally:
        bound.close()


def test_a_second_run_keeps_the_keys(here, run):
    run("--ue-id", UE_ID, "--peer", PEER, "--state", "device")
    before = read(here / "device/msgin5g.json")
    code, out, _ = run("--ue-id", UE_ID, "--peer", PEER, "--state", "device")
    assert code == 0 and "its keys are kept" in out and "it was there already" in out
    code, out, _ = run("--ue-id", UE_ID, "--peer", "coap://192.0.2.9", "--state", "device")
    after = read(here / "device/msgin5g.json")
    assert (code, after["peer"], after["security"]) == (0, "coap://192.0.2.9", before["security"])


def test_force_makes_new_keys(here, run):
    run("--ue-id", UE_ID, "--peer", PEER, "--state", "device")
    before = digest(UE_ID)[0]
    mark_used(UE_ID)
    (here / "device/msgin5g.json").unlink()
    code, _, err = run("--ue-id", UE_ID, "--peer", PEER, "--state", "device")
    assert code == 2 and f"the gateway has keys for {UE_ID}, which were in use" in err
    assert run("--ue-id", UE_ID, "--peer", PEER, "--state", "device", "--force")[0] == 0
    assert digest(UE_ID)[0] not in (None, before)


def test_another_device_is_not_replaced_unasked(here, run):
    run("--ue", UE, "--peer", PEER, "--state", "device")
    code, _, err = run("--ue-id", UE_ID, "--peer", PEER, "--state", "device")
    assert code == 2 and f"it has keys already, those of {UE}" in err
    assert run("--ue-id", UE_ID, "--peer", PEER, "--state", "device", "--force")[0] == 0
    assert "ue_service_id" not in read(here / "device/msgin5g.json")
    code, _, err = run("--ue", UE, "--peer", PEER, "--state", "device")
    assert code == 2 and f"it has keys already, those of {UE_ID}" in err


def test_a_configured_ue_id_says_no_more(here, run):
    command = [sys.executable, "-m", "tools.cli", "gateway", "ue", "add", UE_ID, "--ue", UE]
    assert cli.main(command[3:]) == 0
    code, out, _ = run("--ue-id", UE_ID, "--peer", PEER, "--out", "a.json")
    assert code == 0 and "no UE Service ID" not in out
    # its UE Service ID may register with that key
    assert digest(UE)[1] == digest(UE_ID)[0] is not None


def test_a_file_made_before_goes_onto_a_device(here, run):
    run("--ue-id", UE_ID, "--peer", PEER, "--out", "later.json")
    code, out, err = run("--config", "later.json", "--state", "device")
    assert (code, err) == (0, "") and f"{UE_ID}: its keys are kept" in out
    assert read(here / "device/msgin5g.json") == read(here / "later.json")


def test_in_the_clear(here, run):
    code, out, _ = run("--ue-id", UE_ID, "--peer", PEER, "--security", "none", "--out", "a.json")
    assert code == 0 and "no keys, everything in the clear" in out
    assert read(here / "a.json")["security"] == {"mode": "none"}


def test_show_explains_it(here, run):
    run("--ue-id", UE_ID, "--peer", PEER, "--state", "device")
    code, out, _ = run("--show", "--state", "device")
    assert code == 0 and "A device starts with it." in out
    assert f"device          UE ID {UE_ID}, asks the server for its UE Service ID; an MSGin5G Client\n" in out


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--ue", UE, "--ue-id", UE_ID], "--ue or --ue-id"),
        ([], "which device? Name it: --ue ue:sensor-1@example.org, or --ue-id urn:imei:35-209900-176148-1"),
        (["--ue-id", ""], "which device? Name it: --ue"),
        (["--ue-id", "a\tb"], "ue_id: must not contain control characters"),
        (["--ue-id", "x" * 241], "ue_id: must have at most 240 octets"),
        (["--ue-id", UE_ID, "--role", "application client"], "ue_service_id: is missing"),
        (["--ue-id", UE_ID, "--settings", "base.json"], "--settings has a ue_service_id"),
        (["--ue-id", UE_ID, "--config", "base.json"], "--config is a whole configuration: --ue-id"),
    ],
)
def test_mistakes_have_one_clear_line(here, run, arguments, sentence):
    (here / "base.json").write_text(json.dumps({"ue_service_id": UE, "peer": PEER, "role": "client"}))
    peer = [] if "--config" in arguments else ["--peer", PEER]
    code, out, err = run(*arguments, *peer, "--out", "a.json")
    assert (code, out) == (2, "") and sentence in err and err.count("\n") == 1
    assert not (here / "a.json").exists() and not (here / "gateway.db").exists()


def test_many_devices_by_their_ue_ids(here, run):
    (here / "list.csv").write_text(f"ue_id\n{UE_ID}\nurn:imei:2\n")
    code, out, err = run("--csv", "list.csv", "--out", "made", "--peer", PEER)
    assert code == 0 and "2 devices: 2 written to made" in out, err
    assert "2 of them have no UE Service ID there yet: msgin5g gateway ue add --csv FILE" in out
    found = {path.name: read(path) for path in (here / "made").iterdir()}
    assert sorted(found) == ["urn_imei_2.json", "urn_imei_35-209900-176148-1.json"]
    assert found["urn_imei_2.json"]["ue_id"] == "urn:imei:2"
    assert "ue_service_id" not in found["urn_imei_2.json"]
    assert digest("urn:imei:2")[0] not in (None, digest(UE_ID)[0])
    code, out, _ = run("--csv", "list.csv", "--out", "made", "--peer", PEER)
    assert code == 0 and out.startswith(
        "provision: 2 devices: 0 written to made, 2 there already, 0 failed\n"
    )


def test_a_list_of_both_kinds_is_checked(here, run):
    (here / "list.csv").write_text(
        f"ue,ue_id,role\n{UE},,\n,{UE_ID},\n{UE}2,{UE_ID}2,\n,,\n,{UE_ID},\n,urn:imei:7,application client\n,a\tb,\n"
    )
    code, out, err = run("--csv", "list.csv", "--out", "made", "--peer", PEER)
    assert (code, out) == (2, "")
    assert err == (
        "msgin5g: list.csv, line 5, column ue: is empty; it must be a UE Service ID, or ue_id a UE ID\n"
        "msgin5g: list.csv, line 6, column ue_id: is that of line 3 already\n"
        'msgin5g: list.csv, line 7, column ue: is missing; it must be a service ID like "ue:sensor-1@example.org"\n'
        "msgin5g: list.csv, line 8, column ue_id: must not contain control characters\n"
        "msgin5g: nothing was done\n"
    )
    (here / "list.csv").write_text("peer\ncoap://10.0.0.1\n")
    code, _, err = run("--csv", "list.csv", "--out", "made")
    assert code == 2 and "it must name its columns, ue among them; there are ue, peer," in err
    assert "ue_id can take the place of ue" in err


def test_the_help_names_it():
    done = subprocess.run(
        [sys.executable, "-m", "tools.cli", "provision", "--help"], capture_output=True, text=True
    )
    assert "--ue-id ID" in done.stdout
