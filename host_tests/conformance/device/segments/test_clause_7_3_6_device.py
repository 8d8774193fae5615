# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.3.6, the JSON of segment recovery and confirmation, at the MSGin5G Client: each member that it
sends and reads. The firmware's core, and a server made by hand."""

import pytest

from host_tests.conformance.device.core import SERVICE, body, message, registered

MODULES = ("firmware/msgin5g/wire/bodies.py",)
ALSO = ("host_tests/device/wire/test_bodies.py",)

CONFIRMED = {"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": "set-1", "result": True}
ASKED = {"msgIden": SERVICE, "msgType": "SEGREC", "segId": "set-1", "segNoList": "(1-1)"}


def segment(number):
    params = {"segId": "set-1", "segNumb": number, "totalSegCount": 3}
    return message(isSegmented=True, segParams=params, payload="x")


def held():
    """(core, the segId of a message whose segments it has sent)."""
    core = registered(segments={"size": 100})
    core.send("x" * 250)
    while core.requests:
        request = core.next("MSG")
        core.answer(request)
    return core, body(request)["segParams"]["segId"]


def refused(said):
    answer = held()[0].post(said)
    return answer.code.dotted, answer.payload


def test_7_3_6_1_what_it_confirms_has_the_four_members_and_nothing_else():
    core = registered()
    for number in (1, 2, 3):
        core.code(segment(number))
    assert body(core.next("SEGCONFIR")) == CONFIRMED


def test_7_3_6_2_what_it_asks_for_has_the_four_members_and_nothing_else():
    core = registered()
    for number in (1, 3):
        core.code(segment(number))
    core.run(30)
    assert body(core.next("SEGREC")) == ASKED | {"segNoList": "(2-2)"}


@pytest.mark.parametrize("name", ["msgIden", "msgType", "segId", "result"])
def test_7_3_6_1_all_four_are_required(name):
    code, why = refused({member: value for member, value in CONFIRMED.items() if member != name})
    assert code == "4.00" and name.encode() in why


@pytest.mark.parametrize("name", ["msgIden", "msgType", "segId", "segNoList"])
def test_7_3_6_2_all_four_are_required(name):
    code, why = refused({member: value for member, value in ASKED.items() if member != name})
    assert code == "4.00" and name.encode() in why


@pytest.mark.parametrize("listed", ["(3-3, 1-2)", "(1-3)", "(1-2),(3-3)", " (1-1,2-3) "])
def test_7_3_6_2_ranges_are_read_as_they_are_printed(listed):
    core, set_id = held()
    assert core.code(ASKED | {"segId": set_id, "segNoList": listed}) == "2.04"
    came = []
    while core.requests:
        request = core.next("MSG")
        came.append(body(request)["segParams"]["segNumb"])
        core.answer(request)
    assert sorted(came) == [1, 2, 3]


@pytest.mark.parametrize("listed", ["", "(2-1)", "(0-1)", "(a-b)", 1, None, ["(1-1)"], "(1-1)" * 205])
def test_7_3_6_2_what_is_no_list_of_ranges_is_refused(listed):
    core, set_id = held()
    assert core.code(ASKED | {"segId": set_id, "segNoList": listed}) == "4.00"
    assert core.requests == []


@pytest.mark.parametrize("result", [1, 0, "yes", None, [True]])
def test_7_3_6_1_the_result_is_a_boolean(result):
    assert refused(CONFIRMED | {"result": result})[0] == "4.00"
