# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.4, registration through a Gateway Client, at the MSGin5G Server: the Gateway UE is aiocoap with
bodies written here, in the clear and with keys of its own (OSCORE)."""

import json

import aiocoap
import pytest

from host_tests.conformance.raw import Peer
from host_tests.conformance.server.registering import GW, UES, A, Killable, msg, own, provisioned, scene
from tools.programs.patience import run

MODULES = (
    "tools/server/procedures/bulk.py",
    "tools/server/speakers.py",
)
ALSO = ("host_tests/gateway/server/test_bulk.py",)

S0, S1 = UES[:2]


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def breg(*ues):
    return own("BREG", GW, totalRegCount=len(ues), regList=[own("REG", ue) for ue in ues])


def dereg(*ues):
    return own("DEREG", GW, totalDeregCount=len(ues), deregList=[own("DEREG", ue) for ue in ues])


# ---- 6.3.4.4.1: bulk registration ------------------------------------------------------------------------------------


def test_a_bulk_registration_is_verified_stored_and_answered_one_by_one(tmp_path, mode):
    """The number of the responses, and a list of them, each as of clause 6.3.1.2.1."""

    async def talk():
        async with scene(tmp_path, mode) as (journal, gateway, _):
            answer = await gateway.ask(breg(S1, "ue:foreign", S0))
            assert (answer.code.dotted, answer.opt.content_format) == ("2.04", 50)
            assert answer.payload == (
                b'{"totalRegCount":3,"regList":['
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:s1@example.org"},"result":true,"regExpTime":3600},'
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:foreign"},"result":false,'
                b'"cause":"not a UE of this gateway"},'
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:s0@example.org"},"result":true,"regExpTime":3600}]}'
            )
            assert [each["ue"] for each in journal.find("registered", via=GW)] == [S1, S0]

    run(talk())


def test_a_bulk_registration_of_200_is_answered_whole(tmp_path, mode):
    """It fits no datagram, in either direction: RFC 7959, Block1 and Block2."""

    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, _):
            body = breg(*UES)
            assert len(json.dumps(body)) > 20000
            answer = await gateway.ask(body)
            assert answer.code.dotted == "2.04" and len(answer.payload) > 10000
            listed = json.loads(answer.payload)
            assert listed["totalRegCount"] == 200
            assert [each["oriAddr"]["addr"] for each in listed["regList"]] == UES
            assert {each["result"] for each in listed["regList"]} == {True}

    run(talk())


def test_a_gateway_with_a_key_is_known_at_a_new_address_by_its_first_block(tmp_path):
    async def talk():
        async with scene(tmp_path, "oscore") as (journal, gateway, _):
            async with Peer(gateway.port, gateway.section) as moved:
                assert await moved.code_of(breg(*UES)) == "2.04"
                assert [each["ue"] for each in journal.find("rebound")] == [GW]

    run(talk())


def test_a_bulk_request_of_a_gateway_that_is_not_registered_gets_4_01(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, _):
            assert await gateway.code_of(own("DEREG", GW)) == "2.04"
            assert await gateway.code_of(breg(S0)) == "4.01"
            assert await gateway.code_of(dereg(S0)) == "4.01"

    run(talk())


def test_a_bulk_request_of_a_ue_that_is_no_gateway_gets_4_03(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (journal, _, display):
            assert await display.code_of(breg(S0)) == "4.03"  # in the gateway's name
            assert await display.code_of(breg(S0) | own("BREG", A)) == "4.03"  # in its own
            assert journal.find("registered", via=GW) == []

    run(talk())


@pytest.mark.parametrize(
    "change, member",
    [
        ({"totalRegCount": 2}, b"totalRegCount"),
        ({"regList": []}, b"regList"),
        ({"regList": ["ue:s0@example.org"]}, b"regList"),
        ({"regList": {}}, b"regList"),
        ({"totalRegCount": None}, b"totalRegCount"),
    ],
)
def test_a_bulk_registration_that_is_no_list_gets_4_00_and_the_member(tmp_path, mode, change, member):
    async def talk():
        async with scene(tmp_path, mode) as (journal, gateway, _):
            answer = await gateway.ask(breg(S0) | change)
            assert answer.code.dotted == "4.00" and answer.payload.startswith(member)
            assert journal.find("registered", via=GW) == []

    run(talk())


# ---- 6.3.4.4.2: bulk de-registration ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["DEREG", "BDEREG"])
def test_a_bulk_deregistration_ends_each_and_is_answered_one_by_one(tmp_path, mode, kind):
    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            await gateway.ask(breg(S0, S1))
            answer = await gateway.ask(dereg(S1, A, S0) | {"msgType": kind})
            assert (answer.code.dotted, answer.opt.content_format) == ("2.04", 50)
            assert answer.payload == (
                b'{"totalDeregCount":3,"deregList":['
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:s1@example.org"},"result":true},'
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:display@example.org"},"result":false,'
                b'"cause":"not registered through this gateway"},'
                b'{"oriAddr":{"oriAddrType":"UE","addr":"ue:s0@example.org"},"result":true}]}'
            )
            assert await gateway.code_of(msg(S0, A)) == "4.01"
            assert await gateway.code_of(msg(GW, A)) == "2.04"  # the gateway itself is registered as before
            assert await display.code_of(msg(A, GW)) == "2.04"

    run(talk())


# ---- 6.3.4.3: what a gateway forwards --------------------------------------------------------------------------------


def test_an_urgent_registration_that_the_gateway_forwards_is_answered_as_of_6_3_1_2_1(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (journal, gateway, _):
            answer = await gateway.ask(own("REG", S0, urgentTag=True, regExpTime=60))
            assert json.loads(answer.payload) == {
                "oriAddr": {"oriAddrType": "UE", "addr": S0},
                "result": True,
                "regExpTime": 60,
            }
            assert journal.find("registered", ue=S0, via=GW)
            answer = await gateway.ask(own("DEREG", S0))
            assert json.loads(answer.payload)["result"] is True

    run(talk())


def test_messages_of_a_ue_come_through_its_gateway_and_through_no_other_peer(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            await gateway.ask(breg(S0))
            assert await gateway.code_of(msg(S0, A)) == "2.04"
            body = await display.next()
            assert (body["oriAddr"]["addr"], body["payload"]) == (S0, "21.5")
            report = own("IMDN", S0, destAddr={"destAddrType": "UE", "addr": A}, msgId=body["msgId"])
            assert await gateway.code_of(report | {"DelSta": "success"}) == "2.04"
            assert (await display.next())["msgType"] == "IMDN"
            assert await display.code_of(msg(S0, A, 2)) == "4.03"
            assert await gateway.code_of(msg(A, S0, 3)) == "4.03"
            assert await gateway.code_of(msg(S1, A, 4)) == "4.01"

    run(talk())


def test_a_message_to_a_ue_is_sent_to_its_gateway_which_is_told_whom_it_is_for(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (journal, gateway, display):
            await gateway.ask(breg(S0))
            assert await display.code_of(msg(A, S0)) == "2.04"
            body = await gateway.next()
            assert (body["msgType"], body["destAddr"]) == ("MSG", {"destAddrType": "UE", "addr": S0})
            await journal.wait("delivered", to=S0)

    run(talk())


def test_a_message_to_a_ue_that_its_gateway_does_not_know_fails_and_so_does_the_registration(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (journal, gateway, display):
            await gateway.ask(breg(S0))
            gateway.code = aiocoap.NOT_FOUND
            assert await display.code_of(msg(A, S0)) == "2.04"
            response = await display.next()
            assert (response["msgType"], response["DelSta"]) == ("MSGRESP", "failure")
            assert journal.find("lost", ue=S0, via=GW)
            assert await gateway.code_of(msg(S0, A, 2)) == "4.01"  # it must register again

    run(talk())


def test_a_topic_of_a_ue_is_answered_without_observe_and_its_messages_are_requests(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            await gateway.ask(breg(S0))
            who = {"oriAddr": {"oriAddrType": "UE", "addr": S0}}
            answer = await gateway.ask(who, ("msgin5g", "weather"), aiocoap.GET, observe=0)
            assert json.loads(answer.payload)["subStatus"] is True
            assert answer.opt.observe is None
            assert await display.code_of(msg(A, "weather", kind="TOPIC")) == "2.04"
            body = await gateway.next()
            assert body["destAddr"]["addr"] == S0
            assert body["oriDestAddr"] == {"destAddrType": "TOPIC", "addr": "weather"}

    run(talk())


# ---- what was answered is known after a kill -------------------------------------------------------------------------


def test_what_a_bulk_registration_was_answered_holds_after_kill_9(tmp_path, mode):
    async def talk():
        path, sections = provisioned(tmp_path, mode)
        async with Killable(tmp_path, path, mode) as server:
            port = server.port
            async with Peer(port, sections.get(GW)) as gateway, Peer(port, sections.get(A)) as display:
                for peer, ue in ((gateway, GW), (display, A)):
                    await peer.ask(own("REG", ue))
                assert await gateway.code_of(breg(S0, S1)) == "2.04"
                assert await gateway.code_of(dereg(S1)) == "2.04"
                await server.kill()
                await server.start()
                assert await gateway.code_of(msg(S0, A)) == "2.04"
                assert (await display.next())["oriAddr"]["addr"] == S0
                assert await display.code_of(msg(A, S0, 2)) == "2.04"
                assert (await gateway.next())["destAddr"]["addr"] == S0
                assert await gateway.code_of(msg(S1, A, 3)) == "4.01"

    run(talk())
