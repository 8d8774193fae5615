# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.1.1.3, sending an aggregated message, at the MSGin5G Client. The firmware's core, and a peer
made by hand. The number and the list have no name in clause 7.3.4.1: docs/wire-profile.md has ours."""

import aiocoap
import pytest
from aiocoap.numbers.types import Type

from host_tests.conformance.device.core import JSON, OTHER, SERVICE, UE, Core, body, own, registered

MODULES = (
    "firmware/msgin5g/outgoing/aggregate.py",
    "firmware/msgin5g/outgoing/together.py",
    "firmware/msgin5g/wire/aggregates.py",
    "firmware/msgin5g/store/recovery.py",
)
ALSO = ("host_tests/device/outgoing/test_aggregate.py", "host_tests/device/store/test_power_cuts.py")
WAIT = 10


def joining(**config):
    return registered(aggregation={"wait": WAIT}, **config)


def sent(core, *messages):
    """What goes out when these, (payload, options) each, have waited."""
    made = [core.send(payload, **options) for payload, options in messages]
    core.run(WAIT)
    return made, core.next("MSG")


def test_6_4_1_1_3_it_is_allowed_by_the_configuration_only():
    core = registered()
    core.send("1")
    assert body(core.next("MSG"))["payload"] == "1"


def test_6_4_1_1_3_it_is_one_post_of_json():
    core = joining()
    _, request = sent(core, ("1", {}), ("2", {}))
    assert (request.code, request.opt.content_format) == (aiocoap.POST, JSON)
    assert request.opt.uri_path == ("msgin5g",)
    core.answer(request)
    assert not core.requests


@pytest.mark.parametrize("report", [False, True])
def test_6_4_1_1_3_it_is_confirmable_where_a_report_of_one_is_wanted(report):
    _, request = sent(joining(coap={"confirmable": "spec"}), ("1", {}), ("2", {"report": report}))
    assert request.mtype == (Type.CON if report else Type.NON)


def test_6_4_1_1_3_the_elements_of_a_message_hold_outside_but_for_payload_and_segments():
    made, request = sent(joining(), ("1", {"store_forward": True}), ("2", {"store_forward": True}))
    said = body(request)
    assert (said["msgIden"], said["msgType"], said["sfFlag"]) == (SERVICE, "MSG", True)
    assert said["oriAddr"] == {"oriAddrType": "UE", "addr": UE}
    assert said["destAddr"] == {"destAddrType": "UE", "addr": OTHER}
    assert said["msgId"] not in [each.message_id for each in made]
    assert not {"payload", "isSegmented", "segParams"} & set(said)


def test_6_4_1_1_3_the_number_and_the_list_of_individual_messages():
    _, request = sent(joining(), ("1", {}), ("2", {}), ("3", {}))
    said = body(request)
    assert said["totalMsgCount"] == 3
    assert [element["payload"] for element in said["msgList"]] == ["1", "2", "3"]


def test_6_4_1_1_3_each_has_its_message_id_payload_application_report_and_priority():
    made, request = sent(
        joining(),
        ("1", {"app_id": "meter", "report": True, "priority": "LOW"}),
        ("2", {"app_id": ["meter", "clock"]}),
    )
    first, second = body(request)["msgList"]
    assert first == {
        "msgId": made[0].message_id,
        "appId": "meter",
        "isDelivStatReq": True,
        "priority": "LOW",
        "payload": "1",
    }
    assert second == {"msgId": made[1].message_id, "appId": ["meter", "clock"], "payload": "2"}


def test_6_4_1_1_3_what_one_says_holds_for_no_other():
    """Clause 6.4.1.1.7: an element has from outside what it lacks, so nothing of it stands there."""
    _, request = sent(joining(), ("1", {"app_id": "meter", "report": True, "priority": "LOW"}), ("2", {}))
    said = body(request)
    assert not {"appId", "isDelivStatReq", "priority"} & set(said)
    assert set(said["msgList"][1]) == {"msgId", "payload"}


def test_6_4_1_1_3_one_of_high_priority_is_not_aggregated():
    core = joining()
    core.send("1")
    core.send("2")
    core.send("3", priority="HIGH")
    request = core.next("MSG")  # one that cannot join lets those before it go
    assert [element["payload"] for element in body(request)["msgList"]] == ["1", "2"]
    core.answer(request)
    said = body(core.next("MSG"))
    assert (said["payload"], said["priority"]) == ("3", "HIGH")


@pytest.mark.parametrize("payload", ["", "x" * 3000])
def test_6_4_1_1_3_nor_one_without_a_payload_or_in_segments(payload):
    core = joining()
    core.send("1")
    core.send(payload)
    while core.requests:
        request = core.next("MSG")
        assert "msgList" not in body(request)
        core.answer(request)


def test_6_4_1_1_3_nor_is_one_to_another_recipient():
    core = joining()
    core.send("1")
    core.send("2", to_type="AS")
    core.run(WAIT)
    for _ in range(2):
        request = core.next("MSG")
        assert "msgList" not in body(request)
        core.answer(request)


@pytest.mark.parametrize("size, datagram", [(2048, 512), (2048, 1152), (300, 1152)])
def test_6_4_1_1_3_the_whole_is_small(size, datagram):
    """It fits the datagram, and the list the maximum segment size: an aggregated message is not segmented."""
    core = Core(
        aggregation={"wait": WAIT, "messages": 255}, segments={"size": size}, coap={"max_datagram": datagram}
    )
    core.answer(core.next("REG"), {"oriAddr": {"oriAddrType": "UE", "addr": UE}, "result": True})
    for number in range(30):
        core.send("%02d" % number * 10)
    core.run(WAIT)
    came = []
    while core.requests:
        request = core.next("MSG")
        # RFC 7252: head 4, token 4, Uri-Path 1 + 7, Content-Format 1 + 1, marker 1
        assert 4 + 4 + 8 + 2 + 1 + len(request.payload) <= datagram
        text = request.payload.decode()
        if "msgList" in text:
            assert len(text[text.index("[") : text.index("]") + 1]) <= size
        came += [element["payload"] for element in body(request).get("msgList", [body(request)])]
        core.answer(request)
    assert came == ["%02d" % number * 10 for number in range(30)]


def test_6_4_1_1_3_a_success_accepts_all():
    core = joining()
    made, request = sent(core, ("1", {}), ("2", {}))
    core.answer(request)
    assert [each.state for each in made] == ["accepted"] * 2


def test_6_4_1_1_3_a_refusal_takes_none_along():
    core = joining()
    made, request = sent(core, ("1", {}), ("2", {}))
    core.answer(request, b"msgList: unknown", aiocoap.BAD_REQUEST)
    for payload in ("1", "2"):
        single = core.next("MSG")
        assert body(single)["payload"] == payload
        core.answer(single)
    assert [each.state for each in made] == ["accepted"] * 2


@pytest.mark.parametrize("of, states", [("whole", ["failed", "failed"]), ("second", ["accepted", "failed"])])
def test_6_4_1_2_2_a_response_is_for_the_whole_or_for_one(of, states):
    core = joining()
    made, request = sent(core, ("1", {"report": True}), ("2", {"report": True}))
    core.answer(request)
    message_id = body(request)["msgId"] if of == "whole" else made[1].message_id
    assert core.code(own("MSGRESP", msgId=message_id, DelSta="failure", Cause="gone")) == "2.04"
    assert [each.state for each in made] == states
