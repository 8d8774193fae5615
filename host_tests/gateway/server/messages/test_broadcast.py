# SPDX-License-Identifier: MIT
"""Messages to a broadcast area: decisions, with a clock that the test moves."""

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg, own
from tools.server.callers import Caller
from tools.server.delivery.pushes import Outcome
from tools.store.server.peertables import PeerServer
from tools.store.tables import DATA
from tools.wire.bodies import Address
from tools.wire.identity import Peer

C, AREA, FIELD, PLANT = "ue:c", "area:hall", "area:field", "plant=2"
WHERE = {A: HERE, B: THERE, C: Peer("192.0.2.3", 40000)}
AS, BMG = "as:weather@example.org", "http://bmg.example:81/api"


@pytest.fixture
def bench():
    return filled(Bench(broadcast_gateways=((PLANT, BMG), ("other", "http://other.example"))))


def filled(made):
    with made.store.transaction():
        made.store.add_area(AREA, [A, B, C])
        made.store.add_area(FIELD, ["*"])
        made.store.add_broadcaster(A)
    for ue in (A, B):
        made.register(ue, WHERE[ue])
    return made


def send(bench, to=AREA, payload="hi", from_=A, **members):
    body = msg(from_, to, payload, "BC", **members)
    assert bench.code(WHERE[from_], body) == "2.04"
    return body["msgId"]


def drain(bench, code="2.04"):
    """All bodies that go out now, by whom they are for."""
    got = {}
    while pushes := bench.work():
        for push in pushes:
            bench.outcome(push, code)
            got.setdefault(push.target.id, []).append(push.body)
    return got


def as_message(to, **members):
    return {
        "oriAddr": {"addrType": "AS", "addr": AS},
        "destAddr": {"addrType": "BC", "addr": to},
        "msgId": new_id(),
        "stoAndFwInd": True,
        "payload": "hi",
    } | members


def test_each_registered_ue_of_the_area_gets_it_once_for_the_area(bench):
    bench.register(C, WHERE[C])
    msg_id = send(bench, appId="app", isDelivStatReq=True, priority="HIGH", sfFlag=True)
    wanted = {
        "msgIden": "urn:3gpp:msgin5g",
        "msgType": "MSG",
        "oriAddr": {"oriAddrType": "UE", "addr": A},
        "destAddr": {"destAddrType": "BC", "addr": AREA},
        "appId": "app",
        "msgId": msg_id,
        "isDelivStatReq": True,
        "payload": "hi",
    }
    assert drain(bench) == {B: [wanted], C: [wanted]}


def test_an_area_of_every_ue(bench):
    bench.register(C, WHERE[C])
    send(bench, FIELD)
    assert set(drain(bench)) == {B, C}


def test_who_is_away_misses_it_whatever_the_store_and_forward_flag_says(bench):
    send(bench, sfFlag=True)
    assert set(drain(bench)) == {B}
    bench.register(C, WHERE[C])
    assert drain(bench) == {}


def test_who_goes_away_before_it_is_sent_misses_it_and_the_originator_is_not_told(bench):
    send(bench, sfFlag=True)
    assert bench.code(THERE, own("DEREG", B)) == "2.04"
    bench.register(B, THERE)
    assert drain(bench) == {}


def test_who_does_not_take_it_within_five_minutes_was_away(bench):
    send(bench)
    bench.outcome(bench.one(), None)
    bench.now += 301
    assert drain(bench) == {}
    assert bench.store.pending(("UE", B)) == 0


def test_a_refusal_of_one_is_told_to_nobody(bench):
    bench.register(C, WHERE[C])
    send(bench)
    first, second = bench.work()
    bench.outcome(first, "4.00")
    bench.outcome(second)
    assert drain(bench) == {}


def test_reports_go_to_the_originator(bench):
    msg_id = send(bench, isDelivStatReq=True)
    drain(bench)
    destination = {"destAddrType": "UE", "addr": A}
    imdn = own("IMDN", B, destAddr=destination, msgId=msg_id, DelSta="success")
    assert bench.code(THERE, imdn) == "2.04"
    ((got,),) = drain(bench).values()
    assert (got["msgType"], got["msgId"], got["oriAddr"]["addr"]) == ("IMDN", msg_id, B)


