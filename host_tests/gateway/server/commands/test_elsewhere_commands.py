# SPDX-License-Identifier: MIT
"""`l3g`, `n3g`, `area`, `device add --broadcaster` and `--bmg`: what they do, and what they say to a mistake."""

import argparse
import io
import os
import subprocess
import sys

import pytest

from host_tests.gateway.scripted import ROOT
from tools import cli
from tools.errors import UsageError
from tools.gateway import arguments
from tools.gateway.arguments import broadcast_gateway
from tools.gateway.running.serving import Mistake
from tools.provision import plan
from tools.store.store import Store
from tools.wire.identity import Peer

SMS, URI, PHONE, DOMAIN = (
    "mgw:sms@example.org",
    "http://127.0.0.1:8071",
    "ue:phone@example.org",
    "@sms.example.org",
)
A, B = "ue:a", "ue:b"


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """`run(command, verb, ...)` gives (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*words, program="server"):
        capsys.readouterr()
        try:
            code = cli.main([program, *words])
        except SystemExit as error:
            code = error.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


def asked(function):
    store = Store("gateway.db", serving=False)
    try:
        return function(store)
    finally:
        store.close()


@pytest.mark.parametrize("program", ["server", "gateway"])
@pytest.mark.parametrize("kind", ["l3g", "n3g"])
def test_a_gateway_is_added_listed_and_removed(run, kind, program):
    code, out, _ = run(kind, "add", SMS, "--uri", URI, PHONE, DOMAIN, program=program)
    assert code == 0
    token = out.splitlines()[-1]
    assert asked(lambda store: store.peer_of_token(token)) == (kind.upper(), SMS)
    for ue, domain in ((PHONE, "example.org"), ("ue:x@sms.example.org", "sms.example.org")):
        assert asked(lambda store: store.message_gateway_of(ue, domain)).uri == URI  # noqa: B023
    assert run(kind, "list", program=program)[:2] == (0, "%s at %s for %s, %s\n" % (SMS, URI, DOMAIN, PHONE))
    assert run({"l3g": "n3g", "n3g": "l3g"}[kind], "list")[:2] == (0, "")
    assert run(kind, "remove", SMS, program=program)[:2] == (0, "removed %s\n" % SMS)
    assert asked(lambda store: store.peer_of_token(token)) is None
    assert asked(lambda store: store.message_gateway_of(PHONE, "")) is None


def test_added_again_it_is_in_place_of_the_earlier_one_with_another_token(run):
    first = run("l3g", "add", SMS, "--uri", URI, PHONE)[1].splitlines()[-1]
    second = run("l3g", "add", SMS, "--uri", URI + "/x", DOMAIN)[1].splitlines()[-1]
    assert asked(lambda store: store.peer_of_token(first)) is None
    assert asked(lambda store: store.peer_of_token(second)) == ("L3G", SMS)
    assert run("l3g", "list")[1] == "%s at %s/x for %s\n" % (SMS, URI, DOMAIN)


def test_a_token_of_a_gateway_asks_none_of_application_servers(run):
    run("l3g", "add", SMS, "--uri", URI, PHONE)
    assert asked(lambda store: store.has_tokens()) is False


def test_the_domain_is_for_whom_no_gateway_has_by_itself(run):
    run("l3g", "add", SMS, "--uri", URI, "@example.org")
    run("n3g", "add", SMS, "--uri", URI + "/n", PHONE)
    assert asked(lambda store: store.message_gateway_of(PHONE, "example.org")).kind == "N3G"
    assert asked(lambda store: store.message_gateway_of("ue:x@example.org", "example.org")).kind == "L3G"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("l3g", "add", SMS, PHONE), "--uri"),
        (("l3g", "add", SMS, "--uri", URI), "UE|@DOMAIN"),
        (("l3g", "add", SMS, "--uri", "coap://x", PHONE), "no http:// or https:// URI"),
        (("l3g", "add", SMS, "--uri", "http://x y", PHONE), "no http:// or https:// URI"),
        (("l3g", "add", SMS, "--uri", "http://x/?key=1", PHONE), "without a query"),
        (("n3g", "add", SMS, "--uri", "http://x#f", PHONE), "without a query"),
        (("peer", "add", "b.example", "--uri", "http://x/?key=1"), "without a query"),
        (("l3g", "add", SMS, "--uri", URI, "@"), "no domain"),
        (("l3g", "add", SMS, "--uri", URI, "@a b"), "no domain"),
        (("l3g", "add", "x" * 256, "--uri", URI, PHONE), "1 to 255 octets"),
        (("l3g", "remove", SMS), "there is no"),
        (("area", "add", "area:hall"), "UE"),
        (("area", "add", "", A), "1 to 255 octets"),
        (("area", "remove", "area:hall"), "there is no area"),
        (("quarantine", "drop", "9" * 30), "is no ID"),
        (("quarantine", "retry", "x"), "is no ID"),
        (("--exposure-as", ".."), "letters, digits"),
    ],
)
def test_mistakes_are_told_in_one_line(run, words, reason):
    run("device", "add", "ue:other")  # there is a store
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert reason in err.splitlines()[-1]


def test_a_ue_is_served_here_or_behind_one_gateway(run):
    run("device", "add", A)
    assert run("l3g", "add", SMS, "--uri", URI, A)[2].endswith(
        "%s is served here: device remove %s first\n" % (A, A)
    )
    run("l3g", "add", SMS, "--uri", URI, PHONE)
    code, _, err = run("n3g", "add", "mgw:other", "--uri", URI, PHONE)
    assert (code, err) == (2, "msgin5g: %s is behind %s: l3g remove %s first\n" % (PHONE, SMS, SMS))
    code, _, err = run("device", "add", PHONE)
    assert (code, err) == (
        2,
        "msgin5g: %s is behind a message gateway: see `l3g list` and `n3g list`\n" % PHONE,
    )


def test_a_ue_that_registered_by_itself_can_be_removed_and_added_behind_a_gateway(run):
    """On an open server: nobody had added it."""
    run("device", "add", A)
    asked(lambda store: store.register(B, Peer("192.0.2.1", 1), 0, 1e12, None, {}))
    assert run("l3g", "add", SMS, "--uri", URI, B)[2].endswith("device remove %s first\n" % B)
    assert run("device", "remove", B)[:2] == (0, "removed %s\n" % B)
    assert run("l3g", "add", SMS, "--uri", URI, B)[0] == 0
    assert run("device", "remove", "ue:nobody")[0] == 2


@pytest.mark.parametrize(
    "words",
    [
        ("device", "add", PHONE),
        ("ue", "add", "urn:imei:35-209900-176148-1", "--ue", PHONE),
        ("application", "add", "7", "--ue", PHONE, "--credential-file", "secret"),
    ],
)
def test_no_command_serves_here_who_is_behind_a_gateway(run, words, tmp_path):
    (tmp_path / "secret").write_text("00")
    run("l3g", "add", SMS, "--uri", URI, PHONE)
    code, out, err = run(*words, program="gateway")
    assert (code, out) == (2, "")
    assert "%s is behind a message gateway" % PHONE in err
    assert asked(lambda store: store.known(PHONE)) is False


def test_nor_does_provision(run):
    run("l3g", "add", SMS, "--uri", URI, PHONE)
    settings = {"role": "client", "ue_service_id": PHONE, "peer": "coap://192.0.2.1"}
    made = asked(lambda store: plan.make(store, settings))
    with pytest.raises(UsageError, match="behind a message gateway"):
        asked(made.register)
    assert asked(lambda store: store.known(PHONE)) is False


@pytest.mark.parametrize("stdin", [None, b"\xff\n", b""])
@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("peer", "add", "b.example", "--uri", URI, "--token", "-"), "--token"),
        (("application", "add", "7", "--ue", A, "--credential-file", "-"), "credential"),
    ],
)
def test_what_does_not_come_on_standard_input_is_told(run, monkeypatch, words, option, stdin):
    given = stdin if stdin is None else io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", given)
    code, out, err = run(*words, program="gateway")
    assert (code, out) == (2, "") and option in err.splitlines()[-1]


def test_an_area_has_one_gateway():
    parser = argparse.ArgumentParser()
    arguments.add_common(parser)
    arguments.add_server(parser)
    args = parser.parse_args(["--bmg", "a=http://x", "--bmg", "b=http://x", "--bmg", "a=http://y"])
    with pytest.raises(Mistake, match="--bmg a is given twice"):
        arguments.settings_of(args)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_terminal_cannot_show_is_shown_by_its_number(tmp_path, encoding):
    words = ["server", "device", "add", "ue:\u65e5", "--store", str(tmp_path / "s.db")]
    done = subprocess.run(
        [sys.executable, "-m", "tools.cli", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, b"added ue:\\u65e5")


def test_without_a_store_nothing_is_made(run, tmp_path):
    code, _, err = run("l3g", "remove", SMS)
    assert code == 2 and "there is no l3g %s" % SMS in err
    assert list(tmp_path.iterdir()) == []


def test_areas_are_added_listed_and_removed(run):
    assert run("area", "add", "area:hall", B, A, B)[:2] == (
        0,
        "area:hall is a broadcast area with %s, %s\n" % (B, A),
    )
    assert run("area", "add", "area:all", "*")[:2] == (0, "area:all is a broadcast area with every UE\n")
    assert run("area", "list")[1] == "area:all every UE\narea:hall %s, %s\n" % (A, B)
    run("device", "add", "ue:c")
    assert asked(lambda store: (store.area("area:hall"), store.area("area:all"), store.area("x"))) == (
        [A, B],
        ["ue:c"],
        None,
    )
    run("area", "add", "area:hall", A)
    assert asked(lambda store: store.area("area:hall")) == [A]
    assert run("area", "remove", "area:hall")[:2] == (0, "removed area:hall\n")
    assert asked(lambda store: store.area("area:hall")) is None


def test_who_gets_no_broadcast_is_named(run):
    run("l3g", "add", SMS, "--uri", URI, PHONE)
    told = "%s is behind a message gateway: it gets no broadcast\n" % PHONE
    assert run("area", "add", "area:hall", A, PHONE, PHONE)[1].partition("\n")[2] == told


def test_an_application_that_is_added_anew_has_to_register_again(run, tmp_path):
    (tmp_path / "secret").write_text("00")
    add = ("application", "add", "7", "--credential-file", "secret", "--ue")
    assert run(*add, A, program="gateway")[1] == "added 7 as %s\n" % A
    assert run(*add, A, program="gateway")[1] == "added 7 as %s\n" % A
    asked(lambda store: store.register_application(7, "l3:/dev/one", b"abcdef"))
    assert run(*add, A, program="gateway")[1] == "added 7 as %s; it has to register again\n" % A
    wanted = "added 7 as %s in place of %s; it has to register again\n" % (B, A)
    assert run(*add, B, program="gateway")[1] == wanted


def test_a_broadcaster_is_one_until_it_is_removed(run):
    assert run("device", "add", A, "--broadcaster")[1] == "added %s\n%s may broadcast\n" % (A, A)
    run("device", "add", B)
    assert run("device", "list")[1] == "%s may broadcast\n%s\n" % (A, B)
    run("device", "remove", A)
    run("device", "add", A)
    assert asked(lambda store: store.is_broadcaster(A)) is False


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("area:town=http://127.0.0.1:8070", ("area:town", "http://127.0.0.1:8070")),
        ("a=b=https://x/c=http://y", ("a=b", "https://x/c=http://y")),
        ("a b=http://x", ("a b", "http://x")),
    ],
)
def test_an_area_and_its_gateway(text, read):
    assert broadcast_gateway(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "area",
        "=http://x",
        "area=",
        "area=ftp://x",
        "area=http://",
        "area=http://x:99999",
        "a=http://x/?b=c",
    ],
)
def test_what_is_no_area_and_gateway(text):
    with pytest.raises(argparse.ArgumentTypeError, match="http"):
        broadcast_gateway(text)
