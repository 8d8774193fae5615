# SPDX-License-Identifier: MIT
"""TS 24.538 Annex A.3, the messages of MSGin5G-5 on CoAP and in JSON, at the MSGin5G Client of the Gateway UE: aiocoap
is each Application Client and the MSGin5G Server. Members as the schemas of A.3.2 print them; what these leave open or
contradict is decided in docs/annex-a.md."""

import json

import aiocoap
import pytest

from host_tests.conformance.gateway.behind import SERVICE, A, B, own, said
from host_tests.conformance.gateway.test_clause_6_4_2_gateway import (
    MSG_ID,
    OTHER_ID,
    behind,
    client,
    msg,
    sending,
)

MODULES = ("tools/gateway/appjson.py", "tools/wire/a3.py", "tools/gateway/applications.py")
ALSO = ("host_tests/gateway/server/test_applications.py",)

RESPONSE = {"msgType": "MESSAGE SENDING RESPONSE", "result": "SUCCESS"}
REPORT = {"msgType": "DELIVERY REPORT SENDING REQUEST", "msgId": OTHER_ID, "reply2msgId": MSG_ID}


def registered(tmp_path, play):
    """`play(made, app)` with an Application Client that is registered as number 7."""

    async def begin(made):
        await play(made, await client(made, A, 7))

    behind(tmp_path, begin)


def without(body, name):
    return {each: value for each, value in body.items() if each != name}


def kept(app):
    """From now on `app.requests` has each request that it gets."""
    app.requests, render = [], app.render

    async def render_post(request):
        app.requests.append(request)
        return render(request)

    app.peer.render_post = render_post


async def refused(app, body, named):
    answer = await app.ask(body)
    assert answer.code.dotted == "4.00" and answer.payload.startswith(named), (body, answer.payload)


# ---- A.3.1: what is CoAP of them -------------------------------------------------------------------------------------


def test_a_3_1_1_and_5_a_message_is_answered_2_05_with_json(tmp_path):
    async def play(made, app):
        answer = await app.ask(sending())
        assert (answer.code.dotted, answer.opt.content_format) == ("2.05", 50)
        assert json.loads(answer.payload) == RESPONSE

    registered(tmp_path, play)


def test_a_3_1_2_a_report_is_answered_with_success(tmp_path):
    async def play(made, app):
        await made.upper.push(msg(isDelivStatReq=True))
        await app.next()
        assert (await app.ask(REPORT | {"deliveryStatus": "SUCCESS"})).code.dotted == "2.04"

    registered(tmp_path, play)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_3_1_3_a_message_comes_as_a_post_of_json_confirmable_where_a_report_is_wanted(tmp_path, wanted):
    async def play(made, app):
        kept(app)
        await made.upper.push(msg(isDelivStatReq=wanted))
        await app.next()
        (request,) = app.requests
        assert (request.code, request.opt.content_format) == (aiocoap.POST, 50)
        assert request.mtype == aiocoap.CON or not wanted

    registered(tmp_path, play)


def test_a_3_1_4_a_report_comes_as_a_confirmable_post_of_json(tmp_path):
    async def play(made, app):
        await app.ask(sending(isDelivStatReq=True))
        kept(app)
        to = {"destAddrType": "UE", "addr": A}
        await made.upper.push(own("IMDN", B, destAddr=to, msgId=MSG_ID, DelSta="success"))
        await app.next()
        (request,) = app.requests
        assert (request.code, request.opt.content_format, request.mtype) == (
            aiocoap.POST,
            50,
            aiocoap.CON,
        )

    registered(tmp_path, play)


def test_a_3_1_6_the_response_to_a_message_is_read_of_a_2_05(tmp_path):
    async def play(made, app):
        assert (await made.upper.push(msg())).code.dotted == "2.04"
        assert (await app.next())["msgId"] == MSG_ID

    registered(tmp_path, play)


def test_a_3_1_7_to_10_registration_and_de_registration_are_answered_2_01_or_2_04_with_json(tmp_path):
    async def play(made, app):
        body = {"msgIden": SERVICE, "msgType": "REG", "appId": "7", "credential": "07"}
        given = await app.ask(body)
        ending = {"msgIden": SERVICE, "msgType": "DEREG"}
        ended = await app.ask(ending | {"registrationID": json.loads(given.payload)["registration ID"]})
        for answer in (given, ended):
            assert answer.code.dotted in ("2.01", "2.04") and answer.opt.content_format == 50
            assert json.loads(answer.payload)["result"] is True

    registered(tmp_path, play)


