# SPDX-License-Identifier: MIT
"""TS 23.554 clause 8.8.4, topics of another MSGin5G Server, by MSGS_TopiclistEvent of TS 29.538 (MSGin5G-8): the other
server is aiohttp with bodies written here."""

import pytest

from host_tests.gateway.apart.peering import DELIVERY, EVENT, RawServer
from host_tests.gateway.apart.test_topic_lists import (
    A2,
    OURS,
    SUBSCRIBE,
    THEIRS,
    UNSUBSCRIBE,
    A,
    B,
    subscribe,
)
from host_tests.gateway.scripted import Ue, gateway, run

MODULES = (
    "tools/server/procedures/topiclists.py",
    "tools/server/procedures/topics.py",
    "tools/store/server/listtables.py",
)
ALSO = ("host_tests/gateway/apart/test_topic_lists.py",)


def answering(said):
    """A peer that grants all; `said` gets what it was asked for."""

    def answer(path, body):
        said.append((path, body))
        if path == EVENT + "topiclist-subscriptions":
            return 201, {"subStat": "ok"}, {"Location": path + "/7"}
        if path == SUBSCRIBE:
            return 200, {"subStat": "ok"}
        return 204

    return answer


@pytest.mark.parametrize("mode, origin", [("once", OURS), ("each", {"addrType": "UE", "addr": A})])
def test_what_is_asked_of_another_server(mode, origin):
    async def main():
        said = []
        async with gateway() as g, Ue(g, A) as a, RawServer(g, topics=mode) as raw:
            raw.answer = answering(said)
            g._pump_soon()
            path, body, headers = await raw.next()
            assert path == EVENT + "topiclist-subscriptions"
            assert headers["Authorization"] == "Bearer our token"
            uri = body.pop("notificationURI")
            assert body == {"oriAddr": OURS, "destAddr": THEIRS}
            await a.register()
            for topic in ("alerts", "news"):
                await subscribe(a, topic)
            changes = {"alerts": "CREATED", "other": "CREATED", "x": "RENAMED"}
            said = [{"msgTopic": topic, "updateStat": what} for topic, what in changes.items()]
            assert (await raw.post(uri, {"msgTopics": said}))[:2] == (204, None)
            path, body, _ = await raw.next()
            assert (path, body) == (SUBSCRIBE, {"oriAddr": origin, "msgTopics": ["alerts"]})
            deleted = {"msgTopics": [{"msgTopic": "alerts", "updateStat": "DELETED"}]}
            assert (await raw.post(uri, deleted))[0] == 204
            path, body, _ = await raw.next()
            assert (path, body) == (UNSUBSCRIBE, {"oriAddr": origin, "msgTopics": ["alerts"]})
            with g.store.transaction():
                g.store.set_peer(
                    g.store.peer("b.example").__class__("b.example", raw.uri, "our token", "a.example", "no")
                )
            g._pump_soon()
            path, body, _ = await raw.next()
            assert (path, body) == (
                EVENT + "topiclist-subscriptions/7",
                {"oriAddr": OURS, "destAddr": THEIRS},
            )

    run(main())


def test_subscriptions_are_renewed_before_they_are_over():
    async def main():
        said = []
        async with gateway(lifetime=3) as g, RawServer(g, topics="once") as raw:
            raw.answer = answering(said)
            g._pump_soon()
            first = (await raw.next())[1]["notificationURI"]
            assert (await raw.next())[1]["notificationURI"] == first
            assert g.store.list_by_id(first.rpartition("/")[2]) == "b.example"

    run(main())


async def listed(raw, uri, **members):
    body = {"oriAddr": THEIRS, "destAddr": OURS, "notificationURI": uri} | members
    return await raw.post(EVENT + "topiclist-subscriptions", body)


def test_another_server_is_told_what_there_is_and_what_changes():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Ue(g, A2) as a2, RawServer(g) as raw:
            await a.register()
            await a2.register()
            await subscribe(a, "alerts")
            status, ack, headers = await listed(raw, raw.uri + "/told")
            assert (status, ack["subStat"]) == (201, "SUBSCRIBED") and ack["exprTime"].endswith("Z")
            path, body, heads = await raw.next()
            assert path == "/told" and heads["Authorization"] == "Bearer our token"
            assert body == {"msgTopics": [{"msgTopic": "alerts", "updateStat": "CREATED"}]}
            await subscribe(a2, "alerts")  # no news
            await subscribe(a, "weather")
            assert (await raw.next())[1] == {"msgTopics": [{"msgTopic": "weather", "updateStat": "CREATED"}]}
            await subscribe(a, "weather", observe=1)
            assert (await raw.next())[1] == {"msgTopics": [{"msgTopic": "weather", "updateStat": "DELETED"}]}
            body = {"oriAddr": THEIRS, "destAddr": OURS}
            assert (await raw.post(headers["Location"], body))[:2] == (204, None)
            assert (await raw.post(headers["Location"], body))[0] == 404
            await subscribe(a, "news")
            await g.journal.wait("subscribed", topic="news")
            assert raw.inbox.empty()

    run(main())


