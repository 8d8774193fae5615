# SPDX-License-Identifier: MIT
"""TS 29.538 clause 5.4, MSGS_TopiclistEvent, at the MSGin5G Server: Application Servers are aiohttp and UEs aiocoap,
with bodies written here."""

import asyncio
import contextlib
import json

import aiohttp
import pytest
from aiohttp import web

from host_tests.conformance.raw import LONG, Peer
from host_tests.conformance.server.registering import GW, A, msg, own, provisioned
from host_tests.gateway.scripted import Journal
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.page.events import Events
from tools.programs.patience import patience, run
from tools.server.settings import Settings

MODULES = (
    "tools/server/procedures/topics.py",
    "tools/store/server/topictables.py",
    "tools/wire/restreading.py",
)

WEATHER, OTHER = "as:weather@example.org", "as:other@example.org"
ID = "0b5b5f38-3c0a-4dd7-8a44-1d2f3a4b5c6d"
EVENT = "/msgs-topiclistevent/v1/request-topic-"


class Raw:
    """An Application Server by aiohttp: `inbox` holds what was posted to it."""

    def __init__(self, port, name):
        self.port, self.name, self.inbox = port, name, asyncio.Queue()

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/in", self._in)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.http = aiohttp.ClientSession("http://127.0.0.1:%d" % self.port)
        return self

    async def __aexit__(self, *exception):
        await self.http.close()
        await self._runner.cleanup()

    async def _in(self, request):
        self.inbox.put_nowait(await request.json())
        return web.Response(status=204)

    async def register(self):
        target = "http://127.0.0.1:%d/in" % self._runner.addresses[0][1]
        status, _, headers = await self.post(
            "/msgs-asregistration/v1/registrations", {"asSvcId": self.name, "targetUri": target}
        )
        assert status == 201
        return headers["Location"]

    async def post(self, path, body):
        async with self.http.post(path, json=body) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None, response.headers

    async def topics(self, verb, topics, kind="AS", **members):
        body = {"oriAddr": {"addrType": kind, "addr": self.name}, "msgTopics": topics} | members
        return (await self.post(EVENT + verb, body))[:2]

    async def subscribe(self, *topics, **members):
        return await self.topics("subscription", list(topics), **members)

    async def unsubscribe(self, *topics):
        return await self.topics("unsubscription", list(topics))

    async def send(self, topic, payload="storm", **members):
        body = {
            "oriAddr": {"addrType": "AS", "addr": self.name},
            "destAddr": {"addrType": "TOPIC", "addr": topic},
            "msgId": ID,
            "stoAndFwInd": False,
            "payload": payload,
        }
        return (await self.post("/msgs-msgdelivery/v1/deliver-as-message", body | members))[1]

    async def next(self):
        async with patience(LONG):
            return await self.inbox.get()


@contextlib.asynccontextmanager
async def scene(folder, **settings):
    """(events, the UE that is a gateway, another one, two Application Servers): the first is registered."""
    path, _ = provisioned(folder, "none")
    events = Events()
    options = Options(
        Settings(retry_min=0.05, retry_max=0.2, **settings),
        ("127.0.0.1", 0),
        ("127.0.0.1", 0),
        path,
        ack_timeout=0.2,
        security="none",
    )
    async with ServerProgram(options, events) as server, Peer(server.coap_port) as one:
        async with (
            Peer(server.coap_port) as other,
            Raw(server.http_port, WEATHER) as weather,
            Raw(server.http_port, OTHER) as another,
        ):
            for peer, ue in ((one, GW), (other, A)):
                assert json.loads((await peer.ask(own("REG", ue))).payload)["result"] is True
            location = await weather.register()
            yield Journal(events), one, other, weather, another, location


def test_an_application_server_gets_what_is_sent_to_its_topics_with_the_topic_as_destination(tmp_path):
    async def talk():
        async with scene(tmp_path) as (_, one, _, weather, *_):
            assert await weather.subscribe("alerts", "news") == (200, {"subStat": "SUBSCRIBED"})
            assert await one.code_of(msg(GW, "alerts", 1, "TOPIC", isDelivStatReq=True)) == "2.04"
            assert await weather.next() == {
                "oriAddr": {"addrType": "UE", "addr": GW},
                "destAddr": {"addrType": "TOPIC", "addr": "alerts"},
                "msgId": msg(GW, "alerts", 1)["msgId"],
                "stoAndFwInd": False,
                "delivStReqInd": True,
                "payload": "21.5",
            }
            assert await one.code_of(msg(GW, "news", 2, "TOPIC")) == "2.04"
            assert (await weather.next())["destAddr"]["addr"] == "news"

    run(talk())


def test_its_report_goes_to_the_originator(tmp_path):
    async def talk():
        async with scene(tmp_path) as (_, one, _, weather, *_):
            await weather.subscribe("alerts")
            await one.ask(msg(GW, "alerts", 1, "TOPIC", isDelivStatReq=True))
            got = await weather.next()
            report = {
                "oriAddr": {"addrType": "AS", "addr": WEATHER},
                "destAddr": got["oriAddr"],
                "msgId": got["msgId"],
                "delivSt": "REPT_DELY_SUCCESS",
            }
            assert (await weather.post("/msgs-msgdelivery/v1/deliver-report", report))[0] == 200
            told = await one.next()
            assert (told["msgType"], told["DelSta"], told["oriAddr"]["addr"]) == ("IMDN", "success", WEATHER)

    run(talk())


