# SPDX-License-Identifier: MIT
"""TS 24.538 clause 5.1.1, the MSGin5G Client: registration, configuration, building and delivering messages, segments
and aggregates, for an application. The firmware's core, and a server made by hand. Each function's own tests are those
of its clause."""

import json

from host_tests.conformance.device.core import (
    MSG_ID,
    OTHER,
    SERVICE,
    UE,
    body,
    configured,
    documents,
    granted,
    message,
    registered,
)

MODULES = ("firmware/msgin5g/client.py",)
ALSO = ("host_tests/gateway/device/test_demo.py",)


def test_5_1_1_it_is_configured_and_then_registers():
    """Clauses 6.2.1 and 6.3.1.1.1."""
    core = configured(documents(json.dumps({"ueServiceId": UE})))
    request = core.next("REG")
    assert body(request)["oriAddr"]["addr"] == UE
    core.answer(request, granted())
    assert core.client.registered


def test_5_1_1_it_builds_a_message_of_what_the_application_says():
    """Clause 6.4.1.1.2: each element that the application can ask for."""
    core = registered()
    outgoing = core.send("21.5", app_id="meter", report=True, priority="HIGH", store_forward=True)
    assert body(core.next("MSG")) == {
        "msgIden": SERVICE,
        "msgType": "MSG",
        "oriAddr": {"oriAddrType": "UE", "addr": UE},
        "destAddr": {"destAddrType": "UE", "addr": OTHER},
        "appId": "meter",
        "msgId": outgoing.message_id,
        "isDelivStatReq": True,
        "priority": "HIGH",
        "sfFlag": True,
        "payload": "21.5",
    }


def test_5_1_1_it_segments_what_is_too_large():
    """Clause 6.4.1.1.2 a."""
    core = registered(segments={"size": 100})
    core.send("x" * 150)
    parts = []
    for number in (1, 2):
        request = core.next("MSG")
        said = body(request)
        assert (said["isSegmented"], said["segParams"]["segNumb"]) == (True, number)
        parts.append(said["payload"])
        core.answer(request)
    assert parts == ["x" * 100, "x" * 50]


def test_5_1_1_it_gives_the_application_what_came_in_segments_as_one_message():
    """Clause 6.4.1.1.6 a."""
    core = registered()
    for number, text in ((2, "lo"), (1, "hel")):
        params = {"segId": "set-1", "segNumb": number, "totalSegCount": 2}
        params |= {"lastSegFlag": "true"} if number == 2 else {}
        assert core.code(message(isSegmented=True, segParams=params, payload=text)) == "2.04"
    assert core.client.take(core.tick).payload == "hello"


def test_5_1_1_it_gives_the_application_the_messages_of_an_aggregate_one_by_one():
    """Clause 6.4.1.1.7."""
    core = registered()
    elements = [{"msgId": MSG_ID[:-1] + str(number), "payload": "m%d" % number} for number in (2, 3)]
    aggregate = message(totalMsgCount=2, msgList=elements)
    del aggregate["payload"]
    assert core.code(aggregate) == "2.04"
    assert [core.client.take(core.tick).payload for _ in elements] == ["m2", "m3"]
