# SPDX-License-Identifier: MIT
"""Each form that the schemas of TS 24.538 clause 7.3 print is read, each that they forbid is refused by name; and what
goes on to a recipient is what clauses 6.4.1.1.7, 6.4.1.2.6 and 6.4.1.2.7 leave of it."""

import json

import pytest

from host_tests.gateway.scripted import SERVICE, new_id
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, both, msg, own, parts, taken
from tools.wire import bodies
from tools.wire.bodies import Malformed
from tools.wire.identity import Peer


def about(msg_type, set_id, **members):
    return {"msgIden": SERVICE, "msgType": msg_type, "segId": set_id} | members


# ---- single members --------------------------------------------------------------------------------------------------


# RFC 3339 section 5.6 and its appendix D; the numbers by `date -d ... +%s`
MOMENTS = [
    ("1985-04-12T23:20:50.52Z", 482196050.52),
    ("1985-04-12t23:20:50.52z", 482196050.52),
    ("1996-12-19T16:39:57-08:00", 851042397),
    ("1990-12-31T23:59:60Z", 662688000),
    ("1990-12-31T15:59:60-08:00", 662688000),
    ("1990-12-31t15:59:60.25-08:00", 662688000.25),
    ("1937-01-01T12:00:27.87+00:20", 0),  # what is over long ago is over
    ("2026-11-28 18:00:00Z", 1795888800),  # "may choose ... a space"
    ("2026-11-28T18:00:00.123456789Z", 1795888800.123456),
]
NO_MOMENTS = [
    "",
    "soon",
    "2026-11-28",
    "20261128T180000Z",
    "2026-W48-6T18:00:00Z",
    "2026-11-28T18:00Z",
    "2026-11-28T24:00:00Z",
    "2026-11-28T18:00:60Z",
    "2026-02-29T18:00:00Z",
    "2026-11-28T18:00:00+0100",
    "2026-11-28T18:00:00+25:00",
    "２０２６-11-28T18:00:00Z",
    "2026-11-28T18:00:00Z ",
    "2026-11-28T18:00:00Z\n",
    5,
    True,
    None,
    ["2026-11-28T18:00:00Z"],
]


@pytest.mark.parametrize("text, seconds", MOMENTS)
def test_date_times(text, seconds):
    assert bodies.moment(text, "x") == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("text", NO_MOMENTS)
def test_no_date_times(text):
    with pytest.raises(Malformed) as caught:
        bodies.moment(text, "x")
    assert caught.value.member == "x"


@pytest.mark.parametrize("value", [True, "true", "TRUE", "1", "yes", "last", 1])
def test_any_text_is_the_last_flag(value):
    """`lastSegFlag` is a string without values in the schema; TS 29.538 has a boolean."""
    bench = both()
    bodies_ = parts(["one ", "two"])
    for body in bodies_:
        body["segParams"].pop("totalSegCount")
    bodies_[1]["segParams"]["lastSegFlag"] = value
    assert [bench.code(HERE, body) for body in bodies_] == ["2.04", "2.04"]
    assert [body["payload"] for body in taken(bench, 2)] == ["one ", "two"]


@pytest.mark.parametrize("value", [False, "false", "False", "0", "", 0, None])
def test_what_is_not_the_last_flag(value):
    bench = both()
    body = parts(["one ", "two"])[0]
    body["segParams"] = {"segId": "1", "segNumb": 1, "lastSegFlag": value}
    assert bench.code(HERE, body) == "2.04"
    assert len(bench.store.set_ids()) == 1


@pytest.mark.parametrize("value", [[], {}, 2, 1.5])
def test_what_is_no_flag(value):
    body = parts(["one ", "two"])[0]
    body["segParams"]["lastSegFlag"] = value
    answer = both().ask(HERE, body)
    assert (answer.code, answer.diagnostic.split(":")[0]) == ("4.00", "segParams.lastSegFlag")


def test_a_whole_number_may_have_a_point():
    """JSON Schema: 60.0 is an integer."""
    bench = Bench()
    assert bench.register(A, HERE, regExpTime=60.0)["regExpTime"] == 60
    for wrong in (60.5, -1.0):
        octets = json.dumps(own("REG", A, regExpTime=wrong)).encode()
        assert bench.ask(HERE, octets).code == "4.00"


