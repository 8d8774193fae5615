# SPDX-License-Identifier: MIT
"""Each status that the OpenAPI document gives a call is reached, with the headers and an example that it says."""

import asyncio
import collections
import contextlib
import json
import sqlite3

import aiohttp
import pytest

from host_tests.gateway.page import described
from host_tests.gateway.page.asked import sent_update
from host_tests.gateway.scripted import SERVICE, gateway, run
from tools.gateway.runtime import Gateway, Options
from tools.page.events import Events
from tools.page.live import STREAMS
from tools.server.settings import Settings
from tools.wire.identity import Peer

WEATHER, OTHER = "as:weather@example.org", "as:other@example.org"
SENSOR, AWAY = "ue:sensor-1@example.org", "ue:sensor-2@example.org"
STATUSES = [
    (path, method, int(status))
    for (path, method), operation in described.operations().items()
    for status in operation["responses"]
]


NETWORK = "T0KEN-of-the-network"  # what it tells of SENSOR is told below this


def watched(g):
    """The network was asked to trigger the UE, and to tell when it can be reached."""
    with g.store.transaction():
        g.store.put_trigger_info(SENSOR, "device-7@example.org", '[[4711, "OTHER"]]')
        g.store.trigger_begins(SENSOR, 0, NETWORK)
        g.store.wish_monitoring(SENSOR, NETWORK, 0)


LISTS = {"subscriptionId": described.LIST_ID, "notificationId": described.LIST_ID}


PAGE = {"name": "page.css", "ue": SENSOR, "from": WEATHER, "msgId": "3c7f9e21-8d40-4fa6-b2c3-d4e5f6071829"}


class Scene:
    """A gateway with a UE that is registered, one that is away, and an Application Server. `ask` sends a request, the
    first example of the document where nothing else is said, and keeps the answer."""

    def __init__(self, g, path, method):
        self.g, self.path, self.method = g, path, method
        body = described.operations()[path, method].get("requestBody", {})
        examples = [example["value"] for example in described.examples(body).values()]
        self.body = examples[0] if examples else None
        self.url = path
        self.headers = {"Content-Type": "application/json"} if examples else {}

    def token(self, id_):
        with self.g.store.transaction():
            return self.g.store.add_token(id_)[0]

    def from_elsewhere(self):
        """For what this machine may read without a token."""
        callers = self.g.http._callers
        callers.caller = lambda request, public, caller=callers.caller: caller(request, False)

    async def ask(self, url=None, data=None, **headers):
        if data is None and self.body is not None:
            data = json.dumps(self.body).encode()
        url = "http://127.0.0.1:%d%s" % (self.g.http_port, url or self.url)
        async with (
            aiohttp.ClientSession(auto_decompress=False) as http,
            http.request(self.method, url, data=data, headers=self.headers | headers) as response,
        ):
            self.status, self.said = response.status, response.headers
            endless = response.content_type == "text/event-stream"
            self.octets = await (response.content.readuntil(b"\n\n") if endless else response.read())


# What makes a call end with a status: a coroutine function of a Scene. More than one: each is tried.


async def as_it_is(scene):
    await scene.ask()


async def no_json(scene):
    await scene.ask(data=b"[]")


async def no_host(scene):
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.g.http_port)
    writer.write(("%s %s HTTP/1.0\r\n\r\n" % (scene.method.upper(), scene.url)).encode())
    await heard(scene, reader)
    writer.close()


