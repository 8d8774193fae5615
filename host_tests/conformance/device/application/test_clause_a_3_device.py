# SPDX-License-Identifier: MIT
"""TS 24.538 Annex A.3, the messages of MSGin5G-5 on CoAP and in JSON, at the Application Client: the firmware's core,
and an MSGin5G Client made by hand. Members as the schemas of A.3.2 print them; what these leave open or contradict is
decided in docs/annex-a.md."""

import json

import aiocoap
import pytest

from host_tests.conformance.device.core import JSON, MSG_ID, OTHER, SERVICE, Core, body

MODULES = (
    "firmware/msgin5g/application/json_wire.py",
    "firmware/msgin5g/application/registration.py",
    "firmware/msgin5g/wire/causes.py",
)
ALSO = ("host_tests/device/application/test_application_json.py",)

GIVEN = "0a0b0c0d0e0f"
SUCCESS = {"msgType": "MESSAGE SENDING RESPONSE", "result": "SUCCESS"}
RECEIVED = {"msgType": "MESSAGE RECEIVED REQUEST", "msgId": MSG_ID, "oriAddr": OTHER, "payload": "hi"}


def started():
    return Core("application client", application={"app_id": 7, "credential": "c0ffee"})


def registered(**config):
    core = Core("application client", application={"app_id": 7, "credential": "c0ffee"}, **config)
    core.answer(core.next("REG"), {"result": True, "registration ID": GIVEN})
    assert core.client.registered
    return core


def sent(**more):
    core = registered()
    outgoing = core.send(**more)
    (request,) = core.requests
    core.requests.clear()
    return core, outgoing, request


def reported():
    """The report that it sends on a message."""
    core = registered(reports="arrival")
    core.post(RECEIVED | {"isDelivStatReq": True})
    (request,) = core.requests
    return core, request


def report_on(outgoing, **members):
    said = {"msgType": "DELIVERY REPORT RECEIVED REQUEST", "msgId": MSG_ID, "deliveryStatus": "SUCCESS"}
    return said | {"reply2msgId": outgoing.message_id} | members


def is_post(request):
    """Of JSON, Confirmable."""
    assert (request.code, request.opt.content_format, request.mtype) == (aiocoap.POST, JSON, aiocoap.CON)
    return body(request)


# ---- A.3.1: what is CoAP of them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("report", [True, False])
def test_a_3_1_1_a_message_is_a_post_of_json_and_confirmable_where_a_report_is_wanted(report):
    _, _, request = sent(report=report)
    assert (request.code, request.opt.content_format) == (aiocoap.POST, JSON)
    assert request.mtype == aiocoap.CON or not report


def test_a_3_1_2_a_report_is_a_confirmable_post_of_json():
    is_post(reported()[1])


def test_a_3_1_4_a_report_that_comes_is_answered():
    core, outgoing, request = sent(report=True)
    core.answer(request, SUCCESS, aiocoap.CONTENT)
    assert core.code(report_on(outgoing)) == "2.04"


def test_a_3_1_5_the_response_to_a_message_is_a_2_05_of_json():
    core, outgoing, request = sent()
    core.answer(request, SUCCESS, aiocoap.CONTENT)
    assert outgoing.state == "accepted"


def test_a_3_1_3_and_6_a_message_that_comes_is_answered_2_05_with_json():
    answer = registered().post(RECEIVED)
    assert (answer.code, answer.opt.content_format) == (aiocoap.CONTENT, JSON)


def test_a_3_1_7_a_registration_request_is_a_confirmable_post_of_json():
    is_post(started().next("REG"))


@pytest.mark.parametrize("code", [aiocoap.CREATED, aiocoap.CHANGED])
def test_a_3_1_8_its_response_is_2_01_or_2_04(code):
    core = started()
    core.answer(core.next("REG"), {"result": True, "registration ID": GIVEN}, code)
    assert core.client.registered


