# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.1.1.2, sending a message, at the MSGin5G Client. The firmware's core, and a peer made by
hand."""

import aiocoap
import pytest
from aiocoap.numbers.types import Type

from host_tests.conformance.device.core import JSON, OTHER, SERVICE, UE, body, registered

MODULES = (
    "firmware/msgin5g/outgoing/body_builder.py",
    "firmware/msgin5g/outgoing/builder.py",
    "firmware/msgin5g/outgoing/sender.py",
    "firmware/msgin5g/outgoing/scheduler.py",
    "firmware/msgin5g/outgoing/segmentation.py",
)
ALSO = ("host_tests/device/outgoing/test_sending.py", "host_tests/device/outgoing/test_msgin5g_segments.py")
NOW = 1_700_000_000  # 2023-11-14T22:13:20Z


def sent(payload="21.5", clock=None, config=None, **more):
    core = registered(**(config or {}), **({} if clock is None else {"clock": clock}))
    core.send(payload, **more)
    return core.next("MSG")


def segments(core):
    """The bodies of the segments as they come, each taken."""
    found = []
    while core.requests:
        request = core.next("MSG")
        found.append(body(request))
        core.answer(request)
    return found


def test_6_4_1_1_2_it_is_a_post_of_json_to_the_server():
    request = sent()
    assert (request.code, request.opt.content_format) == (aiocoap.POST, JSON)
    assert request.opt.uri_path == ("msgin5g",)


def test_6_4_1_1_2_the_address_of_the_server_is_an_option():
    """Where the peer is a gateway the server's address stands in the options of the request."""
    request = sent(config={"server": "coap://server.example:5683"})
    assert (request.opt.uri_host, request.opt.uri_port) == ("server.example", 5683)


@pytest.mark.parametrize("report", [False, True])
def test_6_4_1_1_2_it_is_confirmable_where_a_report_is_wanted(report):
    request = sent(config={"coap": {"confirmable": "spec"}}, report=report)
    assert request.mtype == (Type.CON if report else Type.NON)


def test_6_4_1_1_2_items_1_to_3_and_9_service_type_originator_and_message_id():
    said = body(sent())
    assert (said["msgIden"], said["msgType"]) == (SERVICE, "MSG")
    assert said["oriAddr"] == {"oriAddrType": "UE", "addr": UE}
    assert [len(part) for part in said["msgId"].split("-")] == [8, 4, 4, 4, 12]


def test_6_4_1_1_2_item_9_each_message_has_another_id():
    assert body(sent())["msgId"] != body(sent(report=True))["msgId"]


@pytest.mark.parametrize("kind", ["UE", "AS", "GROUP", "BC", "TOPIC"])
def test_6_4_1_1_2_items_4_to_7_exactly_one_recipient(kind):
    said = body(sent(to_type=kind))
    assert said["destAddr"] == {"destAddrType": kind, "addr": OTHER}


@pytest.mark.parametrize("app_id, member", [("meter", "meter"), (["meter", "clock"], ["meter", "clock"])])
def test_6_4_1_1_2_item_8_one_application_id_or_more(app_id, member):
    assert body(sent(app_id=app_id))["appId"] == member


@pytest.mark.parametrize("report", [False, True])
def test_6_4_1_1_2_item_10_a_report_is_asked_for_where_it_is_wanted(report):
    assert body(sent(report=report)).get("isDelivStatReq", False) is report


@pytest.mark.parametrize("priority", ["HIGH", "NORMAL", "LOW"])
def test_6_4_1_1_2_item_11_the_priority(priority):
    assert body(sent(priority=priority)).get("priority", "NORMAL") == priority


def test_6_4_1_1_2_one_that_fits_is_not_segmented():
    """The size of what the application gave is compared with the maximum segment size."""
    said = body(sent("x" * 500, config={"segments": {"size": 500}}))
    assert (said.get("isSegmented", False), "segParams" in said, said["payload"]) == (False, False, "x" * 500)


def test_6_4_1_1_2_items_12_to_16_a_larger_one_goes_in_segments():
    core = registered(segments={"size": 500})
    core.send("x" * 1201)
    found = segments(core)
    assert [said["isSegmented"] for said in found] == [True] * 3
    params = [said["segParams"] for said in found]
    assert len({each["segId"] for each in params}) == 1 and params[0]["segId"]
    assert [each["segNumb"] for each in params] == [1, 2, 3]
    assert params[0]["totalSegCount"] == 3
    assert [each.get("lastSegFlag") for each in params] == [None, None, "true"]
    assert "".join(said["payload"] for said in found) == "x" * 1201


def test_6_4_1_1_2_the_steps_hold_for_each_segment():
    core = registered(segments={"size": 500})
    core.send("x" * 1201, to_type="GROUP", app_id="meter", store_forward=True, report=True)
    while core.requests:
        request = core.next("MSG")
        core.answer(request)
        assert (request.code, request.opt.content_format, request.mtype) == (aiocoap.POST, JSON, Type.CON)
        said = body(request)
        assert said["oriAddr"]["addr"] == UE and said["destAddr"]["destAddrType"] == "GROUP"
        assert (said["msgType"], said["appId"], said["sfFlag"]) == ("MSG", "meter", True)


@pytest.mark.parametrize("flag", [False, True])
def test_6_4_1_1_2_item_17_the_store_and_forward_flag_is_always_there(flag):
    assert body(sent(store_forward=flag))["sfFlag"] is flag


def test_6_4_1_1_2_item_18_parameters_where_the_flag_is_set():
    said = body(sent(clock=lambda: NOW, store_forward=True, expires=100))
    assert said["sfParam"] == {"expireTime": "2023-11-14T22:15:00Z"}
    assert "sfParam" not in body(sent(clock=lambda: NOW, expires=100))


@pytest.mark.parametrize("payload", ["21.5 °C", '{"a": "\\"b\\""}', "\n\t"])
def test_6_4_1_1_2_item_19_the_payload_is_transparent_and_last(payload):
    request = sent(payload)
    assert body(request)["payload"] == payload
    assert list(body(request))[-1] == "payload"


def test_6_4_1_1_2_as_message_sender_it_sends_again_what_is_missing():
    core = registered(segments={"size": 500})
    core.send("x" * 1201)
    set_id = [said["segParams"]["segId"] for said in segments(core)][0]
    ask = {"msgIden": SERVICE, "msgType": "SEGREC", "segId": set_id, "segNoList": "(1-1, 3-3)"}
    assert core.code(ask) == "2.04"
    assert [said["segParams"]["segNumb"] for said in segments(core)] == [1, 3]
