# SPDX-License-Identifier: MIT
"""UEs that sleep by a schedule (TS 24.538 clauses 6.3.1.1.1 ii and 6.4.1.2.6): outside its windows a UE is sent nothing
but answers. The time is the test's."""

import json
from dataclasses import replace

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.test_decisions import HERE, SERVICE, THERE, A, B, Bench, msg, own
from tools.server.callers import Caller
from tools.wire.answers import Request
from tools.wire.identity import Peer
from tools.wire.outside import date_time

ELSEWHERE = Peer("192.0.2.3", 40000)
EVERY = {"schTime": "1970-01-01T00:00:00Z", "durTime": 60, "periIndi": True, "periInterval": 600}


def sleeping(schedule=EVERY, registered=3600, **settings):
    """A Bench where A is always there, and B was heard 60 s ago: it sleeps now, for 540 s."""
    bench = Bench(**settings)
    bench.register(A, HERE)
    bench.register(B, THERE, regExpTime=registered, cliProfile={"comAvail": schedule})
    assert bench.work(60) == []
    return bench


def told(bench):
    """What A is told now of its messages."""
    status = []
    for push in bench.work():
        bench.outcome(push)
        if push.target.id == A:
            status.append((push.kind, push.body["DelSta"]))
    return status


# ---- what comes while it sleeps --------------------------------------------------------------------------------------


def test_a_message_to_be_stored_is_stored_until_the_next_window_and_its_originator_hears_that():
    bench = sleeping()
    assert bench.code(HERE, msg(A, B, "one", sfFlag=True)) == "2.04"
    assert told(bench) == [("MSGRESP", "stored for deferred delivery")]
    assert bench.events("stored")[0]["to"] == B
    assert [state for _, _, state, *_ in bench.store.summary()] == ["stored"]
    assert bench.server.deadline(bench.now) == bench.now + 540
    assert bench.work(539.9) == []
    assert bench.take(0.1)["payload"] == "one"
    assert bench.work() == []


def test_another_one_waits_for_the_window_and_nothing_is_said():
    bench = sleeping()
    assert bench.code(HERE, msg(A, B, "one")) == "2.04"
    assert bench.work() == [] and bench.server.deadline(bench.now) == bench.now + 540
    assert bench.work(539.9) == []
    assert bench.take(0.1)["payload"] == "one"
    assert bench.events("stored") == bench.events("failed") == []


def test_another_one_fails_that_ends_before_the_window():
    bench = sleeping(keep=540)
    assert bench.code(HERE, msg(A, B)) == "2.04"
    assert told(bench) == [("MSGRESP", "failure")]
    assert bench.events("failed")[0]["cause"] == "the recipient cannot be reached before the message expires"
    bench = sleeping(keep=541)
    assert bench.code(HERE, msg(A, B, "just")) == "2.04"
    assert told(bench) == []
    assert bench.take(540)["payload"] == "just"


def test_no_window_is_left_after_the_only_one():
    bench = sleeping({"schTime": "1970-01-01T00:00:00Z", "durTime": 60})
    bench.code(HERE, msg(A, B, "lost"))
    assert told(bench) == [("MSGRESP", "failure")]
    bench.code(HERE, msg(A, B, "kept", sfFlag=True))
    assert told(bench) == [("MSGRESP", "stored for deferred delivery")]
    assert bench.work(1000) == []
    assert bench.code(THERE, msg(B, A, "I am here")) == "2.04"
    assert sorted(push.body["payload"] for push in bench.work()) == ["I am here", "kept"]


def test_what_is_stored_ends_with_its_own_time():
    bench = sleeping()
    until = date_time(bench.now + 100)
    bench.code(HERE, msg(A, B, sfFlag=True, sfParam={"expireTime": until}))
    assert told(bench) == [("MSGRESP", "stored for deferred delivery")]
    bench.now += 101
    assert told(bench) == [("MSGRESP", "failure")]
    assert bench.work(600) == []


def test_who_opted_out_of_store_and_forward_is_scheduled_all_the_same():
    bench = sleeping(EVERY | {"storeForward": "true"})
    bench.code(HERE, msg(A, B, "promised", sfFlag=True))
    assert told(bench) == []
    assert bench.take(540)["payload"] == "promised"


