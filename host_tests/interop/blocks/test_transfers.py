# SPDX-License-Identifier: MIT
"""A megabyte up and a megabyte down between a Context and aiocoap, through a heap of 96 KiB; the rest of one, and a
stream. Two transfers both ways at once."""

import asyncio
import contextlib
import hashlib
import os
import random
import subprocess
import sys

import aiocoap
import pytest
from aiocoap import resource

from tools.image import bytecode
from tools.programs.micropython import BIN

from ..on_udp import HOST, free_port, run
from ..served import INTERPRETERS, ROOT

MEGABYTE = random.Random(7959).randbytes(1 << 20)

PROGRAM = """
import gc

if hasattr(gc, "threshold"):
    gc.threshold(16384)

import asyncio
import sys

from coap.aio import Context, Incomplete

BASE = "coap://HOST:5683"


async def main():
    async with Context() as coap:
        with open("up", "rb") as file:
            answer = await coap.put(BASE + "/store", file)
            print("up", answer.ok)
        with open("down", "wb") as file:
            answer = await coap.get(BASE + "/large", into=file)
            print("down", answer.ok, answer.length, len(answer.payload))
        with open("rest", "wb") as file:
            answer = await coap.get(BASE + "/large", into=file, offset=1000000)
            print("rest", answer.ok, answer.length)
        stream = coap.stream(BASE + "/large", offset=1048000, block=64)
        octets = b""
        async for piece in stream:
            octets += piece
        print("stream", len(octets), stream.position, sum(octets))
        stats = coap.endpoint.stats
        print("lost", stats["failed"], stats["timeouts"], stats["malformed"])


asyncio.run(main())
"""

# In a heap that leaves room for a datagram wherever the objects of two transfers come to lie: on this port they take
# twice what they take on a board of 32 bits.
TWO = """
import asyncio

from coap.aio import Context

BASE = "coap://HOST:5683"


async def main():
    async with Context() as coap:

        async def both(block):
            with open("part", "rb") as file:
                with open("echo%d" % block, "wb") as back:
                    answer = await coap.post(BASE + "/echo", file, into=back, block=block)
                    return answer.length

        print("both", await asyncio.gather(both(256), both(64)))
        stats = coap.endpoint.stats
        print("lost", stats["failed"], stats["timeouts"], stats["malformed"])


asyncio.run(main())
"""


class Large(resource.Resource):
    async def render_get(self, request):
        return aiocoap.Message(payload=MEGABYTE, etag=b"1")


class Store(resource.Resource):
    def __init__(self):
        super().__init__()
        self.bodies = []

    async def render_put(self, request):
        self.bodies.append(hashlib.sha256(request.payload).hexdigest())
        return aiocoap.Message(code=aiocoap.CHANGED)

    async def render_post(self, request):
        return aiocoap.Message(code=aiocoap.CHANGED, payload=request.payload)


@contextlib.asynccontextmanager
async def server(store):
    port = free_port()
    site = resource.Site()
    site.add_resource(["large"], Large())
    site.add_resource(["store"], store)
    site.add_resource(["echo"], store)
    context = await aiocoap.Context.create_server_context(site, bind=(HOST, port))
    try:
        yield port
    finally:
        await context.shutdown()


def command(interpreter, folder, heap):
    """The program with a heap of so many KiB, its modules in flash as on a board."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "firmware"),
        "MICROPYPATH": f"/rom:.frozen:{folder}",
    }
    if interpreter == "cpython":
        return [sys.executable, "program.py"], environment
    start = [str(ROOT / "boards/unix/rom.py"), str(bytecode.rom()), "program"]
    return [str(BIN / "micropython"), "-X", f"heapsize={heap}k", *start], environment


def printed(program, store, interpreter, folder, heap):
    """Run a program beside a server; return the lines that it prints."""

    async def act():
        async with server(store) as port:
            text = program.replace("HOST", HOST).replace("5683", str(port))
            (folder / "program.py").write_text(text)
            line, environment = command(interpreter, folder, heap)
            process = subprocess.Popen(
                line,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            try:
                return (await asyncio.to_thread(process.communicate))[0]
            finally:
                process.kill()

    return run(act()).splitlines()


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_megabyte_each_way(interpreter, tmp_path):
    store = Store()
    (tmp_path / "up").write_bytes(MEGABYTE)

    assert printed(PROGRAM, store, interpreter, tmp_path, 96) == [
        "up True",
        "down True 1048576 0",
        "rest True 48576",
        f"stream 576 1048576 {sum(MEGABYTE[1048000:])}",
        "lost 0 0 0",
    ]
    assert store.bodies == [hashlib.sha256(MEGABYTE).hexdigest()]
    assert (tmp_path / "down").read_bytes() == MEGABYTE
    assert (tmp_path / "rest").read_bytes() == MEGABYTE[1000000:]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_two_transfers_at_once_each_way(interpreter, tmp_path):
    (tmp_path / "part").write_bytes(MEGABYTE[:5000])

    assert printed(TWO, Store(), interpreter, tmp_path, 192) == ["both [5000, 5000]", "lost 0 0 0"]
    assert (tmp_path / "echo64").read_bytes() == MEGABYTE[:5000]
    assert (tmp_path / "echo256").read_bytes() == MEGABYTE[:5000]