def test_an_address_without_its_type():
    """Only a UE can be the originator here, so nothing is left open; a recipient may be of five kinds."""
    bench = both()
    for body in (msg(A, B), own("REG", A), own("DEREG", A)):
        body["oriAddr"] = {"addr": A}
        assert bench.code(HERE, body) == "2.04"
    body = msg(A, B) | {"destAddr": {"addr": B}}
    assert bench.ask(HERE, body).diagnostic.startswith("destAddr.destAddrType")
    assert bench.take()["oriAddr"] == {"oriAddrType": "UE", "addr": A}


def test_a_type_in_lower_case():
    bench = both()
    body = msg(A, B, oriAddr={"oriAddrType": "ue", "addr": A}, destAddr={"destAddrType": "Ue", "addr": B})
    assert bench.code(HERE, body) == "2.04"
    got = bench.take()
    assert got["oriAddr"]["oriAddrType"] == got["destAddr"]["destAddrType"] == "UE"


@pytest.mark.parametrize(
    "given, sent", [("1", "1"), (["1"], "1"), (["1", "2"], ["1", "2"]), ([], None), (["1", "1"], "1")]
)
def test_application_ids(given, sent):
    """Clause 6.4.1.1.2 item 8: one or more; the schema has one string."""
    bench = both()
    assert bench.code(HERE, msg(A, B, appId=given)) == "2.04"
    assert bench.take().get("appId") == sent


@pytest.mark.parametrize("given", [7, {"a": 1}, [7], [["1"]], ["x" * 256], ["%d" % n for n in range(65)]])
def test_no_application_ids(given):
    assert both().ask(HERE, msg(A, B, appId=given)).diagnostic.startswith("appId")


@pytest.mark.parametrize("priority", ["HIGH", "NORMAL", "LOW", "MEDIUM", "MIDDLE", "low", None])
def test_priorities_end_at_the_server(priority):
    bench = both()
    assert bench.code(HERE, msg(A, B, priority=priority)) == "2.04"
    assert "priority" not in bench.take()


@pytest.mark.parametrize("priority", ["URGENT", 1, ""])
def test_no_priorities(priority):
    assert both().ask(HERE, msg(A, B, priority=priority)).diagnostic.startswith("priority")


@pytest.mark.parametrize("member", ["Cause", "cause", "failure reason", "failReason"])
def test_a_cause_by_each_of_its_names(member):
    bench = both()
    report = own("IMDN", A, destAddr={"destAddrType": "UE", "addr": B}, msgId=new_id(), DelSta="FAILURE")
    assert bench.code(HERE, report | {member: "full"}) == "2.04"
    assert bench.take()["Cause"] == "full"


@pytest.mark.parametrize(
    "body, member",
    [
        (own("DEREG", A, totalDeregCount=1), "deregList: missing"),
        (own("DEREG", A, regList=[own("REG", B)], totalRegCount=1), "regList: does not belong into a DEREG"),
        (own("REG", A, regList=[own("REG", B)]), "regList: does not belong into a REG"),
        (own("REG", A, totalDeregCount=1), "totalDeregCount: does not belong into a REG"),
        (own("BREG", A), "regList: missing"),
        (own("BDEREG", A), "deregList: missing"),
    ],
)
def test_a_list_where_none_belongs_or_none_where_one_does(body, member):
    bench = both()
    answer = bench.ask(HERE, body)
    assert (answer.code, answer.diagnostic[: len(member)]) == ("4.00", member)
    assert bench.code(HERE, msg(A, B)) == "2.04"  # and nobody was de-registered by it


def test_an_empty_set_identifier():
    body = parts(["one ", "two"], "")[0]
    assert both().ask(HERE, body).diagnostic.startswith("segParams.segId")


# ---- registrations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["DEREG", "expiry"])
def test_a_profile_ends_with_its_registration(end):
    """Clause 6.3.1.2.2 a: it is deleted, so an opt-out from store and forward and a segment size go with it."""
    bench = Bench()
    bench.register(A, HERE)
    profile = {"comAvail": {"storeForward": "true"}, "maxSegSize": 20}
    bench.register(B, THERE, cliProfile=profile, regExpTime=60)
    assert bench.code(HERE, msg(A, B, sfFlag=True)) == "2.04"
    bench.take()
    if end == "DEREG":
        bench.ask(THERE, own("DEREG", B))
    else:
        bench.now += 60
        bench.work()
    assert bench.code(HERE, msg(A, B, "x" * 30, sfFlag=True)) == "2.04"
    assert bench.take()["DelSta"] == "stored for deferred delivery"
    bench.register(B, THERE)
    assert bench.take()["payload"] == "x" * 30