@pytest.mark.parametrize(
    ("to", "from_", "cause"),
    [
        (AREA, B, "this UE may not broadcast"),
        (PLANT, B, "this UE may not broadcast"),
        ("area:none", B, "this UE may not broadcast"),
        ("area:none", A, "unknown broadcast area"),
    ],
)
def test_failures_in_words(bench, to, from_, cause):
    msg_id = send(bench, to, from_=from_)
    ((got,),) = drain(bench).values()
    assert (got["msgType"], got["msgId"], got["DelSta"], got["Cause"]) == (
        "MSGRESP",
        msg_id,
        "failure",
        cause,
    )


def test_where_nobody_else_is_registered_the_originator_hears_so(bench):
    bench.code(THERE, own("DEREG", B))
    send(bench)
    ((got,),) = drain(bench).values()
    assert got["Cause"] == "no other UE of this broadcast area is registered"


def test_an_application_server_may_broadcast(bench):
    servers = bench.server.application_servers
    servers.register({"asSvcId": AS, "targetUri": "http://as.example"}, bench.now)
    assert "status" not in servers.message(as_message(AREA), bench.now)
    assert set(drain(bench)) == {A, B}
    ack = servers.message(as_message("area:none"), bench.now)
    assert (ack["status"], ack["failureCause"]) == ("DELY_FAILED", "unknown broadcast area")


@pytest.mark.parametrize("to", [AREA, PLANT])
def test_an_application_server_of_another_server_may_not(bench, to):
    """Nobody here has allowed it."""
    with bench.store.transaction():
        bench.store.set_peer(PeerServer("b.example", "http://b.example", None, "", "no"))
    body = as_message(to) | {"oriAddr": {"addrType": "AS", "addr": "as:x@b.example"}}
    caller = Caller(through=Address("SERVER", "b.example"))
    ack = bench.server.application_servers.message(body, bench.now, caller)
    assert (ack["status"], ack["failureCause"]) == (
        "DELY_FAILED",
        "this application server may not broadcast",
    )
    assert bench.work() == []


def test_sent_twice_it_is_one_broadcast(bench):
    msg_id = send(bench)
    assert len(drain(bench)[B]) == 1
    send(bench, msgId=msg_id)
    assert drain(bench) == {}


def test_after_a_restart_who_had_it_does_not_get_it_again_and_the_others_get_it(bench):
    bench.register(C, WHERE[C])
    send(bench)
    first, second = bench.work()
    bench.outcome(first)
    bench.restart()
    assert list(drain(bench)) == [second.target.id]


def test_an_aggregate_is_one_to_each(bench):
    items = [{"msgId": new_id(), "payload": text} for text in ("1", "2")]
    send(bench, payload=None, totalMsgCount=2, msgList=items)
    ((got,),) = drain(bench).values()
    assert (got["destAddr"], got["msgList"]) == ({"destAddrType": "BC", "addr": AREA}, items)


def test_what_is_too_big_for_a_ue_comes_to_it_in_segments_of_its_own(bench):
    bench.register(B, THERE, cliProfile={"maxSegSize": 256})
    bench.register(C, WHERE[C])
    send(bench, payload="x" * 600)
    got = {}
    for _ in range(9):
        for push in bench.work():
            bench.outcome(push)
            got.setdefault(push.target.id, []).append(push.body)
    assert [body["payload"] for body in got[C]] == ["x" * 600]
    assert "".join(body["payload"] for body in got[B]) == "x" * 600
    assert len(got[B]) == 3
    assert {body["destAddr"]["destAddrType"] for body in got[B]} == {"BC"}


def test_copies_have_room_together_or_none_is_made():
    bench = filled(Bench(pending_octets=100))
    bench.register(C, WHERE[C])
    send(bench, payload="x" * 60)
    ((got,),) = drain(bench).values()
    assert got["Cause"] == "too many messages wait; try again later"
    send(bench, payload="x" * 40)
    assert set(drain(bench)) == {B, C}


def test_copies_for_a_topic_have_room_together_or_none_is_made():
    bench = filled(Bench(pending_octets=100))
    with bench.store.transaction():
        for ue in (A, B, C):
            bench.store.subscribe("news", ue, bench.now + 100)
    bench.register(C, WHERE[C])
    body = msg(A, "news", "x" * 60, "TOPIC")
    assert bench.code(HERE, body) == "2.04"
    ((got,),) = drain(bench).values()
    assert (got["msgType"], got["msgId"], got["DelSta"]) == ("MSGRESP", body["msgId"], "failure")
    assert {event["cause"] for event in bench.events("discarded")} == {"too many messages wait"}
    assert bench.code(HERE, msg(A, "news", "x" * 40, "TOPIC")) == "2.04"
    assert set(drain(bench)) == {B, C}


