# SPDX-License-Identifier: MIT
"""Device triggering at the server (TS 23.554 clause 8.9.3, TS 24.538 clause 6.4.1.2.6 c 1). The time is the test's."""

import base64
import json

import pytest

from host_tests.gateway.scripted import new_id
from host_tests.gateway.server.test_decisions import HERE, THERE, A, B, Bench, msg, own
from tools.server.callers import Caller
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome
from tools.server.procedures.reach.triggering import payload
from tools.store.server.configtables import UeConfiguration
from tools.wire.identity import Peer
from tools.wire.outside import date_time

UE_ID = "device-7@example.org"
INFO = {
    "ueId": UE_ID,
    "cliPorts": [{"portNum": 7, "Protocol": "SMS"}, {"portNum": 4711, "Protocol": "OTHER"}],
}
NEF = "http://192.0.2.50:8080"
ASLEEP = {"schTime": "1970-01-01T00:00:00Z", "durTime": 60, "periIndi": True, "periInterval": 600}


def scene(info=INFO, away=True, **settings):
    """A Bench where A is there, and B has said how it can be triggered, and may be away."""
    bench = Bench(**settings)
    bench.server.exposure.listens_at("http://192.0.2.100:8065")
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"triInfo": info})
    if away:
        assert bench.code(THERE, own("DEREG", B)) == "2.04"
    return bench


def triggers(bench, later=0.0):
    """What is to be sent to trigger a UE; all else that is due is taken."""
    found = []
    for push in bench.work(later):
        if push.kind == "trigger":
            found.append(push)
        else:
            bench.outcome(push)
    return found


def stored(bench, seconds=1000, text="one"):
    until = date_time(bench.now + seconds)
    assert bench.code(HERE, msg(A, B, text, sfFlag=True, sfParam={"expireTime": until})) == "2.04"


def sent(bench, push):
    bench.server.outcome(push, Outcome(DONE, "sent"), bench.now)


# ---- by a datagram ---------------------------------------------------------------------------------------------------


def test_a_ue_that_is_away_is_triggered_at_once_at_half_of_the_life_and_at_its_end():
    bench = scene()
    stored(bench)
    at = []
    for _ in range(1100):
        for push in triggers(bench, 1):
            at.append(bench.now - 1_000_000)
            assert push.where == Peer(THERE.host, 4711)
            assert json.loads(push.octets) == {"msgIden": "urn:3gpp:msgin5g", "purpose": "register"}
            sent(bench, push)
    assert at == [1, 501, 1000]
    assert [each["ue"] for each in bench.events("triggered")] == [B] * 3


def test_after_the_last_one_a_message_lives_on_for_thirty_seconds_and_fails():
    bench = scene()
    stored(bench, 100)
    for _ in range(110):
        for push in triggers(bench, 1):
            sent(bench, push)
    assert bench.events("failed") == []
    triggers(bench, 19)
    assert bench.events("failed") == []
    triggers(bench, 1)
    assert [each["cause"] for each in bench.events("failed")] == ["message expired"]


def test_a_ue_that_comes_in_these_thirty_seconds_gets_the_message():
    bench = scene()
    stored(bench, 100)
    for _ in range(110):
        for push in triggers(bench, 1):
            sent(bench, push)
    bench.register(B, THERE)
    assert bench.take()["payload"] == "one"


def test_messages_that_are_stored_together_are_worth_one_trigger_in_thirty_seconds():
    bench = scene()
    for number in range(20):
        stored(bench, text=str(number))
        for push in triggers(bench, 1):
            sent(bench, push)
    assert len(bench.events("triggered")) == 1
    for _ in range(60):
        for push in triggers(bench, 1):
            sent(bench, push)
    assert len(bench.events("triggered")) == 2


def test_what_is_not_to_be_stored_is_no_reason():
    bench = scene()
    bench.code(HERE, msg(A, B))
    assert triggers(bench) == [] and triggers(bench, 5000) == []


