# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 6.4.1.2.8 and 6.4.1.2.9, delivery status reports, single and aggregated, at the MSGin5G Server. The
UEs are aiocoap, the Application Server is aiohttp."""

import aiocoap
import pytest

from host_tests.conformance.server.messages.messaging import AS, name, play, report, reports, written
from host_tests.conformance.server.registering import GW, A, msg, own

MODULES = (
    "tools/server/procedures/reports.py",
    "tools/wire/aggregates.py",
    "tools/server/delivery/fitting.py",
)
ALSO = ("host_tests/gateway/server/messages/test_aggregated_reports.py",)


def said(count, first=100):
    listed = [{"msgId": name(first + number), "DelSta": "success"} for number in range(count)]
    listed[-1] = {"msgId": listed[-1]["msgId"], "DelSta": "failure", "Cause": "valve is stuck"}
    return listed


@pytest.mark.parametrize("mode", ["none", "oscore"])
@pytest.mark.parametrize("members", [{}, {"DelSta": "failure", "Cause": "valve is stuck"}])
def test_6_4_1_2_8_a_report_goes_in_a_new_confirmable_post_with_its_elements(tmp_path, members, mode):
    async def story(_, one, other, __):
        body = report(A, GW, **members)
        assert await other.code_of(body) == "2.04"
        assert await one.next() == body
        request = one.requests[-1]
        assert (request.code, request.opt.content_format) == (aiocoap.POST, 50)
        if mode == "none":
            assert request.mtype == aiocoap.CON

    play(tmp_path, story, mode=mode)


def test_6_4_1_2_8_a_report_for_an_application_server_goes_there(tmp_path):
    async def story(_, one, other, weather):
        assert await other.code_of(report(A, AS, kind="AS")) == "2.04"
        got = await weather.next()
        assert (got["msgId"], got["delivSt"]) == (name(1), "REPT_DELY_SUCCESS")

    play(tmp_path, story)


def test_6_4_1_2_8_a_report_waits_for_an_originator_that_is_away(tmp_path):
    async def story(_, one, other, __):
        await one.ask(own("DEREG", GW))
        assert await other.code_of(report(A, GW)) == "2.04"
        await one.ask(own("REG", GW))
        assert await one.next() == report(A, GW)

    play(tmp_path, story)


@pytest.mark.parametrize("mode", ["none", "oscore"])
def test_6_4_1_2_9_an_aggregated_report_goes_on_with_the_elements_that_came(tmp_path, mode):
    """Shall."""

    async def story(_, one, other, __):
        body = reports(A, GW, said(3))
        assert await other.code_of(body) == "2.04"
        assert await one.next() == body
        assert len(one.requests) == 1
        request = one.requests[0]
        assert (request.code, request.opt.content_format) == (aiocoap.POST, 50)
        if mode == "none":
            assert request.mtype == aiocoap.CON

    play(tmp_path, story, mode=mode)


def test_6_4_1_2_9_what_does_not_fit_goes_singly(tmp_path):
    listed = said(3)

    async def story(_, one, other, __):
        assert await other.code_of(reports(A, GW, listed)) == "2.04"
        got = await one.some(3)
        assert got == [report(A, GW) | {"msgId": each["msgId"]} | each for each in listed]

    play(tmp_path, story, sizes=(written(listed) - 1, None))


def test_6_4_1_2_9_of_what_was_reported_before_only_the_rest_goes_on(tmp_path):
    async def story(_, one, other, __):
        listed = said(3)
        assert await other.code_of(report(A, GW) | {"msgId": listed[0]["msgId"]}) == "2.04"
        await one.next()
        assert await other.code_of(reports(A, GW, listed)) == "2.04"
        assert [each["msgId"] for each in await one.some(2)] == [each["msgId"] for each in listed[1:]]
        assert await other.code_of(msg(A, GW, 9)) == "2.04"
        assert (await one.next())["msgId"] == name(9)

    play(tmp_path, story)


def test_6_4_1_2_9_for_an_application_server_each_is_a_report_of_its_own(tmp_path):
    """TS 29.538 clause 5: DeliveryStatusReport has one status."""

    async def story(_, one, other, weather):
        listed = said(2)
        assert await other.code_of(reports(A, AS, listed, "AS")) == "2.04"
        got = [await weather.next() for _ in range(2)]
        assert [(each["msgId"], each["delivSt"]) for each in got] == [
            (listed[0]["msgId"], "REPT_DELY_SUCCESS"),
            (listed[1]["msgId"], "REPT_DELY_FAILED"),
        ]
        assert got[1]["failureCause"] == "valve is stuck"

    play(tmp_path, story)


@pytest.mark.parametrize(
    "wrong, member",
    [
        ({"msgList": []}, "msgList"),
        ({"totalMsgCount": 5}, "totalMsgCount"),
        ({"msgList": [{"msgId": name(5)}], "totalMsgCount": 1}, "DelSta"),
        ({"msgList": [{"DelSta": "success"}], "totalMsgCount": 1}, "msgId"),
        ({"msgList": [{"msgId": name(5), "DelSta": "perhaps"}], "totalMsgCount": 1}, "DelSta"),
    ],
)
def test_6_4_1_2_5_one_that_is_malformed_is_refused_as_a_whole(tmp_path, wrong, member):
    async def story(_, one, other, __):
        answer = await other.ask(reports(A, GW, said(2)) | wrong)
        assert answer.code.dotted == "4.00" and member.encode() in answer.payload
        assert await other.code_of(msg(A, GW, 9)) == "2.04"
        assert (await one.next())["msgId"] == name(9)

    play(tmp_path, story)