def test_what_it_sends_itself_does_not_come_back_to_it_but_goes_to_all_others(tmp_path):
    """UEs and Application Servers are subscribers alike (TS 23.554 clause 8.8.1)."""

    async def talk():
        async with scene(tmp_path) as (_, one, _, weather, other, _):
            await other.register()
            await weather.subscribe("alerts")
            await other.subscribe("alerts")
            body = json.dumps({"oriAddr": {"oriAddrType": "UE", "addr": GW}}).encode()
            async with one.observing(("msgin5g", "alerts"), payload=body, content_format=50) as (_, told):
                assert "status" not in await weather.send("alerts")
                assert (await other.next())["oriAddr"] == {"addrType": "AS", "addr": WEATHER}
                async with patience(LONG):
                    assert json.loads((await told.get()).payload)["payload"] == "storm"
                assert weather.inbox.empty()

    run(talk())


def test_an_expiration_time_ends_it_and_none_lasts_as_long_as_the_registration(tmp_path):
    async def talk():
        async with scene(tmp_path) as (journal, one, _, weather, *_):
            until = {"exprTime": "2100-01-01T00:00:00Z"}
            assert await weather.subscribe("alerts", **until) == (200, {"subStat": "SUBSCRIBED"} | until)
            status, problem = await weather.subscribe("alerts", exprTime="2001-01-01T00:00:00Z")
            assert status == 403 and "exprTime" in problem["detail"]
            assert await one.code_of(msg(GW, "alerts", 1, "TOPIC")) == "2.04"
            assert (await weather.next())["payload"] == "21.5"  # refused, it changed nothing

    run(talk())


def test_it_unsubscribes(tmp_path):
    async def talk():
        async with scene(tmp_path) as (_, one, _, weather, *_):
            await weather.subscribe("alerts", "news")
            assert await weather.unsubscribe("alerts", "never") == (204, None)
            await one.ask(msg(GW, "alerts", 1, "TOPIC"))
            assert (await one.next())["Cause"] == "nobody else is subscribed to this topic"
            await one.ask(msg(GW, "news", 2, "TOPIC"))
            assert (await weather.next())["destAddr"]["addr"] == "news"

    run(talk())


def test_the_end_of_its_registration_ends_its_subscriptions(tmp_path):
    async def talk():
        async with scene(tmp_path) as (_, one, _, weather, _, location):
            await weather.subscribe("alerts")
            location = await weather.register()  # again: another target, the same registration
            await one.ask(msg(GW, "alerts", 1, "TOPIC"))
            await weather.next()
            async with weather.http.delete(
                location.partition("/msgs")[1] + location.partition("/msgs")[2]
            ) as gone:
                assert gone.status == 204
            await weather.register()
            await one.ask(msg(GW, "alerts", 2, "TOPIC"))
            assert (await one.next())["Cause"] == "nobody else is subscribed to this topic"

    run(talk())


def test_who_is_not_registered_or_another_subscribes_nobody(tmp_path):
    async def talk():
        async with scene(tmp_path) as (_, _, _, weather, other, _):
            for call in (other.subscribe, other.unsubscribe):
                status, problem = await call("alerts")
                assert status == 403 and "is not registered" in problem["detail"]

    run(talk())


def test_the_topics_of_one_are_bounded_and_all_are_taken_or_none(tmp_path):
    async def talk():
        async with scene(tmp_path) as (_, one, _, weather, *_):
            assert (await weather.subscribe(*["t%d" % n for n in range(63)]))[0] == 200
            status, problem = await weather.subscribe("x", "y")
            assert status == 403 and "64 topics" in problem["detail"]
            await one.ask(msg(GW, "x", 1, "TOPIC"))
            assert (await one.next())["Cause"] == "nobody else is subscribed to this topic"
            assert (await weather.subscribe("x", "t0", "t1"))[0] == 200

    run(talk())


@pytest.mark.parametrize(
    "change, member",
    [
        ({"oriAddr": None}, "oriAddr"),
        ({"oriAddr": {"addrType": "GROUP", "addr": WEATHER}}, "oriAddr.addrType"),
        ({"msgTopics": None}, "msgTopics"),
        ({"msgTopics": []}, "msgTopics"),
        ({"msgTopics": "alerts"}, "msgTopics"),
        ({"msgTopics": ["a", 1]}, "msgTopics"),
        ({"msgTopics": ["a", ""]}, "msgTopics"),
        ({"msgTopics": ["\u0007"]}, "msgTopics"),
        ({"msgTopics": ["x" * 256]}, "msgTopics"),
        ({"exprTime": "soon"}, "exprTime"),
        ({"exprTime": 60}, "exprTime"),
    ],
)
def test_a_body_that_is_none_is_told_which_member(tmp_path, change, member):
    async def talk():
        async with scene(tmp_path) as (_, _, _, weather, *_):
            body = {"oriAddr": {"addrType": "AS", "addr": WEATHER}, "msgTopics": ["alerts"]} | change
            status, problem, _ = await weather.post(EVENT + "subscription", body)
            assert status == 400
            assert problem["invalidParams"][0]["param"] == member

    run(talk())
