# SPDX-License-Identifier: MIT
"""`peer add`, `peer list`, `peer remove`: what they do, and what they say to a mistake."""

import io

import pytest

from host_tests.gateway.server.commands.test_elsewhere_commands import asked
from host_tests.gateway.server.commands.test_elsewhere_commands import run as run
from tools.store.server.peertables import SERVER, PeerServer

DOMAIN, URI = "b.example", "http://192.0.2.8:8065"


@pytest.mark.parametrize("program", ["server", "gateway"])
def test_a_peer_is_added_listed_and_removed(run, program):
    code, out, _ = run("peer", "add", "B.example", "--uri", URI, program=program)
    assert code == 0
    token = next(line for line in out.splitlines() if len(line) == 43 and " " not in line)
    assert asked(lambda store: store.peer_of_token(token)) == (SERVER, DOMAIN)
    assert asked(lambda store: store.peer(DOMAIN)) == PeerServer(DOMAIN, URI, None, "", "once")
    assert "--token TOKEN" in out.splitlines()[-1]  # what is left to do
    assert run("peer", "list", program=program)[:2] == (
        0,
        "b.example at http://192.0.2.8:8065 no token yet topics once\n",
    )
    assert run("peer", "remove", DOMAIN, program=program)[:2] == (0, "removed b.example\n")
    assert asked(lambda store: store.peer_of_token(token)) is None
    assert asked(lambda store: store.peers()) == []


def test_added_again_it_changes_what_is_given_and_keeps_its_token(run, monkeypatch):
    token = run("peer", "add", DOMAIN, "--uri", URI)[1].splitlines()[2]
    out = run("peer", "add", DOMAIN, "--token", "secret", "--own-domain", "a.example", "--topics", "each")[1]
    assert token not in out and "secret" not in out
    assert asked(lambda store: store.peer(DOMAIN)) == PeerServer(DOMAIN, URI, "secret", "a.example", "each")
    assert asked(lambda store: store.peer_of_token(token)) == (SERVER, DOMAIN)
    out = run("peer", "list")[1]
    assert out == "b.example at http://192.0.2.8:8065 token given topics each as a.example\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("from-stdin\n"))
    run("peer", "add", DOMAIN, "--token", "-", "--new-token")
    assert asked(lambda store: store.peer(DOMAIN)).token == "from-stdin"
    assert asked(lambda store: store.peer_of_token(token)) is None


@pytest.mark.parametrize(
    "words, said",
    [
        (["add", DOMAIN], "--uri URI"),
        (["add", DOMAIN, "--uri", "ftp://x"], "no http:// or https:// URI"),
        (["add", "not a domain", "--uri", URI], "no domain"),
        (["add", DOMAIN, "--uri", URI, "--own-domain", DOMAIN], "domain of this server"),
        (["add", DOMAIN, "--uri", URI, "--token", "a b"], "no bearer token"),
        (["add", DOMAIN, "--uri", URI, "--token", "a\nb"], "no bearer token"),
        (["add", DOMAIN, "--uri", URI, "--topics", "some"], "is none of once, each, no"),
        (["remove", "c.example"], "c.example"),
        ([], "one of add, remove, list is missing"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(run, words, said):
    code, out, err = run("peer", *words)
    assert code == 2 and out == ""
    assert said in err.splitlines()[-1]


def test_what_is_no_peer_cannot_be_removed(run):
    run("peer", "add", DOMAIN, "--uri", URI)
    code, _, err = run("peer", "remove", "c.example")
    assert code == 2 and "peer list" in err


def test_its_token_can_be_given_as_it_is(run, monkeypatch):
    made = iter(["-dash", "plain"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda octets: next(made))
    assert "plain" in run("peer", "add", DOMAIN, "--uri", URI)[1].splitlines()
    assert run("peer", "add", DOMAIN, "--token", "plain")[0] == 0
    assert asked(lambda store: store.peer_of_token("plain")) == (SERVER, DOMAIN)