# ---- A.3.2: their members --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["MESSAGE SENDING REQUEST", "MESSAGE SENDING REQEUST", None])
def test_a_3_2_1_a_message_may_be_spelt_as_the_schema_does_or_say_no_type(tmp_path, kind):
    async def play(made, app):
        body = sending(appId="7", isDelivStatReq=True, msgType=kind)
        answer = await app.ask(body if kind else without(body, "msgType"))
        assert json.loads(answer.payload) == RESPONSE
        _, _, _, asked = await made.upper.next()
        assert (asked["msgId"], asked["appId"], asked["isDelivStatReq"]) == (MSG_ID, "7", True)
        assert (asked["destAddr"], asked["payload"]) == ({"destAddrType": "UE", "addr": B}, "21.5")

    registered(tmp_path, play)


def test_a_3_2_1_three_members_are_required(tmp_path):
    async def play(made, app):
        for name in ("msgId", "destAddr", "payload"):
            await refused(app, without(sending(), name), name.encode())
        assert made.upper.asked.empty()

    registered(tmp_path, play)


def test_a_3_2_1_a_member_of_another_type_is_refused_and_named(tmp_path):
    async def play(made, app):
        for members in (
            {"msgId": "not a uuid"},
            {"msgId": 7},
            {"destAddr": B},
            {"destAddr": {"destAddrType": "TOPIC", "addr": "alerts"}},
            {"destAddr": {"destAddrType": "BC", "addr": "area:1"}},
            {"destAddr": {"destAddrType": "UE", "addr": ""}},
            {"payload": 21.5},
            {"isDelivStatReq": "perhaps"},
            {"isDelivStatReq": 1},
            {"appId": {"a": 1}},
        ):
            await refused(app, sending(**members), next(iter(members)).encode())
        assert made.upper.asked.empty()

    registered(tmp_path, play)


@pytest.mark.parametrize("status, told", [("SUCCESS", "success"), ("FAILED", "failure")])
def test_a_3_2_2_a_report_says_success_or_failed(tmp_path, status, told):
    async def play(made, app):
        await made.upper.push(msg(isDelivStatReq=True))
        await app.next()
        await app.ask(REPORT | {"deliveryStatus": status})
        _, _, _, asked = await made.upper.next()
        assert (asked["msgType"], asked["msgId"], asked["DelSta"]) == ("IMDN", MSG_ID, told)

    registered(tmp_path, play)


def test_a_3_2_2_without_reply2msg_id_it_is_about_its_msg_id(tmp_path):
    """Which the schema requires, as it does not that other one."""

    async def play(made, app):
        await made.upper.push(msg(isDelivStatReq=True))
        await app.next()
        said = without(REPORT, "reply2msgId") | {"msgId": MSG_ID, "deliveryStatus": "SUCCESS"}
        assert (await app.ask(said)).code.dotted == "2.04"
        assert (await made.upper.next())[3]["msgId"] == MSG_ID

    registered(tmp_path, play)


def test_a_3_2_2_what_is_required_of_a_report(tmp_path):
    async def play(made, app):
        await made.upper.push(msg(isDelivStatReq=True))
        await app.next()
        for status in ("PERHAPS", True, 1, None):
            await refused(app, REPORT | {"deliveryStatus": status}, b"deliveryStatus")
        about = REPORT | {"deliveryStatus": "SUCCESS"}
        await refused(app, about | {"reply2msgId": "7"}, b"reply2msgId")
        await refused(app, about | {"reply2msgId": None, "msgId": None}, b"msgId")
        assert made.upper.asked.empty()

    registered(tmp_path, play)


