# SPDX-License-Identifier: MIT
"""`ue add|list|remove`: what they do, and what they say to a mistake."""

import json
import os

import pytest

from tools import cli
from tools.gateway.commands.ues import COLUMNS
from tools.store.store import Store

IMEI, UE = "urn:imei:35-209900-176148-1", "ue:s1@example.org"


class Shell:
    """Runs commands in a folder of its own; `store` is what they have written."""

    def __init__(self, folder, capsys):
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *words, program="gateway"):
        """(exit code, stdout, stderr)."""
        self._capsys.readouterr()
        try:
            code = cli.main([program, "ue", *words])
        except SystemExit as error:
            code = error.code
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    def add(self, *words):
        code, out, err = self("add", *words)
        assert code == 0, err
        return out

    def refused(self, *words):
        """What is said; the exit code is 2."""
        code, out, err = self(*words)
        assert (code, out) == (2, "")
        return err

    def file(self, text, name="ues.csv"):
        octets = text if isinstance(text, bytes) else text.encode()
        (self.folder / name).write_bytes(octets)
        return name

    def read(self, function):
        store = Store("gateway.db", serving=False)
        try:
            return function(store)
        finally:
            store.close()

    def ues(self):
        return {each.ue_id: each.ue for each in self.read(lambda store: store.configurations())}


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


def test_one_is_added_listed_and_removed(shell):
    more = "--server coap://192.0.2.1:5683 --segment-size 512 --vendor acme --type 35209900".split()
    assert "added %s as %s\n" % (IMEI, UE) in shell.add(IMEI, "--ue", UE, *more)
    assert shell("list")[:2] == (
        0,
        "%s %s segments of 512 at coap://192.0.2.1:5683 vendor acme type 35209900\n" % (IMEI, UE),
    )
    assert shell.read(lambda store: store.provisioned(UE))
    code, out, _ = shell("remove", IMEI)
    assert (code, out) == (
        0,
        "removed %s\n%s may still register: device remove %s\n" % (IMEI, UE, UE),
    )
    assert shell("list")[:2] == (0, "")
    assert shell.read(lambda store: store.provisioned(UE))


def test_both_programs_with_a_server_have_the_commands(shell):
    shell.add(IMEI, "--ue", UE)
    assert shell("list", program="server")[:2] == (0, "%s %s\n" % (IMEI, UE))


def test_without_a_ue_service_id_one_is_made_and_kept(shell):
    first = shell.add(IMEI).split(" as ")[1].strip()
    assert first.startswith("ue:") and first.endswith("@localdomain")
    assert shell.add(IMEI, "--segment-size", "9").split(" as ")[1].strip() == first
    shell("remove", IMEI)
    assert first in shell.add(IMEI)
    assert shell.add("another", "--domain", "Example.ORG").strip().endswith("@example.org")


def test_another_ue_service_id_takes_the_place_of_the_earlier_one(shell):
    shell.add(IMEI, "--ue", UE)
    out = shell.add(IMEI, "--ue", "ue:new")
    assert "it was %s, which may still register" % UE in out
    assert shell.ues() == {IMEI: "ue:new"}


def test_a_ue_service_id_has_one_ue_id(shell):
    shell.add(IMEI, "--ue", UE)
    assert "%s is the UE Service ID of %s" % (UE, IMEI) in shell.refused("add", "another", "--ue", UE)
    assert shell.ues() == {IMEI: UE}


def test_a_key_is_made_for_a_ue_id_and_read_again(shell):
    out = shell.add(IMEI, "--ue", UE, "--key", "k.json")
    assert "new keys in k.json" in out
    assert os.stat("k.json").st_mode & 0o777 == 0o600
    section = json.loads((shell.folder / "k.json").read_text())["security"]
    assert section["mode"] == "oscore"
    assert section["master_secret"] not in out
    digest = shell.read(lambda store: store.key_of_ue_id(IMEI))
    assert digest and digest == shell.read(lambda store: store.key_of_ue(UE))
    assert shell("list")[1] == "%s %s with a key\n" % (IMEI, UE)
    assert "keys of k.json" in shell.add(IMEI, "--key", "k.json")
    other = dict(section, master_secret="ab" * 16)
    (shell.folder / "other.json").write_text(json.dumps(other))
    assert "take another sender_id" in shell.refused("add", "another", "--key", "other.json")
    assert shell.ues() == {IMEI: UE}


def test_a_ue_id_whose_key_is_not_that_of_the_ue_service_id_is_refused(shell):
    shell.add(IMEI, "--ue", UE, "--key", "one.json")
    shell.add("two", "--ue", "ue:two", "--key", "two.json")
    shell("remove", "two")
    assert "have different keys" in shell.refused("add", IMEI, "--ue", "ue:two")
    assert shell.ues() == {IMEI: UE}


