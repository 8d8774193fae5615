# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.2, messages and reports on MSGin5G-5, at the Application Client: the firmware's core, and an
MSGin5G Client made by hand, with the JSON of Annex A.3. Its
octets: test_clause_a_2_device.py."""

import json

import aiocoap
import pytest

from host_tests.conformance.device.core import JSON, MSG_ID, OTHER, Core, body

MODULES = ("firmware/msgin5g/application/json_wire.py", "firmware/msgin5g/application_client.py")
ALSO = (
    "host_tests/device/application/test_application_json.py",
    "host_tests/device/application/test_application_l3.py",
)

GIVEN = "0a0b0c0d0e0f"  # a Registration ID
SENT = {"msgType": "MESSAGE SENDING RESPONSE", "result": "SUCCESS"}


def registered(**config):
    core = Core("application client", application={"app_id": 7, "credential": "c0ffee"}, **config)
    core.answer(core.next("REG"), {"result": True, "registration ID": GIVEN})
    assert core.client.registered
    return core


def request_of(core):
    """The one request that it sends now, and its body."""
    (request,) = core.requests
    core.requests.clear()
    return request, body(request)


def sent(**more):
    core = registered()
    outgoing = core.send(**more)
    return (core, outgoing, *request_of(core))


def received(**members):
    said = {"msgType": "MESSAGE RECEIVED REQUEST", "msgId": MSG_ID, "oriAddr": OTHER, "payload": "hi"}
    return said | members


# ---- 6.4.2.2, a message that it sends --------------------------------------------------------------------------------


def test_6_4_2_2_1_a_sending_request_has_message_id_target_address_type_and_payload():
    _, outgoing, request, said = sent()
    assert (request.code, request.opt.content_format) == (aiocoap.POST, JSON)
    assert said["msgType"].replace("REQEUST", "REQUEST") == "MESSAGE SENDING REQUEST"
    assert said["msgId"] == outgoing.message_id
    assert said["destAddr"] == {"destAddrType": "UE", "addr": OTHER}
    assert said["payload"] == "21.5"


def test_6_4_2_2_1_that_a_report_is_wanted_is_said_and_asked_for_by_a_confirmable_message():
    _, _, request, said = sent(report=True)
    assert said["isDelivStatReq"] is True and request.mtype == aiocoap.CON


@pytest.mark.parametrize("kind", ["UE", "AS", "GROUP"])
def test_6_4_2_2_1_the_target_is_of_one_of_three_types(kind):
    assert sent(to_type=kind)[3]["destAddr"]["destAddrType"] == kind


@pytest.mark.parametrize("kind", ["TOPIC", "BC"])
def test_6_4_2_2_1_another_type_of_target_is_refused_at_once(kind):
    core = registered()
    with pytest.raises(ValueError, match="to_type"):
        core.send(to_type=kind)
    assert core.requests == []


def test_6_4_2_2_1_the_result_success_has_it_accepted():
    core, outgoing, request, _ = sent()
    core.answer(request, SENT, aiocoap.CONTENT)
    assert outgoing.state == "accepted"


def test_6_4_2_2_1_the_result_failed_has_a_failure_reason():
    core, outgoing, request, _ = sent()
    core.answer(request, SENT | {"result": "FAILED", "failReason": "unknown recipient"}, aiocoap.CONTENT)
    assert (outgoing.state, outgoing.cause) == ("failed", "unknown recipient")


# ---- 6.4.2.2, a message that comes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["MESSAGE RECEIVED REQUEST", "MESSAGE RECEIVED REQEUST"])
def test_6_4_2_2_2_a_received_request_is_taken_and_answered_with_its_result(kind):
    core = registered()
    answer = core.post(received(msgType=kind))
    assert answer.code.is_successful()
    said = json.loads(answer.payload)
    assert (said["msgType"], said["result"]) == ("MESSAGE RECEIVED RESPONSE", "SUCCESS")
    taken = core.client.take(core.tick)
    assert (taken.message_id, taken.sender, taken.payload) == (MSG_ID, OTHER, "hi")


def test_6_4_2_2_2_a_message_of_a_group_names_the_group():
    core = registered()
    core.post(received(groupId="group:meters@example.org"))
    taken = core.client.take(core.tick)
    assert (taken.to_type, taken.to) == ("GROUP", "group:meters@example.org")


def test_6_4_2_2_2_what_came_before_is_answered_alike_and_given_once():
    core = registered()
    for _ in range(2):
        assert json.loads(core.post(received()).payload)["result"] == "SUCCESS"
    assert core.client.take(core.tick) is not None
    assert core.client.take(core.tick) is None


@pytest.mark.parametrize("name", ["msgId", "payload"])
def test_6_4_2_2_2_what_is_required_of_a_received_request(name):
    core = registered()
    said = received()
    del said[name]
    assert core.code(said) == "4.00"
    assert core.client.take(core.tick) is None


# ---- 6.4.2.3, reports ------------------------------------------------------------------------------------------------


def test_6_4_2_3_a_report_has_its_own_message_id_and_that_of_the_message():
    core = registered(reports="arrival")
    core.post(received(isDelivStatReq=True))
    request, said = request_of(core)
    assert (request.code, request.mtype) == (aiocoap.POST, aiocoap.CON)
    assert said["msgType"].replace("REQEUST", "REQUEST") == "DELIVERY REPORT SENDING REQUEST"
    assert (said["reply2msgId"], said["deliveryStatus"]) == (MSG_ID, "SUCCESS")
    assert said["msgId"] != MSG_ID


def test_6_4_2_3_no_report_is_sent_that_was_not_asked_for():
    core = registered(reports="arrival")
    core.post(received())
    assert core.requests == []


@pytest.mark.parametrize("status, state", [("SUCCESS", "delivered"), ("FAILED", "failed")])
def test_6_4_2_3_a_report_that_comes_says_what_became_of_a_message(status, state):
    core, outgoing, request, _ = sent(report=True)
    core.answer(request, SENT, aiocoap.CONTENT)
    assert outgoing.state == "accepted"
    report = {
        "msgType": "DELIVERY REPORT RECEIVED REQUEST",
        "msgId": MSG_ID,
        "reply2msgId": outgoing.message_id,
    }
    assert core.post(report | {"deliveryStatus": status}).code.is_successful()
    assert outgoing.state == state


@pytest.mark.parametrize("members", [{"deliveryStatus": "PERHAPS"}, {"deliveryStatus": None}])
def test_6_4_2_3_what_is_no_report_changes_nothing(members):
    core, outgoing, request, _ = sent(report=True)
    core.answer(request, SENT, aiocoap.CONTENT)
    report = {
        "msgType": "DELIVERY REPORT RECEIVED REQUEST",
        "msgId": MSG_ID,
        "reply2msgId": outgoing.message_id,
    }
    assert core.code(report | members) == "4.00"
    assert outgoing.state == "accepted"
