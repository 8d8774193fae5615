# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 6.4.1.2.1 to .5, what it takes of clients, where that goes and its message responses, at the
MSGin5G Server. The UEs are aiocoap, the Application Server is aiohttp."""

import json

import aiocoap
import pytest

from host_tests.conformance.server.messages.messaging import (
    AS,
    aggregate,
    elements,
    name,
    play,
    report,
    reports,
)
from host_tests.conformance.server.registering import GW, SERVICE, UES, A, msg, own

MODULES = (
    "tools/server/procedures/messages.py",
    "tools/server/procedures/reports.py",
    "tools/server/routing.py",
    "tools/server/speakers.py",
    "tools/server/delivery/responses.py",
)
ALSO = ("host_tests/gateway/server/messages/test_aggregates.py",)

BEHIND = UES[0]
MODES = pytest.mark.parametrize("mode", ["none", "oscore"])


@MODES
def test_6_4_1_2_1_a_message_goes_to_the_ue_that_its_recipient_service_id_names(tmp_path, mode):
    async def story(_, one, other, weather):
        assert await one.code_of(msg(GW, A)) == "2.04"
        got = await other.next()
        assert (got["oriAddr"]["addr"], got["destAddr"]["addr"], got["payload"]) == (GW, A, "21.5")
        assert one.inbox.empty() and weather.inbox.empty()

    play(tmp_path, story, mode=mode)


def test_6_4_1_2_1_a_message_goes_to_the_application_server_that_its_as_service_id_names(tmp_path):
    async def story(_, one, other, weather):
        assert await one.code_of(msg(GW, AS, kind="AS")) == "2.04"
        got = await weather.next()
        assert got["oriAddr"] == {"addrType": "UE", "addr": GW}
        assert got["destAddr"] == {"addrType": "AS", "addr": AS}
        assert (got["msgId"], got["payload"]) == (name(1), "21.5")
        assert other.inbox.empty()

    play(tmp_path, story)


def test_6_4_1_2_1_a_message_of_an_application_server_goes_to_the_ue(tmp_path):
    async def story(_, one, other, weather):
        await weather.send(AS, destAddr={"addrType": "UE", "addr": A}, payload="storm")
        got = await other.next()
        assert (got["oriAddr"], got["payload"]) == ({"oriAddrType": "AS", "addr": AS}, "storm")

    play(tmp_path, story)


def test_6_4_1_2_1_a_message_to_a_ue_behind_a_gateway_goes_to_that_gateway(tmp_path):
    async def story(_, one, other, weather):
        answer = await one.ask(own("BREG", GW, totalRegCount=1, regList=[own("REG", BEHIND)]))
        assert json.loads(answer.payload)["regList"][0]["result"] is True
        assert await other.code_of(msg(A, BEHIND)) == "2.04"
        assert (await one.next())["destAddr"]["addr"] == BEHIND

    play(tmp_path, story)


def test_6_4_1_2_1_nobody_is_reached_by_an_id_that_nobody_has(tmp_path):
    async def story(_, one, other, weather):
        assert await one.code_of(msg(GW, "ue:nobody@example.org")) == "2.04"
        told = await one.next()
        assert (told["msgType"], told["DelSta"]) == ("MSGRESP", "failure")

    play(tmp_path, story)


# ---- 6.4.1.2.2, a message is received --------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [msg(GW, A), aggregate(GW, A, elements(2)), report(GW, A)])
def test_6_4_1_2_2_a_who_is_not_registered_is_refused_and_nothing_goes_on(tmp_path, body):
    async def story(events, one, other, _):
        await other.ask(own("REG", A))
        assert await one.code_of(body) == "4.01"
        await one.ask(own("REG", GW))
        assert await one.code_of(msg(GW, A, 9)) == "2.04"
        assert (await other.next())["msgId"] == name(9)

    play(tmp_path, story, registered=False)


@pytest.mark.parametrize("body", [msg(A, A), aggregate(A, A, elements(2)), report(A, A)])
def test_6_4_1_2_2_a_the_originating_ue_service_id_is_checked(tmp_path, body):
    """It is that of the keys that the request came with."""

    async def story(_, one, other, __):
        assert await one.code_of(body) == "4.03"
        assert await one.code_of(msg(GW, A, 9)) == "2.04"
        assert (await other.next())["msgId"] == name(9)

    play(tmp_path, story, mode="oscore")


@pytest.mark.parametrize(
    "body", [msg(GW, A, sfFlag=True), aggregate(GW, A, elements(3), sfFlag=True)], ids=["single", "list"]
)
@MODES
def test_6_4_1_2_2_c_who_sends_what_is_stored_gets_a_message_response(tmp_path, body, mode):
    """Clause 6.4.1.2.3: an aggregated message as one."""

    async def story(_, one, other, __):
        await other.ask(own("DEREG", A))
        assert await one.code_of(body) == "2.04"
        assert await one.next() == {
            "msgIden": SERVICE,
            "msgType": "MSGRESP",
            "oriAddr": {"oriAddrType": "UE", "addr": GW},
            "msgId": body["msgId"],
            "DelSta": "stored for deferred delivery",
        }
        assert one.requests[-1].opt.content_format == 50
        assert one.requests[-1].code == aiocoap.POST

    play(tmp_path, story, mode=mode)


@pytest.mark.parametrize("body", [msg(GW, A), aggregate(GW, A, elements(3))], ids=["single", "list"])
def test_6_4_1_2_2_c_a_failure_is_said_with_its_cause(tmp_path, body):
    async def story(_, one, other, __):
        await other.ask(own("DEREG", A))
        assert await one.code_of(body) == "2.04"
        told = await one.next()
        assert (told["msgType"], told["msgId"], told["DelSta"]) == ("MSGRESP", name(1), "failure")
        assert told["Cause"]

    play(tmp_path, story)


def test_6_4_1_2_2_what_is_delivered_has_no_message_response(tmp_path):
    async def story(events, one, other, _):
        assert await one.code_of(msg(GW, A)) == "2.04"
        await other.next()
        await events.wait("delivered", msgId=name(1))
        assert await other.code_of(msg(A, GW, 2)) == "2.04"
        assert (await one.next())["msgType"] == "MSG"

    play(tmp_path, story)


# ---- 6.4.1.2.4, .5, a report is received -----------------------------------------------------------------------------


def test_6_4_1_2_4_a_report_has_no_message_response_whatever_becomes_of_it(tmp_path):
    async def story(events, one, other, _):
        assert await one.code_of(report(GW, "ue:nobody@example.org")) == "2.04"
        listed = [{"msgId": name(number), "DelSta": "success"} for number in (5, 6)]
        assert await one.code_of(reports(GW, "ue:nobody@example.org", listed)) == "2.04"
        assert await other.code_of(msg(A, GW, 2)) == "2.04"
        assert (await one.next())["msgType"] == "MSG"

    play(tmp_path, story)
