# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.3.4, the JSON of messages, reports and message responses, at the MSGin5G Client: each member that
it sends and reads. The firmware's core, and a server made by hand. Segments: test_clause_6_5_1_device.py."""

import re

import pytest

from host_tests.conformance.device.core import MSG_ID, OTHER, SERVICE, UE, body, message, own, registered

MODULES = ("firmware/msgin5g/wire/bodies.py", "firmware/msgin5g/wire/payload.py")
ALSO = ("host_tests/device/wire/test_bodies.py", "host_tests/properties/test_same_reading.py")

TO_US = {"destAddrType": "UE", "addr": UE}


def sent(payload="21.5", **more):
    """The body of a MSG."""
    core = registered()
    core.client.send(more.pop("to", OTHER), payload, core.tick, **more)
    core.run(0)
    return body(core.next("MSG"))


def taken(**members):
    core = registered()
    assert core.code(message(**members)) == "2.04"
    return core.client.take(core.tick)


# ---- 7.3.4.1, the message --------------------------------------------------------------------------------------------


def test_7_3_4_1_a_message_has_what_is_required_and_nothing_that_was_not_asked_for():
    came = sent()
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", came.pop("msgId"))
    assert came == {
        "msgIden": SERVICE,
        "msgType": "MSG",
        "oriAddr": {"oriAddrType": "UE", "addr": UE},
        "destAddr": {"destAddrType": "UE", "addr": OTHER},
        "sfFlag": False,
        "payload": "21.5",
    }


@pytest.mark.parametrize("kind", ["UE", "AS", "GROUP", "BC", "TOPIC"])
def test_7_3_4_1_the_recipient_is_one_of_five_kinds(kind):
    assert sent(to_type=kind)["destAddr"] == {"destAddrType": kind, "addr": OTHER}


@pytest.mark.parametrize(
    "given, members",
    [
        ({"app_id": "meter"}, {"appId": "meter"}),
        ({"app_id": ["meter", "valve"]}, {"appId": ["meter", "valve"]}),
        ({"report": True}, {"isDelivStatReq": True}),
        ({"priority": "HIGH"}, {"priority": "HIGH"}),
        ({"priority": "LOW"}, {"priority": "LOW"}),
        ({"store_forward": True}, {"sfFlag": True}),
    ],
)
def test_7_3_4_1_what_was_asked_for_has_its_member(given, members):
    came = sent(**given)
    assert {name: came[name] for name in members} == members


def test_7_3_4_1_the_members_it_reads():
    found = taken(appId="meter", isDelivStatReq=True, priority="HIGH", sfFlag=True)
    assert (found.sender, found.sender_type, found.to, found.to_type) == (OTHER, "UE", UE, "UE")
    assert (found.message_id, found.app_id, found.priority) == (MSG_ID, "meter", "HIGH")
    assert found.report_requested is True and found.payload == "hi"


def test_7_3_4_1_a_message_id_is_a_uuid_in_either_case():
    assert taken(msgId=MSG_ID.upper()).message_id.lower() == MSG_ID


def test_7_3_4_1_a_message_needs_no_payload():
    core = registered()
    said = message()
    del said["payload"]
    assert core.code(said) == "2.04"
    assert core.client.take(core.tick).size == 0


@pytest.mark.parametrize("name", ["msgIden", "msgType", "oriAddr", "destAddr", "msgId"])
def test_7_3_4_1_five_members_are_required(name):
    said = message()
    del said[name]
    answer = registered().post(said)
    assert answer.code.dotted == "4.00" and name.encode() in answer.payload


@pytest.mark.parametrize(
    "members",
    [
        {"msgId": ""},
        {"msgId": 1},
        {"isDelivStatReq": "perhaps"},
        {"payload": 21.5},
        {"payload": {"value": 1}},
        {"oriAddr": OTHER},
        {"oriAddr": {"oriAddrType": "CAR", "addr": OTHER}},
        {"oriAddr": {"oriAddrType": "UE"}},
        {"destAddr": {"destAddrType": "UE", "addr": 7}},
    ],
    ids=str,
)
def test_7_3_4_1_a_member_of_another_type_is_refused_and_nothing_taken(members):
    core = registered()
    assert core.code(message(**members)) == "4.00"
    assert core.client.take(core.tick) is None