def test_a_ue_without_triggering_information_is_not_triggered():
    bench = Bench()
    bench.register(A, HERE)
    bench.register(B, THERE)
    bench.code(THERE, own("DEREG", B))
    stored(bench)
    assert triggers(bench) == [] and triggers(bench, 2000) == []
    assert [each["cause"] for each in bench.events("failed")] == ["message expired"]


def test_a_registration_without_it_takes_it_back():
    bench = scene()
    bench.register(B, THERE)
    bench.code(THERE, own("DEREG", B))
    stored(bench)
    assert triggers(bench) == []


def test_a_message_that_waited_when_the_registration_ended_is_a_reason():
    bench = scene(away=False)
    push = bench.code(HERE, msg(A, B, sfFlag=True))
    assert push == "2.04"
    bench.outcome(bench.one(), "5.03", max_age=3000)
    bench.now += 3600
    (push,) = triggers(bench)
    assert json.loads(push.octets)["purpose"] == "register"


def test_a_silent_ue_is_triggered_to_receive():
    bench = scene(away=False)
    bench.code(HERE, msg(A, B, sfFlag=True))
    bench.outcome(bench.one(), None)
    (push,) = triggers(bench)
    assert json.loads(push.octets)["purpose"] == "receive"
    sent(bench, push)
    for _ in range(20):  # it stays silent: no other one until half of the life is over
        for push in bench.work(300):
            assert push.kind == "MSG"
            bench.outcome(push, None)


def test_one_that_has_answered_is_not_triggered():
    bench = scene(away=False)
    bench.code(HERE, msg(A, B, sfFlag=True))
    bench.outcome(bench.one(), "5.03", max_age=60)
    assert triggers(bench) == []


def test_one_that_sleeps_is_not_triggered():
    bench = Bench()
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"triInfo": INFO, "comAvail": ASLEEP})
    bench.now += 60
    until = date_time(bench.now + 400)
    assert bench.code(HERE, msg(A, B, sfFlag=True, sfParam={"expireTime": until})) == "2.04"
    for _ in range(41):
        assert triggers(bench, 10) == []
    assert len(bench.events("failed")) == 1


def test_it_is_the_port_that_the_ue_named_with_one():
    bench = scene({"ueId": UE_ID, "cliPort": "65401"})
    stored(bench)
    assert triggers(bench)[0].where == Peer(THERE.host, 65401)


def test_without_a_port_of_udp_that_is_told():
    bench = scene({"ueId": UE_ID, "cliPorts": [{"portNum": 7, "Protocol": "NIDD"}]})
    stored(bench)
    assert triggers(bench) == []
    assert bench.events("trigger-failed") == [{"ue": B, "cause": "it has no port of UDP"}]


def test_it_goes_on_after_a_restart():
    bench = scene()
    stored(bench)
    bench.restart()
    bench.server.exposure.listens_at("http://192.0.2.100:8065")
    sent(bench, triggers(bench)[0])
    bench.restart()
    assert triggers(bench, 499) == []
    assert len(triggers(bench, 1)) == 1


def test_a_trigger_is_no_larger_than_one_sms():
    assert len(payload("urn:3gpp:msgin5g", "register")) <= 140
    with pytest.raises(ValueError):
        payload("urn:" + "x" * 140, "register")


# ---- by the exposure function ----------------------------------------------------------------------------------------


def test_the_request_is_that_of_ts_29_122():
    bench = scene(exposure=NEF, exposure_as="msgin5g")
    stored(bench)
    (push,) = triggers(bench)
    assert (push.method, push.where) == ("POST", NEF + "/3gpp-device-triggering/v1/msgin5g/transactions")
    body = dict(push.body)
    assert body.pop("notificationDestination").startswith("http://192.0.2.100:8065/t8/triggering/")
    octets = base64.b64decode(body.pop("triggerPayload"), validate=True)
    assert json.loads(octets) == {"msgIden": "urn:3gpp:msgin5g", "purpose": "register"}
    assert body == {
        "externalId": UE_ID,
        "validityPeriod": 60,
        "priority": "NO_PRIORITY",
        "applicationPortId": 4711,
    }


