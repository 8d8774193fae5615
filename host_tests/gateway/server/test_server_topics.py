# SPDX-License-Identifier: MIT
"""Messaging topics at the server (TS 24.538 clauses 6.4.1.2.6 and 6.6): its decisions with a clock that the test moves,
then the observation of a UE that is played by aiocoap."""

import asyncio
import contextlib
import json

import aiocoap
import pytest

from host_tests.gateway.scripted import ApplicationServer, Ue, gateway, run
from host_tests.gateway.server.test_decisions import HERE, THERE, Bench, msg
from tools.programs.patience import patience
from tools.store.keys.sectables import Keys
from tools.store.store import Store
from tools.transport.keys.contexts import StoreContext
from tools.wire.identity import Peer

A, B, C = "ue:a", "ue:b", "ue:c"
ELSEWHERE = Peer("192.0.2.3", 40000)
ALERTS = {"destAddrType": "TOPIC", "addr": "alerts"}


def body(ue, **members):
    return json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": ue}} | members).encode()


class TopicBench(Bench):
    """A at HERE, B at THERE, C at ELSEWHERE are registered."""

    def __init__(self, **settings):
        super().__init__(**settings)
        for ue, peer in ((A, HERE), (B, THERE), (C, ELSEWHERE)):
            self.register(ue, peer)

    def get(self, ue, peer, topic="alerts", observe=0, octets=None, **members):
        octets = body(ue, **members) if octets is None else octets
        return self.server.topic(peer, topic, observe, 50, octets, self.now)

    def subscribe(self, ue, peer, topic="alerts", **members):
        answer = self.get(ue, peer, topic, **members)
        assert (answer.code, answer.body["subStatus"]) == ("2.05", True)
        return answer

    def bodies(self):
        """What is to be sent now, by UE; each is answered with 2.04."""
        found = {}
        for push in self.work():
            self.outcome(push)
            found[push.target.id] = push.body
        return found


def test_the_answer_says_until_when():
    bench = TopicBench()  # 1,000,000 s after 1970-01-01 is 1970-01-12 13:46:40 UTC
    answer = bench.get(A, HERE)
    assert (answer.code, answer.max_age) == ("2.05", 3600)
    assert answer.body == {"subStatus": True, "expireTime": "1970-01-12T14:46:40Z"}
    assert bench.get(A, HERE, expireTime=60).max_age == 60
    assert bench.get(A, HERE, expireTime="1970-01-12T13:48:20Z").max_age == 100
    assert bench.get(A, HERE, expireTime="1970-01-13T13:48:20Z").max_age == 3600


def test_each_subscriber_but_the_originator():
    bench = TopicBench()
    bench.subscribe(A, HERE)
    bench.subscribe(B, THERE)
    bench.subscribe(C, ELSEWHERE, "weather")
    sent = msg(A, "alerts", "fire", "TOPIC", isDelivStatReq=True)
    assert bench.code(HERE, sent) == "2.04"
    assert bench.code(HERE, sent) == "2.04"  # a repeat
    found = bench.bodies()
    assert list(found) == [B]
    assert found[B]["destAddr"] == {"destAddrType": "UE", "addr": B}
    assert found[B]["oriDestAddr"] == ALERTS
    assert (found[B]["msgId"], found[B]["payload"], found[B]["isDelivStatReq"]) == (
        sent["msgId"],
        "fire",
        True,
    )
    assert found[B]["oriAddr"] == {"oriAddrType": "UE", "addr": A}
    assert bench.bodies() == {}


def test_a_topic_of_nobody_else():
    bench = TopicBench()
    bench.subscribe(A, HERE)
    assert bench.code(HERE, msg(A, "alerts", to_type="TOPIC")) == "2.04"
    response = bench.take()
    assert (response["msgType"], response["DelSta"]) == ("MSGRESP", "failure")
    assert response["Cause"] == "nobody else is subscribed to this topic"


def test_what_becomes_of_one_copy_the_originator_does_not_hear():
    bench = TopicBench()
    bench.subscribe(B, THERE)
    bench.subscribe(C, ELSEWHERE)
    bench.code(HERE, msg(A, "alerts", to_type="TOPIC"))
    for push in bench.work():
        bench.outcome(push, "4.00" if push.target.id == B else "2.04")
    assert bench.work() == []
    assert len(bench.events("failed")) == len(bench.events("delivered")) == 1


@pytest.mark.parametrize("store_forward", [False, True])
def test_a_subscriber_that_is_away(store_forward):
    bench = TopicBench()
    bench.subscribe(B, THERE)
    bench.subscribe(C, ELSEWHERE)
    bench.ask(
        THERE,
        {"msgIden": "urn:3gpp:msgin5g", "msgType": "DEREG", "oriAddr": {"oriAddrType": "UE", "addr": B}},
    )
    bench.code(HERE, msg(A, "alerts", to_type="TOPIC", sfFlag=store_forward))
    assert list(bench.bodies()) == [C]
    bench.register(B, THERE)
    assert list(bench.bodies()) == ([B] if store_forward else [])