async def heard(scene, reader):
    """The answer on this connection."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    scene.status = int(first.split()[1])
    scene.said = dict(line.split(": ", 1) for line in lines if line)
    scene.octets = await reader.readexactly(int(scene.said["Content-Length"]))


async def no_token(scene):
    scene.token(WEATHER)
    scene.headers.pop("Authorization", None)
    scene.g.http._callers.open_to_others = True
    scene.from_elsewhere()
    await scene.ask()


async def unknown_token(scene):
    scene.token(WEATHER)
    scene.from_elsewhere()
    await scene.ask(Authorization="Bearer nobodys")


async def foreign_token(scene):
    token = scene.token(OTHER)
    await scene.ask(Authorization="Bearer " + token)


async def not_registered(scene):
    kind = scene.body["oriAddr"]["addrType"]
    address = {"addrType": kind, "addr": "%s:stranger@example.org" % kind.lower()}
    scene.body = scene.body | {"oriAddr": address}
    await scene.ask()


async def unknown(scene):
    if "{registrationId}" in scene.path:
        scene.url = scene.path.format(registrationId="0" * 16)
    elif "{" in scene.path:
        scene.url = scene.path.format_map(collections.defaultdict(lambda: "0" * 16))
    else:
        scene.body = scene.body | {"to": AWAY}
    await scene.ask()


async def slow(scene):
    scene.g.http._incoming._seconds = 0.05
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.g.http_port)
    head = "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
    writer.write((head % scene.url).encode() + b"Connection: close\r\n\r\n{")
    await heard(scene, reader)
    writer.close()


async def too_large(scene):
    await scene.ask(data=b" " * (scene.g.body_limit + 1))


async def no_json_type(scene):
    await scene.ask(**{"Content-Type": "text/plain"})


async def compressed(scene):
    await scene.ask(**{"Content-Encoding": "gzip"})


async def other_host(scene):
    await scene.ask(Host="evil.example")


async def own_error(scene):
    """An exception of ours, where the call is decided about."""

    def fails(*arguments, **named):
        raise KeyError("injected")

    if scene.method == "get":
        scene.g.http._snapshot = scene.g.http._metrics = scene.g.view.counts = fails
        scene.g.view.devices.page = scene.g.view.devices.one = fails
        scene.g.view.updates.all = scene.g.view.updates.one = fails
        scene.g.view.message = scene.g.view.payload = fails
        scene.url = scene.url.replace(
            "/live", "/live?after=%d" % (scene.g.history.at - 1)
        )  # what came after it is to be said
    else:
        _raises_in_decisions(scene, KeyError("injected"))
    await scene.ask()


def _raises_in_decisions(scene, error):
    server = scene.g.server
    for each in (server, server.application_servers, *server._procedures.values()):
        each._store = Raises(error)


async def store_fails(scene):
    error = sqlite3.OperationalError("disk I/O error")
    if scene.method == "get":
        scene.token(WEATHER)
        scene.g.http._callers._store = Raises(error)
        scene.from_elsewhere()
    else:
        _raises_in_decisions(scene, error)
    await scene.ask()


async def not_modified(scene):
    await scene.ask()
    await scene.ask(**{"If-None-Match": scene.said["ETag"]})


async def other_origin(scene):
    await scene.ask(Origin="http://evil.example")


async def no_origin(scene):
    """What urllib.parse raises ValueError for, and what a frame in a sandbox says."""
    for origin in ("http://[", "null", "http://[::1].x"):
        await scene.ask(Origin=origin)
        assert scene.status == 403, origin


async def other_site(scene):
    await scene.ask(**{"Sec-Fetch-Site": "cross-site"})


async def many_readers(scene):
    live = scene.g.http.pages.live
    for _ in range(STREAMS):
        live.begin(None, lambda: None)
    await scene.ask()


async def many_bodies(scene):
    scene.g.http._incoming._max_octets = 3
    await scene.ask()


async def stopped(scene):
    scene.g.draining.begin()
    await scene.ask()


async def store_takes_nothing(scene):
    scene.g._brake = 1.0
    await scene.ask()


class Raises:
    """A store each method of which raises."""

    def __init__(self, error):
        self._error = error

    def __getattr__(self, name):
        def method(*arguments, **named):
            raise self._error

        return method


WAYS = {
    200: [as_it_is],
    201: [as_it_is],
    202: [as_it_is],
    204: [as_it_is],
    304: [not_modified],
    400: [no_host, no_json],
    401: [no_token, unknown_token],
    403: [foreign_token, not_registered, other_origin, no_origin, other_site],
    404: [unknown],
    408: [slow],
    413: [too_large],
    415: [no_json_type, compressed],
    421: [other_host],
    500: [own_error],
    503: [store_fails, many_bodies, many_readers, stopped, store_takes_nothing],
}


@contextlib.asynccontextmanager
async def scene_of(path, method):
    async with gateway() as g:
        body = {"msgIden": SERVICE, "msgType": "REG", "oriAddr": {"oriAddrType": "UE", "addr": SENSOR}}
        answer = await g._request(Peer("192.0.2.1", 40000), 50, json.dumps(body).encode())
        assert answer.code == "2.04"
        id_, _ = await g._event(g.server.application_servers.register, {"asSvcId": WEATHER})
        watched(g)
        job = sent_update(g)
        scene = Scene(g, path, method)
        scene.url = path.format(registrationId=id_, token=NETWORK, job=job, **LISTS, **PAGE)
        example = described.operations()["/msgs-msgdelivery/v1/deliver-as-message", "post"]["requestBody"]
        await g._event(g.server.application_servers.message, described.examples(example)["failed"]["value"])
        scene.headers |= described.token_of(g, path, scene.body)
        yield scene


def possible(way, path, method, status):
    if status == 503 and (path == "/readyz") != (way in (stopped, store_takes_nothing)):
        return False
    has_body = "requestBody" in described.operations()[path, method]
    if way in (no_json, many_bodies):
        return has_body
    if way is not_registered:
        return "deliver" in path
    if way in (foreign_token, other_origin, no_origin, other_site):
        return (path == "/api/send") == (way is not foreign_token)
    if way is many_readers:
        return path == "/live"
    return way is not no_token or path != "/admin/push"


CASES = [
    (path, method, status, way)
    for path, method, status in STATUSES
    for way in WAYS[status]
    if possible(way, path, method, status)
]


@pytest.mark.parametrize(
    "path, method, status, way", CASES, ids=["%s %s %d %s" % (m, p, s, w.__name__) for p, m, s, w in CASES]
)
def test_each_status_is_reached(path, method, status, way):
    async def main():
        async with scene_of(path, method) as scene:
            await way(scene)
            described.check(path, method, scene.status, scene.said, scene.octets)
            assert scene.status == status, scene.octets
            if status >= 400 and way is not many_bodies:
                told = json.loads(scene.octets)
                assert told in described.problem_examples(status) or way in LONGER

    run(main())


LONGER = {too_large, not_registered, unknown}  # an example has the words of one call


def test_none_is_left_out():
    assert {(path, method, status) for path, method, status, _ in CASES} == set(STATUSES)


@pytest.mark.parametrize(
    "method, path",
    [
        (method, path)
        for path, item in described.DOCUMENT["paths"].items()
        for method in ("get", "put", "post", "delete", "patch", "options", "trace")
        if method not in item
    ],
)
def test_another_method_is_told_those_that_there_are(method, path):
    async def main():
        async with gateway() as g, aiohttp.ClientSession("http://127.0.0.1:%d" % g.http_port) as http:
            url = path.format_map(collections.defaultdict(lambda: "0" * 16))
            async with http.request(method, url) as response:
                described.check(path, method, response.status, response.headers, await response.read())
                assert response.status == 405
                there = described.DOCUMENT["paths"][path]
                allowed = set(response.headers["Allow"].lower().split(","))
                assert allowed == set(there) | ({"head"} if "get" in there else set())

    run(main())


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/status.json/", "/msgs-msgdelivery/v1", "//"] + ["/msgs-asregistration/v1/registrations/"],
)
def test_another_path_is_not_found(path):
    async def main():
        async with gateway() as g, aiohttp.ClientSession() as http:
            for method in ("get", "post", "delete", "put"):
                async with http.request(method, "http://127.0.0.1:%d%s" % (g.http_port, path)) as response:
                    octets = await response.read()
                    described.check(path, method, response.status, response.headers, octets)
                    assert response.status == 404
                    assert json.loads(octets) in described.problem_examples(404)

    run(main())


def test_head_is_get_without_the_body():
    async def main():
        async with gateway() as g, aiohttp.ClientSession("http://127.0.0.1:%d" % g.http_port) as http:
            for path in ("/", "/status.json", "/metrics", "/openapi.json"):
                async with http.get(path) as got, http.head(path) as response:
                    assert response.status == got.status == 200
                    assert response.headers["Content-Type"] == got.headers["Content-Type"]
                    assert await response.read() == b""

    run(main())


LINE = b"GET /status.json HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    "octets, status",
    [
        (b"HELLO\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
        (b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (LINE + HOST + b"X: " + b"a" * 10_000 + b"\r\n\r\n", 400),
        (LINE + HOST + b"X Y: a\r\n\r\n", 400),
        (LINE + HOST + b"Content-Length: -1\r\n\r\n", 400),
        (LINE + HOST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET http://localhost:99999/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (LINE + HOST + b"Expect: tea\r\nConnection: close\r\n\r\n", 417),
        (b"GET /x HTTP/1.1\r\n" + HOST + b"Expect: tea\r\nConnection: close\r\n\r\n", 417),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else str(value),
)
def test_what_aiohttp_refuses_by_itself_is_told_as_all_errors_are(octets, status, caplog):
    async def main():
        async with gateway() as g, aiohttp.ClientSession() as http:
            reader, writer = await asyncio.open_connection("127.0.0.1", g.http_port)
            writer.write(octets)
            scene = Scene(g, "/status.json", "get")
            await heard(scene, reader)
            writer.close()
            assert scene.status == status
            described.check_problem(status, scene.said, scene.octets)
            async with http.get("http://127.0.0.1:%d/status.json" % g.http_port) as response:
                assert response.status == 200  # it goes on
            # Whoever can reach the port could fill the disk with them.
            assert [record.getMessage() for record in caplog.records] == []

    run(main())


@pytest.mark.parametrize("half", [LINE, LINE + HOST])
def test_a_head_that_does_not_come_is_told_as_all_errors_are(half):
    async def main():
        async with gateway() as g:
            g.http.connections.head = 0.05
            reader, writer = await asyncio.open_connection("127.0.0.1", g.http_port)
            writer.write(half)
            scene = Scene(g, "/status.json", "get")
            await heard(scene, reader)
            writer.close()
            assert scene.status == 408
            described.check_problem(408, scene.said, scene.octets)

    run(main())


def test_too_many_application_servers_are_told_when_to_come_again():
    async def main():
        options = Options(
            Settings(application_servers=1), ("127.0.0.1", 0), ("127.0.0.1", 0), ":memory:", admin=True
        )
        async with Gateway(options, Events()) as g:
            path = "/msgs-asregistration/v1/registrations"
            for name, status in ((WEATHER, 201), (OTHER, 503), (WEATHER, 201)):
                scene = Scene(g, path, "post")
                scene.body = {"asSvcId": name}
                await scene.ask()
                described.check(path, "post", scene.status, scene.said, scene.octets)
                assert scene.status == status
                assert ("Retry-After" in scene.said) == (status == 503)

    run(main())
