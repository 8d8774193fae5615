# SPDX-License-Identifier: MIT
"""TS 24.538 clause 7.3.4, the JSON of messages, reports and message responses, at the MSGin5G Server: each member that
it reads and writes. The UEs are aiocoap. Segments: clauses 6.5 and 7.3.6."""

import pytest

from host_tests.conformance.server.registering import GW, SERVICE, A, msg, own, scene
from tools.programs.patience import run

MODULES = ("tools/wire/bodies.py", "tools/server/delivery/responses.py")
ALSO = ("host_tests/gateway/server/test_reading.py", "host_tests/properties/test_same_reading.py")

TO_US = {"destAddrType": "UE", "addr": GW}


def talk_of(tmp_path, story):
    async def talk():
        async with scene(tmp_path, "none") as (journal, gateway, display):
            await story(journal, gateway, display)

    run(talk())


# ---- 7.3.4.1, the message --------------------------------------------------------------------------------------------


def test_7_3_4_1_a_message_goes_on_with_the_members_that_came_but_for_the_servers_own(tmp_path):
    """Clause 6.4.1.2.6: priority, store and forward are for the server."""
    more = {"appId": "meter", "isDelivStatReq": True, "priority": "HIGH", "sfFlag": True}
    said = msg(GW, A, **more, sfParam={"expireTime": "2100-01-01T00:00:00Z"})

    async def story(_, gateway, display):
        assert await gateway.code_of(said) == "2.04"
        assert await display.next() == {
            name: value for name, value in said.items() if name not in ("priority", "sfFlag", "sfParam")
        }

    talk_of(tmp_path, story)


def test_7_3_4_1_sf_flag_priority_and_payload_may_be_left_out(tmp_path):
    said = msg(GW, A)
    del said["sfFlag"], said["payload"]

    async def story(_, gateway, display):
        assert await gateway.code_of(said) == "2.04"
        assert await display.next() == said

    talk_of(tmp_path, story)


@pytest.mark.parametrize("name", ["msgIden", "msgType", "oriAddr", "destAddr", "msgId"])
def test_7_3_4_1_five_members_are_required(tmp_path, name):
    said = {member: value for member, value in msg(GW, A).items() if member != name}

    async def story(_, gateway, display):
        answer = await gateway.ask(said)
        assert answer.code.dotted == "4.00" and answer.payload.startswith(name.encode())

    talk_of(tmp_path, story)


WRONG = (
    {"msgId": "not a uuid"},
    {"msgId": 1},
    {"isDelivStatReq": "perhaps"},
    {"sfFlag": "perhaps"},
    {"sfFlag": True, "sfParam": {"expireTime": "tomorrow"}},
    {"sfFlag": True, "sfParam": "tomorrow"},
    {"priority": "URGENT"},
    {"payload": 21.5},
    {"payload": {"value": 1}},
    {"appId": 7},
    {"oriAddr": GW},
    {"oriAddr": {"oriAddrType": "CAR", "addr": GW}},
    {"destAddr": {"destAddrType": "CAR", "addr": A}},
    {"destAddr": {"destAddrType": "UE", "addr": 7}},
)


def test_7_3_4_1_a_member_of_another_type_is_refused_and_named_and_nothing_sent_on(tmp_path):
    async def story(_, gateway, display):
        for members in WRONG:
            answer = await gateway.ask(msg(GW, A) | members)
            assert answer.code.dotted == "4.00", members
            assert answer.payload.partition(b".")[0].partition(b":")[0].decode() in members, answer.payload
        assert await gateway.code_of(msg(GW, A, 2, payload="good")) == "2.04"
        assert (await display.next())["payload"] == "good"

    talk_of(tmp_path, story)


def test_7_3_4_1_the_expiration_time_is_a_date_time(tmp_path):
    async def story(_, gateway, display):
        said = msg(GW, A, sfFlag=True, sfParam={"expireTime": "1999-12-31T23:59:59Z"})
        assert await gateway.code_of(said) == "2.04"
        told = await gateway.next()
        assert (told["msgType"], told["DelSta"]) == ("MSGRESP", "failure") and "expired" in told["Cause"]

    talk_of(tmp_path, story)


# ---- 7.3.4.2, the report ---------------------------------------------------------------------------------------------


def report(message, **members):
    return own("IMDN", A, destAddr=TO_US, msgId=message["msgId"], DelSta="success") | members


async def delivered(gateway, display):
    assert await gateway.code_of(msg(GW, A, isDelivStatReq=True)) == "2.04"
    return await display.next()


@pytest.mark.parametrize(
    "members", [{}, {"DelSta": "failure"}, {"DelSta": "failure", "Cause": "no room"}], ids=str
)
def test_7_3_4_2_a_report_goes_on_as_it_came(tmp_path, members):
    async def story(_, gateway, display):
        said = report(await delivered(gateway, display), **members)
        assert await display.code_of(said) == "2.04"
        assert await gateway.next() == said

    talk_of(tmp_path, story)


def test_7_3_4_2_what_is_required_of_a_report_and_its_status_are_looked_at(tmp_path):
    async def story(_, gateway, display):
        said = report(await delivered(gateway, display))
        for name in said:
            answer = await display.ask({member: value for member, value in said.items() if member != name})
            assert answer.code.dotted == "4.00" and name.encode() in answer.payload, name
        for status in ("delivered", "", True, 1, None):
            assert await display.code_of(said | {"DelSta": status}) == "4.00", status
        assert await display.code_of(said) == "2.04"
        assert await gateway.next() == said  # and nothing before it

    talk_of(tmp_path, story)


# ---- 7.3.4.3, the message response -----------------------------------------------------------------------------------


def test_7_3_4_3_a_failure_has_the_members_of_the_schema(tmp_path):
    async def story(_, gateway, display):
        said = msg(GW, "ue:nobody@example.org")
        assert await gateway.code_of(said) == "2.04"
        told = await gateway.next()
        assert told.pop("Cause") == "unknown recipient"
        assert told == {
            "msgIden": SERVICE,
            "msgType": "MSGRESP",
            "oriAddr": {"oriAddrType": "UE", "addr": GW},
            "msgId": said["msgId"],
            "DelSta": "failure",
        }

    talk_of(tmp_path, story)


def test_7_3_4_3_stored_is_said_in_the_words_of_the_schema(tmp_path):
    async def story(_, gateway, display):
        assert await display.code_of(own("DEREG", A)) == "2.04"
        assert await gateway.code_of(msg(GW, A, sfFlag=True)) == "2.04"
        told = await gateway.next()
        assert told["DelSta"] == "stored for deferred delivery" and "Cause" not in told

    talk_of(tmp_path, story)