def test_the_end_takes_what_waits_along():
    bench = TopicBench()
    for topic in ("alerts", "weather"):
        bench.subscribe(B, THERE, topic)
        bench.code(HERE, msg(A, topic, topic, "TOPIC"))
    answer = bench.get(B, THERE, observe=1)
    assert (answer.code, answer.body) == ("2.05", {"subStatus": False})
    assert bench.bodies()[B]["payload"] == "weather"
    bench.code(HERE, msg(A, "alerts", to_type="TOPIC"))
    assert B not in bench.bodies()


def test_over_when_its_time_is_over():
    bench = TopicBench()
    bench.subscribe(B, THERE, expireTime=100)
    bench.now += 99
    bench.code(HERE, msg(A, "alerts", to_type="TOPIC"))
    assert B in bench.bodies()
    bench.now += 1
    bench.code(HERE, msg(A, "alerts", to_type="TOPIC"))
    assert B not in bench.bodies()


def test_a_restart_forgets_none():
    bench = TopicBench()
    bench.subscribe(B, THERE)
    bench.restart()
    bench.code(HERE, msg(A, "alerts", to_type="TOPIC"))
    assert B in bench.bodies()


def test_a_large_one_is_cut_for_each():
    bench = TopicBench()
    bench.register(B, THERE, cliProfile={"maxSegSize": 20})
    bench.subscribe(B, THERE)
    bench.subscribe(C, ELSEWHERE)
    bench.code(HERE, msg(A, "alerts", "0123456789" * 3, "TOPIC"))
    found = bench.bodies()
    assert found[C]["payload"] == "0123456789" * 3
    assert found[B]["segParams"]["totalSegCount"] == 2
    assert found[B]["oriDestAddr"] == bench.bodies()[B]["oriDestAddr"] == ALERTS


def test_an_aggregate_that_is_split_stays_the_topics():
    bench = TopicBench()
    bench.register(B, THERE, cliProfile={"maxSegSize": 60})
    bench.subscribe(B, THERE)
    elements = [{"msgId": msg(A, B)["msgId"], "payload": text} for text in ("one", "two")]
    sent = msg(A, "alerts", None, "TOPIC", msgList=elements, totalMsgCount=2)
    del sent["payload"]
    assert bench.code(HERE, sent) == "2.04"
    got = [bench.bodies()[B], bench.bodies()[B]]
    assert [(each["payload"], each["oriDestAddr"]) for each in got] == [("one", ALERTS), ("two", ALERTS)]


def test_without_observe_it_is_a_question():
    bench = TopicBench()
    nothing = bench.get(B, THERE, observe=None)
    assert (nothing.code, nothing.body, nothing.max_age) == ("2.05", {"subStatus": False}, 0)
    granted = bench.subscribe(B, THERE, expireTime=100)
    bench.now += 40
    for observe in (None, 2, 7):
        answer = bench.get(B, THERE, observe=observe)
        assert (answer.code, answer.body, answer.max_age) == ("2.05", granted.body, 60)
    bench.code(HERE, msg(A, "alerts", "fire", "TOPIC"))
    assert bench.bodies()[B]["payload"] == "fire"
    bench.now += 60
    assert bench.get(B, THERE, observe=None).body == {"subStatus": False}


def test_refused():
    bench = TopicBench()
    assert bench.get("ue:x", Peer("192.0.2.9", 1)).code == "4.01"
    assert bench.get(B, HERE).code == "4.03"
    for octets in (b"", b"[]", b"{}", b'{"oriAddr":{"oriAddrType":"AS","addr":"as:x"}}'):
        assert bench.get(A, HERE, octets=octets).code == "4.00"
    for topic in ("", "a\n", "x" * 256):
        assert bench.get(A, HERE, topic).code == "4.00"
    assert bench.get(A, HERE, expireTime="yesterday").code == "4.00"
    assert bench.get(A, HERE, expireTime="1970-01-01T00:00:00Z").code == "4.00"
    assert bench.server.topic(HERE, "alerts", 0, 0, body(A), bench.now).code == "4.15"
    for number in range(64):
        bench.subscribe(A, HERE, "t%d" % number)
    assert bench.get(A, HERE, "t64").body == {"subStatus": False, "cause": "more than 64 topics"}
    bench.subscribe(A, HERE, "t63")


@pytest.mark.parametrize("inner", [None, 0, 1])
@pytest.mark.parametrize("outer", [None, 0, 1])
def test_the_inner_observe_counts(inner, outer):
    """RFC 8613 section 4.1.3.5: the outer one can be changed by anybody; without it nothing is observed, and that is
    all that it can do."""
    keys = Keys(b"\x01", b"", bytes(16))
    device = Keys(b"", b"\x01", bytes(16))
    contexts = []
    for side in (keys, device):
        store = Store(":memory:")
        store.bind_keys(A, side)
        contexts.append(StoreContext(store, side))
    message = aiocoap.Message(code=aiocoap.GET, uri_path=("msgin5g", "alerts"), observe=inner)
    message.direction = aiocoap.message.Direction.OUTGOING
    protected, _ = contexts[1].protect(message)
    protected.opt.observe = outer
    protected.direction = aiocoap.message.Direction.INCOMING
    plain, _ = contexts[0].unprotect(protected)
    assert plain.opt.observe == (None if inner == 0 and outer != 0 else inner)
    assert plain.opt.uri_path == ("msgin5g", "alerts")