def test_a_full_inbox_takes_none_and_the_others_do():
    bench = filled(Bench(pending_each=1))
    bench.register(C, WHERE[C])
    bench.code(HERE, msg(A, B))
    send(bench)
    got = drain(bench)
    assert [body["destAddr"]["destAddrType"] for body in got[B]] == ["UE"]
    assert [body["destAddr"]["destAddrType"] for body in got[C]] == ["BC"]
    assert [event["to"] for event in bench.events("discarded")] == [B]


@pytest.mark.parametrize("aggregate", [None, 1])
@pytest.mark.parametrize("when", ["before", "while it waits"])
def test_to_a_ue_behind_a_gateway_ue_it_names_the_ue_by_which_that_is_found(aggregate, when):
    """A Gateway UE knows UEs and no areas: without the name it answers 4.04, which ends the registration."""
    bench = filled(Bench(aggregate=aggregate))
    gateway = Peer("192.0.2.9", 40000)
    with bench.store.transaction():
        bench.store.add_gateway("ue:gw")
    bench.register("ue:gw", gateway)
    bench.register(C, gateway if when == "before" else WHERE[C])
    for text in ("1", "2"):
        send(bench, payload=text)
    if when != "before":
        bench.register(C, gateway)
    bench.now += 2
    got = drain(bench)
    area = {"destAddrType": "BC", "addr": AREA}
    assert {ue: len(bodies) for ue, bodies in got.items()} == dict.fromkeys((B, C), 1 if aggregate else 2)
    for body in got[C]:
        assert body["destAddr"] == {"destAddrType": "UE", "addr": C}
        assert body["oriDestAddr"] == area
    for body in got[B]:
        assert (body["destAddr"], "oriDestAddr" in body) == (area, False)


# ---- what one originator may have waiting


def test_its_copies_count_for_the_originator_and_are_refused_together():
    bench = filled(Bench(quota=5))
    bench.register(C, WHERE[C])
    for _ in range(2):
        send(bench)
    assert bench.store.load(DATA, ("UE", A))[0] == 4
    answer = bench.ask(HERE, msg(A, AREA, "hi", "BC"))
    assert (answer.code, answer.diagnostic) == (
        "5.03",
        "too many of your own messages wait; try again later",
    )
    assert bench.code(THERE, msg(B, C)) == "2.04"  # who has nothing waiting is not kept out


def crowd(**settings):
    """Six UEs in the FIELD, and room for four messages of the largest size of one originator."""
    bench = filled(Bench(quota_octets=1, max_message=1000, **settings))
    for number in range(4):
        bench.register("ue:%d" % number, Peer("192.0.2.10", 40000 + number))
    return bench


