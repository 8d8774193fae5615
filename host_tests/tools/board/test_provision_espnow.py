# SPDX-License-Identifier: MIT
"""msgin5g provision: the keys of ESP-NOW, of which the device has its own and the gateway's radio a file with all."""

import contextlib
import json
import re
import stat
import threading

import pytest

from tools.provision import radio

UE, OTHER = "ue:meter-1@example.org", "ue:meter-2@example.org"
PEER = "l3+espnow://a0b1c2d3e4f5"
PMK, LMK = "0123456789abcdef" * 2, "fedcba9876543210" * 2
KEY = re.compile("[0-9a-f]{32}")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def meter(run):
    """meter(*options, ue=, out=) provisions one; what `run` gives."""

    def provision(*options, ue=UE, out="meter.json"):
        role = ("--role", "application client")
        return run("--ue", ue, "--peer", PEER, *role, "--out", out, *options)

    return provision


def read(path):
    return json.loads(path.read_text())


def keys(path):
    section = read(path)["espnow"]
    return section["pmk"], section["lmk"]


def test_keys_are_made_for_the_device_and_for_the_gateways_radio(here, meter):
    code, out, err = meter("--espnow", "keys/radio.json")
    assert (code, err) == (0, "")
    assert "ESP-NOW: a new key, in keys/radio.json for the gateway's radio\n" in out
    pmk, lmk = keys(here / "meter.json")
    assert KEY.fullmatch(pmk) and KEY.fullmatch(lmk) and pmk != lmk
    assert read(here / "keys/radio.json") == {"pmk": pmk, "lmk": {UE: lmk}}
    for path in ("meter.json", "keys/radio.json"):
        assert stat.S_IMODE((here / path).stat().st_mode) == 0o600
    assert not [key for key in (pmk, lmk) if key in out + err]


def test_each_device_has_a_key_of_its_own(here, meter):
    meter("--espnow", "radio.json")
    meter("--espnow", "radio.json", ue=OTHER, out="other.json")
    (pmk, one), (same, two) = keys(here / "meter.json"), keys(here / "other.json")
    assert pmk == same and one != two
    assert read(here / "radio.json") == {"pmk": pmk, "lmk": {UE: one, OTHER: two}}


def test_keys_that_are_given(here, meter):
    (here / "radio.json").write_text(json.dumps({"pmk": PMK, "lmk": {UE: LMK}}))
    (here / "radio.json").chmod(0o644)
    code, out, _ = meter("--espnow", "radio.json")
    assert code == 0 and "ESP-NOW: the keys of radio.json\n" in out
    assert keys(here / "meter.json") == (PMK, LMK)
    assert stat.S_IMODE((here / "radio.json").stat().st_mode) == 0o600


def test_a_pmk_that_is_missing_is_made(here, meter):
    (here / "radio.json").write_text(json.dumps({"lmk": {UE: LMK}}))
    assert meter("--espnow", "radio.json")[0] == 0
    pmk, lmk = keys(here / "meter.json")
    assert KEY.fullmatch(pmk) and lmk == LMK
    assert read(here / "radio.json") == {"pmk": pmk, "lmk": {UE: LMK}}


def test_another_run_keeps_them(here, meter):
    """With the file or without it, which may be somewhere else; and they go into a file that was lost."""
    meter("--espnow", "radio.json")
    before, radio = keys(here / "meter.json"), read(here / "radio.json")
    assert "it was there already" in meter("--espnow", "radio.json")[1]
    code, out, _ = meter("--app-id", "7")
    assert code == 0 and "the keys of ESP-NOW are kept\n" in out
    (here / "radio.json").unlink()
    meter("--espnow", "radio.json")
    assert (keys(here / "meter.json"), read(here / "radio.json")) == (before, radio)


def test_new_ones_where_they_are_asked_for(here, meter):
    meter("--espnow", "radio.json")
    pmk, lmk = keys(here / "meter.json")
    assert meter("--espnow", "radio.json", "--force")[0] == 0
    same, new = keys(here / "meter.json")
    assert same == pmk and new != lmk  # the PMK is everybody's
    assert read(here / "radio.json") == {"pmk": pmk, "lmk": {UE: new}}


def test_those_of_another_device_are_not_taken_over(here, meter):
    meter("--espnow", "radio.json")
    assert meter("--force", ue=OTHER)[0] == 0
    assert "espnow" not in read(here / "meter.json")


def test_without_keys_it_says_so(meter):
    code, out, _ = meter()
    assert code == 0
    assert (
        "ESP-NOW without keys: anyone in range can read, change and forge; --espnow FILE makes some\n" in out
    )


@pytest.mark.parametrize(
    "contents, says",
    [
        ({"pmk": LMK[1:], "lmk": {}}, "the key of 'pmk' must be 32 hexadecimal digits"),
        ({"pmk": PMK, "lmk": {UE: "x" * 32}}, f"the key of '{UE}' must be 32 hexadecimal digits"),
        ({"pmk": PMK, "lmk": LMK}, '"lmk", one for each device'),
        ({"pmk": PMK, "lkm": {}}, '"lmk", one for each device'),
        ([PMK], "is not a JSON object"),
    ],
)
def test_a_file_that_is_wrong(here, meter, contents, says):
    (here / "radio.json").write_text(json.dumps(contents))
    code, out, err = meter("--espnow", "radio.json")
    assert (code, out) == (2, "") and says in err
    assert not (here / "meter.json").exists() and read(here / "radio.json") == contents
    assert not [key for key in (PMK, LMK, LMK[1:]) if key in err]


