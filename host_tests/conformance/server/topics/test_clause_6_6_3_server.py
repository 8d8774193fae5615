# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.6.3, subscribing to and unsubscribing from a Messaging Topic, at the MSGin5G Server, and the
members of clause 7.3.5. The UE is aiocoap with bodies written here."""

import datetime
import json

import aiocoap
import pytest

from host_tests.conformance.raw import LONG
from host_tests.conformance.server.registering import GW, A, msg, scene
from tools.programs.patience import patience, run

MODULES = (
    "tools/server/procedures/topics.py",
    "tools/store/server/topictables.py",
    "tools/transport/observers.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def subscription(ue=A, **members):
    """Clauses 7.3.5.1 and .2."""
    return {"oriAddr": {"oriAddrType": "UE", "addr": ue}} | members


def path(*topics):
    return ("msgin5g", *topics)


async def get(peer, topics, observe=None, **members):
    """(code, Content-Format, JSON body) of the response to a GET; `observe` None: without the option."""
    more = {} if observe is None else {"observe": observe}
    answer = await peer.ask(subscription(**members), path(*topics), aiocoap.GET, **more)
    body = json.loads(answer.payload) if answer.code.is_successful() else answer.payload.decode()
    return answer.code.dotted, answer.opt.content_format, body


async def heard(told):
    async with patience(LONG):
        return json.loads((await told.get()).payload)


# ---- 6.6.3.1: subscribing --------------------------------------------------------------------------------------------


def test_6_6_3_1_a_get_with_observe_0_makes_the_topic_and_the_response_has_status_and_expiration_time(
    tmp_path, mode
):
    async def talk():
        async with scene(tmp_path, mode) as (journal, _, display):
            body = json.dumps(subscription(expireTime=600)).encode()
            async with display.observing(path("alerts"), payload=body, content_format=50) as (answer, _):
                assert (answer.code.dotted, int(answer.opt.content_format)) == ("2.05", 50)
                said = json.loads(answer.payload)
                assert said["subStatus"] is True and said["expireTime"].endswith("Z")
                assert answer.opt.observe is not None and answer.opt.max_age == 600
                assert journal.find("subscribed", ue=A, topic="alerts", lifetime=600)

    run(talk())


def test_6_6_3_1_an_expiration_time_is_a_date_time_and_that_of_the_subscription(tmp_path):
    async def talk():
        async with scene(tmp_path, "none", lifetime=10**9) as (_, _, display):
            asked = "2030-03-17T17:46:40Z"  # 1900000000
            body = json.dumps(subscription(expireTime=asked)).encode()
            async with display.observing(path("alerts"), payload=body, content_format=50) as (answer, _):
                # a second of the clock may be over between the two
                assert abs(_seconds(json.loads(answer.payload)["expireTime"]) - 1900000000) <= 1

    run(talk())


def _seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def test_6_6_3_1_without_an_expiration_time_the_operators_policy_says_how_long(tmp_path):
    async def talk():
        async with scene(tmp_path, "none", lifetime=1234) as (journal, _, display):
            assert (await get(display, ["alerts"], 0))[0] == "2.05"
            assert journal.find("subscribed", lifetime=1234)

    run(talk())


def test_6_6_3_1_a_topic_that_is_there_gets_one_more_subscriber(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            body = json.dumps(subscription(GW)).encode()
            async with (
                gateway.observing(path("alerts"), payload=body, content_format=50) as (_, first),
                display.observing(
                    path("alerts"), payload=json.dumps(subscription()).encode(), content_format=50
                ) as (_, second),
            ):
                assert await display.code_of(msg(A, "alerts", 1, "TOPIC")) == "2.04"
                assert (await heard(first))["msgId"] == msg(A, "alerts", 1)["msgId"]
                assert await gateway.code_of(msg(GW, "alerts", 2, "TOPIC")) == "2.04"
                got = await heard(second)
                assert got["msgId"] == msg(A, "alerts", 2)["msgId"]  # its own did not come back to it
                assert got["oriDestAddr"] == {"destAddrType": "TOPIC", "addr": "alerts"}

    run(talk())


def test_6_6_3_1_subscribing_again_refreshes_the_expiration_time(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (journal, _, display):
            await get(display, ["alerts"], 0, expireTime=60)
            await get(display, ["alerts"], 0, expireTime=600)
            assert [each["lifetime"] for each in journal.find("subscribed")] == [60, 600]
            code, _, said = await get(display, ["alerts"])
            assert (code, said["subStatus"]) == ("2.05", True)

    run(talk())


@pytest.mark.parametrize(
    "body, word",
    [
        (b"{", b""),
        (b"{}", b"oriAddr"),
        (b'{"oriAddr":{"oriAddrType":"AS","addr":"as:x"}}', b"oriAddr"),
        (json.dumps(subscription(expireTime="soon")).encode(), b"expireTime"),
        (json.dumps(subscription(expireTime="2001-01-01T00:00:00Z")).encode(), b"expireTime"),
        (json.dumps(subscription(expireTime=0)).encode(), b"expireTime"),
    ],
)
def test_6_6_3_1_a_body_that_is_none_is_told_what_is_wrong_with_it(tmp_path, body, word):
    async def talk():
        async with scene(tmp_path, "none") as (_, _, display):
            answer = await display.ask(body, path("alerts"), aiocoap.GET, observe=0)
            assert answer.code.dotted == "4.00" and word in answer.payload

    run(talk())


def test_6_6_3_1_nobody_subscribes_another_ue(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            code, _, _ = await get(display, ["alerts"], 0, ue=GW)
            assert code == "4.03"
            assert (await get(gateway, ["alerts"], ue=GW))[2] == {"subStatus": False}

    run(talk())


# ---- several topics in one request (TS 23.554 clause 8.8.1) ----------------------------------------------------------


def test_6_6_3_1_several_topics_are_subscribed_to_by_one_get(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            body = json.dumps(subscription()).encode()
            topics = ("alerts", "weather/north", "caf\u00e9")
            async with display.observing(path(*topics), payload=body, content_format=50) as (answer, told):
                said = json.loads(answer.payload)
                assert said["subStatus"] is True and said["expireTime"]
                assert [each["msgTopic"] for each in said["msgTopics"]] == list(topics)
                assert all(each["subStatus"] for each in said["msgTopics"])
                for number, topic in enumerate(topics):
                    assert await gateway.code_of(msg(GW, topic, number, "TOPIC")) == "2.04"
                    assert (await heard(told))["oriDestAddr"]["addr"] == topic

    run(talk())


def test_6_6_3_1_each_of_several_topics_is_granted_or_refused_by_itself(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            for number in range(63):
                await get(display, ["t%d" % number], 0)
            code, _, said = await get(display, ["one", "a\u0001b", "two", "t5"], 0)
            assert (code, said["subStatus"]) == ("2.05", False)
            granted = {each["msgTopic"]: each["subStatus"] for each in said["msgTopics"]}
            assert granted == {"one": True, "a\u0001b": False, "two": False, "t5": True}
            assert all(each["cause"] for each in said["msgTopics"] if not each["subStatus"])
            assert await gateway.code_of(msg(GW, "one", 1, "TOPIC")) == "2.04"
            assert (await get(display, ["two"]))[2] == {"subStatus": False}
            assert (await get(display, ["one"]))[2]["subStatus"] is True

    run(talk())


def test_6_6_3_2_several_topics_are_left_by_one_get(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (_, _, display):
            await get(display, ["a", "b", "c"], 0)
            code, _, said = await get(display, ["a", "b"], 1)
            assert (code, said["subStatus"]) == ("2.05", False)
            _, _, said = await get(display, ["a", "b", "c"])
            assert [each["subStatus"] for each in said["msgTopics"]] == [False, False, True]

    run(talk())


def test_6_6_3_2_the_observation_of_several_topics_goes_on_for_those_that_are_left(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, gateway, display):
            body = json.dumps(subscription()).encode()
            async with display.observing(path("a", "b"), payload=body, content_format=50) as (_, told):
                assert (await get(display, ["a"], 1))[2] == {"subStatus": False}
                assert await gateway.code_of(msg(GW, "b", 1, "TOPIC")) == "2.04"
                assert (await heard(told))["oriDestAddr"]["addr"] == "b"

    run(talk())


# ---- 6.6.3.2: unsubscribing, and what is only asked ------------------------------------------------------------------


def test_6_6_3_2_a_get_with_observe_1_removes_the_subscriber_and_the_response_has_the_status(tmp_path, mode):
    async def talk():
        async with scene(tmp_path, mode) as (journal, gateway, display):
            await get(display, ["alerts"], 0)
            assert await get(display, ["alerts"], 1) == ("2.05", 50, {"subStatus": False})
            assert await gateway.code_of(msg(GW, "alerts", 1, "TOPIC")) == "2.04"
            async with patience(LONG):
                assert (await gateway.next())["Cause"] == "nobody else is subscribed to this topic"

    run(talk())


def test_6_6_3_2_who_was_never_subscribed_may_unsubscribe(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (_, _, display):
            assert await get(display, ["alerts"], 1) == ("2.05", 50, {"subStatus": False})

    run(talk())


def test_6_6_3_2_a_get_without_observe_asks_and_changes_nothing(tmp_path, mode):
    """With keys it is the inner Observe that counts (RFC 8613 section 4.1.3.5)."""

    async def talk():
        async with scene(tmp_path, mode) as (_, gateway, display):
            assert (await get(display, ["alerts"]))[2] == {"subStatus": False}
            body = json.dumps(subscription()).encode()
            async with display.observing(path("alerts"), payload=body, content_format=50) as (answer, told):
                until = json.loads(answer.payload)["expireTime"]
                assert (await get(display, ["alerts"]))[2] == {"subStatus": True, "expireTime": until}
                assert await gateway.code_of(msg(GW, "alerts", 1, "TOPIC")) == "2.04"
                assert (await heard(told))["payload"] == "21.5"

    run(talk())


def test_6_6_3_2_a_subscription_that_is_over_is_none_any_more(tmp_path):
    async def talk():
        async with scene(tmp_path, "none") as (journal, gateway, display):
            await get(display, ["alerts"], 0, expireTime=1)
            async with patience(LONG):
                while (await get(display, ["alerts"]))[2]["subStatus"]:
                    pass
            assert await gateway.code_of(msg(GW, "alerts", 1, "TOPIC")) == "2.04"
            await journal.wait("failed", cause="nobody else is subscribed to this topic")

    run(talk())
