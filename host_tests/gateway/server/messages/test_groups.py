# SPDX-License-Identifier: MIT
"""Groups where something is amiss: a damaged row, a UE that is gone, several UEs at one address."""

import json

import pytest

from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg
from tools.store.server.configtables import UeConfiguration
from tools.store.server.grouptables import Member
from tools.wire.answers import Request

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