def test_7_3_4_1_octets_are_text_in_a_payload_that_is_a_string():
    """The clause has no encoding for them: docs/wire-profile.md has ours, either way."""
    octets = bytes(range(256))
    came = sent(octets)
    assert isinstance(came["payload"], str)
    assert taken(payload=came["payload"]).payload == octets


# ---- 7.3.4.2, the report ---------------------------------------------------------------------------------------------


def reported(core):
    return body(core.next("IMDN"))


def test_7_3_4_2_a_report_has_the_members_of_the_schema():
    core = registered(reports="arrival")
    core.code(message(isDelivStatReq=True))
    assert reported(core) == {
        "msgIden": SERVICE,
        "msgType": "IMDN",
        "oriAddr": {"oriAddrType": "UE", "addr": UE},
        "destAddr": {"destAddrType": "UE", "addr": OTHER},
        "msgId": MSG_ID,
        "DelSta": "success",
    }


def test_7_3_4_2_a_failure_says_its_cause():
    core = registered(reports="arrival", segments={"recoveries": 1})
    params = {"segId": "set-1", "segNumb": 1, "totalSegCount": 2}
    core.code(message(isDelivStatReq=True, isSegmented=True, segParams=params, payload="x"))
    core.run(10)
    core.answer(core.next("SEGREC"))
    core.run(30)
    core.answer(core.next("SEGCONFIR"))
    came = reported(core)
    assert (came["msgId"], came["DelSta"]) == (MSG_ID, "failure") and came["Cause"]


def waits():
    """(core, a message of its own that waits for its report, what would report on it)."""
    core = registered()
    outgoing = core.send(report=True)
    core.answer(core.next("MSG"))
    return core, outgoing, own("IMDN", OTHER, destAddr=TO_US, msgId=outgoing.message_id, DelSta="success")


@pytest.mark.parametrize("name", ["msgIden", "msgType", "oriAddr", "msgId", "DelSta"])
def test_7_3_4_2_what_is_required_of_a_report(name):
    core, outgoing, said = waits()
    del said[name]
    assert core.code(said) == "4.00" and outgoing.state == "accepted"


@pytest.mark.parametrize("status", ["delivered", "", True, 1, None])
def test_7_3_4_2_a_status_that_is_none_of_the_two_is_refused(status):
    core, outgoing, said = waits()
    assert core.code(said | {"DelSta": status}) == "4.00" and outgoing.state == "accepted"


def test_7_3_4_2_the_cause_of_a_failure_is_told():
    core, outgoing, said = waits()
    assert core.code(said | {"DelSta": "failure", "Cause": "no room"}) == "2.04"
    assert (outgoing.state, outgoing.cause) == ("failed", "no room")


# ---- 7.3.4.3, the message response -----------------------------------------------------------------------------------


def response(outgoing, **members):
    return own("MSGRESP", msgId=outgoing.message_id) | members


@pytest.mark.parametrize(
    "members, state",
    [
        ({"DelSta": "failure", "Cause": "gone"}, "failed"),
        ({"DelSta": "stored for deferred delivery"}, "stored"),
    ],
    ids=["failure", "stored"],
)
def test_7_3_4_3_the_status_of_a_response_is_one_of_two(members, state):
    core, outgoing, _ = waits()
    assert core.code(response(outgoing, **members)) == "2.04"
    assert (outgoing.state, outgoing.cause) == (state, members.get("Cause"))


@pytest.mark.parametrize("name", ["msgIden", "msgType", "msgId"])
def test_7_3_4_3_what_is_required_of_a_response(name):
    core, outgoing, _ = waits()
    said = response(outgoing, DelSta="failure")
    del said[name]
    assert core.code(said) == "4.00" and outgoing.state == "accepted"


def test_7_3_4_3_its_originator_is_who_the_response_is_for():
    core, outgoing, _ = waits()
    assert core.code(response(outgoing, DelSta="failure") | {"oriAddr": own("X", OTHER)["oriAddr"]}) == "4.04"
    assert outgoing.state == "accepted"
