# SPDX-License-Identifier: MIT
"""Topics of two servers (TS 23.554 clause 8.8.4): both are ours, or the other one is played by aiohttp."""

import asyncio
import contextlib
import json

import aiocoap
import pytest

from host_tests.gateway.apart.peering import EVENT, pair
from host_tests.gateway.scripted import LONG, ApplicationServer, Ue, gateway, run
from tools.programs.patience import patience
from tools.wire.bodies import Address

A, A2, B, B2 = "ue:a@a.example", "ue:a2@a.example", "ue:b@b.example", "ue:b2@b.example"
SUBSCRIBE, UNSUBSCRIBE = EVENT + "request-topic-subscription", EVENT + "request-topic-unsubscription"
OURS, THEIRS = ({"addrType": "SERVER", "addr": name} for name in ("a.example", "b.example"))


async def subscribe(ue, topic, observe=0):
    """Without an observation that would be kept: copies come as POST."""
    body = json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": ue.name}}).encode()
    uri = "coap://127.0.0.1:%d/msgin5g/%s" % (ue.gateway.coap_port, topic)
    message = aiocoap.Message(code=aiocoap.GET, uri=uri, payload=body, observe=observe)
    message.opt.content_format = 50
    async with patience(LONG):
        answer = await ue._context.request(message, handle_blockwise=False).response
    assert answer.code.dotted == "2.05"
    ue.gateway.coap._observers._observers.clear()  # as if the device had lost it


async def until(condition):
    async with patience(LONG):
        while not condition():
            await asyncio.sleep(0.01)


def follows(g, topic, who):
    return Address(*who) in [each for each, _ in g.store.followers(topic, g.clock())]


@contextlib.asynccontextmanager
async def two(topics, stores=(":memory:", ":memory:")):
    async with gateway(stores[0]) as one, gateway(stores[1]) as other:
        pair(one, other, topics)
        one._pump_soon()
        other._pump_soon()
        async with Ue(one, A) as a, Ue(one, A2) as a2, Ue(other, B) as b, Ue(other, B2) as b2:
            for ue in (a, a2, b, b2):
                await ue.register()
            yield one, other, a, a2, b, b2


@pytest.mark.parametrize("mode", ["once", "each"])
def test_who_is_subscribed_at_one_server_gets_once_what_is_sent_to_the_topic_at_the_other(mode):
    async def main():
        async with two(mode) as (one, other, a, a2, b, b2):
            for ue in (a, a2, b, b2):
                await subscribe(ue, "alerts")
            if mode == "once":
                await until(lambda: follows(other, "alerts", ("SERVER", "a.example")))
                await until(lambda: follows(one, "alerts", ("SERVER", "b.example")))
            else:
                await until(lambda: all(follows(other, "alerts", ("UE", ue)) for ue in (A, A2)))
                await until(lambda: all(follows(one, "alerts", ("UE", ue)) for ue in (B, B2)))
            sent = await b.send("alerts", "fire", "TOPIC", isDelivStatReq=True)
            for ue in (a, a2, b2):
                got = await ue.next("MSG")
                assert (got["msgId"], got["payload"]) == (sent, "fire")
                assert got["oriDestAddr"] == {"destAddrType": "TOPIC", "addr": "alerts"}
                assert got["destAddr"] == {"destAddrType": "UE", "addr": ue.name}
            assert await a.report(got | {"oriAddr": {"oriAddrType": "UE", "addr": B}}) == "2.04"
            told = await b.next("IMDN")
            assert (told["msgId"], told["oriAddr"]["addr"]) == (sent, A)
            back = await a.send("alerts", "out", "TOPIC")
            for ue in (a2, b, b2):
                assert (await ue.next("MSG"))["msgId"] == back
            for ue in (a, a2, b, b2):
                assert ue.inbox.empty()

    run(main())


def test_a_topic_that_only_the_other_server_has_is_sent_to_it():
    async def main():
        async with two("once") as (one, other, a, a2, b, b2):
            await subscribe(a, "alerts")
            await until(lambda: other.store.peers_with("alerts") == ["a.example"])
            sent = await b.send("alerts", "fire", "TOPIC")
            assert (await a.next("MSG"))["msgId"] == sent
            await subscribe(a, "alerts", observe=1)
            await until(lambda: other.store.peers_with("alerts") == [])
            await b.send("alerts", "fire", "TOPIC")
            assert (await b.next("MSGRESP"))["Cause"] == "nobody else is subscribed to this topic"

    run(main())


def test_an_application_server_follows_a_topic_across_too():
    async def main():
        async with two("each") as (one, other, a, a2, b, b2):
            async with ApplicationServer(one, "as:x@a.example") as x:
                await x.register()
                who = {"addrType": "AS", "addr": x.name}
                status, _, _ = await x.call(SUBSCRIBE, {"oriAddr": who, "msgTopics": ["alerts"]})
                assert status == 200
                await subscribe(b, "alerts")
                await until(lambda: follows(other, "alerts", ("AS", x.name)))
                sent = await b2.send("alerts", "fire", "TOPIC")
                got = await x.next()
                assert (got["msgId"], got["destAddr"]) == (sent, {"addrType": "TOPIC", "addr": "alerts"})
                assert await x.call(UNSUBSCRIBE, {"oriAddr": who, "msgTopics": ["alerts"]})
                await until(lambda: not follows(other, "alerts", ("AS", x.name)))

    run(main())


def test_a_restart_of_either_forgets_nothing(tmp_path):
    async def main():
        stores = [str(tmp_path / name) for name in ("a.db", "b.db")]
        async with two("once", stores) as (one, other, a, a2, b, b2):
            await subscribe(a, "alerts")
            await subscribe(b, "alerts")
            await until(lambda: follows(other, "alerts", ("SERVER", "a.example")))
        async with gateway(stores[0]) as one, gateway(stores[1]) as other:
            pair(one, other, "once")  # other ports than before
            async with Ue(one, A) as a, Ue(other, B2) as b2:
                await a.register()
                await b2.register()
                sent = await b2.send("alerts", "fire", "TOPIC")
                assert (await a.next("MSG"))["msgId"] == sent

    run(main())