@pytest.mark.parametrize(
    "words, said",
    [
        ("--segment-size 0", "from 1 to 2048"),
        ("--segment-size 2049", "from 1 to 2048"),
        ("--segment-size 1k", "from 1 to 2048"),
        ("--segment-size \u0661", "from 1 to 2048"),
        ("--server 192.0.2.1", "coap://HOST"),
        ("--server http://192.0.2.1", "coap://HOST"),
        ("--server coap://", "coap://HOST"),
        ("--server coap://host/path", "coap://HOST"),
        ("--server coap://user@host", "coap://HOST"),
        ("--server coap://host:0", "coap://HOST"),
        ("--server coap://host:65536", "coap://HOST"),
        ("--server coap://[::1", "coap://HOST"),
        ("--type 3520990", "8 digits"),
        ("--type 3520990x", "8 digits"),
        ("--vendor " + "v" * 201, "1 to 200 octets"),
        ("--ue " + "x" * 256, "1 to 255 octets"),
        ("--domain a/b", "no domain"),
        ("--domain host:1", "no domain"),
        ("--domain " + "d" * 231, "no domain"),
        ("--key nowhere/k.json", "No such file"),
        ("--csv ues.csv", "one UE ID, or --csv"),
    ],
)
def test_a_wrong_word_is_told_what_is_allowed(shell, words, said):
    assert said in shell.refused("add", IMEI, *words.split(" "))


@pytest.mark.parametrize("ue_id", ["", "x" * 249, "a\nb", "\udcff"])
def test_a_ue_id_is_text_that_fits_a_query(shell, ue_id):
    assert "1 to 248 octets" in shell.refused("add", ue_id)


def test_what_is_not_there_is_not_removed(shell):
    assert "there is no ue %s" % IMEI in shell.refused("remove", IMEI)
    shell.add("another")
    assert "%s is not in gateway.db: see `ue list`" % IMEI in shell.refused("remove", IMEI)
    assert "one UE ID, or --csv" in shell.refused("add")


# ---- from a list -----------------------------------------------------------------------------------------------------


def test_a_list_is_added_as_a_whole(shell):
    lines = ["ue_id,segment_size,ue,server,type,vendor"]
    lines += ['%s,1024,%s,coap://[2001:db8::1]:5683,35209900,"acme, inc"' % (IMEI, UE), "two,,,,,"]
    out = shell.add("--csv", shell.file("\ufeff" + "\r\n".join(lines) + "\r\n"), "--domain", "example.org")
    assert out.endswith("added 2 UEs\n")
    one, two = shell.read(lambda store: (store.configuration(IMEI), store.configuration("two")))
    assert (one.ue, one.seg_size, one.server) == (UE, 1024, "coap://[2001:db8::1]:5683")
    assert (one.vendor, one.type) == ("acme, inc", "35209900")
    assert two.ue.endswith("@example.org")


@pytest.mark.parametrize(
    "lines, said",
    [
        ([], "line 1: it must name its columns, ue_id among them; there are %s" % ", ".join(COLUMNS)),
        (["ue,server"], "line 1: it must name its columns, ue_id among them"),
        (["ue_id,name"], "line 1: 'name' is no column"),
        (["ue_id,ue,ue"], "line 1: column ue is there twice"),
        (["ue_id"], "has no UE below its first line"),
        (["ue_id,ue", "a,ue:a,more"], "line 2: it has more columns than the first line"),
        (["ue_id,ue", "a,ue:a", ",ue:b"], "line 3: column ue_id: is empty"),
        (["ue_id,ue", "a,ue:a", "a,ue:b"], "line 3: column ue_id: is that of line 2 already"),
        (["ue_id,ue", "a,ue:a", "b,ue:a"], "line 3: column ue: is that of line 2 already"),
        (["ue_id,segment_size", "a,5000"], "line 2: column segment_size: '5000'"),
        (["ue_id,server", "a,mqtt://b"], "line 2: column server: 'mqtt://b'"),
        (["ue_id,type", "a,1"], "line 2: column type: '1'"),
        (["ue_id,ue", "a," + "x" * 256], "line 2: column ue: a UE Service ID is"),
        (["ue_id,ue", "b,ue:a", "c," + UE], "line 3: %s is the UE Service ID of %s" % (UE, IMEI)),
        (["ue_id,ue", 'a,"ue:a'], "line 2: "),
    ],
)
def test_of_a_list_with_a_mistake_nothing_is_added(shell, lines, said):
    shell.add(IMEI, "--ue", UE)
    before = shell.read(lambda store: store.devices())
    assert said in shell.refused("add", "--csv", shell.file("\n".join(lines)))
    assert shell.ues() == {IMEI: UE}
    assert shell.read(lambda store: store.devices()) == before


def test_each_mistake_in_a_list_is_told_up_to_twenty(shell):
    lines = ["ue_id,type", *("u%d,x" % number for number in range(30)), ",35209900"]
    told = shell.refused("add", "--csv", shell.file("\n".join(lines)))
    assert told.count(", line ") == 20
    assert "nothing was done" in told
    assert "and 11 more" in told


@pytest.mark.parametrize("name", ["nowhere.csv", "."])
def test_a_list_that_cannot_be_read_is_said(shell, name):
    assert name + ": " in shell.refused("add", "--csv", name)


def test_a_list_that_is_no_text_is_said(shell):
    assert "is not UTF-8 text" in shell.refused("add", "--csv", shell.file(b"ue_id\n\xff\n"))


@pytest.mark.parametrize("word", ["--ue", "--server", "--segment-size", "--vendor", "--type", "--key"])
def test_what_is_for_one_is_not_for_a_list(shell, word):
    value = {"--server": "coap://a", "--segment-size": "1", "--type": "12345678"}.get(word, "a")
    told = shell.refused("add", "--csv", shell.file("ue_id\na\n"), word, value)
    assert "%s is for one UE ID" % word in told


def test_what_is_assigned_needs_somebody_who_may_ask(shell, capsys):
    assert cli.main(["gateway", "--security", "none", "--assign", "example.org"]) == 2
    assert "needs --open" in capsys.readouterr().err