def test_an_application_server_hears_of_it_in_the_answer():
    bench = sleeping()
    servers = bench.server.application_servers
    routes = {route.path: route.decide for route in bench.server.routes if route.method == "POST"}
    as_ = "as:w@example.org"
    body = {"asSvcId": as_, "targetUri": "http://192.0.2.9/in"}
    routes["/msgs-asregistration/v1/registrations"](body, bench.now, caller=Caller())
    assert servers is not None
    message = {
        "oriAddr": {"addrType": "AS", "addr": as_},
        "destAddr": {"addrType": "UE", "addr": B},
        "msgId": new_id(),
        "stoAndFwInd": True,
        "payload": "from the AS",
    }
    deliver = routes["/msgs-msgdelivery/v1/deliver-as-message"]
    assert deliver(message, bench.now, caller=Caller()).body["status"] == "DELY_STORED"
    promised = message | {"msgId": new_id(), "stoAndFwInd": False, "payload": "promised"}
    assert "status" not in deliver(promised, bench.now, caller=Caller()).body
    assert bench.work() == []
    assert [bench.take(540)["payload"], bench.take()["payload"]] == ["from the AS", "promised"]


def test_reports_and_responses_wait_for_the_window_too():
    bench = sleeping()
    bench.code(THERE, sent := msg(B, A, isDelivStatReq=True, msgId=new_id()))
    bench.take()
    bench.work(60)
    report = own("IMDN", A, destAddr={"destAddrType": "UE", "addr": B}, msgId=sent["msgId"], DelSta="success")
    assert bench.code(HERE, report) == "2.04"
    bench.code(THERE, msg(B, "ue:nobody"))  # B is heard, and told
    assert {bench.take()["msgType"] for _ in range(2)} == {"IMDN", "MSGRESP"}
    bench.work(60)
    assert bench.code(HERE, report | {"DelSta": "failure"}) == "2.04"
    assert bench.work() == []


def test_what_a_topic_brings_waits_for_the_window():
    bench = sleeping()
    body = json.dumps(own("", B)).encode()
    assert bench.server.topic(THERE, "weather", 0, 50, body, bench.now).code == "2.05"
    assert bench.work(60) == []
    assert bench.code(HERE, msg(A, "weather", "rain", "TOPIC")) == "2.04"
    assert bench.work() == []
    # Windows begin 600 s after one another, and that with the registration was 120 s ago.
    assert bench.server.deadline(bench.now) == bench.now + 480
    assert bench.take(480)["payload"] == "rain"


def test_missing_segments_are_asked_for_in_a_window_and_confirmed_in_one():
    bench = sleeping(hold=1000)
    params = {"segId": "s1", "segNumb": 1, "totalSegCount": 2}
    first = msg(B, A, "half", isSegmented=True, segParams=params)
    assert bench.code(THERE, first) == "2.04"
    bench.now += 60
    assert bench.work() == []  # the gap of 5 s is over, and so is the window
    assert bench.take(480)["msgType"] == "SEGREC"
    rest = msg(B, A, "whole", msgId=first["msgId"], isSegmented=True, segParams=params | {"segNumb": 2})
    assert bench.code(THERE, rest) == "2.04"
    assert {push.body["msgType"] for push in bench.work()} == {"MSG", "SEGCONFIR"}


def test_the_window_of_one_that_owes_segments_is_waited_for_where_nothing_else_happens():
    bench = sleeping(EVERY | {"durTime": 2}, hold=1000)
    params = {"segId": "s1", "segNumb": 1, "totalSegCount": 2}
    assert bench.code(THERE, msg(B, A, "half", isSegmented=True, segParams=params)) == "2.04"
    pushes, begins = [], bench.now + 540
    while not pushes:
        bench.now = bench.server.deadline(bench.now)
        pushes = bench.work()
    assert [(push.kind, push.target.id) for push in pushes] == [("SEGREC", B)]
    assert bench.now == begins


# ---- what opens a window ---------------------------------------------------------------------------------------------


def test_the_registration_is_a_request():
    bench = sleeping({"schTime": "2100-01-01T00:00:00Z", "durTime": 60})
    bench.register(B, THERE, cliProfile={"comAvail": {"schTime": "2100-01-01T00:00:00Z", "durTime": 60}})
    bench.code(HERE, msg(A, B, "one"))
    assert bench.take(59.9)["payload"] == "one"
    bench.now += 0.1  # 60 s are over
    bench.code(HERE, msg(A, B, "two", sfFlag=True))
    assert told(bench) == [("MSGRESP", "stored for deferred delivery")]


@pytest.mark.parametrize(
    "request_",
    [
        lambda: msg(B, A, "hello"),
        lambda: own("IMDN", B, destAddr={"destAddrType": "UE", "addr": A}, msgId=new_id(), DelSta="success"),
        lambda: {"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": "none", "result": True},
        lambda: {"msgIden": SERVICE, "msgType": "SEGREC", "segId": "none", "segNoList": "1"},
    ],
)
def test_any_request_opens_a_window_of_its_duration(request_):
    bench = sleeping()
    bench.code(HERE, msg(A, B, "queued"))
    bench.code(HERE, msg(A, B, "stored", sfFlag=True))
    told(bench)
    assert bench.code(THERE, request_()) in ("2.04", "4.04")
    assert bench.server.deadline(bench.now) <= bench.now + 1
    mine = [push for push in bench.work() if push.target.id == B]
    assert [push.body["payload"] for push in mine] == ["queued"]
    bench.outcome(mine[0])
    (second,) = [push for push in bench.work() if push.target.id == B]
    assert second.body["payload"] == "stored"
    bench.outcome(second)
    bench.code(HERE, msg(A, B, "third"))
    bench.now += 60
    assert [push for push in bench.work() if push.target.id == B] == []