@pytest.mark.parametrize("said, out", [("true", 1), ("TRUE", 1), ("x", 1), (True, 1), (1, 1)])
@pytest.mark.parametrize("no", ["false", "FALSE", "", "0", False, 0, None])
def test_opting_out_is_any_text_but_no(said, out, no):
    bench = Bench()
    bench.register(A, HERE)
    for value, state in ((said, "failure"), (no, "stored for deferred delivery")):
        bench.register(B, THERE, cliProfile={"comAvail": {"storeForward": value}})
        bench.ask(HERE, msg(A, B, sfFlag=True))
        bench.outcome(bench.one(), None)
        bench.ask(THERE, own("DEREG", B))
        assert bench.take()["DelSta"] == state
        bench.store.remove_device(B)
        bench.store._db.execute("DELETE FROM message")


# ---- aggregates ------------------------------------------------------------------------------------------------------


def aggregate(*elements, **outside):
    listed = [{"msgId": new_id(), "payload": "element %d" % n} | each for n, each in enumerate(elements)]
    body = msg(A, B, None, totalMsgCount=len(listed), msgList=listed, **outside)
    del body["payload"]
    return body


def test_elements_inherit_what_the_outside_says():
    """6.4.1.1.7 a 1 (shall), as the server splits for a small recipient."""
    bench = Bench()
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"maxSegSize": 60})
    body = aggregate({}, {"appId": "2", "isDelivStatReq": False}, appId="1", isDelivStatReq=True)
    assert bench.code(HERE, body) == "2.04"
    first, second = bench.take(), bench.take()
    assert (first["appId"], first["isDelivStatReq"]) == ("1", True)
    assert (second["appId"], second.get("isDelivStatReq", False)) == ("2", False)


def test_priority_and_strangers_end_at_the_server_inside_elements_too():
    """6.4.1.2.6 c; profile: what no table names ends here."""
    bench = both()
    body = aggregate(
        {"priority": "LOW", "sfFlag": True, "unknown": 1}, {"priority": "NORMAL"}, priority="LOW"
    )
    assert bench.code(HERE, body) == "2.04"
    got = bench.take()
    assert "priority" not in got and "sfFlag" not in got
    assert [sorted(each) for each in got["msgList"]] == [["msgId", "payload"]] * 2


@pytest.mark.parametrize(
    "element, member",
    [
        ({"msgId": "x"}, "msgId"),
        ({"appId": 5}, "appId"),
        ({"isDelivStatReq": "perhaps"}, "isDelivStatReq"),
        ({"priority": "URGENT"}, "priority"),
        ({"payload": 5}, "payload"),
        ({"payload": "data:;base64,!"}, "payload"),
    ],
)
def test_one_wrong_element_is_named(element, member):
    answer = both().ask(HERE, aggregate({}, element))
    assert (answer.code, answer.diagnostic.split(":")[0]) == ("4.00", "msgList[1]." + member)


def test_an_element_that_was_sent_before_is_not_delivered_again():
    bench = both()
    single = msg(A, B, "first")
    bench.ask(HERE, single)
    bench.take()
    body = aggregate({"msgId": single["msgId"].upper()}, {}, {})
    body["msgList"][2]["msgId"] = body["msgList"][1]["msgId"]
    assert bench.code(HERE, body) == "2.04"
    got = bench.take()
    assert [each["payload"] for each in got["msgList"]] == ["element 1"]
    assert got["totalMsgCount"] == 1
    again = aggregate({"msgId": body["msgList"][1]["msgId"]})
    assert bench.code(HERE, again) == "2.04"
    assert bench.code(HERE, msg(A, B, "again", msgId=body["msgList"][1]["msgId"])) == "2.04"
    assert bench.work() == []


# ---- who it concerns -------------------------------------------------------------------------------------------------


def test_a_report_proves_the_message_of_its_addressee_only():
    """Two originators chose one msgId: B's report to the one is no proof of what the other sent."""
    bench = both()
    other = Peer("192.0.2.3", 1)
    bench.register("ue:c", other)
    bench.ask(HERE, msg(A, B, "lost", msgId=(same := new_id())))
    bench.outcome(bench.one(), None)
    report = own("IMDN", B, destAddr={"destAddrType": "UE", "addr": "ue:c"}, msgId=same, DelSta="success")
    assert bench.code(THERE, report) == "2.04"
    assert "lost" in [push.body.get("payload") for push in bench.work(10)]


