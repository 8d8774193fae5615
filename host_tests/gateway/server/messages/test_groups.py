# SPDX-License-Identifier: MIT
"""Groups where something is amiss: a damaged row, a UE that is gone, several UEs at one address."""

import json

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg, own
from tools.store.server.configtables import UeConfiguration
from tools.store.server.grouptables import Member
from tools.wire import ueconfig
from tools.wire.answers import Request
from tools.wire.bodies import Malformed

DOCUMENTS = ("su-gm", "v1", "group-documents")
C = "ue:c"


def scene(*members, **settings):
    bench = Bench(**settings)
    bench.register(A, HERE)
    bench.register(B, THERE)
    with bench.store.transaction():
        made = bench.store.add_group("g", "NORMAL", A, bench.now, {}, members)
    return bench, (*DOCUMENTS, made.document)


def ask(bench, peer, code, path, body=None, query=(), **more):
    payload = b"" if body is None else json.dumps(body).encode()
    return bench.server.groups(peer, Request(code, path, tuple(query), payload, **more), bench.now)


def ids(answer):
    assert answer.code == "2.05", answer.diagnostic
    return [each["valGroupId"] for each in json.loads(answer.octets)]


def test_a_damaged_row_hides_its_own_group_only():
    bench, _ = scene(Member(B))
    with bench.store.transaction():
        bench.store.add_group("other", "NORMAL", None, bench.now, {}, [Member(B)])
        bench.store._db.execute("UPDATE val_group SET facts='{' WHERE id='g'")
    assert ids(ask(bench, THERE, "GET", DOCUMENTS, query=["member-id=" + B])) == ["other"]
    assert bench.events("error")
    assert [row[0] for row in bench.store.groups_for_people()] == ["g", "other"]
    assert bench.code(HERE, msg(A, "other", to_type="GROUP")) == "2.04"


def test_who_is_not_in_the_new_document_leaves_with_what_waits():
    bench, path = scene(Member(B), Member(C))
    bench.store.add_device(C)
    assert bench.code(HERE, msg(A, "g", to_type="GROUP", sfFlag=True)) == "2.04"
    body = {"valGroupId": "g", "category": "NORMAL", "members": [B]}
    assert ask(bench, HERE, "PUT", path, body).code == "2.04"
    assert bench.events("group-left") == [{"group": "g", "ue": C, "messages": 1}]
    assert bench.events("group-changed") == [{"group": "g", "ue": A, "members": 1}]


def test_a_filter_that_names_a_ue_that_is_gone_stops_nobody():
    bench, path = scene(Member(B))
    with bench.store.transaction():
        assert bench.store.put_configuration(UeConfiguration("urn:imei:1", C)) is None
    wanted = {"memberId": B, "membershipType": "IMPLICIT"}
    wanted["messageFilter"] = {"tgtUe": [{"valUeId": "urn:imei:1"}, {"valUserId": A}]}
    assert ask(bench, HERE, "PUT", (*path, "members", B), wanted).code == "2.04"
    with bench.store.transaction():
        bench.store.remove_configuration("urn:imei:1")
    assert bench.code(HERE, msg(A, "g", to_type="GROUP")) == "2.04"
    assert [push.target.id for push in bench.work()] == [B]


def test_a_ue_that_is_removed_is_no_member_and_has_made_nothing():
    bench, path = scene(Member(B, "ADMINISTRATOR"), Member(C))
    with bench.store.transaction():
        bench.store.remove_device(C)
        bench.store.remove_device(A)
    bench.register(A, HERE)
    assert ask(bench, HERE, "GET", path).code == "4.03"
    answer = ask(bench, THERE, "GET", path, query=["group-members=true"])
    assert json.loads(answer.octets)["members"] == [{"valUserId": B}]


@pytest.mark.parametrize("named, code", [(None, "4.00"), (A, "2.01"), (C, "2.01"), (B, "4.00")])
def test_of_several_ues_at_one_address_the_query_names_who_asks(named, code):
    """One that is elsewhere is not believed: then it is as if none was named."""
    bench, _ = scene(Member(B))
    bench.register(C, HERE)
    body = {"valGroupId": "new", "category": "NORMAL", "members": [B]}
    query = ["member-id=" + named] if named else []
    answer = ask(bench, HERE, "POST", DOCUMENTS, body, query)
    assert answer.code == code
    if code == "2.01":
        assert bench.events("group-created")[-1]["ue"] == named
    else:
        assert "member-id" in answer.diagnostic


def test_an_observation_that_is_looked_at_again_is_no_sign_of_life_and_no_request():
    bench, path = scene(Member(B), rate=1)
    for _ in range(5):
        assert ask(bench, THERE, "GET", path, again=True).code == "2.05"
    assert ask(bench, THERE, "GET", path).code == "2.05"
    codes = {ask(bench, THERE, "GET", path).code for _ in range(5)}
    assert "4.29" in codes


