# SPDX-License-Identifier: MIT
"""A Context as the client of aiocoap, which reads the URI out of the options again: by addresses of both families and
by name, on CPython and on MicroPython with the heap of a board."""

import asyncio
import contextlib

import aiocoap
import pytest
from aiocoap import resource

from tools.programs.patience import patience

from .on_udp import PATIENCE_S, free_port, run
from .served import INTERPRETERS, start, with_port

PROGRAM = """
import asyncio
import gc

gc.threshold(16384) if hasattr(gc, "threshold") else None

import coap
from coap.aio import Context

PORT = 5683


async def main():
    async with Context() as client:
        for host in ("127.0.0.1", "LOCALHOST", "[::1]"):
            base = "coap://%s:%d" % (host, PORT)
            for path in ("/uri", "/uri/", "/uri/a%20b/%2F?x=1&y=%26", "/uri/./c/../b?z", "/uri/\\u20ac"):
                answer = await client.get(base + path)
                print(answer.code, answer.text)
        for method in ("post", "put", "fetch", "patch", "ipatch"):
            answer = await getattr(client, method)(base + "/echo", "text", content_format=0)
            print(method, answer.code, answer.text, answer.content_format)
        answer = await client.delete(base + "/echo")
        print("delete", answer.code, answer.ok)
        answer = await client.post(base + "/new")
        print("new", answer.code, answer.location)
        first = await client.get(base + "/large")
        again = await client.get(base + "/large", etag=first.etag)
        print("large", first.code, len(first.payload), again.code, len(again.payload))
        print("json", (await client.get(base + "/json", accept=50)).json())
        print("format", (await client.get(base + "/json", accept=60)).code)
        print("none", (await client.get(base + "/none")).code)
        print("slow", (await client.get(base + "/slow")).text)
        print("NON", (await client.get(base + "/json", confirmable=False)).ok)
        # More of them than are open at once. Each is 2.8 KB here: of 24 a late one finds no room in this heap.
        many = await asyncio.gather(*[client.get(base + "/uri?%d" % number) for number in range(16)])
        print("many", [answer.text.split("?")[1] for answer in many] == [str(number) for number in range(16)])
        print("ping", await client.ping(base))
        try:
            await client.get(base + "/never", timeout=0.2)
        except asyncio.TimeoutError:
            print("time-out", client.endpoint.stats["timeouts"])


asyncio.run(main())
"""
PRINTED = """69 coap://127.0.0.1:5683/uri
69 coap://127.0.0.1:5683/uri/
69 coap://127.0.0.1:5683/uri/a%20b/%2F?x=1&y=%26
69 coap://127.0.0.1:5683/uri/b?z
69 coap://127.0.0.1:5683/uri/%E2%82%AC
69 coap://localhost:5683/uri
69 coap://localhost:5683/uri/
69 coap://localhost:5683/uri/a%20b/%2F?x=1&y=%26
69 coap://localhost:5683/uri/b?z
69 coap://localhost:5683/uri/%E2%82%AC
69 coap://[::1]:5683/uri
69 coap://[::1]:5683/uri/
69 coap://[::1]:5683/uri/a%20b/%2F?x=1&y=%26
69 coap://[::1]:5683/uri/b?z
69 coap://[::1]:5683/uri/%E2%82%AC
post 68 text 0
put 68 text 0
fetch 69 text 0
patch 68 text 0
ipatch 68 text 0
delete 66 True
new 65 /new/a%20b?c=d
large 69 3000 67 0
json {'a': [1, 2]}
format 134
none 132
slow at last
NON True
many True
ping None
time-out 0
"""


class Uri(resource.Resource):
    async def render_get(self, request):
        return aiocoap.Message(payload=request.get_request_uri(local_is_server=True).encode())


class Below(Uri, resource.PathCapable):
    """What lies below a path."""


class Echo(resource.Resource):
    async def _back(self, request):
        code = aiocoap.CONTENT if request.code == aiocoap.FETCH else aiocoap.CHANGED
        return aiocoap.Message(code=code, payload=request.payload, content_format=request.opt.content_format)

    render_post = render_put = render_fetch = render_patch = render_ipatch = _back

    async def render_delete(self, request):
        return aiocoap.Message(code=aiocoap.DELETED)


class New(resource.Resource):
    async def render_post(self, request):
        return aiocoap.Message(code=aiocoap.CREATED, location_path=("new", "a b"), location_query=("c=d",))


class Large(resource.Resource):
    async def render_get(self, request):
        response = aiocoap.Message(payload=bytes(3000), etag=b"large")
        if response.opt.etag in request.opt.etags:
            response = aiocoap.Message(code=aiocoap.VALID, etag=b"large")
        return response


class Json(resource.Resource):
    async def render_get(self, request):
        if request.opt.accept not in (None, 50):
            raise aiocoap.error.NotAcceptable
        return aiocoap.Message(payload=b'{"a":[1,2]}', content_format=50)


class Slow(resource.Resource):
    """Separate responses (RFC 7252 section 5.2.2): aiocoap acknowledges alone after 0.1 s."""

    def __init__(self, seconds):
        super().__init__()
        self._seconds = seconds

    async def render_get(self, request):
        await asyncio.sleep(self._seconds)
        return aiocoap.Message(payload=b"at last")


RESOURCES = {
    "uri": Uri(),
    "echo": Echo(),
    "new": New(),
    "large": Large(),
    "json": Json(),
    "slow": Slow(0.4),
    "never": Slow(3600),
}


@contextlib.asynccontextmanager
async def server(port):
    """One for IPv4 and IPv6."""
    site = resource.Site()
    for path, each in RESOURCES.items():
        site.add_resource([path], each)
    site.add_resource(["uri"], Below())
    context = await aiocoap.Context.create_server_context(site, bind=("::", port), transports=["udp6"])
    try:
        yield
    finally:
        await context.shutdown()


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_requests_to_aiocoap(interpreter, tmp_path):
    async def act():
        port = free_port()
        async with server(port), patience(PATIENCE_S):
            process = start(interpreter, with_port(PROGRAM, port), tmp_path)
            try:
                return (await asyncio.to_thread(process.communicate))[0].replace(f":{port}", ":5683")
            finally:
                process.kill()

    assert run(act()) == PRINTED