def test_asking_for_a_topic_opens_a_window():
    bench = sleeping()
    bench.code(HERE, msg(A, B, "one"))
    body = json.dumps(own("", B)).encode()
    assert bench.server.topic(THERE, "weather", None, 50, body, bench.now).code == "2.05"
    assert bench.take()["payload"] == "one"


def test_an_answer_opens_none():
    bench = sleeping()
    for text in ("one", "two"):
        bench.code(HERE, msg(A, B, text))
    first = bench.one(540 + 59)
    bench.now += 1
    bench.outcome(first)  # 60 s after the window began
    assert bench.work() == []
    assert bench.take(540)["payload"] == "two"


def test_nobody_opens_a_window_of_another():
    bench = sleeping()
    bench.code(HERE, msg(A, B, "one"))
    assert bench.code(HERE, msg(B, A, "as if I were B")) in ("4.01", "4.03")
    assert bench.work() == []


# ---- windows and pauses ----------------------------------------------------------------------------------------------


def test_a_silence_of_the_last_window_is_no_pause_in_the_next_one():
    """A pause of 300 s would last beyond a window of 60 s."""
    bench = sleeping(retry_min=600, retry_max=600)
    bench.code(HERE, msg(A, B, "one"))
    bench.outcome(bench.one(540), None)
    assert bench.work(60) == []
    assert bench.one(540).body["payload"] == "one"


def test_a_max_age_lasts_into_the_next_window():
    bench = sleeping()
    bench.code(HERE, msg(A, B, "one"))
    bench.outcome(bench.one(540), "5.03", max_age=630)
    assert bench.work(600) == []
    assert bench.one(30).body["payload"] == "one"


def test_order_is_kept_over_stored_and_queued_ones():
    bench = sleeping()
    for number in range(6):
        bench.code(HERE, msg(A, B, str(number), sfFlag=bool(number % 2)))
    told(bench)
    told(bench)
    told(bench)
    bench.now += 540
    assert [bench.take()["payload"] for _ in range(6)] == list("012345")


# ---- the end of a schedule -------------------------------------------------------------------------------------------


def test_the_schedule_ends_with_the_registration():
    bench = sleeping()
    assert bench.code(THERE, own("DEREG", B)) == "2.04"
    bench.code(HERE, msg(A, B, "stored", sfFlag=True))
    told(bench)
    bench.register(B, THERE)
    assert bench.take()["payload"] == "stored"
    bench.code(HERE, msg(A, B, "at once"))
    assert bench.take(100)["payload"] == "at once"


def test_it_ends_with_the_time_of_the_registration():
    bench = sleeping(registered=100)
    bench.code(HERE, msg(A, B, "promised"))
    bench.now += 41
    bench.work()
    assert bench.store.availability(B) is None
    assert told(bench) == [] and bench.events("failed")[0]["to"] == B


def test_another_registration_has_another_schedule_or_none():
    bench = sleeping()
    bench.code(HERE, msg(A, B, "stored", sfFlag=True))
    told(bench)
    bench.register(B, THERE, cliProfile={"comAvail": EVERY | {"periInterval": 1200}})
    assert bench.take()["payload"] == "stored"
    bench.code(HERE, msg(A, B, "one"))
    bench.now += 60
    assert bench.work() == [] and bench.server.deadline(bench.now) == bench.now + 1140
    bench.register(B, THERE)
    bench.now += 61
    assert bench.take()["payload"] == "one"


# ---- restarts and clocks ---------------------------------------------------------------------------------------------


def test_windows_outlive_a_restart():
    bench = sleeping()
    bench.code(HERE, msg(A, B, "queued"))
    bench.code(HERE, msg(A, B, "stored", sfFlag=True))
    told(bench)
    bench.restart()
    assert bench.work() == [] and bench.work(539) == []
    assert bench.server.deadline(bench.now) == bench.now + 1
    assert [bench.take(1)["payload"], bench.take()["payload"]] == ["queued", "stored"]


def test_a_window_that_a_request_opened_outlives_a_restart():
    bench = sleeping()
    bench.code(THERE, msg(B, "ue:nobody"))
    bench.restart()
    assert bench.take()["msgType"] == "MSGRESP"
    assert bench.work(60) == []