def test_a_notification_that_is_not_taken_comes_again_and_our_token_goes_to_the_peer_alone():
    async def main():
        async with gateway() as g, Ue(g, A) as a, RawServer(g) as raw, RawServer(g, "c.example") as c:
            await a.register()
            await subscribe(a, "alerts")
            answers = [503, 204]
            c.answer = lambda path, body: answers.pop(0)
            assert (await listed(raw, c.uri + "/elsewhere"))[0] == 201
            for _ in range(2):
                path, body, headers = await c.next()
                assert path == "/elsewhere" and "Authorization" not in headers

    run(main())


def test_each_server_asks_for_its_own_domain_only():
    async def main():
        async with gateway() as g, RawServer(g) as raw, RawServer(g, "c.example") as c:
            _, _, headers = await listed(raw, raw.uri)
            body = {"oriAddr": THEIRS, "destAddr": OURS}
            assert (await c.post(headers["Location"], body))[0] == 403
            assert (await listed(c, c.uri))[0] == 403  # b.example by the token of c.example
            assert (await raw.post(EVENT + "topiclist-subscriptions", body, token=""))[0] == 400
            assert (await raw.post(headers["Location"], body, token=""))[0] == 403
            for who in (OURS, {"addrType": "UE", "addr": A}, {"addrType": "AS", "addr": "as:x@c.example"}):
                for path in (SUBSCRIBE, UNSUBSCRIBE):
                    status, problem, _ = await raw.post(path, {"oriAddr": who, "msgTopics": ["t"]})
                    assert status == 403, (who, problem)

    run(main())


def test_what_another_server_is_subscribed_to_goes_to_it_once_and_what_it_sends_to_nobody_else():
    async def main():
        async with (
            gateway() as g,
            Ue(g, A) as a,
            Ue(g, A2) as a2,
            RawServer(g) as raw,
            RawServer(g, "c.example") as c,
        ):
            await a.register()
            await a2.register()
            await subscribe(a2, "alerts")
            c_addr = {"addrType": "SERVER", "addr": "c.example"}
            for server, who in ((raw, THEIRS), (c, c_addr)):
                status, ack, _ = await server.post(SUBSCRIBE, {"oriAddr": who, "msgTopics": ["alerts"]})
                assert (status, ack["subStat"]) == (200, "SUBSCRIBED") and ack["exprTime"]
            sent = await a.send("alerts", "fire", "TOPIC")
            for server in (raw, c):
                path, body, _ = await server.next()
                assert (path, body["msgId"]) == (DELIVERY + "ue-message", sent)
                assert body["destAddr"] == {"addrType": "TOPIC", "addr": "alerts"}
            assert (await a2.next("MSG"))["msgId"] == sent
            theirs = raw.message(B, "alerts", "theirs", "TOPIC")
            for _ in range(2):
                assert (await raw.post(DELIVERY + "ue-message", theirs))[0] == 200
            assert (await a2.next("MSG"))["msgId"] == theirs["msgId"]
            assert (await raw.post(UNSUBSCRIBE, {"oriAddr": THEIRS, "msgTopics": ["alerts"]}))[0] == 204
            sent = await a.send("alerts", "again", "TOPIC")
            assert (await c.next())[1]["msgId"] == sent
            assert (await a2.next("MSG"))["msgId"] == sent
            assert raw.inbox.empty() and c.inbox.empty()

    run(main())


@pytest.mark.parametrize(
    "change, member",
    [
        ({"notificationURI": None}, "notificationURI"),
        ({"notificationURI": "ftp://x"}, "notificationURI"),
        ({"oriAddr": None}, "oriAddr"),
        ({"oriAddr": "b.example"}, "oriAddr"),
        ({"destAddr": {}}, "destAddr.addrType"),
        ({"exprTime": "soon"}, "exprTime"),
    ],
)
def test_a_subscription_to_the_list_that_is_none_is_told_which_member(change, member):
    async def main():
        async with gateway() as g, RawServer(g) as raw:
            status, problem, _ = await listed(raw, raw.uri, **change)
            assert status == 400 and problem["invalidParams"][0]["param"] == member

    run(main())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"msgTopics": []},
        {"msgTopics": ["x"]},
        {"msgTopics": [{"msgTopic": "x"}]},
        {"msgTopics": [{"updateStat": "CREATED"}]},
    ],
)
def test_a_notification_that_is_none_is_refused(body):
    async def main():
        async with gateway() as g, RawServer(g, topics="once") as raw:
            raw.answer = answering([])
            g._pump_soon()
            uri = (await raw.next())[1]["notificationURI"]
            assert (await raw.post(uri, body))[0] == 400
            assert (await raw.post(uri[:-1], {"msgTopics": [{"msgTopic": "x", "updateStat": "CREATED"}]}))[
                0
            ] == 404

    run(main())
