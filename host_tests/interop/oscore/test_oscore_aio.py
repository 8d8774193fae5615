# SPDX-License-Identifier: MIT
"""OSCORE in asyncio (`coap.aio`) with aiocoap at the other end: several keys at once and plain peers beside them,
observation, and bodies of 64 KiB, as client and as server.

The list that test_oscore_aiocoap.py follows has a second numbering, 0 to 17, of aiocoap's own plugtest: GET by a second
context is its number 2, and an observation is its numbers 6 and 7; what is behind them is the same, two higher. Those
three are here, by the names of that numbering.
"""

import asyncio
import contextlib
import json

import aiocoap
import aiocoap.oscore
from aiocoap import resource

import coap
from coap.aio import Context as Network
from coap.aio import Failure, Site
from coap.oscore import Context, Keyring, MemoryStorage, Security

from ..on_udp import HOST, aiocoap_client, free_port, run
from .test_oscore_aiocoap import protected_server

SECRETS = {b"\x01": bytes(range(1, 17)), b"\x02": bytes(range(16, 0, -1))}
LARGE = bytes(range(256)) * 256


def ours(id, server=True):
    ids = (b"", id) if server else (id, b"")
    return Context(SECRETS[id], *ids, MemoryStorage())


def theirs(folder, id, server=False):
    """aiocoap's context in a folder."""
    folder = folder / f"{id.hex()}{server}"
    folder.mkdir()
    sender, recipient = ("", id.hex()) if server else (id.hex(), "")
    text = {"sender-id_hex": sender, "recipient-id_hex": recipient, "secret_hex": SECRETS[id].hex()}
    (folder / "settings.json").write_text(json.dumps(text))
    return aiocoap.oscore.FilesystemSecurityContext(str(folder))


class Served:
    """A site that knows who asks."""

    def __init__(self):
        self.site = Site()
        self.contexts = [ours(id) for id in SECRETS]
        self.ring = Keyring(self.contexts, plain=("/who",))
        self.values = [b"one"]
        self.bodies = []

        @self.site.get("/who")
        def who(request):
            return "nobody" if request.context is None else str(self.contexts.index(request.context))

        @self.site.get("/first")
        def first(request):
            if request.context is not self.contexts[0]:
                raise Failure(coap.FORBIDDEN)
            return "for the first"

        @self.site.get("/value", observe=True)
        def value(request):
            return self.values[-1]

        @self.site.get("/large")
        def large(request):
            return LARGE

        @self.site.put("/large")
        async def put(request):
            self.bodies.append(bytes(request.payload))
            return coap.CHANGED

    @contextlib.asynccontextmanager
    async def running(self):
        port = free_port()
        endpoint = coap.Endpoint(security=self.ring, max_body=1 << 17)
        async with Network(site=self.site, host=HOST, port=port, endpoint=endpoint):
            yield f"coap://{HOST}:{port}"


@contextlib.asynccontextmanager
async def asking(context=None):
    """A client of aiocoap, by this context or in the clear."""
    async with aiocoap_client("oscore", "udp6") as client:
        if context:
            client.client_credentials["coap://*"] = context
        try:
            yield client
        finally:
            client.client_credentials.clear()


async def get(client, uri, code=aiocoap.GET, payload=b""):
    response = await client.request(aiocoap.Message(code=code, uri=uri, payload=payload)).response
    return response.code.dotted, response.payload


def test_0_1_2_and_17_server(tmp_path):
    """In the clear, by one context, by another, and in the clear what may not be."""
    served = Served()

    async def talk():
        found = []
        async with served.running() as uri:
            for context in (None, theirs(tmp_path, b"\x01"), theirs(tmp_path, b"\x02")):
                async with asking(context) as client:
                    found.append([await get(client, uri + path) for path in ("/who", "/first")])
        return found

    assert run(talk()) == [
        [("2.05", b"nobody"), ("4.01", b"")],
        [("2.05", b"0"), ("2.05", b"for the first")],
        [("2.05", b"1"), ("4.03", b"")],
    ]