def test_a_report_on_an_element_proves_its_aggregate():
    bench = both()
    body = aggregate({}, {}, isDelivStatReq=True)
    bench.ask(HERE, body)
    bench.outcome(bench.one(), None)
    report = own("IMDN", B, destAddr={"destAddrType": "UE", "addr": A}, DelSta="success")
    bench.ask(THERE, report | {"msgId": body["msgList"][1]["msgId"].upper()})
    assert [push.kind for push in bench.work(400)] == ["IMDN"]


def test_two_recipients_behind_one_peer_and_one_set_identifier():
    """SEGREC and SEGCONFIR name nobody: no two sets that are out have one segId."""
    bench = Bench()
    bench.register(A, HERE)
    for ue in (B, "ue:c"):
        bench.register(ue, THERE)
    for to in (B, "ue:c"):
        for body in parts(["one ", "two"], "1"):
            body["destAddr"] = {"destAddrType": "UE", "addr": to}
            bench.ask(HERE, body)
    got = taken(bench, 4)
    sets = {body["destAddr"]["addr"]: body["segParams"]["segId"] for body in got}
    assert len(set(sets.values())) == 2
    assert bench.code(THERE, about("SEGCONFIR", sets["ue:c"], result=True)) == "2.04"
    assert [fields["to"] for fields in bench.events("delivered")] == ["ue:c"]


# ---- segments --------------------------------------------------------------------------------------------------------


def own_ids(bodies_):
    """As a sender does that gives each segment a msgId of its own."""
    for body in bodies_:
        body["msgId"] = new_id()
    return bodies_


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_segments_with_a_message_id_each(order):
    bench = both()
    bodies_ = own_ids(parts(["one ", "two ", "three"], isDelivStatReq=True))
    for index in order:
        assert bench.code(HERE, bodies_[index]) == "2.04"
    got = taken(bench, 3)
    assert [body["payload"] for body in got] == ["one ", "two ", "three"]
    assert {body["msgId"] for body in got} == {bodies_[0]["msgId"]}
    for body in bodies_:  # each of them is a repeat, and told so again
        body["msgId"] = body["msgId"].upper()
        assert bench.code(HERE, body) == "2.04"
        pushes = bench.work()
        assert [(push.kind, push.body["result"]) for push in pushes] == [("SEGCONFIR", True)]
        bench.outcome(pushes[0])
    assert bench.store.set_ids() == []


def test_a_set_identifier_that_is_used_anew():
    """A sender that restarted and counts its sets from 1: nothing of the old message gets into the new one."""
    for first in (0, 1, 2):
        bench = both()
        for body in parts(["a1", "a2", "a3"], "1")[:2]:
            bench.ask(HERE, body)
        later = parts(["b1", "b2", "b3"], "1")
        for body in later[first:] + later[:first]:
            assert bench.code(HERE, body) == "2.04"
        assert [body["payload"] for body in taken(bench, 3)] == ["b1", "b2", "b3"]


def test_a_set_identifier_in_another_case():
    """A segId of hexadecimal digits or a UUID (RFC 4122 section 3) is the same in either case, other text is not."""
    bench = both()
    one, two = parts(["one ", "two"], "aabb0011")
    two["segParams"]["segId"] = "AABB0011"
    for body in (one, two):
        bench.ask(HERE, body)
    got = taken(bench, 2)
    assert [body["payload"] for body in got] == ["one ", "two"]
    assert bench.code(THERE, about("SEGREC", "AABB0011", segNoList="(1-1)")) == "2.04"
    taken(bench, 1)
    assert bench.code(THERE, about("SEGCONFIR", "AABB0011", result=True)) == "2.04"
    assert len(bench.events("delivered")) == 1
    bench = both()
    for set_id in ("set-x", "SET-X"):
        bench.ask(HERE, parts(["one ", "two"], set_id)[0])
    assert len(bench.store.set_ids()) == 2


def test_segments_of_one_set_go_to_one_recipient():
    bench = both()
    one, two = parts(["one ", "two"])
    two["destAddr"] = {"destAddrType": "UE", "addr": "ue:c"}
    assert bench.code(HERE, one) == "2.04"
    assert bench.ask(HERE, two).diagnostic.startswith("destAddr")
