# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 6.4.1.1.4 and 6.4.1.1.5, sending a delivery status report, single and aggregated, at the MSGin5G
Client. The firmware's core, and a peer made by hand."""

import aiocoap
import pytest
from aiocoap.numbers.types import Type

from host_tests.conformance.device.core import JSON, MSG_ID, OTHER, SERVICE, UE, body, message, registered

MODULES = ("firmware/msgin5g/incoming/receiver.py", "firmware/msgin5g/incoming/joined.py")
ALSO = ("host_tests/device/incoming/test_receiving.py", "host_tests/device/incoming/test_joined.py")
BUSY = aiocoap.SERVICE_UNAVAILABLE


def wanting(number=1, **members):
    return message(number, isDelivStatReq=True, **members)


def reporting():
    return registered(reports="arrival", segments={"recoveries": 0, "gap": 1})


def waiting(*messages):
    """(core, the IMDN that goes out once the line is free again); these came while it was not."""
    core = reporting()
    core.send("x")
    busy = core.next("MSG")
    for said in messages:
        assert core.code(said) == "2.04"
    assert not core.requests
    core.answer(busy)
    return core, core.next("IMDN")


def test_6_4_1_1_4_it_is_a_confirmable_post_of_json():
    core = reporting()
    core.post(wanting())
    request = core.next("IMDN")
    assert (request.code, request.mtype, request.opt.content_format) == (aiocoap.POST, Type.CON, JSON)
    assert request.opt.uri_path == ("msgin5g",)


@pytest.mark.parametrize("kind, sender", [("UE", OTHER), ("AS", "as:weather@example.org")])
def test_6_4_1_1_4_it_goes_from_this_ue_to_the_sender_and_copies_the_message_id(kind, sender):
    core = reporting()
    core.post(wanting() | {"oriAddr": {"oriAddrType": kind, "addr": sender}})
    said = body(core.next("IMDN"))
    assert (said["msgIden"], said["msgType"], said["msgId"]) == (SERVICE, "IMDN", MSG_ID)
    assert said["oriAddr"] == {"oriAddrType": "UE", "addr": UE}
    assert said["destAddr"] == {"destAddrType": kind, "addr": sender}


def test_6_4_1_1_4_the_status_of_one_that_was_delivered_has_no_cause():
    core = reporting()
    core.post(wanting())
    said = body(core.next("IMDN"))
    assert (said["DelSta"], "Cause" in said) == ("success", False)


def test_6_4_1_1_4_the_status_of_one_that_failed_has_its_cause():
    core = reporting()
    core.post(wanting(isSegmented=True, segParams={"segId": "s", "segNumb": 1, "totalSegCount": 2}))
    core.run(2)
    failed = [body(each) for each in core.of("IMDN")]
    if not failed:  # behind the confirmation that the set was given up
        core.answer(core.requests.pop(0))
        failed = [body(each) for each in core.of("IMDN")]
    assert [(said["DelSta"], said["Cause"]) for said in failed] == [("failure", "segments are missing")]


def test_6_4_1_1_5_reports_to_one_recipient_may_go_as_one():
    core, request = waiting(wanting(1), wanting(2))
    assert (request.code, request.mtype, request.opt.content_format) == (aiocoap.POST, Type.CON, JSON)
    said = body(request)
    assert (said["msgIden"], said["msgType"]) == (SERVICE, "IMDN")
    assert said["oriAddr"] == {"oriAddrType": "UE", "addr": UE}
    assert said["destAddr"] == {"destAddrType": "UE", "addr": OTHER}
    core.answer(request)
    assert not core.of("IMDN")


def test_6_4_1_1_5_the_status_and_the_cause_are_not_outside():
    _, request = waiting(wanting(1), wanting(2))
    assert not {"DelSta", "Cause"} & set(body(request))


def test_6_4_1_1_5_the_number_and_the_list_of_individual_reports():
    _, request = waiting(wanting(1), wanting(2), wanting(3))
    said = body(request)
    assert said["totalMsgCount"] == 3
    assert said["msgList"] == [
        {"msgId": MSG_ID[:-1] + number, "DelSta": "success"} for number in ("1", "2", "3")
    ]


def test_6_4_1_1_5_reports_to_different_recipients_do_not():
    other = {"oriAddr": {"oriAddrType": "AS", "addr": OTHER}}
    core, request = waiting(wanting(1), wanting(2) | other)
    assert "msgList" not in body(request)
    core.answer(request)
    said = body(core.next("IMDN"))
    assert ("msgList" in said, said["destAddr"]["destAddrType"]) == (False, "AS")


def test_6_4_1_1_5_who_does_not_take_it_is_told_singly():
    core, request = waiting(wanting(1), wanting(2))
    core.answer(request, b"DelSta: missing", aiocoap.BAD_REQUEST)
    for number in ("1", "2"):
        single = core.next("IMDN")
        assert (body(single)["msgId"], body(single)["DelSta"]) == (MSG_ID[:-1] + number, "success")
        core.answer(single)
    assert core.client.stats["reported"] == 2


def test_6_4_1_1_5_none_is_lost_where_it_is_put_off():
    core, request = waiting(wanting(1), wanting(2))
    core.answer(request, code=BUSY, max_age=20)
    core.run(20)
    assert [each["msgId"][-1] for each in body(core.next("IMDN"))["msgList"]] == ["1", "2"]
