# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.5, segments, their recovery and their confirmation, at the MSGin5G Server: it receives them of one
side and sends them to the other, to a UE in segments, to an Application Server as one message. The UEs are aiocoap, the
Application Server is aiohttp."""

import contextlib

import aiocoap

from host_tests.conformance.rawhttp import HttpPeer
from host_tests.conformance.server.messages.messaging import play
from host_tests.conformance.server.registering import GW, SERVICE, A, msg, own, scene
from tools.programs.patience import run

MODULES = (
    "tools/server/procedures/segments.py",
    "tools/server/delivery/fitting.py",
    "tools/wire/segments.py",
)
ALSO = ("host_tests/gateway/wire/test_server_segments.py", "host_tests/properties/test_gateway_sequences.py")

AS = "as:weather@example.org"


def about(kind, set_id="set-1", **members):
    return {"msgIden": SERVICE, "msgType": kind, "segId": set_id} | members


def segment(number, total=3, to=A, kind="UE", **more):
    """The first one says their number, the last one that it is the last."""
    params = {"segId": "set-1", "segNumb": number}
    params |= {"totalSegCount": total} if number == 1 else {}
    params |= {"lastSegFlag": "true"} if number == total else {}
    return msg(GW, to, kind=kind, isSegmented=True, segParams=params, payload="%d;" % number, **more)


async def after(peer, kind):
    """The next body of another kind: the machine may be slow, and is asked again then."""
    while (came := await peer.next())["msgType"] == kind:
        pass
    return came


@contextlib.asynccontextmanager
async def weather(journal):
    """An Application Server that is registered."""
    async with HttpPeer(journal.find("listening")[0]["http"]) as peer:
        said = {"asSvcId": AS, "targetUri": peer.uri + "/in"}
        status, _, _ = await peer.ask("POST", "/msgs-asregistration/v1/registrations", said)
        assert status == 201
        yield peer


# ---- for a UE --------------------------------------------------------------------------------------------------------


def test_6_5_3_2_nothing_is_sent_before_all_segments_are_there_and_then_each_is_sent_on(tmp_path):
    async def talk():
        async with scene(tmp_path, "none", segment_gap=30) as (journal, gateway, display):
            for number in (3, 1):
                assert await gateway.code_of(segment(number)) == "2.04"
            assert await gateway.code_of(msg(GW, A, 2, payload="alone")) == "2.04"
            assert (await display.next())["payload"] == "alone"  # and none of the segments before it
            assert await gateway.code_of(segment(2)) == "2.04"
            came = [await display.next() for _ in range(3)]
            assert [each["payload"] for each in came] == ["1;", "2;", "3;"]
            assert {each["segParams"]["segId"] for each in came} == {"set-1"}
            assert [each["segParams"]["segNumb"] for each in came] == [1, 2, 3]
            assert came[0]["segParams"]["totalSegCount"] == 3
            assert [each["segParams"].get("lastSegFlag") for each in came] == [None, None, "true"]

    run(talk())


def test_6_5_3_2_segments_that_are_too_large_for_the_recipient_are_put_together_and_cut_anew(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            await display.ask(own("REG", A, cliProfile={"maxSegSize": 40}))
            for number, letter in ((1, "a"), (2, "b")):
                said = segment(number, total=2) | {"payload": letter * 100}
                assert await gateway.code_of(said) == "2.04"
            came = [await display.next() for _ in range(5)]
            assert all(len(each["payload"]) <= 40 for each in came)
            assert "".join(each["payload"] for each in came) == "a" * 100 + "b" * 100
            assert [each["segParams"]["segNumb"] for each in came] == [1, 2, 3, 4, 5]

    run(talk())


def test_6_5_3_2_a_message_that_is_too_large_for_the_recipient_is_cut_by_the_server(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            await display.ask(own("REG", A, cliProfile={"maxSegSize": 100}))
            assert await gateway.code_of(msg(GW, A, payload="x" * 250, isDelivStatReq=True)) == "2.04"
            came = [await display.next() for _ in range(3)]
            assert [len(each["payload"]) for each in came] == [100, 100, 50]
            assert all(each["isSegmented"] is True for each in came)
            assert [each.get("isDelivStatReq", False) for each in came] == [True, False, False]

    run(talk())


# ---- for an Application Server ---------------------------------------------------------------------------------------


def test_6_5_3_3_an_application_server_gets_the_message_whole(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (journal, gateway, _), weather(journal) as peer:
            for number in (2, 3, 1):
                assert await gateway.code_of(segment(number, to=AS, kind="AS")) == "2.04"
            path, body = await peer.next()
            assert path == "/in" and body["payload"] == "1;2;3;"
            assert body.get("segInd", False) is False and "segParams" not in body

    run(talk())


def test_6_5_3_3_the_server_is_the_message_receiver_then(tmp_path):
    """It asks for what is missing, and confirms."""

    async def talk():
        async with scene(tmp_path, "none", segment_gap=0.2) as (journal, gateway, _):
            async with weather(journal):
                for number in (1, 3):
                    assert await gateway.code_of(segment(number, to=AS, kind="AS")) == "2.04"
                assert await gateway.next() == about("SEGREC", segNoList="(2-2)")
                assert await gateway.code_of(segment(2, to=AS, kind="AS")) == "2.04"
                assert await after(gateway, "SEGREC") == about("SEGCONFIR", result=True)

    run(talk())


# ---- recovery and confirmation ---------------------------------------------------------------------------------------


def test_6_5_1_2_1_and_2_recovery_and_confirmation_are_confirmable_posts_of_json(tmp_path):
    async def story(_, one, __, ___):
        for number in (1, 3):
            assert await one.code_of(segment(number, to=AS, kind="AS")) == "2.04"
        assert await one.next() == about("SEGREC", segNoList="(2-2)")
        assert await one.code_of(segment(2, to=AS, kind="AS")) == "2.04"
        assert await after(one, "SEGREC") == about("SEGCONFIR", result=True)
        for request in one.requests:
            assert (request.code, request.mtype, request.opt.content_format) == (
                aiocoap.POST,
                aiocoap.CON,
                50,
            )

    play(tmp_path, story, segment_gap=0.2)


def test_6_5_1_2_1_the_server_gives_up_what_is_not_sent_again_and_says_so(tmp_path):
    async def talk():
        async with scene(tmp_path, "none", segment_gap=0.1, recoveries=2, hold=0.3) as (_, gateway, _):
            assert await gateway.code_of(segment(1)) == "2.04"
            assert await gateway.next() == about("SEGREC", segNoList="(2-3)")
            assert await after(gateway, "SEGREC") == about("SEGCONFIR", result=False)

    run(talk())


def test_6_5_1_2_2_a_segment_of_a_confirmed_set_is_confirmed_again_and_delivered_once(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            for number in (1, 2, 3):
                assert await gateway.code_of(segment(number)) == "2.04"
            assert await gateway.next() == about("SEGCONFIR", result=True)
            assert await gateway.code_of(segment(2)) == "2.04"
            assert await gateway.next() == about("SEGCONFIR", result=True)
            came = [await display.next() for _ in range(3)]
            assert [each["payload"] for each in came] == ["1;", "2;", "3;"]
            assert await gateway.code_of(msg(GW, A, 2, payload="after")) == "2.04"
            assert (await display.next())["payload"] == "after"

    run(talk())


def test_6_5_3_4_the_segments_that_a_recipient_asks_for_are_sent_again(tmp_path):
    """The bodies name nobody, and the server holds all segments by then: it sends them itself (6.5.3.2)."""

    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            for number in (1, 2, 3):
                assert await gateway.code_of(segment(number)) == "2.04"
            came = [await display.next() for _ in range(3)]
            assert await display.code_of(about("SEGREC", segNoList="(1-1, 3-3)")) == "2.04"
            assert [await display.next() for _ in range(2)] == [came[0], came[2]]

    run(talk())


def test_6_5_3_4_only_its_recipient_may_ask_for_a_set(tmp_path):
    async def talk():
        async with scene(tmp_path, "oscore") as (_, gateway, display):
            await display.ask(own("REG", A, cliProfile={"maxSegSize": 100}))
            assert await gateway.code_of(msg(GW, A, payload="x" * 250)) == "2.04"
            set_id = [(await display.next())["segParams"]["segId"] for _ in range(3)][0]
            for said in (
                about("SEGREC", set_id, segNoList="(1-1)"),
                about("SEGCONFIR", set_id, result=False),
            ):
                await gateway.ask(said)
            assert await display.code_of(about("SEGREC", set_id, segNoList="(1-1)")) == "2.04"
            assert (await display.next())["segParams"]["segNumb"] == 1

    run(talk())


def test_6_5_3_5_a_recipient_that_gives_up_fails_the_message_to_its_originator(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            await display.ask(own("REG", A, cliProfile={"maxSegSize": 100}))
            said = msg(GW, A, payload="x" * 250)
            assert await gateway.code_of(said) == "2.04"
            set_id = [(await display.next())["segParams"]["segId"] for _ in range(3)][0]
            assert await display.code_of(about("SEGCONFIR", set_id, result=False)) == "2.04"
            told = await gateway.next()
            assert (told["msgType"], told["msgId"], told["DelSta"]) == ("MSGRESP", said["msgId"], "failure")
            assert await display.code_of(about("SEGREC", set_id, segNoList="(1-1)")) == "4.04"

    run(talk())


def test_6_5_3_5_a_recipient_that_confirms_ends_the_message(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (journal, gateway, display):
            for number in (1, 2, 3):
                assert await gateway.code_of(segment(number)) == "2.04"
            for _ in range(3):
                await display.next()
            assert await display.code_of(about("SEGCONFIR", result=True)) == "2.04"
            await journal.wait("delivered", to=A)
            assert await display.code_of(about("SEGREC", segNoList="(1-1)")) == "4.04"

    run(talk())
