# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.1, the message types, and those that clause 6.3 adds, at the MSGin5G Client: each is sent, taken,
or refused by its name. The firmware's core, and a peer made by hand."""

import aiocoap
import pytest

from host_tests.conformance.device.core import (
    MSG_ID,
    OTHER,
    SERVICE,
    UE,
    Core,
    body,
    message,
    own,
    registered,
)

MODULES = ("firmware/msgin5g/procedures/__init__.py",)
ALSO = ("host_tests/device/incoming/test_receiving.py",)

SET = {"msgIden": SERVICE, "segId": "set-1"}


def segment(number, total=3, **more):
    params = {"segId": "set-1", "segNumb": number, "totalSegCount": total}
    params |= {"lastSegFlag": "true"} if number == total else {}
    return message(isSegmented=True, segParams=params, payload="%d" % number, **more)


# ---- what it sends ---------------------------------------------------------------------------------------------------


def test_7_1_reg_and_dereg_are_sent():
    core = registered()
    core.stop()
    core.next("DEREG")  # `registered` has seen the REG


def test_7_1_gwreg_of_clause_6_3_5_is_sent_to_a_gateway():
    Core(gateway_service=True).next("GWREG")


def test_7_1_msg_is_sent_and_ended_by_msgresp():
    core = registered()
    outgoing = core.send(report=True)
    request = core.next("MSG")
    assert body(request)["destAddr"] == {"destAddrType": "UE", "addr": OTHER}
    core.answer(request)
    failed = own("MSGRESP", msgId=outgoing.message_id, DelSta="failure", Cause="unknown recipient")
    assert core.code(failed) == "2.04"
    assert (outgoing.state, outgoing.cause) == ("failed", "unknown recipient")


def test_7_1_imdn_is_sent_about_a_msg_whose_delivery_status_is_required():
    core = registered(reports="arrival")
    assert core.code(message(isDelivStatReq=True)) == "2.04"
    sent = body(core.next("IMDN"))
    assert (sent["msgId"], sent["DelSta"]) == (MSG_ID, "success")
    assert sent["destAddr"] == {"destAddrType": "UE", "addr": OTHER}


def test_7_1_segrec_and_segconfir_are_sent_about_segments():
    core = registered()
    for number in (1, 3):
        assert core.code(segment(number)) == "2.04"
    core.run(30)
    request = core.next("SEGREC")
    assert body(request) == SET | {"msgType": "SEGREC", "segNoList": "(2-2)"}
    core.answer(request)
    core.requests.clear()
    assert core.code(segment(2)) == "2.04"
    assert body(core.next("SEGCONFIR")) == SET | {"msgType": "SEGCONFIR", "result": True}


# ---- what it takes ---------------------------------------------------------------------------------------------------


def test_7_1_msg_is_taken_and_given_to_the_application():
    core = registered()
    assert core.code(message()) == "2.04"
    taken = core.client.take(core.tick)
    assert (taken.sender, taken.message_id, taken.payload) == (OTHER, MSG_ID, "hi")


def test_7_1_imdn_is_taken_and_says_what_became_of_a_message():
    for status, state in (("success", "delivered"), ("failure", "failed")):
        core = registered()
        outgoing = core.send(report=True)
        core.answer(core.next("MSG"))
        report = own("IMDN", OTHER, destAddr={"destAddrType": "UE", "addr": UE}, msgId=outgoing.message_id)
        assert core.code(report | {"DelSta": status}) == "2.04"
        assert outgoing.state == state


def test_7_1_segrec_and_segconfir_are_taken_about_segments():
    core = registered(segments={"size": 100})
    outgoing = core.send("x" * 250)
    numbers = []
    for _ in range(3):
        request = core.next("MSG")
        numbers.append(body(request)["segParams"]["segNumb"])
        core.answer(request)
    assert numbers == [1, 2, 3]
    about = SET | {"segId": body(request)["segParams"]["segId"]}
    assert core.code(about | {"msgType": "SEGREC", "segNoList": "(2-2)"}) == "2.04"
    again = core.next("MSG")
    assert body(again)["segParams"]["segNumb"] == 2
    core.answer(again)
    assert core.code(about | {"msgType": "SEGCONFIR", "result": True}) == "2.04"
    assert outgoing.state == "accepted"


@pytest.mark.parametrize("kind", ["REGRESP", "DEREGRESP"])
def test_7_1_regresp_and_deregresp_of_clause_6_3_4_are_taken_from_a_gateway(kind):
    core = registered(gateway_service=True)
    assert core.code(own(kind, result=True)) == "2.04"


# ---- what it does not take -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["REG", "DEREG", "BREG", "GWREG", "MESSAGE", ""])
def test_7_1_what_only_a_server_or_gateway_takes_is_refused_and_so_is_any_other(kind):
    core = registered()
    answer = core.post(own(kind))
    assert (answer.code, answer.payload[:8]) == (aiocoap.BAD_REQUEST, b"msgType:")
    assert core.client.registered and core.requests == []


def test_7_1_a_request_without_a_message_type_is_refused():
    core = registered()
    said = message()
    del said["msgType"]
    answer = core.post(said)
    assert (answer.code, answer.payload[:8]) == (aiocoap.BAD_REQUEST, b"msgType:")
    assert list(core.client.inbox) == []