# ---- on the wire -----------------------------------------------------------------------------------------------------


class Observer(Ue):
    """A UE that observes topics. What it is notified of is in `notified`, what it is sent in `inbox`."""

    def __init__(self, gateway, name):
        super().__init__(gateway, name)
        self.notified = asyncio.Queue()
        self.requests = []  # aiocoap drops the observation of one that nobody holds

    async def observe(self, topic="alerts", observe=0):
        """(code, body) of the first response."""
        message = aiocoap.Message(code=aiocoap.GET, payload=body(self.name), observe=observe)
        message.set_request_uri("coap://127.0.0.1:%d/msgin5g/%s" % (self.gateway.coap_port, topic))
        message.opt.content_format = 50
        request = self._context.request(message)
        self.requests.append(request)
        response = await request.response
        if observe == 0:
            self._reader = asyncio.create_task(self._read(request.observation))
            await asyncio.sleep(0)  # it reads
        return response.code.dotted, json.loads(response.payload)

    async def _read(self, observation):
        with contextlib.suppress(aiocoap.error.Error):  # its end
            async for notification in observation:
                self.notified.put_nowait(json.loads(notification.payload))


def test_an_observation_ends_with_the_time_granted():
    """Also that of a UE that is never heard again, and of a topic that nobody sends to."""

    async def main():
        async with gateway(lifetime=1) as g, Observer(g, B) as b:
            await b.register()
            code, answer = await b.observe()
            assert (code, answer["subStatus"]) == ("2.05", True)
            observers = g.coap._observers._observers
            assert len(observers) == 1
            async with patience(20):
                while observers:
                    await asyncio.sleep(0.05)

    run(main())


def test_a_notification_is_the_message():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Observer(g, B) as b:
            await a.register()
            await b.register()
            code, answer = await b.observe()
            assert (code, answer["subStatus"]) == ("2.05", True)
            ids = [await a.send("alerts", "fire %d" % number, "TOPIC") for number in range(3)]
            async with patience(20):
                got = [await b.notified.get() for _ in ids]
            assert [each["msgId"] for each in got] == ids  # one at a time: none takes the place of another
            await g.journal.wait("delivered", 3, to=B, answer="2.05 notified")
            assert b.inbox.empty()

    run(main())


def test_who_forgot_the_observation_gets_it_by_post():
    # aiocoap acknowledges one more, and answers the next with Reset
    async def main():
        async with gateway() as g, Ue(g, A) as a, Observer(g, B) as b:
            await a.register()
            await b.register()
            await b.observe()
            b.requests[0].observation.cancel()
            await a.send("alerts", "smoke", "TOPIC")
            message_id = await a.send("alerts", "fire", "TOPIC")
            assert (await b.next("MSG"))["msgId"] == message_id
            await g.journal.wait("delivered", to=B, answer="2.04")

    run(main())


def test_observing_anew_takes_the_place_of_what_was():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Observer(g, B) as b:
            await a.register()
            await b.register()
            await b.observe()
            await b.observe()  # as after a reboot: another token
            await a.send("alerts", "fire", "TOPIC")
            async with patience(20):
                await b.notified.get()
            await g.journal.wait("delivered", to=B, answer="2.05 notified")
            assert b.notified.empty()
            assert (await b.observe(observe=1))[1] == {"subStatus": False}
            await a.send("alerts", "fire", "TOPIC")
            assert (await a.next("MSGRESP"))["Cause"] == "nobody else is subscribed to this topic"

    run(main())


def test_a_question_ends_no_observation():
    async def main():
        async with gateway() as g, Ue(g, A) as a, Observer(g, B) as b:
            await a.register()
            await b.register()
            await b.observe()
            assert (await b.observe(observe=None))[1]["subStatus"] is True
            await a.send("alerts", "fire", "TOPIC")
            async with patience(20):
                assert (await b.notified.get())["payload"] == "fire"

    run(main())


def test_other_paths_and_methods():
    async def main():
        async with gateway() as g, Observer(g, B) as b:
            await b.register()
            assert (await b.post(b"{}", path="msgin5g/alerts")).code.dotted == "4.05"
            assert (await b.post(b"{}", path="msgin5g/a/b", code=aiocoap.GET)).code.dotted == "4.04"
            assert (await b.post(b"{}", path="msgin5g/alerts", code=aiocoap.GET)).code.dotted == "4.00"

    run(main())


def test_an_application_server_sends_to_a_topic():
    async def main():
        async with gateway() as g, Observer(g, B) as b, ApplicationServer(g) as server:
            await server.register()
            await b.register()
            await b.observe()
            status, ack = await server.deliver(server.message("alerts", "storm", "TOPIC"))
            assert status == 200 and "status" not in ack  # it is on its way
            async with patience(20):
                got = await b.notified.get()
            assert (got["payload"], got["oriDestAddr"]) == ("storm", ALERTS)

    run(main())
