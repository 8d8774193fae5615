# SPDX-License-Identifier: MIT
"""Bodies of 64 KiB and 1 MiB in blocks, both ways, between our server and clients that others wrote: aiocoap and
libcoap, plain and with OSCORE."""

import asyncio
import hashlib
import random

import aiocoap
import pytest

import coap
from coap.aio import Context as Network
from coap.aio import File, Site
from coap.oscore import Context, MemoryStorage, Security
from tools.programs.patience import finish

from .on_udp import HOST, PATIENCE_S, Quick, aiocoap_client, device, free_port, run
from .oscore.test_oscore_aiocoap import ours, theirs
from .served import serving

KIB64 = random.Random(64).randbytes(65536)
MIB = random.Random(1024).randbytes(1 << 20)

# All is imported beforehand, and then the heap is filled until 40 KB are free: what a board with a heap of 96 KB and
# coap frozen into its image has left with room to spare.
PROGRAM = """
import asyncio
import gc

gc.threshold(4096)
import coap
from coap.aio import Context, File, Site
from coap.aio.site import files, streaming
from coap.blockwise import keeping, parts, receiving, slicing, streams
from coap.endpoint import continuing, duplicates, options, serving

site = Site()


@site.put("/files/<name>", stream=True)
async def upload(request, name):
    with open("%s/" + name, "wb") as file:
        async for piece in request:
            file.write(piece)
    return coap.CHANGED


@site.get("/files/<name>")
def download(request, name):
    return File("%s/" + name)


@site.get("/free")
def free(request):
    gc.collect()
    return "%%d" %% gc.mem_free()


async def main():
    gc.collect()
    filled = []
    while gc.mem_free() > 40 * 1024:
        filled.append(bytearray(512))
    async with Context(site=site, host="127.0.0.1", port=%d) as context:
        await context.serve()


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def port(tmp_path_factory, folder):
    """A Site on MicroPython that takes and gives files."""
    number = free_port()
    program = PROGRAM % (folder, folder, number)
    with serving("micropython", program, number, tmp_path_factory.mktemp("server")):
        yield number


def test_a_mebibyte_up_and_down_through_a_small_heap(port, folder):
    async def talk():
        async with aiocoap_client() as client:
            base = f"coap://{HOST}:{port}"
            up = aiocoap.Message(code=aiocoap.PUT, uri=base + "/files/large", payload=MIB)
            up = await client.request(up).response
            down = await client.request(aiocoap.Message(code=aiocoap.GET, uri=base + "/files/large")).response
            free = await client.request(aiocoap.Message(code=aiocoap.GET, uri=base + "/free")).response
            return up.code.dotted, down.code.dotted, down.payload == MIB, down.opt.etag, int(free.payload)

    up, down, same, etag, free = run(talk())
    assert (up, down, same, len(etag)) == ("2.04", "2.05", True, 8)
    assert hashlib.sha256((folder / "large").read_bytes()).digest() == hashlib.sha256(MIB).digest()
    assert 10000 < free < 40 * 1024


@pytest.mark.parametrize("size", [64, 1024])
def test_libcoap_sends_and_fetches_64_kib(coap_client, port, folder, tmp_path, size):
    (tmp_path / "up").write_bytes(KIB64)
    uri = f"coap://{HOST}:{port}/files/of-libcoap-{size}"
    for options in (("-m", "put", "-f", tmp_path / "up"), ("-o", tmp_path / "down")):
        command = [coap_client, "-B", "20", "-b", str(size), *options, uri]
        done = finish(command, PATIENCE_S, capture_output=True)
        assert done.returncode == 0, done.stderr
    assert (folder / f"of-libcoap-{size}").read_bytes() == KIB64
    assert (tmp_path / "down").read_bytes() == KIB64


async def echo(request):
    return coap.Message(coap.CHANGED, bytes(request.payload)[::-1])


def both_ways(security=None, credentials=None):
    """aiocoap posts 64 KiB and gets them back the other way round. Gives the response and the device."""

    async def talk():
        transports = ("oscore", "udp6") if credentials else ("udp6",)
        # the octets of the blocks are joined on this side: as much as max_body says
        async with (
            device(echo, max_body=65536, security=security) as server,
            aiocoap_client(*transports) as client,
        ):
            if credentials:
                client.client_credentials["coap://*"] = credentials
            request = aiocoap.Message(code=aiocoap.POST, payload=KIB64, transport_tuning=Quick())
            request.set_request_uri(f"coap://{HOST}:{server.port}/echo", set_uri_host=False)
            response = await client.request(request).response
            client.client_credentials.clear()
            return response, server

    return run(talk())


def test_aiocoap_sends_and_fetches_64_kib():
    response, server = both_ways()
    assert (response.code.dotted, response.payload) == ("2.04", KIB64[::-1])
    # 64 blocks each way; the last request brings the first block of the response
    assert (len(server.handled), len(server.wire)) == (1, 2 * (64 + 63))


def test_aiocoap_sends_and_fetches_64_kib_with_oscore(tmp_path):
    response, server = both_ways(Security(ours()), theirs(tmp_path / "theirs"))
    assert (response.code.dotted, response.payload) == ("2.04", KIB64[::-1])
    assert len(server.handled) == 1
    assert all(each.message.opt.oscore is not None for each in server.wire)


def test_libcoap_sends_and_fetches_64_kib_with_oscore(oscore_client, tmp_path):
    (tmp_path / "up").write_bytes(KIB64)
    site = Site()

    @site.put("/file", stream=True)
    async def upload(request):
        assert request.context is not None
        with (tmp_path / "there").open("wb") as file:
            async for piece in request:
                file.write(piece)

    @site.get("/file")
    def download(request):
        return File(str(tmp_path / "there"))

    async def talk():
        security = Security(Context(b"sixteen octets..", b"", b"\x01", MemoryStorage()))
        port = free_port()
        async with Network(site=site, host=HOST, port=port, security=security):
            for options in (("-m", "put", "-f", tmp_path / "up"), ("-o", tmp_path / "down")):
                uri = f"coap://{HOST}:{port}/file"
                command = [oscore_client, "-B", "20", "-E", key(tmp_path), *options, uri]
                done = await asyncio.to_thread(finish, command, PATIENCE_S, capture_output=True)
                assert done.returncode == 0, done.stderr

    run(talk())
    assert (tmp_path / "there").read_bytes() == KIB64
    assert (tmp_path / "down").read_bytes() == KIB64


def key(folder):
    """libcoap's file of a key, and the one where it goes on counting from."""
    file = folder / "key.conf"
    file.write_text(
        f'master_secret,hex,"{b"sixteen octets..".hex()}"\nsender_id,hex,"01"\nrecipient_id,hex,""\n'
    )
    return f"{file},{folder / 'counted'}"
