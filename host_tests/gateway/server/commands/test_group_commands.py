# SPDX-License-Identifier: MIT
"""`group add|list|remove`: what they do, and what they say to a mistake."""

import pytest

from tools import cli
from tools.store.store import Store

GROUP, A, B, AS = "group:valves@example.org", "ue:a", "ue:b", "as:weather"


@pytest.fixture
def group(tmp_path, capsys, monkeypatch):
    """`group(verb, ...)` gives (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*words, program="server"):
        capsys.readouterr()
        try:
            code = cli.main([program, "group", *words])
        except SystemExit as error:
            code = error.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


def kept():
    """{group: {member: (type, joined)}} of the store."""
    store = Store("gateway.db", serving=False)
    try:
        return {
            group.id: {each.id: (each.type, each.registered) for each in store.members(group.document)}
            for group in store.groups()
        }
    finally:
        store.close()


@pytest.mark.parametrize("program", ["server", "gateway"])
def test_one_is_added_listed_and_removed(group, program):
    code, out, _ = group("add", GROUP, "--name", "valves", "--administrator", A, B, AS, B, program=program)
    assert code == 0 and "added %s with 3 members\n" % GROUP in out
    assert "%s is not known yet" % B in out
    assert kept() == {GROUP: {A: ("ADMINISTRATOR", False), B: ("IMPLICIT", False), AS: ("IMPLICIT", False)}}
    code, out, _ = group("list", program=program)
    assert (code, out) == (
        0,
        "%s NORMAL 'valves'\n  %s IMPLICIT\n  %s ADMINISTRATOR\n  %s IMPLICIT\n" % (GROUP, AS, A, B),
    )
    assert group("remove", GROUP, program=program)[:2] == (0, "removed %s\n" % GROUP)
    assert kept() == {}


def test_who_is_reached_elsewhere_is_known(group):
    phone, other = "ue:phone@sms.example.org", "ue:a@b.example"
    uri = ("--uri", "http://127.0.0.1:8071")
    for words in (("l3g", "add", "mgw:sms", *uri, "@sms.example.org"), ("peer", "add", "b.example", *uri)):
        assert cli.main(["server", *words]) == 0
    assert group("add", GROUP, phone, other)[1] == "added %s with 2 members\n" % GROUP


def test_members_are_added_and_removed_one_by_one(group):
    group("add", GROUP, A)
    assert "added to it: 1 member\n" in group("add", GROUP, "--explicit", B)[1]
    assert kept() == {GROUP: {A: ("IMPLICIT", False), B: ("EXPLICIT", False)}}
    assert group("add", GROUP, "--name", "pumps", A)[0] == 0
    assert "'pumps'" in group("list")[1]
    assert group("remove", GROUP, A)[1] == "removed %s from %s\n" % (A, GROUP)
    assert kept() == {GROUP: {B: ("EXPLICIT", False)}}


def test_mistakes_are_named_and_nothing_is_done(group):
    assert "there is no group %s" % GROUP in group("remove", GROUP)[2]  # there is no store either
    group("add", "group:other", A)
    for words, said in [
        (("add", GROUP), "MEMBER"),
        (("add", GROUP, "x" * 256), "1 to 255 octets"),
        (("add", "a\nb", A), "without control characters"),
        (("add", GROUP, "--name", "", A), "1 to 255 octets"),
        (("add", GROUP, *("ue:%d" % number for number in range(257))), "at most 256 members"),
        (("remove", GROUP), "see `group list`"),
        (("remove", "group:other", B), "%s is no member of group:other" % B),
    ]:
        code, out, err = group(*words)
        assert code == 2 and said in err and not out, words
    assert kept() == {"group:other": {A: ("IMPLICIT", False)}}