@pytest.mark.parametrize(
    "ue_id, member",
    [
        ("tel:+4915112345678", {"msisdn": "4915112345678"}),
        ("+4915112345678", {"msisdn": "4915112345678"}),
        ("4915112345678", {"msisdn": "4915112345678"}),
        ("MSISDN-4915112345678", {"msisdn": "4915112345678"}),
        ("1234", {"externalId": "1234"}),
        ("4915112345678@example.org", {"externalId": "4915112345678@example.org"}),
        ("urn:imei:35-209900-176148-1", {"externalId": "urn:imei:35-209900-176148-1"}),
    ],
)
def test_the_form_of_the_ue_id_says_what_it_is(ue_id, member):
    bench = scene(INFO | {"ueId": ue_id}, exposure=NEF)
    stored(bench)
    body = triggers(bench)[0].body
    assert {name: body[name] for name in ("msisdn", "externalId") if name in body} == member


def report(bench, push, **body):
    """What is answered to a report on this trigger: None where nothing is at that path."""
    path = push.body["notificationDestination"].removeprefix("http://192.0.2.100:8065")
    (route,) = [each for each in bench.server.routes if each.path == "/t8/triggering/{token}"]
    assert route.public
    token = path.removeprefix("/t8/triggering/")
    return route.decide(body, bench.now, caller=Caller(), token=token)


def test_the_report_on_a_trigger_is_heard():
    bench = scene(exposure=NEF)
    stored(bench)
    (push,) = triggers(bench)
    bench.server.outcome(push, Outcome(DONE, "201 Created", location=NEF + "/t/1"), bench.now)
    assert bench.events("triggered") == [{"ue": B, "by": "exposure", "at": NEF + "/t/1"}]
    assert report(bench, push, transaction=NEF + "/t/1", result="TRIGGERED").status == 204
    assert report(bench, push, transaction=NEF + "/t/1", result="SUCCESS").status == 204
    assert [each["result"] for each in bench.events("trigger-reported")] == ["TRIGGERED", "SUCCESS"]
    for result in ("FAILURE", "EXPIRED"):
        assert report(bench, push, transaction=NEF + "/t/1", result=result).status == 204
    assert [each["cause"] for each in bench.events("trigger-failed")] == ["FAILURE", "EXPIRED"]
    assert triggers(bench, 100) == []


def test_who_does_not_know_the_path_says_nothing():
    bench = scene(exposure=NEF)
    stored(bench)
    (push,) = triggers(bench)
    guessed = push.body | {"notificationDestination": "http://192.0.2.100:8065/t8/triggering/guess"}
    told = len(bench.told)
    assert report(bench, type("P", (), {"body": guessed}), transaction="x", result="SUCCESS") is None
    assert len(bench.told) == told


def test_a_network_that_does_not_answer_is_asked_again_later_and_holds_up_nothing():
    bench = scene(exposure=NEF)
    stored(bench)
    (push,) = triggers(bench)
    bench.server.outcome(push, Outcome(LATER, "ConnectionRefusedError", answered=False), bench.now)
    assert bench.events("retry")[0]["to"] == "exposure"
    assert triggers(bench) == []
    bench.code(HERE, msg(A, A, "still delivered"))
    assert bench.take()["payload"] == "still delivered"
    due = bench.server.deadline(bench.now) - bench.now
    assert 3 < due < 7
    (again,) = triggers(bench, due)
    bench.server.outcome(again, Outcome(LATER, "503 Service Unavailable"), bench.now)
    assert triggers(bench, 7) == []
    assert len(triggers(bench, 7)) == 1


