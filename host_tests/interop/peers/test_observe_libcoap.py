# SPDX-License-Identifier: MIT
"""Observation (RFC 7641) with libcoap: its client observes a Site, on CPython and on MicroPython with the heap of a
board; a Context observes its server."""

import asyncio
import contextlib
import re
import subprocess

import pytest

from coap.aio import Context
from tools.programs.patience import finish

from ..on_udp import HOST, PATIENCE_S, free_port, run
from ..served import INTERPRETERS, serving

PROGRAM = """
import asyncio
import gc

gc.threshold(16384) if hasattr(gc, "threshold") else None

from coap.aio import Context, Site

site = Site()
count = 0


@site.get("/count", observe=True)
def get(request):
    return str(count)


@site.get("/large", observe=True)
async def large(request):
    return b"%d" % (count % 10) * 1500


@site.get("/observers")
def observers(request):
    return str(len(context.endpoint.observers))


async def main():
    global context, count
    async with Context(site=site, host="127.0.0.1", port=5683) as context:
        while True:
            await asyncio.sleep(0.1)
            if context.endpoint.observers:
                count += 1
                site.changed("/count")
                site.changed("/large")


asyncio.run(main())
"""
# what the client logs of a response
RECEIVED = re.compile(r"received \d+ bytes\nv:1 t:(\w+) c:2\.05 \S+ \S+ \[ (.*?) \](?: :: (.*))?\n")


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_libcoap_observes_a_site(interpreter, coap_client, tmp_path):
    port = free_port()

    def ask(path, *options):
        command = [coap_client, "-B", "10", *options, f"coap://{HOST}:{port}{path}"]
        done = finish(command, PATIENCE_S, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode(errors="replace")

    with serving(interpreter, PROGRAM.replace("5683", str(port)), port, tmp_path):
        log = ask("/count", "-s", "2", "-v", "7")
        seen = [
            (kind, re.search(r"Observe:(\d+)", options), text)
            for kind, options, text in RECEIVED.findall(log)
        ]
        told = [(kind, int(found[1]), int(text.strip("'"))) for kind, found, text in seen if found]
        assert len(told) >= 4, log
        numbers = [number for _, number, _ in told]
        counts = [value for _, _, value in told]
        assert numbers == sorted(set(numbers)) and counts == sorted(set(counts)), told
        # the first notification is confirmable, five after it are not
        assert [kind for kind, _, _ in told][:4] == ["ACK", "CON", "NON", "NON"]
        # it says at the end that it wants no more
        assert "Observe:1" in log
        assert ask("/observers").strip() == "0"
        # larger than a datagram: the client fetches the rest of each
        found = re.findall(r"(\d)\1{1499}", ask("/large", "-s", "1"))
        assert len(found) >= 2 and all(one != next for one, next in zip(found, found[1:], strict=False)), (
            found
        )


@contextlib.asynccontextmanager
async def libcoap_server(program):
    port = free_port()
    process = subprocess.Popen([program, "-A", HOST, "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        async with Context() as context:
            await context.ping(f"coap://{HOST}:{port}", timeout=PATIENCE_S)
            yield context, f"coap://{HOST}:{port}/example_data"
    finally:
        process.kill()
        process.wait()


def test_a_context_observes_libcoap(coap_server):
    async def talk():
        async with libcoap_server(coap_server) as (context, uri):
            got = []
            async with context.observe(uri) as changes:
                async for change in changes:
                    assert change.ok
                    got.append(bytes(change.payload))
                    if len(got) == 4:
                        break
                    value = (b"one", b"2" * 3000, b"three")[len(got) - 1]
                    assert (await context.put(uri, value)).ok
            assert got[1:] == [b"one", b"2" * 3000, b"three"]
            assert changes.skipped == 0
            await asyncio.sleep(0)

    run(talk())
