# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.1.2.7, aggregated messages, passed on, cut and made, at the MSGin5G Server. The UEs are
aiocoap, the Application Server is aiohttp."""

import json

import aiocoap
import pytest

from host_tests.conformance.server.messages.messaging import (
    AS,
    aggregate,
    elements,
    name,
    play,
    written,
)
from host_tests.conformance.server.registering import GW, A, msg, own

MODULES = (
    "tools/wire/aggregates.py",
    "tools/server/delivery/fitting.py",
    "tools/server/delivery/joining.py",
    "tools/store/server/traittables.py",
)
ALSO = (
    "host_tests/gateway/server/messages/test_aggregates.py",
    "host_tests/gateway/server/messages/test_aggregating.py",
)


def ids(body):
    return [each["msgId"] for each in body.get("msgList", [body])]


@pytest.mark.parametrize("mode", ["none", "oscore"])
def test_6_4_1_2_7_one_that_fits_the_recipient_goes_on_whole(tmp_path, mode):
    listed = elements(3)
    listed[1] |= {"appId": "7", "isDelivStatReq": True}
    said = aggregate(GW, A, listed, appId="1")

    async def story(_, one, other, __):
        assert await one.code_of(said) == "2.04"
        assert await other.next() == {member: value for member, value in said.items() if member != "sfFlag"}
        assert len(other.requests) == 1
        if mode == "none":  # else it is that of the protected message
            assert other.requests[0].opt.content_format == 50

    play(tmp_path, story, mode=mode)


def test_6_4_1_2_7_from_one_that_does_not_fit_the_last_elements_are_taken_until_it_does(tmp_path):
    listed = elements(5)

    async def story(_, one, other, __):
        assert await one.code_of(aggregate(GW, A, listed)) == "2.04"
        first, second = await other.some(2)
        assert (ids(first), first["totalMsgCount"]) == ([each["msgId"] for each in listed[:3]], 3)
        assert (ids(second), second["totalMsgCount"]) == ([each["msgId"] for each in listed[3:]], 2)
        assert first["msgId"] == name(1) and second["msgId"] != name(1)
        assert not any("isSegmented" in each for each in (first, second))

    play(tmp_path, story, sizes=(None, written(listed[:3])))


def test_6_4_1_2_7_one_that_was_taken_off_alone_goes_as_a_single_message(tmp_path):
    listed = elements(3)

    async def story(_, one, other, __):
        assert await one.code_of(aggregate(GW, A, listed, appId="1", isDelivStatReq=True)) == "2.04"
        first, second = await other.some(2)
        assert len(first["msgList"]) == 2
        assert second == {
            **{member: first[member] for member in ("msgIden", "msgType", "oriAddr", "destAddr")},
            "appId": "1",
            "msgId": listed[2]["msgId"],
            "isDelivStatReq": True,
            "payload": listed[2]["payload"],
        }

    play(tmp_path, story, sizes=(None, written(listed) - 1))


def test_6_4_1_1_7_a_1_what_an_element_does_not_say_it_has_from_outside_where_it_goes_alone(tmp_path):
    """Shall. The priority, which it has too, goes to no recipient (clause 6.4.1.2.6 c)."""
    listed = elements(3)
    listed[1] |= {"appId": "2", "isDelivStatReq": False, "priority": "NORMAL"}

    async def story(_, one, other, weather):
        said = aggregate(GW, A, listed, appId="1", isDelivStatReq=True, priority="LOW")
        assert await one.code_of(said) == "2.04"
        got = await other.some(3)
        assert [(each["appId"], each.get("isDelivStatReq", False)) for each in got] == [
            ("1", True),
            ("2", False),
            ("1", True),
        ]
        assert not any("priority" in each for each in got)
        to_as = aggregate(GW, AS, [each | {"msgId": name(200 + n)} for n, each in enumerate(listed)], 2, "AS")
        assert await one.code_of(to_as | {"appId": "1", "isDelivStatReq": True}) == "2.04"
        got = [await weather.next() for _ in range(3)]
        assert [(each["appId"], each.get("delivStReqInd", False)) for each in got] == [
            ("1", True),
            ("2", False),
            ("1", True),
        ]
        assert [each["msgId"] for each in got] == [name(200), name(201), name(202)]

    play(tmp_path, story, sizes=(None, 60))


def test_6_4_1_2_7_a_failure_is_said_of_the_whole_and_of_what_was_taken_off_by_its_own_id(tmp_path):
    listed = elements(5)

    async def story(_, one, other, __):
        other.answers.append((aiocoap.BAD_REQUEST, b"no"))
        assert await one.code_of(aggregate(GW, A, listed[:2])) == "2.04"
        assert (await one.next())["msgId"] == name(1)
        other.answers += [(aiocoap.CHANGED, b""), (aiocoap.BAD_REQUEST, b"no")]
        more = [each | {"msgId": name(300 + n)} for n, each in enumerate(listed)]
        assert await one.code_of(aggregate(GW, A, more, 2)) == "2.04"
        told = await one.some(2)
        assert [each["msgId"] for each in told] == [name(303), name(304)]
        assert {each["DelSta"] for each in told} == {"failure"}

    play(tmp_path, story, sizes=(None, written(listed[:3])))


def test_6_4_1_2_7_an_aggregated_message_is_not_segmented(tmp_path):
    async def story(_, one, other, __):
        params = {"segId": "s", "segNumb": 1, "totalSegCount": 2}
        said = aggregate(GW, A, elements(2), isSegmented=True, segParams=params)
        answer = await one.ask(said)
        assert answer.code.dotted == "4.00" and answer.payload.startswith(b"isSegmented")

    play(tmp_path, story)


@pytest.mark.parametrize(
    "wrong, member",
    [
        ({"msgList": []}, "msgList"),
        ({"msgList": {}}, "msgList"),
        ({"msgList": ["x"]}, "msgList"),
        ({"totalMsgCount": 3}, "totalMsgCount"),
        ({"msgList": [{"payload": "x"}], "totalMsgCount": 1}, "msgList[0].msgId"),
        ({"msgList": [{"msgId": name(5), "payload": 5}], "totalMsgCount": 1}, "msgList[0].payload"),
    ],
)
def test_6_4_1_2_3_one_that_is_malformed_is_refused_as_a_whole(tmp_path, wrong, member):
    async def story(_, one, other, __):
        answer = await one.ask(aggregate(GW, A, elements(2)) | wrong)
        assert answer.code.dotted == "4.00" and answer.payload.startswith(member.encode() + b":")
        assert await one.code_of(msg(GW, A, 9)) == "2.04"
        assert (await other.next())["msgId"] == name(9)

    play(tmp_path, story)


# ---- the server's own aggregating, which the clause allows -----------------------------------------------------------


def test_6_4_1_2_7_messages_for_one_recipient_may_be_joined_and_none_is_segmented_then(tmp_path):
    async def story(_, one, other, __):
        await other.ask(own("DEREG", A))
        for number in (1, 2, 3):
            said = msg(GW, A, number, sfFlag=True, appId="7", isDelivStatReq=number == 2, priority="LOW")
            assert await one.code_of(said) == "2.04"
        assert await one.code_of(msg(GW, A, 4, sfFlag=True, payload="x" * 2500)) == "2.04"
        await one.some(4)
        await other.ask(own("REG", A))
        got = await other.next()
        assert ids(got) == [name(1), name(2), name(3)]
        assert got["msgId"] not in ids(got) and got["totalMsgCount"] == 3
        assert got["msgList"][1] == {
            "msgId": name(2),
            "appId": "7",
            "isDelivStatReq": True,
            "payload": "21.5",
        }
        for member in ("payload", "appId", "isDelivStatReq", "priority", "sfFlag", "isSegmented"):
            assert member not in got
        assert not any("priority" in json.dumps(each) for each in got["msgList"])
        assert (await other.next())["segParams"]["segNumb"] == 1

    play(tmp_path, story, aggregate=0.2)


def test_6_4_1_2_7_messages_of_high_priority_are_not_joined(tmp_path):
    """Clause 6.4.1.1.3 a, which the server's own follow."""

    async def story(_, one, other, __):
        await other.ask(own("DEREG", A))
        for number, priority in ((1, "NORMAL"), (2, "HIGH"), (3, "LOW")):
            assert await one.code_of(msg(GW, A, number, sfFlag=True, priority=priority)) == "2.04"
        await one.some(3)
        await other.ask(own("REG", A))
        assert [each["msgId"] for each in await other.some(3)] == [name(1), name(2), name(3)]

    play(tmp_path, story, aggregate=0.2)