@pytest.mark.parametrize(
    "pushed, more",
    [
        ({}, {}),
        ({"isDelivStatReq": True}, {"isDelivStatReq": True}),
        (
            {"oriDestAddr": {"destAddrType": "GROUP", "addr": "g:pumps@example.org"}},
            {"groupId": "g:pumps@example.org"},
        ),
    ],
)
def test_a_3_2_3_a_message_has_the_members_of_the_schema(tmp_path, pushed, more):
    async def play(made, app):
        await made.upper.push(msg(**pushed))
        head = {"msgType": "MESSAGE RECEIVED REQUEST", "msgId": MSG_ID, "oriAddr": B, "payload": "open"}
        assert await app.next() == head | more

    registered(tmp_path, play)


@pytest.mark.parametrize("status, told", [("success", "SUCCESS"), ("failure", "FAILED")])
def test_a_3_2_4_a_report_has_the_members_of_the_schema(tmp_path, status, told):
    async def play(made, app):
        await app.ask(sending(isDelivStatReq=True))
        to = {"destAddrType": "UE", "addr": A}
        await made.upper.push(own("IMDN", B, destAddr=to, msgId=MSG_ID, DelSta=status))
        came = await app.next()
        assert came.pop("msgId") != MSG_ID
        kind = "DELIVERY REPORT RECEIVED REQUEST"
        assert came == {"msgType": kind, "reply2msgId": MSG_ID, "deliveryStatus": told}

    registered(tmp_path, play)


@pytest.mark.parametrize(
    "code, reason",
    [
        (aiocoap.FORBIDDEN, "Protocol error, unspecified"),
        (aiocoap.SERVICE_UNAVAILABLE, "Congestion situation"),
        (aiocoap.INTERNAL_SERVER_ERROR, "Lack of resources for lower layer"),
    ],
)
def test_a_3_2_5_a_failure_has_its_reason_in_the_words_of_a_2_2_17(tmp_path, code, reason):
    async def play(made, app):
        made.upper.answers["MSG"] = aiocoap.Message(code=code)
        answer = await app.ask(sending())
        assert (answer.code.dotted, answer.opt.content_format) == ("2.05", 50)
        assert json.loads(answer.payload) == RESPONSE | {"result": "FAILED", "failReason": reason}

    registered(tmp_path, play)


@pytest.mark.parametrize(
    "response, code",
    [
        ({"result": "SUCCESS"}, "2.04"),
        ({"result": "FAILED", "failReason": "Unknown device"}, "4."),
        ({"result": "FAILED"}, "4."),
        ({"result": "PERHAPS"}, "4."),
        ({}, "4."),
    ],
)
def test_a_3_2_6_the_result_of_a_response_is_success_or_not(tmp_path, response, code):
    async def play(made, app):
        async def render_post(request):
            return said({"msgType": "MESSAGE RECEIVED RESPONSE"} | response, aiocoap.CONTENT)

        app.peer.render_post = render_post
        assert (await made.upper.push(msg())).code.dotted.startswith(code)

    registered(tmp_path, play)


@pytest.mark.parametrize("name", ["appId", "appID"])
def test_a_3_2_7_a_registration_has_the_members_of_the_schema_in_either_spelling(tmp_path, name):
    async def play(made, app):
        body = {"msgIden": SERVICE, "msgType": "REG", name: "7", "credential": "07"}
        answer = json.loads((await app.ask(body)).payload)
        assert set(answer) == {"result", "registration ID"} and answer["result"] is True
        failed = json.loads((await app.ask(body | {"credential": "08"})).payload)
        assert failed == {"result": False, "failure reason": "Invalid credentials"}
        await refused(app, without(body, name), b"appId")

    registered(tmp_path, play)


@pytest.mark.parametrize("name", ["registrationID", "RegistrationID", "registration ID"])
def test_a_3_2_8_a_de_registration_has_the_registration_id_in_any_spelling(tmp_path, name):
    async def play(made, app):
        body = {"msgIden": SERVICE, "msgType": "REG", "appId": "7", "credential": "07"}
        given = json.loads((await app.ask(body)).payload)["registration ID"]
        ending = {"msgIden": SERVICE, "msgType": "DEREG"}
        failed = json.loads((await app.ask(ending | {name: "0" * 12})).payload)
        assert failed == {"result": False, "failure reason": "Unknown device"}
        ended = json.loads((await app.ask(ending | {name: given})).payload)
        assert ended == {"result": True, "registration ID": given}

    registered(tmp_path, play)
