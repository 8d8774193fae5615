# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.1.2.6, a message that is sent on, stored or discarded, at the MSGin5G Server. The UEs are
aiocoap. Groups and broadcast have files of their own, topics are clause 6.6."""

import json
import time

import aiocoap
import pytest

from host_tests.conformance.raw import LONG
from host_tests.conformance.server.messages.messaging import name, play
from host_tests.conformance.server.registering import GW, A, msg, own
from tools.programs.patience import patience
from tools.wire.outside import date_time

MODULES = (
    "tools/server/routing.py",
    "tools/server/delivery/queues.py",
    "tools/server/delivery/fitting.py",
    "tools/server/delivery/ends.py",
)
ALSO = ("host_tests/gateway/server/test_decisions.py", "host_tests/gateway/server/test_server_exchanges.py")


@pytest.mark.parametrize("wanted", [True, False])
def test_6_4_1_2_6_a_it_goes_in_a_new_confirmable_post_where_a_report_is_wanted(tmp_path, wanted):
    """T=0 is CON; without a report both are allowed, and this server sends CON."""

    async def story(_, one, other, __):
        assert await one.code_of(msg(GW, A, isDelivStatReq=wanted)) == "2.04"
        got = await other.next()
        (request,) = other.requests
        assert (request.code, request.opt.content_format, request.mtype) == (
            aiocoap.POST,
            50,
            aiocoap.CON,
        )
        assert got.get("isDelivStatReq", False) is wanted

    play(tmp_path, story)


@pytest.mark.parametrize("kind", ["single", "list"])
def test_6_4_1_2_6_c_priority_and_store_and_forward_are_left_out_and_all_else_copied(tmp_path, kind):
    said = msg(GW, A, appId="meter", isDelivStatReq=True)
    if kind == "list":
        del said["payload"]
        said |= {"totalMsgCount": 1, "msgList": [{"msgId": name(7), "payload": "21.5"}]}
    params = {"sfParam": {"expireTime": "2100-01-01T00:00:00Z", "appSpecSf": {"x": 1}}}

    async def story(_, one, other, __):
        assert await one.code_of(said | params | {"sfFlag": True, "priority": "LOW"}) == "2.04"
        assert await other.next() == {member: value for member, value in said.items() if member != "sfFlag"}

    play(tmp_path, story)


def test_6_4_1_2_6_d_a_message_to_a_topic_names_each_recipient(tmp_path):
    async def story(_, one, other, __):
        who = json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": A}}).encode()
        topic = ("msgin5g", "alarms")
        async with other.observing(topic, payload=who, content_format=50) as (_, told), patience(LONG):
            assert await one.code_of(msg(GW, "alarms", kind="TOPIC")) == "2.04"
            got = json.loads((await told.get()).payload)
            assert got["destAddr"] == {"destAddrType": "UE", "addr": A}
            assert got["oriDestAddr"] == {"destAddrType": "TOPIC", "addr": "alarms"}
            assert one.inbox.empty()

    play(tmp_path, story)


def test_6_4_1_2_6_e_what_is_larger_than_the_recipients_segment_goes_in_segments(tmp_path):
    async def story(_, one, other, __):
        assert await one.code_of(msg(GW, A, payload="x" * 250, isDelivStatReq=True)) == "2.04"
        got = await other.some(3)
        assert "".join(each["payload"] for each in got) == "x" * 250
        assert [each["segParams"]["segNumb"] for each in got] == [1, 2, 3]
        assert got[0]["segParams"]["totalSegCount"] == 3 and got[2]["segParams"]["lastSegFlag"]
        assert all(each["isSegmented"] and each["msgId"] == name(1) for each in got)
        assert len({each["segParams"]["segId"] for each in got}) == 1
        done = {"msgType": "SEGCONFIR", "segId": got[0]["segParams"]["segId"], "result": True}
        assert await other.code_of(own("SEGCONFIR", A) | done) == "2.04"

    play(tmp_path, story, sizes=(None, 100))


# ---- a recipient that is not there -----------------------------------------------------------------------------------


def test_6_4_1_2_6_who_is_away_is_sent_what_was_stored_when_it_registers_and_in_order(tmp_path):
    async def story(events, one, other, _):
        await other.ask(own("DEREG", A))
        for number in (1, 2, 3):
            assert await one.code_of(msg(GW, A, number, sfFlag=True)) == "2.04"
        await one.some(3)
        await other.ask(own("REG", A))
        assert [each["msgId"] for each in await other.some(3)] == [name(1), name(2), name(3)]

    play(tmp_path, story)


def test_6_4_1_2_6_without_store_and_forward_it_is_discarded_and_the_originator_told(tmp_path):
    async def story(_, one, other, __):
        await other.ask(own("DEREG", A))
        assert await one.code_of(msg(GW, A)) == "2.04"
        assert (await one.next())["DelSta"] == "failure"
        await other.ask(own("REG", A))
        assert await one.code_of(msg(GW, A, 2)) == "2.04"
        assert (await other.next())["msgId"] == name(2)

    play(tmp_path, story)


def test_6_4_1_2_6_it_is_stored_until_its_expiration_time_then_discarded_and_the_originator_told(tmp_path):
    async def story(_, one, other, __):
        await other.ask(own("DEREG", A))
        soon = {"sfParam": {"expireTime": date_time(time.time() + 1.5)}}
        assert await one.code_of(msg(GW, A, sfFlag=True, **soon)) == "2.04"
        told = await one.some(2)
        assert [each["DelSta"] for each in told] == ["stored for deferred delivery", "failure"]
        await other.ask(own("REG", A))
        assert await one.code_of(msg(GW, A, 2)) == "2.04"
        assert (await other.next())["msgId"] == name(2)

    play(tmp_path, story)


def test_6_4_1_2_6_an_expiration_time_that_is_over_stores_nothing(tmp_path):
    async def story(_, one, other, __):
        over = {"sfFlag": True, "sfParam": {"expireTime": "2001-01-01T00:00:00Z"}}
        assert await one.code_of(msg(GW, A, **over)) == "2.04"
        assert (await one.next())["DelSta"] == "failure"
        assert other.inbox.empty()

    play(tmp_path, story)


def test_6_4_1_2_6_for_who_wants_nothing_stored_it_is_discarded(tmp_path):
    """TS 23.554 clause 8.3.6 step 2: the recipient has opted out. It cannot take it now, and leaves."""

    async def story(_, one, other, __):
        await other.ask(own("REG", A, cliProfile={"comAvail": {"storeForward": "true"}}))
        other.code = aiocoap.SERVICE_UNAVAILABLE
        assert await one.code_of(msg(GW, A, sfFlag=True)) == "2.04"
        await other.next()
        await other.ask(own("DEREG", A))
        told = await one.next()
        assert (told["msgType"], told["msgId"], told["DelSta"]) == ("MSGRESP", name(1), "failure")
        other.code = aiocoap.CHANGED
        await other.ask(own("REG", A))
        assert await one.code_of(msg(GW, A, 2)) == "2.04"
        while (came := await other.next())["msgId"] == name(1):  # tried again before it left
            assert len(other.requests) < 20
        assert came["msgId"] == name(2)

    play(tmp_path, story)


def test_6_4_1_2_6_a_message_to_one_that_does_not_take_it_fails_and_the_originator_is_told(tmp_path):
    async def story(_, one, other, __):
        other.answers.append((aiocoap.BAD_REQUEST, b"no taste"))
        assert await one.code_of(msg(GW, A)) == "2.04"
        told = await one.next()
        assert (told["msgId"], told["DelSta"]) == (name(1), "failure")
        assert "no taste" in told["Cause"]

    play(tmp_path, story)