def test_a_message_whose_copies_could_never_wait_is_refused():
    bench = crowd()
    answer = bench.ask(HERE, msg(A, FIELD, "x" * 1000, "BC"))
    assert (answer.code, answer.size1) == ("4.13", 4000 // 6)
    assert bench.work() == []
    send(bench, FIELD, "x" * 400)
    assert len(drain(bench)) == 5


def test_of_one_in_segments_the_originator_hears_that_its_copies_could_never_wait():
    bench = crowd()
    for number in (1, 2):
        params = {"segId": "set-1", "segNumb": number, "totalSegCount": 2}
        body = msg(A, FIELD, "x" * 500, "BC", isSegmented=True, segParams=params)
        assert bench.code(HERE, body) == "2.04"
    got = drain(bench)
    assert set(got) == {A}
    (response,) = (body for body in got[A] if body["msgType"] == "MSGRESP")
    assert (response["DelSta"], response["Cause"]) == (
        "failure",
        "to 6 recipients at most %d octets go" % (4000 // 6),
    )


def test_to_an_area_of_a_gateway_it_is_one():
    bench = filled(Bench(quota=2, broadcast_gateways=((FIELD, BMG),)))
    bench.register(C, WHERE[C])
    for _ in range(2):
        send(bench, FIELD)
    assert bench.code(HERE, msg(A, FIELD, "hi", "BC")) == "5.03"


# ---- by a Broadcast Message Gateway


def over(bench, push, verdict="done", detail="204 No Content", **more):
    bench.server.outcome(push, Outcome(verdict, detail, **more), bench.now)


@pytest.mark.parametrize(
    ("priority", "said"),
    [({}, "MIDDLE"), ({"priority": "NORMAL"}, "MIDDLE")]
    + [({"priority": word}, word) for word in ("HIGH", "LOW")],
)
def test_an_area_with_a_gateway_is_posted_to_it_whole(bench, priority, said):
    msg_id = send(bench, PLANT, "x" * 5000, appId="app", isDelivStatReq=True, **priority)
    push = bench.one()
    assert push.where == BMG + "/msgg-bgdelivery/v1/deliver-message"
    assert push.body == {
        "oriAddr": {"addrType": "UE", "addr": A},
        "destAddr": {"addrType": "BC", "addr": PLANT},
        "msgId": msg_id,
        "appId": "app",
        "delivStReqInd": True,
        "payload": "x" * 5000,
        "priority": said,
    }
    over(bench, push)
    assert drain(bench) == {}


def next_push(bench):
    """The next request to the gateway, however long its pause is; None where there is none within five minutes."""
    return next((push for _ in range(310) for push in bench.work(later=1)), None)


@pytest.mark.parametrize("answered", [True, False])
def test_it_is_posted_three_times_then_it_failed(bench, answered):
    msg_id = send(bench, PLANT)
    for _ in range(3):
        push = next_push(bench)
        assert push.body["msgId"] == msg_id
        over(bench, push, "later", "503 Service Unavailable: no cell", answered=answered)
    ((got,),) = drain(bench).values()
    assert (got["msgId"], got["DelSta"], got["Cause"]) == (
        msg_id,
        "failure",
        "503 Service Unavailable: no cell",
    )
    assert next_push(bench) is None


def test_what_the_gateway_refuses_has_failed_at_once(bench):
    msg_id = send(bench, PLANT)
    over(bench, bench.one(), "refused", "404 Not Found: no such area")
    ((got,),) = drain(bench).values()
    assert (got["msgId"], got["DelSta"], got["Cause"]) == (msg_id, "failure", "404 Not Found: no such area")


def test_a_failure_at_the_gateway_reaches_an_application_server_as_a_report(bench):
    servers = bench.server.application_servers
    servers.register({"asSvcId": AS, "targetUri": "http://as.example"}, bench.now)
    body = as_message(PLANT, priority="urgent")
    assert "status" not in servers.message(body, bench.now)
    push = bench.one()
    assert push.body["priority"] == "MIDDLE"  # no other word is one of TS 29.538
    over(bench, push, "refused", "400 Bad Request")
    ((got,),) = drain(bench).values()
    assert got == {
        "oriAddr": {"addrType": "BC", "addr": PLANT},
        "destAddr": {"addrType": "AS", "addr": AS},
        "msgId": body["msgId"],
        "delivSt": "REPT_DELY_FAILED",
        "failureCause": "400 Bad Request",
    }


def test_one_at_a_time_to_an_area_in_order_and_areas_beside_each_other(bench):
    ids = [send(bench, PLANT, str(number)) for number in range(3)] + [send(bench, "other")]
    first, other = sorted(bench.work(), key=lambda push: push.target.id, reverse=True)
    assert (first.body["msgId"], other.body["msgId"]) == (ids[0], ids[3])
    assert bench.work() == []
    over(bench, first)
    over(bench, other)
    assert [drained["msgId"] for drained in drain(bench)[PLANT]] == ids[1:3]


def test_an_aggregate_goes_to_the_gateway_as_singles(bench):
    items = [{"msgId": new_id(), "payload": text} for text in ("1", "2")]
    send(bench, PLANT, payload=None, priority="LOW", totalMsgCount=2, msgList=items)
    got = drain(bench)[PLANT]
    assert [(body["msgId"], body["payload"], body["priority"]) for body in got] == [
        (item["msgId"], item["payload"], "LOW") for item in items
    ]


def test_after_a_restart_it_is_posted_again_under_its_own_id(bench):
    msg_id = send(bench, PLANT)
    bench.one()
    bench.restart()
    assert bench.one().body["msgId"] == msg_id


def test_a_gateway_that_is_not_configured_any_more_is_told(bench):
    msg_id = send(bench, PLANT)
    bench.settings = type(bench.settings)(open=True)
    bench.restart()
    ((got,),) = drain(bench).values()
    assert (got["msgId"], got["DelSta"], got["Cause"]) == (msg_id, "failure", "unknown recipient")


def test_of_a_copy_that_is_set_aside_the_originator_is_not_told(bench):
    send(bench)
    (push,) = bench.work()
    bench.server.broken(push, ValueError("a fault"), bench.now)
    assert bench.events("quarantined")
    assert bench.work() == []