_NAMES = st.sampled_from(
    "valGroupId category groupName grpDesc valGrpConf extGrpId com5GLanType inclValGroupIds valServiceIds geoIds"
    " priority members memberDetails memberId membershipType membershipState registered messageFilter"
    " tgtUe maxMsgs memberConfig valUserId valUeId other".split()
)
_SAID = st.sampled_from(("EXPLICIT", "TEMPORARY", "LOCATION_BASED", "ue:a", "true", "7", 255))
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    _SAID | st.none() | st.booleans() | _NUMBERS | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=12,
)


@settings(max_examples=40)
@given(st.dictionaries(_NAMES, _VALUES | st.lists(st.dictionaries(_NAMES, _VALUES), max_size=3), max_size=8))
def test_whatever_is_in_a_document_is_taken_or_refused_with_words(body):
    bench, path = scene(Member(B, "EXPLICIT"))
    body = {"valGroupId": "new", "category": "NORMAL"} | body
    for peer, code, where in [
        (HERE, "POST", DOCUMENTS),
        (HERE, "PUT", path),
        (HERE, "PUT", (*path, "members", C)),
        (THERE, "PUT", (*path, "members", B)),
    ]:
        try:
            answer = ask(bench, peer, code, where, body)
        except UnicodeEncodeError:  # JSON can say it, no octets can
            return
        assert answer.code[0] == "2" or (answer.code[0] == "4" and answer.diagnostic), (code, where, answer)
    for peer in (HERE, THERE):
        assert ask(bench, peer, "GET", DOCUMENTS, query=["member-id=" + B]).code == "2.05"
        assert ask(bench, peer, "GET", path).code == "2.05"
        bench.code(peer, msg(A, "new", to_type="GROUP"))
    assert not bench.events("error")


# ---- CBOR that refers to itself --------------------------------------------------------------------------------------


def again_and_again(levels, each=10):
    """A map in CBOR: {"x": [lists]}, the first of `each` numbers, and every other one of as many references to the one
    before (http://cbor.schmorp.de/value-sharing)."""

    def listed(items):
        return bytes([0x80 | len(items)]) + b"".join(items)

    shared = [b"\xd8\x1c" + listed([b"\x00"] * each)]
    for number in range(levels - 1):
        shared.append(b"\xd8\x1c" + listed([b"\xd8\x1d" + bytes([number])] * each))
    return b"\xa1\x61x" + listed(shared)


@pytest.mark.parametrize("levels", [3, 6])
def test_cbor_says_no_more_than_its_octets_do(levels):
    bench, _ = scene()
    payload = again_and_again(levels)
    answer = bench.server.groups(HERE, Request("POST", DOCUMENTS, (), payload, 60), bench.now)
    assert (answer.code, answer.diagnostic.partition(":")[0]) == ("4.00", "payload")
    with pytest.raises(Malformed, match="payload: "):  # of whom nobody knows
        ueconfig.read(Request("FETCH", ueconfig.ROOT, (), payload, 60))


def test_cbor_with_a_reference_is_read():
    bench, _ = scene()
    ue = {"valUserId": B}
    body = {"valGroupId": "h", "category": "NORMAL", "members": [ue], "memberDetails": []}
    body["memberDetails"] = [{"memberId": ue, "membershipType": "IMPLICIT"}]
    request = Request("POST", DOCUMENTS, payload=cbor2.dumps(body, value_sharing=True), content_format=60)
    answer = bench.server.groups(HERE, request, bench.now)
    assert answer.code == "2.01", answer.diagnostic


# ---- small things ----------------------------------------------------------------------------------------------------


def test_what_could_not_be_kept_for_a_member_does_not_count_as_sent_to_it():
    bench, path = scene(Member(B, entry={"messageFilter": {"maxMsgs": 1}}), Member(C))
    bench.store.add_device(C)
    bench.ask(THERE, own("DEREG", B))
    assert bench.code(HERE, msg(A, "g", to_type="GROUP")) == "2.04"  # nothing of it is kept for B
    bench.register(B, THERE)
    assert bench.code(HERE, body := msg(A, "g", to_type="GROUP")) == "2.04"
    assert body["msgId"] in [push.body["msgId"] for push in bench.work() if push.target.id == B]


def test_who_is_added_and_has_to_join_has_not_left():
    bench, path = scene(Member(B))
    body = {"membershipType": "EXPLICIT"}
    assert ask(bench, HERE, "PUT", (*path, "members", C), body, ["member-id=" + A]).code == "2.01"
    assert bench.events("group-left") == bench.events("group-joined") == []
    assert bench.events("group-changed") == [{"group": "g", "ue": A, "members": 2}]


def test_a_group_is_found_by_its_id_among_more_than_are_listed():
    bench, _ = scene()
    with bench.store.transaction():
        for number in range(257):
            bench.store.add_group("g%d" % number, "NORMAL", None, bench.now + number, {}, [Member(B)])
    whole = ids(ask(bench, THERE, "GET", DOCUMENTS, query=["member-id=" + B]))
    assert len(whole) == 256 and "g256" not in whole
    query = ["member-id=" + B, "val-group-id=g256"]
    assert ids(ask(bench, THERE, "GET", DOCUMENTS, query=query)) == ["g256"]
    assert ids(ask(bench, THERE, "GET", DOCUMENTS, query=[query[0], "val-group-id=g"])) == []