def test_what_counts_from_the_registration_is_set_with_the_clock():
    bench = sleeping()
    bench.code(HERE, msg(A, B, "stored", sfFlag=True))
    told(bench)
    bench.store.shift_times(86400)
    bench.server.clock_set(86400)
    bench.now += 86400
    assert bench.work(539) == []
    assert bench.take(1)["payload"] == "stored"


def test_moments_that_the_ue_named_are_not():
    """Its clock was right when ours was wrong."""
    bench = Bench(lifetime=10**6)
    start = date_time(bench.now + 3600)
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"comAvail": EVERY | {"schTime": start}})
    bench.work(60)
    bench.code(HERE, msg(A, B, "stored", sfFlag=True))
    bench.code(HERE, msg(A, B, "queued"))
    told(bench)
    bench.store.shift_times(3000)
    bench.server.clock_set(3000)
    bench.now += 3000
    assert bench.work() == []
    assert bench.server.deadline(bench.now) == bench.now + 540
    assert [bench.take(540)["payload"], bench.take()["payload"]] == ["stored", "queued"]


# ---- behind a gateway ------------------------------------------------------------------------------------------------


def test_the_windows_of_a_ue_behind_a_gateway_are_its_own():
    bench = Bench()
    bench.register(A, HERE)
    bench.register("ue:gw", ELSEWHERE)
    listed = [
        own("REG", B, cliProfile={"comAvail": EVERY}),
        own("REG", "ue:c"),
    ]
    assert bench.code(ELSEWHERE, own("BREG", "ue:gw", totalRegCount=2, regList=listed)) == "2.04"
    bench.work(60)
    bench.code(HERE, msg(A, B, "for the one that sleeps"))
    bench.code(HERE, msg(A, "ue:c", "for its neighbour"))
    assert bench.take()["payload"] == "for its neighbour"
    bench.code(ELSEWHERE, msg("ue:c", "ue:nobody"))
    assert bench.take()["msgType"] == "MSGRESP"  # the gateway and its neighbour were heard, and it was not
    bench.code(ELSEWHERE, msg(B, "ue:nobody"))
    assert bench.take()["msgType"] == "MSGRESP"
    assert bench.take()["payload"] == "for the one that sleeps"


def test_a_gateway_that_sleeps_keeps_those_behind_it_waiting():
    bench = Bench()
    bench.register(A, HERE)
    bench.register("ue:gw", ELSEWHERE, cliProfile={"comAvail": EVERY})
    listed = [own("REG", B)]
    assert bench.code(ELSEWHERE, own("BREG", "ue:gw", totalRegCount=1, regList=listed)) == "2.04"
    bench.work(60)
    bench.code(HERE, msg(A, B, "one"))
    assert bench.work() == []
    assert bench.server.deadline(bench.now) == bench.now + 540
    assert bench.take(540)["payload"] == "one"


def test_segments_of_one_behind_a_gateway_are_asked_for_again_in_a_window_that_this_opens():
    bench = Bench(hold=1000)
    bench.register(A, HERE)
    bench.register("ue:gw", ELSEWHERE)
    profile = {"comAvail": EVERY, "maxSegSize": 20}
    listed = [own("REG", B, cliProfile=profile)]
    assert bench.code(ELSEWHERE, own("BREG", "ue:gw", totalRegCount=1, regList=listed)) == "2.04"
    bench.code(HERE, msg(A, B, "x" * 30))
    first, _ = bench.take(), bench.take()
    bench.now += 60
    asked = {"msgIden": SERVICE, "msgType": "SEGREC", "segId": first["segParams"]["segId"], "segNoList": "1"}
    assert bench.code(ELSEWHERE, asked) == "2.04"
    assert bench.take()["payload"] == first["payload"]


def test_asking_for_a_configuration_opens_a_window_and_looking_again_none():
    bench = sleeping()
    bench.code(HERE, msg(A, B, "one"))
    path = ("su-uc", "v1", "val-services", SERVICE, "ue-configurations")
    asked = Request("GET", path, ("ue-uri=urn:imei:1",))
    bench.server.configuration(THERE, replace(asked, again=True), bench.now)
    assert bench.work() == []
    bench.server.configuration(THERE, asked, bench.now)
    assert bench.take()["payload"] == "one"


def test_what_a_peer_observes_waits_until_one_of_its_ues_has_a_window():
    bench = sleeping()
    assert bench.server.sleeps(HERE, bench.now) is None
    assert bench.server.sleeps(THERE, bench.now) == 540
    assert bench.server.sleeps(ELSEWHERE, bench.now) is None  # nobody is known there
    bench.register("ue:beside", THERE)
    assert bench.server.sleeps(THERE, bench.now) is None