def test_one_that_refuses_is_asked_again_too_and_one_ue_holds_up_no_other():
    bench = scene(exposure=NEF)
    bench.register("ue:c", Peer("192.0.2.9", 1), cliProfile={"triInfo": INFO | {"ueId": "c@example.org"}})
    bench.code(Peer("192.0.2.9", 1), own("DEREG", "ue:c"))
    stored(bench)
    (push,) = triggers(bench)
    bench.server.outcome(push, Outcome(REFUSED, "404 Not Found: unknown"), bench.now)
    assert bench.events("trigger-failed")[0]["cause"] == "404 Not Found: unknown"
    bench.code(HERE, msg(A, "ue:c", sfFlag=True))
    (other,) = triggers(bench)
    assert other.body["externalId"] == "c@example.org"
    bench.server.outcome(other, Outcome(DONE, "201 Created"), bench.now)
    assert triggers(bench, 4.9) == []
    (again,) = triggers(bench, 0.2)
    assert again.body["externalId"] == UE_ID
    bench.server.outcome(again, Outcome(REFUSED, "404 Not Found"), bench.now)
    assert triggers(bench, 9) == []
    bench.register(B, THERE, cliProfile={"triInfo": INFO})  # it has come: nothing is to be triggered
    bench.take()
    assert triggers(bench, 100) == []


def test_one_ue_that_the_network_cannot_handle_holds_up_no_other():
    bench = scene(exposure=NEF)
    bench.register("ue:c", Peer("192.0.2.9", 1), cliProfile={"triInfo": INFO | {"ueId": "c@example.org"}})
    bench.code(Peer("192.0.2.9", 1), own("DEREG", "ue:c"))
    stored(bench)
    (push,) = triggers(bench)
    bench.code(HERE, msg(A, "ue:c", sfFlag=True))
    bench.now += 1
    bench.server.outcome(push, Outcome(LATER, "500 Internal Server Error"), bench.now)
    found = []
    for _ in range(30):
        for push in triggers(bench, 1):
            found.append(push.body["externalId"])
            taken = found[-1] == "c@example.org"
            outcome = Outcome(DONE, "201 Created") if taken else Outcome(LATER, "500 Internal Server Error")
            bench.server.outcome(push, outcome, bench.now)
    assert set(found[:2]) == {"c@example.org", UE_ID}


def test_a_message_that_is_updated_in_its_last_seconds_has_a_last_try_at_its_new_end():
    bench = scene()
    until = date_time(bench.now + 100)
    body = msg(A, B, sfFlag=True, sfParam={"expireTime": until})
    assert bench.code(HERE, body) == "2.04"
    at = []
    for _ in range(329):
        for push in triggers(bench, 1):
            at.append(bench.now - 1_000_000)
            sent(bench, push)
        if bench.now == 1_000_110:
            change = own("MSGUPD", A, msgId=body["msgId"], sfParam={"expireTime": 190})
            assert bench.code(HERE, change) == "2.04"
            assert bench.events("failed") == []
    assert at == [1, 51, 100, 300]
    assert bench.events("failed") == []
    assert triggers(bench, 1) == []
    assert [each["cause"] for each in bench.events("failed")] == ["message expired"]


def test_pieces_of_an_aggregate_are_worth_the_triggers_of_the_whole():
    """One element of it gets another end while it is stored."""
    bench = scene()
    until = date_time(bench.now + 1000)
    listed = [{"msgId": new_id(), "payload": "x"} for _ in range(3)]
    body = msg(A, B, None, sfFlag=True, sfParam={"expireTime": until}, totalMsgCount=3, msgList=listed)
    assert bench.code(HERE, body) == "2.04"
    at = []
    for _ in range(1100):
        for push in triggers(bench, 1):
            at.append(bench.now - 1_000_000)
            sent(bench, push)
        if bench.now == 1_000_100:
            change = own("MSGUPD", A, msgId=listed[1]["msgId"], sfParam={"expireTime": 600})
            assert bench.code(HERE, change) == "2.04"
    assert at == [1, 501, 700, 1000]


def test_behind_a_gateway_the_host_of_the_gateway_is_not_where_it_is():
    bench = Bench()
    bench.register(A, HERE)
    bench.register("ue:gw", THERE)
    listed = [own("REG", B, cliProfile={"triInfo": INFO})]
    assert bench.code(THERE, own("BREG", "ue:gw", totalRegCount=1, regList=listed)) == "2.04"
    bench.code(HERE, msg(A, B, sfFlag=True))
    bench.server.outcome(bench.one(), Outcome(LATER, "5.04", answered=False, behind=True), bench.now)
    assert triggers(bench) == []
    assert bench.events("trigger-failed") == [{"ue": B, "cause": "where it was is not known"}]