def test_options_that_do_not_go_together(here, run):
    code, _, err = run("--ue", UE, "--peer", "coap://192.0.2.1", "--espnow", "radio.json", "--out", "a.json")
    assert code == 2 and "--espnow is for a --peer l3+espnow://MAC, and there is none" in err
    (here / "list.csv").write_text(f"ue\n{UE}\n")
    code, _, err = run(
        *("--csv", "list.csv", "--peer", "coap://192.0.2.1", "--espnow", "radio.json", "--out", "devices")
    )
    assert code == 2 and "--espnow is for a --peer l3+espnow://MAC, and there is none" in err
    code, _, err = run("--config", "a.json", "--espnow", "radio.json", "--out", "b.json")
    assert code == 2 and "--espnow has no place beside it" in err
    (here / "base.json").write_text(json.dumps({"espnow": {"channel": 6, "lmk": LMK}}))
    code, _, err = run("--ue", UE, "--peer", PEER, "--settings", "base.json", "--out", "a.json")
    assert code == 2 and "leave the keys of section espnow out" in err and LMK not in err


@pytest.mark.parametrize("mac", ["a0b1c2d3e4", "gateway", "", "ffffffffffff", "01:00:5e:00:00:01"])
def test_a_peer_that_is_no_station(here, run, mac):
    """The device would refuse it, at its start (firmware/device/links/espnow.py, link)."""
    (here / "list.csv").write_text(f"ue\n{UE}\n")
    for whose in (("--ue", UE), ("--csv", "list.csv")):
        code, _, err = run(
            *whose, "--peer", f"l3+espnow://{mac}", "--role", "application client", "--out", "a"
        )
        assert code == 2 and "must name the MAC address of one station: l3+espnow://a0b1c2d3e4f5" in err
        assert not (here / "a").exists()


def test_the_file_of_keys_is_not_written_over(here, run, meter):
    """A device's configuration in its place would cost the keys of all."""
    meter("--espnow", "radio.json")
    before = read(here / "radio.json")
    code, _, err = meter("--espnow", "radio.json", ue=OTHER, out=here / "radio.json")
    assert code == 2 and "name another file for all keys" in err
    state = ("--state", "board", "--espnow", "board/msgin5g.json")
    code, _, err = run("--ue", UE, "--peer", PEER, "--role", "application client", *state)
    assert code == 2 and "name another file for all keys" in err
    (here / "list.csv").write_text(f"ue\n{UE}\n")
    options = ("--csv", "list.csv", "--peer", PEER, "--role", "application client", "--out", "devices")
    code, _, err = run(*options, "--espnow", "devices/ue_meter-1@example.org.json")
    assert code == 2 and "name another file for all keys" in err
    assert read(here / "radio.json") == before


def test_two_runs_at_once_lose_no_key(here, monkeypatch):
    """As at two boards, from two terminals."""
    both = threading.Barrier(2)
    load = radio._load

    def slowly(path):
        known = load(path)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.2)  # for the other one to read the same
        return known

    monkeypatch.setattr(radio, "_load", slowly)
    wanted = [{"ue_service_id": ue, "peer": PEER} for ue in (UE, OTHER)]
    runs = [threading.Thread(target=radio.give, args=(each, {}, "keys/radio.json")) for each in wanted]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    known = read(here / "keys/radio.json")
    assert known["lmk"] == {each["ue_service_id"]: each["espnow"]["lmk"] for each in wanted}
    assert {each["espnow"]["pmk"] for each in wanted} == {known["pmk"]}


def test_a_list_without_keys_says_so(here, run):
    (here / "list.csv").write_text(f"ue,peer\n{UE},{PEER}\n{OTHER},{PEER}\nue:third@x,l3+uart://1\n")
    code, out, _ = run("--csv", "list.csv", "--role", "application client", "--out", "devices")
    assert code == 0 and "2 of them: ESP-NOW without keys: anyone in range can read, change and forge" in out


def test_a_list(here, run):
    """Channel and the like are of all; a device with another link has no keys of ESP-NOW."""
    (here / "base.json").write_text(json.dumps({"espnow": {"channel": 6}, "role": "application client"}))
    (here / "list.csv").write_text(f"ue,peer\n{UE},{PEER}\n{OTHER},{PEER}\nue:third@x,l3+uart://1\n")
    options = ("--csv", "list.csv", "--settings", "base.json", "--espnow", "radio.json", "--out", "devices")
    code, out, _ = run(*options)
    assert code == 0 and "3 devices: 3 written to devices" in out
    known = read(here / "radio.json")
    for ue in (UE, OTHER):
        config = read(here / "devices" / (ue.replace(":", "_") + ".json"))
        assert config["espnow"] == {"channel": 6, "pmk": known["pmk"], "lmk": known["lmk"][ue]}
    assert read(here / "devices/ue_third@x.json")["espnow"] == {"channel": 6}
    assert len(set(known["lmk"].values())) == 2
    assert "0 written to devices, 3 there already" in run(*options)[1]
    assert read(here / "radio.json") == known


def test_what_is_shown(here, run, meter):
    meter("--espnow", "radio.json")
    out = run("--show", "--out", "meter.json")[1]
    assert "security        by the keys of ESP-NOW\n" in out and "A device starts with it." in out
    assert not [key for key in keys(here / "meter.json") if key in out]
    meter(ue=OTHER, out="other.json")
    assert "none: anyone in range can read, change and forge" in run("--show", "--out", "other.json")[1]