@pytest.mark.parametrize("code", [aiocoap.CREATED, aiocoap.CHANGED])
def test_a_3_1_9_and_10_a_de_registration_request_and_its_response(code):
    core = registered()
    core.stop()
    request = core.next("DEREG")
    is_post(request)
    core.answer(request, {"result": True, "registration ID": GIVEN}, code)
    assert core.state == "stopped"


# ---- A.3.2: their members --------------------------------------------------------------------------------------------


def test_a_3_2_1_a_message_has_the_members_of_the_schema():
    _, outgoing, request = sent(app_id="7", report=True, to_type="GROUP")
    assert body(request) == {
        "msgType": "MESSAGE SENDING REQUEST",
        "appId": "7",
        "msgId": outgoing.message_id,
        "isDelivStatReq": True,
        "destAddr": {"destAddrType": "GROUP", "addr": OTHER},
        "payload": "21.5",
    }


def test_a_3_2_1_its_optional_members_may_be_left_out():
    _, _, request = sent()
    assert set(body(request)) - {"isDelivStatReq"} == {"msgType", "msgId", "destAddr", "payload"}
    assert not body(request).get("isDelivStatReq")


def test_a_3_2_2_a_report_has_the_members_of_the_schema():
    _, request = reported()
    said = body(request)
    assert said.pop("msgId") != MSG_ID
    assert said == {
        "msgType": "DELIVERY REPORT SENDING REQUEST",
        "reply2msgId": MSG_ID,
        "deliveryStatus": "SUCCESS",
    }


@pytest.mark.parametrize(
    "said, priority",
    [
        ({}, "NORMAL"),
        ({"priority": "LOW"}, "LOW"),
        ({"priority": "MEDIUM"}, "NORMAL"),
        ({"priority": "HIGH"}, "HIGH"),
    ]
    + [({"priority": "NORMAL"}, "NORMAL")],  # the default that is printed, and no value of the enumeration
)
def test_a_3_2_3_the_priority_is_high_medium_or_low(said, priority):
    core = registered()
    core.post(RECEIVED | said)
    assert core.client.take(core.tick).priority == priority


def test_a_3_2_3_ori_addr_is_the_originator_and_group_id_the_group():
    """As their names say: their descriptions are swapped."""
    core = registered()
    core.post(RECEIVED | {"groupId": "group:g@example.org", "isDelivStatReq": True})
    taken = core.client.take(core.tick)
    assert (taken.sender, taken.to_type, taken.to) == (OTHER, "GROUP", "group:g@example.org")
    assert taken.report_requested is True


def test_a_3_2_3_three_members_are_required_and_no_other():
    core = registered()
    needed = {name: RECEIVED[name] for name in ("msgType", "msgId", "payload")}
    for name in needed:
        answer = core.post({each: value for each, value in needed.items() if each != name})
        assert answer.code.dotted == "4.00" and answer.payload.startswith(name.encode()), name
    assert core.code(needed) == "2.05"
    taken = core.client.take(core.tick)
    assert (taken.sender, taken.payload, taken.report_requested) == ("", "hi", False)
    assert core.client.take(core.tick) is None


@pytest.mark.parametrize(
    "members",
    [
        {"msgId": 7},
        {"payload": 7},
        {"payload": ["hi"]},
        {"oriAddr": {"addr": OTHER}},
        {"groupId": 7},
        {"isDelivStatReq": "perhaps"},
        {"priority": "URGENT"},
        {"priority": 2},
    ],
)
def test_a_3_2_3_a_member_of_another_type_is_refused_and_named(members):
    core = registered()
    answer = core.post(RECEIVED | members)
    assert answer.code.dotted == "4.00" and answer.payload.startswith(next(iter(members)).encode())
    assert core.client.take(core.tick) is None


