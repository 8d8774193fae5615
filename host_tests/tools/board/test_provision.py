# SPDX-License-Identifier: MIT
"""msgin5g provision: keys, files, the gateway's store, explanations, lists; and boards that misbehave.

A real board's part is in hardware/device/test_provisioned.py, a device's with the gateway in
gateway/device/test_provisioned.py.
"""

import json
import os
import re
import stat
import sys

import pytest

from host_tests.tools.board.board_stand_in import IDENTITY, NOT_THERE, BoardStandIn, obedient
from tools import cli, private
from tools.gateway import keys as key_files
from tools.gateway.applications import digest
from tools.image.boards import ROOT
from tools.line import ports
from tools.provision import places
from tools.store.store import Store

UE = "ue:sensor-1@example.org"
PEER = "coap://192.0.2.1"
SECRET = "0123456789abcdeffedcba9876543210"
SALT = "a0a1a2a3a4a5a6a7"

started = []  # each command line and environment that a process of this test was started with
_listening = False


def _listen(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
        started.append(repr(arguments))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Each test has a folder of its own, where gateway.db is made."""
    global _listening
    if not _listening:  # a hook stays as long as Python runs
        sys.addaudithook(_listen)
        _listening = True
    started.clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [])
    return tmp_path


def store():
    return Store("gateway.db", serving=False)


def read(path):
    return json.loads(path.read_text())


def secrets_of(config):
    section = config.get("security", {})
    names = [section.get("master_secret"), section.get("master_salt")]
    names.append(config.get("application", {}).get("credential"))
    return [name for name in names if name]


def mark_used(ue):
    """The gateway has answered with these keys."""
    opened = store()
    with opened.transaction():
        opened.save_sequence(opened.keys_of_ue(ue).digest, 64)
    opened.close()


# ---- one device, into a file or the folder of a unix board


def test_new_keys_in_a_private_file_and_in_the_store(here, run):
    code, out, err = run("--ue", UE, "--peer", PEER, "--out", "new/sensor.json")
    assert (code, err) == (0, "")
    assert out == (
        f"provision: new store {here}/gateway.db\n"
        f"provision: {UE}: new keys; registered with the gateway's store gateway.db\n"
        "provision: new/sensor.json: written, read back, the same\n"
    )
    path = here / "new/sensor.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = read(path)
    assert [config[name] for name in ("role", "ue_service_id", "peer")] == ["client", UE, PEER]
    section = config["security"]
    assert re.fullmatch("[0-9a-f]{32}", section["master_secret"])
    assert re.fullmatch("[0-9a-f]{16}", section["master_salt"])
    opened = store()
    assert opened.devices() == [UE]
    # the gateway's view: its recipient is the device's sender
    keys = opened.keys_of_ue(UE)
    assert (keys.secret.hex(), keys.salt.hex()) == (section["master_secret"], section["master_salt"])
    assert (keys.recipient_id.hex(), keys.sender_id.hex()) == (section["sender_id"], section["recipient_id"])
    assert os.listdir(here / "new") == ["sensor.json"]


def test_sender_ids_are_unique_at_the_gateway(here, run):
    for number in range(3):
        assert run("--ue", f"ue:{number}", "--peer", PEER, "--out", f"{number}.json")[0] == 0
    found = [read(here / f"{number}.json")["security"] for number in range(3)]
    assert [section["sender_id"] for section in found] == ["00", "01", "02"]
    assert len({section["master_secret"] for section in found}) == 3


def test_a_second_run_changes_nothing(here, run):
    run("--ue", UE, "--peer", PEER, "--state", "device")
    before = (here / "device/msgin5g.json").stat()
    code, out, _ = run("--ue", UE, "--peer", PEER, "--state", "device")
    assert code == 0
    assert "its keys are kept" in out and "device/msgin5g.json: it was there already" in out
    assert (here / "device/msgin5g.json").stat().st_mtime_ns == before.st_mtime_ns


def test_other_settings_keep_the_keys(here, run):
    run("--ue", UE, "--peer", PEER, "--state", "device")
    before = read(here / "device/msgin5g.json")
    (here / "wifi.txt").write_text("home\npass word\n")
    assert run("--ue", UE, "--peer", "coap://192.0.2.9", "--wifi", "wifi.txt", "--state", "device")[0] == 0
    after = read(here / "device/msgin5g.json")
    assert after["security"] == before["security"]
    assert (after["peer"], after["wifi"]) == ("coap://192.0.2.9", {"ssid": "home", "password": "pass word"})


def test_force_makes_new_keys_and_the_gateway_refuses_the_old(here, run):
    run("--ue", UE, "--peer", PEER, "--state", "device")
    old = read(here / "device/msgin5g.json")["security"]
    mark_used(UE)
    assert run("--ue", UE, "--peer", PEER, "--state", "device", "--force")[0] == 0
    new = read(here / "device/msgin5g.json")["security"]
    assert new["master_secret"] != old["master_secret"] and new["sender_id"] != old["sender_id"]
    opened = store()
    assert opened.keys_of_ue(UE).secret.hex() == new["master_secret"]
    assert opened.keys_of_kid(bytes.fromhex(old["sender_id"]), None) is None


def test_base_and_mode_none(here, run):
    (here / "base.json").write_text('{"peer": "coap://10.0.0.1", "inbox": {"messages": 4}}')
    assert run("--ue", UE, "--settings", "base.json", "--security", "none", "--out", "a.json")[0] == 0
    assert read(here / "a.json") == {
        "role": "client",
        "ue_service_id": UE,
        "peer": "coap://10.0.0.1",
        "security": {"mode": "none"},
        "inbox": {"messages": 4},
    }
    opened = store()
    assert (opened.devices(), opened.keys_of_ue(UE)) == ([UE], None)


def test_an_application_client_gets_a_credential(here, run):
    code, _, _ = run("--ue", UE, "--role", "application client", "--peer", "l3+uart://0", "--out", "a.json")
    assert code == 0
    config = read(here / "a.json")
    assert config["security"] == {"mode": "none"}
    assert config["application"]["app_id"] == 1
    registered = store().application(1)
    assert registered.ue == UE
    assert registered.credential == digest(bytes.fromhex(config["application"]["credential"]))
    assert len(bytes.fromhex(config["application"]["credential"])) == 16
    # the next one gets the next free ID, and this one keeps its own
    run("--ue", "ue:2", "--role", "application client", "--peer", "coap://10.0.0.1", "--out", "b.json")
    assert read(here / "b.json")["application"]["app_id"] == 2
    assert "master_secret" in read(here / "b.json")["security"]
    run("--ue", UE, "--role", "application client", "--peer", "l3+uart://1", "--out", "a.json")
    assert read(here / "a.json")["application"] == config["application"]


def test_a_file_made_before_goes_onto_a_device(here, run):
    run("--ue", UE, "--peer", PEER, "--out", "later.json")
    assert run("--config", "later.json", "--state", "device")[0] == 0
    assert read(here / "device/msgin5g.json") == read(here / "later.json")
    assert run("--config", "later.json", "--state", "device")[0] == 0


# ---- keys that must not be given


def test_keys_of_another_device_are_not_replaced_unasked(here, run):
    run("--ue", UE, "--peer", PEER, "--state", "device")
    before = (here / "device/msgin5g.json").read_bytes()
    code, _, err = run("--ue", "ue:other", "--peer", PEER, "--state", "device")
    assert (code, err) == (
        2,
        f"msgin5g: it has keys already, those of {UE}; --force makes new ones for ue:other\n",
    )
    run("--ue", "ue:other", "--peer", PEER, "--out", "other.json")
    code, _, err = run("--config", "other.json", "--state", "device")
    assert (code, err) == (2, f"msgin5g: it has other keys already, those of {UE}; --force replaces them\n")
    assert (here / "device/msgin5g.json").read_bytes() == before


def test_keys_in_use_are_not_replaced_unasked(here, run):
    run("--ue", UE, "--peer", PEER, "--state", "device")
    mark_used(UE)
    (here / "device/msgin5g.json").unlink()  # its flash was erased
    code, _, err = run("--ue", UE, "--peer", PEER, "--state", "device")
    assert code == 2 and "--force makes new ones" in err and "flash was erased" in err
    assert not (here / "device/msgin5g.json").exists()


def test_keys_that_were_never_used_are_replaced(here, run):
    """As after a board that was lost in the middle: nobody needs to know of the first try."""
    run("--ue", UE, "--peer", PEER, "--state", "device")
    (here / "device/msgin5g.json").unlink()
    assert run("--ue", UE, "--peer", PEER, "--state", "device")[0] == 0


def test_keys_without_their_sequence_numbers_are_never_given_again(here, run):
    run("--ue", UE, "--peer", PEER, "--out", "kept.json")
    run("--config", "kept.json", "--state", "device")
    mark_used(UE)
    for force in ([], ["--force"]):
        code, _, err = run("--config", "kept.json", "--state", "erased", *force)
        assert code == 2 and "their sequence numbers (messages/oscore-" in err
    assert not (here / "erased/msgin5g.json").exists()
    # With its row there the same keys may go on: the device's name for it is found out from the firmware.
    row = re.search(r"messages/oscore-[0-9a-f]+", err)[0]
    (here / "device/messages").mkdir()
    (here / "device" / row).write_bytes(bytes(8))
    assert run("--config", "kept.json", "--state", "device")[0] == 0


def test_keys_that_differ_from_the_gateways(here, run):
    run("--ue", UE, "--peer", PEER, "--state", "device")
    opened = store()
    with opened.transaction():
        section = key_files.new_section(opened.kids_in_use())
        key_files.add(opened, UE, key_files.of_section("x", section), "x")
    opened.close()
    code, _, err = run("--ue", UE, "--peer", PEER, "--state", "device")
    assert code == 2 and f"the gateway has other keys for {UE} than it has here" in err


def test_a_file_that_is_older_than_the_gateways_keys(here, run):
    client = ("--ue", UE, "--peer", PEER)
    run(*client, "--out", "old.json")
    run(*client, "--out", "new.json")
    code, _, err = run("--config", "old.json", "--state", "device")
    assert (code, err) == (
        2,
        f"msgin5g: the gateway has other keys for {UE}, newer ones perhaps; --force replaces them\n",
    )
    assert run("--config", "new.json", "--state", "device")[0] == 0
    client = ("--ue", "ue:7", "--role", "application client", "--peer", "l3+uart://0")
    run(*client, "--out", "a.json")
    code, _, err = run(*client, "--out", "b.json")
    assert code == 2 and "the gateway has a credential for application 1, and there is none here" in err
    assert run(*client, "--out", "b.json", "--force")[0] == 0
    code, _, err = run("--config", "a.json", "--state", "other")
    assert code == 2 and "the gateway has another application or credential for ue:7" in err
    assert run("--config", "b.json", "--state", "other")[0] == 0
    assert read(here / "other/msgin5g.json") == read(here / "b.json")


def test_a_used_application_id_stays_with_its_owner(here, run):
    client = ("--role", "application client", "--peer", "l3+uart://0", "--app-id", "7")
    assert run("--ue", "ue:1", *client, "--out", "a.json")[0] == 0
    code, _, err = run("--ue", "ue:2", *client, "--out", "b.json")
    assert (code, err) == (2, "msgin5g: application 7 is ue:1 at the gateway: take another --app-id\n")
    assert not (here / "b.json").exists()
    # TS 24.538 clause 6.4.1.1.6 b: several applications behind one UE
    assert run("--ue", "ue:1", *client[:-1], "8", "--out", "b.json")[0] == 0
    assert [(each.app_id, each.ue) for each in store().applications()] == [(7, "ue:1"), (8, "ue:1")]


# ---- what a person gets wrong


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--peer", PEER, "--out", "a"], "which device? Name it: --ue ue:sensor-1@example.org"),
        (
            ["--ue", UE, "--out", "a"],
            "where is its gateway? --peer coap://ADDRESS for a board with a network",
        ),
        (
            ["--ue", UE, "--peer", "http://x", "--out", "a"],
            "would not do: peer: must start with one of coap:",
        ),
        (
            ["--ue", "a\tb", "--peer", PEER, "--out", "a"],
            "ue_service_id: must not contain control characters",
        ),
        (["--ue", UE, "--peer", PEER, "--out", "a", "--state", "b"], "one place at a time"),
        (["--ue", UE, "--peer", PEER, "--out", "a", "--wifi", "no"], "--wifi no: No such file or directory"),
        (
            ["--ue", UE, "--peer", PEER, "--out", "a", "--wifi", "empty"],
            "its first line is the network's name",
        ),
        (["--ue", UE, "--peer", PEER, "--out", "a", "--settings", "empty"], "empty is not a JSON object"),
        (["--ue", UE, "--peer", PEER, "--out", "a", "--settings", "keys"], "leave section security out"),
        (["--ue", UE, "--config", "keys", "--out", "a"], "--config is a whole configuration"),
        (["--config", "keys", "--out", "a"], "the configuration would not do: role: is missing"),
        (["--ue", UE, "--peer", PEER], "no board is connected: plug it in"),
        (
            ["--ue", UE, "--peer", PEER, "--board", "unix"],
            "a unix board is a folder: name it with --state DIR",
        ),
        (["--ue", UE, "--peer", PEER, "--out", "a", "--store", "keys"], "cannot use keys as store"),
        (["--ue", UE, "--peer", PEER, "--out", "empty/a"], "empty/a: Not a directory"),
        (["--csv", "empty"], "--csv takes a folder"),
        (["--show", "--state", "nowhere"], "there is no folder nowhere"),
        (["--show", "--port", "/dev/ttyNONE"], "there is no port /dev/ttyNONE"),
        (["--show", "--port", "socket://127.0.0.1:1"], "nothing listens at socket://127.0.0.1:1"),
        (["--show", "--port", "/dev/null"], "/dev/null is no serial port"),
    ],
)
def test_mistakes_have_one_clear_line(here, run, arguments, sentence):
    (here / "empty").touch()
    (here / "keys").write_text(json.dumps({"security": {"master_secret": SECRET}}))
    code, out, err = run(*arguments)
    assert code == 2
    assert sentence in err and err.count("\n") == 1
    assert SECRET not in out + err
    assert not (here / "a").exists()


def test_a_store_is_left_as_it_was_when_the_place_fails(here, run):
    (here / "file").touch()
    assert run("--ue", UE, "--peer", PEER, "--out", "file/a.json")[0] == 2
    assert store().devices() == []


def test_what_is_read_back_is_compared(here, run, monkeypatch):
    """Flash that forgets: what was staged is not what is read."""
    stage = places.private.stage

    def forgetful(path, octets):
        return stage(path, octets[:-1])

    monkeypatch.setattr(places.private, "stage", forgetful)
    code, _, err = run("--ue", UE, "--peer", PEER, "--state", "device")
    assert code == 2 and "what was read back is not what was written: nothing was changed" in err
    assert os.listdir(here / "device") == []
    assert store().devices() == []


# ---- the explanation


CLIENT = {
    "role": "client",
    "ue_service_id": UE,
    "peer": "coap+uart://0",
    "security": {"master_secret": SECRET, "master_salt": SALT, "sender_id": "0a", "recipient_id": ""},
    "coap": {"ack_timeout": 3},
    "wifi": {"ssid": "home", "password": "hush hush"},
}
SHOWN = f"""\
msgin5g.json, %d octets
  device          {UE}, an MSGin5G Client
  gateway         coap+uart://0: CoAP on a serial line
  security        OSCORE: encrypted and authenticated
    master_secret set, 16 octets
    master_salt   set, 8 octets
    sender_id     0a
    recipient_id  empty
    numbers       none yet, this key was not used here; they will be in messages/oscore-%s
  Wi-Fi           home; password set
  other settings  coap.ack_timeout 3
A device starts with it.
"""
# The row's name by RFC 8613 section 3.2.1 with aiocoap's HKDF, not the firmware's.
WRONG = """\
msgin5g.json, %d octets
  device          not set, of no role that there is
  gateway         coap+uart://0: CoAP on a serial line
  security        OSCORE: encrypted and authenticated
    master_secret set, but not to hexadecimal digits, two for an octet
    sender_id     set, but not to 0 to 7 octets in hexadecimal digits
    recipient_id  not set
A device can't start with it, msgin5g.json is wrong: role: must be one of client, application client
"""


def row_name():
    from aiocoap import oscore
    from cryptography.hazmat.primitives import hashes

    class Context(oscore.CanProtect, oscore.SecurityContextUtils):
        alg_aead = oscore.AES_CCM_16_64_128()
        hashfun = oscore.hashfunctions["sha256"]
        id_context = None
        sender_id = bytes.fromhex("0a")
        recipient_id = b""
        post_seqnoincrease = None

    context = Context()
    context.derive_keys(bytes.fromhex(SALT), bytes.fromhex(SECRET))
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"row of " + context.sender_key)
    return digest.finalize()[:6].hex()


def test_show_explains_and_tells_no_key(here, run):
    text = json.dumps(CLIENT)
    private.replace(here / "msgin5g.json", text.encode())
    code, out, err = run("--show", "--state", ".")
    assert (code, out, err) == (0, SHOWN % (len(text), row_name()), "")
    (here / "messages").mkdir()
    (here / f"messages/oscore-{row_name()}").touch()
    _, out, _ = run("--show", "--state", ".")
    assert f"    numbers       in messages/oscore-{row_name()}\n" in out


def test_show_says_what_is_wrong_in_the_words_of_the_firmware(here, run):
    config = {
        "role": 7,
        "peer": "coap+uart://0",
        "security": {"master_secret": "zz" + SECRET, "sender_id": SECRET},
    }
    text = json.dumps(config)
    private.replace(here / "msgin5g.json", text.encode())
    code, out, err = run("--show", "--state", ".")
    assert (code, out, err) == (1, WRONG % len(text), "")


@pytest.mark.parametrize(
    "change, sentence",
    [
        # as in host_tests/device/msgin5g/test_config.py, which tests the device
        ({"coap": {"nstart": 9}}, "coap.nstart: must be an integer from 1 to 8"),
        ({"security": {"sender_id": "00"}}, "security.master_secret: is missing: provision the keys"),
        ({"master_secrt": SECRET}, "master_secrt: is not a key of the configuration"),
        ({"role": "application client"}, "application.credential: is missing; it must be hexadecimal digits"),
    ],
)
def test_show_finds_each_kind_of_mistake(here, run, change, sentence):
    (here / "msgin5g.json").write_text(json.dumps(CLIENT | change))
    code, out, _ = run("--show", "--state", ".")
    assert code == 1
    assert f"A device can't start with it, msgin5g.json is wrong: {sentence}" in out
    assert SECRET not in out and "hush" not in out


def test_show_tells_no_secret_of_a_section_that_it_does_not_know(here, run):
    """ESP-NOW has keys as well, and what comes after it may have some."""
    espnow = {"channel": 6, "pmk": SECRET, "lmk": SECRET[::-1]}
    config = CLIENT | {"peer": "l3+espnow://a0b1c2d3e4f5", "role": "application client", "espnow": espnow}
    config |= {"security": {"mode": "none"}, "application": {"app_id": 3, "credential": SALT}}
    (here / "msgin5g.json").write_text(json.dumps(config))
    code, out, _ = run("--show", "--state", ".")
    assert code == 0
    assert "espnow.channel 6, espnow.pmk set, 16 octets, espnow.lmk set, 16 octets" in out
    assert "  application     ID 3; credential set, 8 octets\n" in out
    assert not [secret for secret in (SECRET, SECRET[::-1], SALT) if secret in out]


def test_show_explains_the_file_that_is_named(here, run):
    run("--ue", UE, "--peer", PEER, "--out", "later.json")
    for option in ("--config", "--out"):
        code, out, _ = run("--show", option, "later.json")
        assert code == 0 and UE in out and "A device starts with it." in out
        code, _, err = run("--show", option, "typo.json")
        assert code == 2 and "there is no file typo.json" in err
    assert run("--show", "--config", "later.json", "--state", "device")[0] == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--show", "--config", "later.json", "--ue", UE],
        ["--show", "--config", "later.json", "--csv", "list.csv"],
        ["--show", "--config", "later.json", "--force"],
        ["--config", "later.json", "--out", "other.json", "--app-id", "7"],
        ["--config", "later.json", "--out", "other.json", "--role", "client"],
        ["--config", "later.json", "--out", "other.json", "--security", "none"],
        ["--ue", UE, "--peer", PEER, "--out", "other.json", "--app-id", "7"],
        ["--ue", UE, "--peer", PEER, "--out", "other.json", "--board", "rp2040"],
        ["--csv", "list.csv", "--out", "made", "--board", "rp2040"],
    ],
    ids=" ".join,
)
def test_no_option_is_passed_over_in_silence(here, run, options):
    run("--ue", UE, "--peer", PEER, "--out", "later.json")
    (here / "list.csv").write_text("ue,peer\nue:1,coap://192.0.2.1\n")
    code, out, err = run(*options)
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert not (here / "other.json").exists() and not (here / "made").exists()


@pytest.mark.parametrize("name", [":memory:", ""])
def test_a_store_that_is_gone_at_the_end_is_refused(here, run, name):
    code, out, err = run("--ue", UE, "--peer", PEER, "--state", "device", "--store", name)
    assert (code, out) == (2, "") and "--store FILE" in err
    assert not (here / "device/msgin5g.json").exists()


def test_files_that_others_could_read_are_mended_with_a_word(here, run):
    run("--ue", UE, "--peer", PEER, "--out", "later.json")
    for words in (
        ["--ue", UE, "--peer", PEER, "--out", "later.json"],
        ["--config", "later.json", "--state", "device"],
        ["--show", "--config", "later.json"],
    ):
        (here / "later.json").chmod(0o644)
        code, out, err = run(*words)
        assert code == 0 and (out + err).count("later.json: not any more (mode 0600)") == 1
        assert stat.S_IMODE((here / "later.json").stat().st_mode) == 0o600
    (here / "later.json").chmod(0o640)
    assert cli.main(["gateway", "device", "add", UE, "--key", "later.json"]) == 0
    assert stat.S_IMODE((here / "later.json").stat().st_mode) == 0o600


# ---- one key, one device; keys that were made in vain


def test_the_keys_of_a_file_go_onto_one_device(here, run):
    run("--ue", UE, "--peer", PEER, "--out", "later.json")
    secret = secrets_of(read(here / "later.json"))[0]
    assert run("--config", "later.json", "--state", "one")[0] == 0
    assert run("--config", "later.json", "--state", "one")[0] == 0  # again is once
    (here / "copy.json").write_bytes((here / "later.json").read_bytes())
    for file in ("later.json", "copy.json"):
        code, _, err = run("--config", file, "--state", "two")
        assert code == 2 and f"the folder {here}/one" in err and f"the folder {here}/two" in err
        assert secret not in err
    assert not (here / "two/msgin5g.json").exists()
    assert run("--config", "later.json", "--state", "two", "--force")[0] == 0  # the first was thrown away
    assert run("--config", "later.json", "--state", "three")[0] == 2


def test_the_keys_of_a_file_go_onto_one_board(here, run, stand_in):
    run("--ue", UE, "--peer", "coap+uart://0", "--out", "later.json")
    assert run("--config", "later.json", "--state", "one")[0] == 0

    def numbered(code):
        return (b"b'e6616408430f2a21'\r\n", b"") if b"unique_id" in code else obedient(code)

    board = stand_in(numbered)
    code, _, err = run("--config", "later.json", "--port", board.port)
    assert code == 2 and "the board e6616408430f2a21" in err and f"the folder {here}/one" in err
    assert b"master_secret" not in board.heard


def test_keys_that_were_made_in_vain_do_not_stay(here, run, monkeypatch):
    """`--force` is killed between telling the gateway and the last step on the device; then it is run again."""
    run("--ue", UE, "--peer", PEER, "--state", "device")
    mark_used(UE)
    first = secrets_of(read(here / "device/msgin5g.json"))
    with monkeypatch.context() as killed:
        killed.setattr(places.FilePlace, "commit", lambda self: os._exit(9))
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            run("--ue", UE, "--peer", PEER, "--state", "device", "--force")
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert secrets_of(read(here / "device/msgin5g.json")) == first
    opened = store()
    orphan = opened.keys_of_ue(UE).secret
    opened.close()
    assert orphan.hex() not in first
    assert run("--ue", UE, "--peer", PEER, "--state", "device", "--force")[0] == 0
    Store("gateway.db").close()  # a gateway starts
    octets = b"".join(path.read_bytes() for path in here.iterdir() if path.is_file())
    now = secrets_of(read(here / "device/msgin5g.json"))
    assert bytes.fromhex(now[0]) in octets
    # neither the orphan nor the key that was replaced; its numbers stay, should it come back
    assert orphan not in octets and bytes.fromhex(first[0]) not in octets
    opened = store()
    rows = opened._db.execute("SELECT used, next FROM security_context ORDER BY used").fetchall()
    opened.close()
    assert len(rows) == 2 and rows[1][1] >= 64
    assert os.listdir(here / "device") == ["msgin5g.json"]


def test_show_without_a_readable_file(here, run):
    code, out, _ = run("--show", "--state", ".")
    assert (code, out) == (
        1,
        "There is no msgin5g.json; make one: msgin5g provision --ue ue:sensor-1@example.org"
        " --peer coap://ADDRESS --state .\n",
    )
    for octets in (b'{"security": {"master_secret": "' + SECRET.encode(), b"\xff\xfe"):
        (here / "msgin5g.json").write_bytes(octets)
        code, out, _ = run("--show", "--state", ".")
        assert code == 1 and SECRET not in out
        assert "msgin5g.json is wrong: msgin5g.json: is not JSON; check quotes and commas" in out


# ---- whose updates it takes

UPDATE_ID = "61a5d57d37f5e46bfb7520806b07a1b8"
UPDATE_KEY = (
    "000000020000000500000004"
    + UPDATE_ID
    + "50650e3b31fe4a773ea29a07f09cf2ea30e579f0df58ef8e298da0434cb2b878"
)
"""The public key of RFC 8554 appendix F, test case 1."""


def test_a_key_for_updates(here, run):
    (here / "updates.key.pub").write_text(UPDATE_KEY + "\n")
    code, _, err = run("--ue", UE, "--peer", PEER, "--update-key", "updates.key.pub", "--out", "sensor.json")
    assert (code, err) == (0, "")
    assert read(here / "sensor.json")["update"] == {"key": UPDATE_KEY}
    code, out, _ = run("--show", "--out", "sensor.json")
    assert code == 0 and f"  updates         those that key {UPDATE_ID} has signed\n" in out
    assert "other settings" not in out
    (here / "list.csv").write_text("ue\nue:1\nue:2\n")
    run("--csv", "list.csv", "--peer", PEER, "--update-key", "updates.key.pub", "--out", "made")
    assert [read(path)["update"]["key"] for path in (here / "made").iterdir()] == [UPDATE_KEY] * 2


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (UPDATE_KEY[:-2], (), "is no public key for updates: msgin5g keys make FILE makes FILE.pub"),
        ("{}", (), "is the key that signs, which no device may have"),
        (None, (), "look at the name"),
        (UPDATE_KEY, ("--role", "application client"), 'update: needs the role "client"'),
    ],
)
def test_keys_for_updates_that_are_none(here, run, text, options, sentence):
    if text is not None:
        (here / "k.pub").write_text(text)
    code, out, err = run("--ue", UE, "--peer", PEER, "--update-key", "k.pub", "--out", "x.json", *options)
    assert code == 2 and err.count("\n") == 1 and sentence in err
    assert not (here / "x.json").exists()


def test_a_key_for_updates_that_a_device_would_take_and_never_use(here, run):
    """The firmware looks at its length alone."""
    wrong = "00000009" + UPDATE_KEY[8:]
    (here / "settings.json").write_text(json.dumps({"update": {"key": wrong}}))
    code, _, err = run("--ue", UE, "--peer", PEER, "--settings", "settings.json", "--out", "x.json")
    assert code == 2 and "update.key: is no key that signs updates" in err
    private.replace(here / "msgin5g.json", json.dumps(CLIENT | {"update": {"key": wrong}}).encode())
    code, out, _ = run("--show", "--state", ".")
    assert code == 1 and "msgin5g.json is wrong: update.key: is no key that signs updates" in out


# ---- many


def test_many_devices_each_with_keys_of_its_own(here, run):
    lines = [f"ue:{number}@example.org,{'' if number % 2 else 'coap://10.0.0.1'}" for number in range(200)]
    (here / "list.csv").write_text("ue,peer\n" + "\n".join(lines) + "\n")
    arguments = ("--csv", "list.csv", "--out", "made", "--peer", PEER)
    code, out, err = run(*arguments)
    assert (code, out) == (
        0,
        f"provision: new store {here}/gateway.db\n"
        "provision: 200 devices: 200 written to made, 0 there already, 0 failed\n",
    ), err
    assert stat.S_IMODE((here / "made").stat().st_mode) == 0o700
    found = {path.name: read(path) for path in (here / "made").iterdir()}
    assert len(found) == 200
    assert {stat.S_IMODE(path.stat().st_mode) for path in (here / "made").iterdir()} == {0o600}
    assert found["ue_3_example.org.json".replace("3_", "3@")]["peer"] == PEER
    assert found["ue_4@example.org.json"]["peer"] == "coap://10.0.0.1"
    assert len({config["security"]["master_secret"] for config in found.values()}) == 200
    assert len({config["security"]["sender_id"] for config in found.values()}) == 200
    assert len(store().devices()) == 200
    printed = out + err + "".join(started)
    assert not [name for config in found.values() for name in secrets_of(config) if name in printed]

    # again, with a device more, and one whose file was lost
    (here / "made/ue_7@example.org.json").unlink()
    (here / "list.csv").write_text("ue,peer\n" + "\n".join([*lines, "ue:more,"]) + "\n")
    code, out, _ = run(*arguments)
    assert (code, out) == (0, "provision: 201 devices: 2 written to made, 199 there already, 0 failed\n")
    again = {path.name: read(path) for path in (here / "made").iterdir()}
    assert {name for name in found if again[name] != found[name]} == {"ue_7@example.org.json"}


def test_a_list_is_checked_before_anything_is_done(here, run):
    rows = """\
ue,peer,role,app_id,wifi_ssid,wifi_password
ue:1,coap://10.0.0.1,,,,
,coap://10.0.0.1,,,,
ue:1,coap://10.0.0.1,,,,
ue:2,,,,,
ue:3,http://x,,,,
ue:4,coap://10.0.0.1,server,,,
ue:5,coap://10.0.0.1,application client,65536,,
ue:6,coap://10.0.0.1,,,,hush hush
ue/7,coap://10.0.0.1,,,,
ue?7,coap://10.0.0.1,,,,
ue:8,l3+uart://0,application client,9,,
ue:9,l3+uart://0,application client,9,,
ue:10,coap://10.0.0.1,,,,,,
ue:11,coap://10.0.0.1,,,a network whose name is too long.,
"""
    (here / "list.csv").write_text(rows)
    code, out, err = run("--csv", "list.csv", "--out", "made")
    assert (code, out) == (2, "")
    assert not (here / "gateway.db").exists()
    assert err == (
        "msgin5g: list.csv, line 3, column ue: is empty; it must be a UE Service ID\n"
        "msgin5g: list.csv, line 4, column ue: is that of line 2 already\n"
        "msgin5g: list.csv, line 5, column peer: is empty; give one here or with --peer\n"
        "msgin5g: list.csv, line 6, column peer: must start with one of coap:, coap+uart:, l3+uart:, l3+espnow:, "
        "discover:\n"
        "msgin5g: list.csv, line 7, column role: must be one of client, application client\n"
        "msgin5g: list.csv, line 8, column app_id: must be a number from 0 to 65535\n"
        "msgin5g: list.csv, line 9, column wifi_ssid: is empty, and there is a wifi_password\n"
        "msgin5g: list.csv, line 11, column ue: would have the file of line 10, ue_7.json: only letters, digits and "
        ".@-_ stay\n"
        "msgin5g: list.csv, line 13, column app_id: is that of line 12 already\n"
        "msgin5g: list.csv, line 14, column ue: the line has more columns than the first line has\n"
        "msgin5g: list.csv, line 15, column wifi_ssid: must be a string of at most 32 octets\n"
        "msgin5g: nothing was done\n"
    )
    assert not (here / "made").exists()
    assert store().devices() == []


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "line 1: it must name its columns, ue among them; there are ue, peer, role, ue_id,"),
        ("name\nx\n", "line 1: it must name its columns, ue among them"),
        ("ue,colour\nx,red\n", "line 1: 'colour' is no column; there are ue, peer,"),
        ("ue,ue\nx,y\n", "line 1: column ue is there twice"),
        ("ue,peer\n", "has no device below its first line"),
        ('ue,peer\n"x,y\n', "line 2: unexpected end of data"),
        ("ue\n\xff\n", "is not UTF-8 text"),
    ],
)
def test_lists_that_are_none(here, run, text, sentence):
    (here / "list.csv").write_bytes(text.encode("latin-1"))
    code, _, err = run("--csv", "list.csv", "--out", "made", "--peer", PEER)
    assert code == 2 and sentence in err and err.count("\n") == 1


def test_one_device_that_fails_does_not_stop_the_others(here, run):
    (here / "list.csv").write_text("ue\nue:1\nue:2\nue:3\n")
    arguments = ("--csv", "list.csv", "--out", "made", "--peer", PEER)
    run(*arguments)
    mark_used("ue:2")
    for path in (here / "made").iterdir():
        path.unlink()
    code, out, _ = run(*arguments)
    assert code == 1
    assert "provision: list.csv, line 3: the gateway has keys for ue:2, which were in use" in out
    assert out.endswith("3 devices: 2 written to made, 0 there already, 1 failed\n")
    assert sorted(path.name for path in (here / "made").iterdir()) == ["ue_1.json", "ue_3.json"]


# ---- boards that misbehave


@pytest.fixture
def stand_in():
    made = []

    def make(*arguments, **more):
        made.append(BoardStandIn(*arguments, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


def secret_sent(board):
    """The master secret that the board was told."""
    return re.search(rb'"master_secret": "([0-9a-f]{32})"', board.heard)[1].decode()


def quoting(error):
    """Takes all until the configuration is written; then fails as `error` says, with what it was sent in it."""

    def answer(code):
        if code.startswith(b"w("):
            return code, b"Traceback (most recent call last):\r\n  " + code + b"\r\n" + error
        return obedient(code)

    return answer


@pytest.mark.parametrize(
    "error, sentence",
    [
        (b"OSError: [Errno 28] ENOSPC\r\n", "is full; nothing was changed. Look and make room"),
        (b"OSError: 28\r\n", "is full; nothing was changed. Look and make room"),
        (b"OSError: [Errno 30] EROFS\r\n", "is read-only"),
        (b"OSError: [Errno 13] EACCES\r\n", "says: EACCES"),
        (b"MemoryError: memory allocation failed\r\n", "was lost in the middle of it"),
    ],
)
@pytest.mark.parametrize("verbose", [[], ["--verbose"]])
def test_a_board_that_fails_tells_no_key(here, run, stand_in, error, sentence, verbose):
    board = stand_in(quoting(error))
    code, out, err = run("--ue", UE, "--peer", PEER, "--port", board.port, *verbose)
    assert code == 2 and sentence in err and err.count("\n") == 1
    assert secret_sent(board) not in out + err + "".join(started)
    assert store().devices() == []


def test_a_board_that_is_unplugged_in_the_middle_can_be_done_again(here, run, stand_in):
    board = stand_in(lambda code: None if code.startswith(b"w(") else obedient(code))
    code, out, err = run("--ue", UE, "--peer", PEER, "--port", board.port)
    assert code == 2 and "was lost in the middle of it: look at the cable, and run this again" in err
    assert secret_sent(board) not in out + err
    assert store().devices() == []


def test_a_board_that_forgets_is_noticed(here, run, stand_in):
    """What is read back differs by one octet: nothing is renamed, and the gateway is not told."""
    reads = []

    def answer(code):
        if b"os.stat" in code:
            there = b"msgin5g.json~" in code
            return (b"(32768, 0, 0, 0, 0, 0, 4, 0, 0, 0)", b"") if there else (b"", NOT_THERE)
        if code.startswith(b"print(repr(r("):
            reads.append(code)
            return (b"b'{}'" if len(reads) == 1 else b"b''"), b""
        return (IDENTITY, b"") if b"uname" in code else (b"", b"")

    board = stand_in(answer)
    code, _, err = run("--ue", UE, "--peer", PEER, "--port", board.port)
    assert code == 2 and "what was read back is not what was written: nothing was changed" in err
    assert b"os.rename" not in board.heard and b"os.remove('msgin5g.json~')" in board.heard
    assert store().devices() == []


def test_the_wrong_kind_of_board_is_refused(here, run, stand_in):
    board = stand_in()
    code, _, err = run("--ue", UE, "--peer", PEER, "--board", "esp32", "--port", board.port)
    assert code == 2 and "is no ESP32: MSGin5G 0.1.0 for Raspberry Pi Pico with RP2040" in err
    esp = stand_in(
        lambda code: (IDENTITY.replace(b"RP2040", b"ESP32"), b"") if b"uname" in code else obedient(code)
    )
    code, _, err = run("--ue", UE, "--port", esp.port)
    assert code == 2 and "where is the gateway of this board" in err and "--peer coap://ADDRESS" in err


def test_a_port_where_nothing_answers(here, run, stand_in, monkeypatch):
    monkeypatch.setattr("tools.line.remote._ENTER", 0.2)
    silent = stand_in(speaks=False)
    code, _, err = run("--show", "--port", silent.port)
    assert code == 2
    assert err == (
        f"msgin5g: no MicroPython answers at {silent.port}: flash the board first (make flash), or press its reset"
        " button; on a UART of the board there is no REPL, take its USB\n"
    )


def test_show_says_that_a_board_has_no_firmware(here, run, stand_in):
    bare = IDENTITY.replace(b"True", b"False")
    board = stand_in(lambda code: (bare, b"") if b"uname" in code else obedient(code))
    code, out, _ = run("--show", "--port", board.port)
    assert code == 1
    assert out == (
        f"{board.port}: MSGin5G 0.1.0 for Raspberry Pi Pico with RP2040, MicroPython 1.25.0,"
        " without the MSGin5G firmware\n"
        "There is no msgin5g.json; make one: msgin5g provision --ue ue:sensor-1@example.org"
        f" --peer coap+uart://0 --port {board.port}\n"
        "This board has no MSGin5G firmware: flash it (make image, make flash).\n"
    )


def test_the_documentation_quotes_what_is_said():
    """Each sentence of the table of docs/provisioning.md stands in the tools; "..." is for what varies."""
    text = (ROOT / "docs/provisioning.md").read_text()
    table = text[text.index("## When it does not work") :]
    rows = re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)
    assert len(rows) > 10
    sources = [path.read_text() for path in (ROOT / "tools").rglob("*.py")]
    # without the breaks of long strings, names and ports
    code = re.sub(r'"\s*(\+ )?f?"|\{.*?\}', "", "".join(sources))
    pieces = [
        piece.strip()
        for row in rows
        for piece in re.split(r"\.\.\.|/dev/\S+|ESP32-S3|ESP32|RPI-RP2|board$", row)
    ]
    missing = [piece for piece in pieces if len(piece) > 3 and piece not in code]
    assert missing == []