def test_more_than_are_looked_at_at_once_are_all_looked_at():
    bench = Bench(rate=10**6)
    bench.register(A, HERE)
    for number in range(120):
        peer, ports = Peer("192.0.2.9", number + 1), [{"portNum": 7, "Protocol": "SMS"}]
        ue = "ue:%d" % number
        bench.register(ue, peer, cliProfile={"triInfo": {"ueId": ue, "cliPorts": ports}})
        bench.code(peer, own("DEREG", ue))
        bench.code(HERE, msg(A, ue, sfFlag=True))
    for _ in range(5):
        triggers(bench)
        bench.now = min(bench.server.deadline(bench.now), bench.now + 10)
    assert len(bench.events("trigger-failed")) == 120


def test_a_sleeper_has_its_last_try_by_the_network():
    """It is no datagram of ours, and may find the UE where we do not."""
    bench = Bench(exposure=NEF)
    bench.register(A, HERE)
    bench.register(B, THERE, cliProfile={"triInfo": INFO, "comAvail": ASLEEP})
    bench.now += 60
    stored(bench, 400)
    found = []
    for _ in range(43):
        found += [(bench.now, push) for push in triggers(bench, 10)]
    ((at, push),) = found
    assert at == 1_000_000 + 460 and push.method == "POST"


# ---- the information -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "info, member",
    [
        ([], "triInfo"),
        ("x", "triInfo"),
        ({}, "triInfo.ueId"),
        ({"cliPort": "7"}, "triInfo.ueId"),
        ({"ueId": 7, "cliPort": "7"}, "triInfo.ueId"),
        ({"ueId": "", "cliPort": "7"}, "triInfo.ueId"),
        ({"ueId": "x\n", "cliPort": "7"}, "triInfo.ueId"),
        ({"ueId": UE_ID}, "triInfo.cliPort"),
        ({"ueId": UE_ID, "cliPort": "7", "cliPorts": [{"portNum": 7, "Protocol": "SMS"}]}, "triInfo.cliPort"),
        ({"ueId": UE_ID, "cliPort": "seven"}, "triInfo.cliPort"),
        ({"ueId": UE_ID, "cliPort": "0"}, "triInfo.cliPort"),
        ({"ueId": UE_ID, "cliPort": "65536"}, "triInfo.cliPort"),
        ({"ueId": UE_ID, "cliPorts": []}, "triInfo.cliPorts"),
        ({"ueId": UE_ID, "cliPorts": {}}, "triInfo.cliPorts"),
        ({"ueId": UE_ID, "cliPorts": [7]}, "triInfo.cliPorts"),
        ({"ueId": UE_ID, "cliPorts": [{}]}, "triInfo.portNum"),
        ({"ueId": UE_ID, "cliPorts": [{"portNum": 7, "Protocol": "TCP"}]}, "triInfo.Protocol"),
        ({"ueId": UE_ID, "cliPorts": [{"portNum": True, "Protocol": "SMS"}]}, "triInfo.portNum"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name(info, member):
    answer = Bench().ask(HERE, own("REG", A, cliProfile={"triInfo": info}))
    assert (answer.code, answer.diagnostic.partition(":")[0]) == ("4.00", member)


def test_nobody_has_the_ue_id_of_another_triggered():
    bench = Bench()
    assert bench.store.put_configuration(UeConfiguration(UE_ID, A)) is None
    answer = bench.ask(THERE, own("REG", B, cliProfile={"triInfo": INFO}))
    assert (answer.code, answer.diagnostic) == ("4.03", "triInfo.ueId: is the UE ID of another UE")
    assert bench.store.registration(B, bench.now) is None
    bench.register(A, HERE, cliProfile={"triInfo": INFO})


def test_how_a_ue_is_triggered_goes_with_the_ue():
    bench = scene()
    assert bench.store.trigger_info(B) is not None
    bench.store.remove_device(B)
    assert bench.store.trigger_info(B) is None