@pytest.mark.parametrize("kind", ["DELIVERY REPORT RECEIVED REQUEST", "DELIVERY REPORT RECEIVED REQEUST"])
@pytest.mark.parametrize("status, state", [("SUCCESS", "delivered"), ("FAILED", "failed")])
def test_a_3_2_4_a_report_says_success_or_failed(kind, status, state):
    core, outgoing, request = sent(report=True)
    core.answer(request, SUCCESS, aiocoap.CONTENT)
    assert core.code(report_on(outgoing, msgType=kind, deliveryStatus=status)) == "2.04"
    assert outgoing.state == state


def test_a_3_2_4_without_reply2msg_id_it_is_about_its_msg_id():
    """Which the schema requires, as it does not that other one."""
    core, outgoing, request = sent(report=True)
    core.answer(request, SUCCESS, aiocoap.CONTENT)
    said = report_on(outgoing, msgId=outgoing.message_id)
    del said["reply2msgId"]
    assert (core.code(said), outgoing.state) == ("2.04", "delivered")


@pytest.mark.parametrize(
    "members, named",
    [
        ({"deliveryStatus": None}, b"deliveryStatus"),
        ({"deliveryStatus": "PERHAPS"}, b"deliveryStatus"),
        ({"deliveryStatus": True}, b"deliveryStatus"),
        ({"reply2msgId": 7}, b"reply2msgId"),
        ({"reply2msgId": None, "msgId": None}, b"msgId"),
        ({"reply2msgId": None, "msgId": 7}, b"msgId"),
    ],
)
def test_a_3_2_4_what_is_required_of_a_report(members, named):
    core, outgoing, request = sent(report=True)
    core.answer(request, SUCCESS, aiocoap.CONTENT)
    answer = core.post(report_on(outgoing) | members)
    assert answer.code.dotted == "4.00" and answer.payload.startswith(named), answer.payload
    assert outgoing.state == "accepted"


@pytest.mark.parametrize(
    "said, state, cause",
    [
        ({"result": "FAILED", "failReason": "Unknown device"}, "failed", "Unknown device"),
        ({"result": "FAILED"}, "failed", "no cause given"),
    ],
)
def test_a_3_2_5_a_result_that_failed_has_its_reason(said, state, cause):
    core, outgoing, request = sent()
    core.answer(request, SUCCESS | said, aiocoap.CONTENT)
    assert (outgoing.state, outgoing.cause) == (state, cause)


@pytest.mark.parametrize("result", [None, "PERHAPS", True, 1])
def test_a_3_2_5_without_a_result_of_the_two_nothing_is_accepted(result):
    core, outgoing, request = sent()
    core.answer(request, SUCCESS | {"result": result}, aiocoap.CONTENT)
    assert outgoing.state not in ("accepted", "delivered")


def test_a_3_2_6_the_response_to_a_message_has_the_members_of_the_schema():
    core = registered(inbox={"messages": 1})
    assert json.loads(core.post(RECEIVED).payload) == {
        "msgType": "MESSAGE RECEIVED RESPONSE",
        "result": "SUCCESS",
    }
    assert json.loads(core.post(RECEIVED | {"msgId": MSG_ID[:-1] + "2"}).payload) == {
        "msgType": "MESSAGE RECEIVED RESPONSE",
        "result": "FAILED",
        "failReason": "Congestion situation",  # its inbox is full
    }


def test_a_3_2_7_a_registration_request_has_the_members_of_the_schema():
    said = body(started().next("REG"))
    assert said == {"msgIden": SERVICE, "msgType": "REG", "appId": "7", "credential": "c0ffee"}


@pytest.mark.parametrize("name", ["failure reason", "failReason"])
def test_a_3_2_7_the_response_has_a_result_and_the_reason_under_a_name_with_a_blank(name):
    core = started()
    core.answer(core.next("REG"), {"result": False, name: "Invalid credentials"})
    assert (core.state, core.cause) == ("refused", "Invalid credentials")


def test_a_3_2_8_a_de_registration_request_has_the_members_of_the_schema():
    core = registered()
    core.stop()
    assert body(core.next("DEREG")) == {"msgIden": SERVICE, "msgType": "DEREG", "registrationID": GIVEN}