def test_6_and_7_server(tmp_path):
    """An observation, which goes on for whom another has ended."""
    served = Served()

    async def talk():
        async with (
            served.running() as uri,
            asking(theirs(tmp_path, b"\x01")) as first,
            asking(theirs(tmp_path, b"\x02")) as second,
        ):
            requests = [
                client.request(aiocoap.Message(code=aiocoap.GET, uri=uri + "/value", observe=0))
                for client in (first, second)
            ]
            for request in requests:
                assert (await request.response).payload == b"one"
            changes = [aiter(request.observation) for request in requests]
            for text in (b"two", b"three"):
                served.values.append(text)
                assert served.site.changed("/value") == 2
                for each in changes:
                    assert (await anext(each)).payload == text
            requests[0].observation.cancel()
            served.values.append(b"four")
            served.site.changed("/value")
            assert (await anext(changes[1])).payload == b"four"
            requests[1].observation.cancel()

    run(talk())


def test_a_large_body_server(tmp_path):
    served = Served()

    async def talk():
        async with served.running() as uri, asking(theirs(tmp_path, b"\x02")) as client:
            assert await get(client, uri + "/large", aiocoap.PUT, LARGE) == ("2.04", b"")
            assert await get(client, uri + "/large") == ("2.05", LARGE)

    run(talk())
    assert served.bodies == [LARGE]


class Counter(resource.ObservableResource):
    def __init__(self):
        super().__init__()
        self.value = 0

    async def render_get(self, request):
        return aiocoap.Message(payload=b"%d" % self.value)

    def count(self):
        self.value += 1
        self.updated_state()


class Body(resource.Resource):
    def __init__(self):
        super().__init__()
        self.body = LARGE

    async def render_get(self, request):
        return aiocoap.Message(payload=self.body)

    async def render_put(self, request):
        self.body = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED)


def test_1_2_6_and_7_client(tmp_path):
    """Two servers of aiocoap, each by its key, from one socket; and an observation of one of them."""
    counter = Counter()

    async def talk():
        keys = {id: ours(id, False) for id in SECRETS}
        async with (
            protected_server(theirs(tmp_path, b"\x01", True), counter) as one,
            protected_server(theirs(tmp_path, b"\x02", True), Body()) as other,
        ):
            ring = Keyring(list(keys.values()), {(HOST, one): keys[b"\x01"], (HOST, other): keys[b"\x02"]})
            async with Network(endpoint=coap.Endpoint(security=ring, max_body=1 << 17)) as network:
                body = await network.get(f"coap://{HOST}:{other}/oscore/hello")
                assert bytes(body.payload) == LARGE
                seen = []
                async with network.observe(f"coap://{HOST}:{one}/oscore/hello") as changes:
                    async for change in changes:
                        seen.append(bytes(change.payload))
                        if seen[-1] == b"3":
                            break
                        counter.count()
                assert seen == [b"0", b"1", b"2", b"3"]

    run(talk())


def test_a_large_body_client(tmp_path):
    body = Body()
    body.body = b""

    async def talk():
        async with protected_server(theirs(tmp_path, b"\x01", True), body) as port:
            uri = f"coap://{HOST}:{port}/oscore/hello"
            security = Security(ours(b"\x01", False))
            async with Network(endpoint=coap.Endpoint(security=security, max_body=1 << 17)) as network:
                assert (await network.put(uri, LARGE)).code == coap.CHANGED
                assert bytes((await network.get(uri)).payload) == LARGE

    run(talk())
    assert body.body == LARGE


def test_a_server_that_is_wrong_or_gone(tmp_path):
    """Unverified, and nothing else, for who asks with another key."""

    async def talk():
        async with protected_server(theirs(tmp_path, b"\x01", True), Body()) as port:
            wrong = Context(SECRETS[b"\x02"], b"\x01", b"", MemoryStorage())
            endpoint = coap.Endpoint(
                coap.Parameters(ack_timeout=200, ack_random_factor=1), security=Security(wrong)
            )
            async with Network(endpoint=endpoint) as network:
                try:
                    await network.get(f"coap://{HOST}:{port}/oscore/hello")
                except Exception as error:
                    return type(error).__name__, str(error)

    name, why = run(talk())
    assert name == "Unverified"
    assert "4.00" in why and "another key" in why


def test_contexts_are_not_waited_for():
    """A request without a key is refused at once: nothing was sent."""

    async def talk():
        ring = Keyring([ours(b"\x01", False)], {})
        async with Network(security=ring) as network:
            try:
                await asyncio.wait_for(network.get(f"coap://{HOST}:{free_port()}/"), 5)
            except ValueError as error:
                assert network.endpoint.stats["sent"] == 0
                return str(error)

    assert "no context" in run(talk())
