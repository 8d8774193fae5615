# SPDX-License-Identifier: MIT
"""Groups on real sockets, on the loopback interface: RFC 7252 section 8. Our server, on CPython and on MicroPython with
the heap of a board, asked by our client on both; aiocoap as another one that answers."""

import asyncio
import socket

import aiocoap
import pytest
from aiocoap import resource

from .on_udp import HOST, free_port, run
from .served import INTERPRETERS, serving, start

GROUP = "224.0.1.187"

SERVER = """
import asyncio

from coap.aio import Context, Site

site = Site()


@site.get("/name", rt="name")
def name(request):
    return "%s"


@site.get("/large")
def large(request):
    return bytes(3000)


async def main():
    async with Context(host="127.0.0.1", port=%d, groups=("224.0.1.187",), site=site) as coap:
        await coap.serve()


asyncio.run(main())
"""

CLIENT = """
import asyncio

from coap.aio import Context


async def main():
    async with Context(host="127.0.0.1") as coap:
        async for answer in coap.multicast("coap://224.0.1.187:%d%s", 60):
            print(answer.peer[1], answer.code, len(answer.payload), bytes(answer.payload)[:9])
            break  # the one that there is


asyncio.run(main())
"""


def asked(interpreter, port, path, folder):
    """What the client program prints."""
    folder.mkdir()
    process = start(interpreter, CLIENT % (port, path), folder)
    try:
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, output
    return output.strip()


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_server_answers_for_its_group(interpreter, tmp_path):
    port = free_port()
    with serving(interpreter, SERVER % ("one", port), port, tmp_path):
        for client in INTERPRETERS:
            assert asked(client, port, "/name", tmp_path / client) == f"{port} 69 3 b'one'"


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_it_is_silent_where_it_has_nothing_to_say(interpreter, tmp_path):
    """No 4.04, and no Reset of a ping, of a confirmable request, of an option that nobody knows."""
    port = free_port()
    with serving(interpreter, SERVER % ("one", port), port, tmp_path), multicast_socket() as sock:
        for text in ("40001234", "41011234aab46e616d65", "51011235aab46e616d6521ff", "51011236aab3616161"):
            sock.sendto(bytes.fromhex(text), (GROUP, port))
        sock.sendto(
            bytes.fromhex("51011237bbb46e616d65"), (GROUP, port)
        )  # the last: it is answered within 5 s
        answer, peer = sock.recvfrom(2000)
        assert (answer[0], answer[1], answer[4:5], answer[-3:]) == (0x51, 69, b"\xbb", b"one")
        assert peer == (HOST, port)
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recvfrom(2000)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_one_alone_is_answered_at_once(interpreter, tmp_path):
    """The socket beside that of the group hears nothing of the group, and leisure is for the group."""
    port = free_port()
    with serving(interpreter, SERVER % ("one", port), port, tmp_path), multicast_socket() as sock:
        sock.sendto(bytes.fromhex("51041234aab46e616d65"), (HOST, port))
        sock.settimeout(2)
        assert sock.recvfrom(2000)[0][:2] == bytes((0x51, 0x85))  # 4.05, which a group would not hear


def multicast_socket():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))  # the interface with this address is that of its multicast
    sock.settimeout(20)
    return sock


class Name(resource.Resource):
    async def render_get(self, request):
        return aiocoap.Message(payload=b"aiocoap")


@pytest.mark.parametrize("client", INTERPRETERS)
def test_aiocoap_and_we_answer_each_from_its_own_place(client, tmp_path):
    port = free_port()

    async def talk():
        site = resource.Site()
        site.add_resource(["name"], Name())
        context = await aiocoap.Context.create_server_context(
            site, bind=("::", port), multicast=[(GROUP, "lo")], transports=["udp6"]
        )
        try:
            return await asyncio.to_thread(asked, client, port, "/name", tmp_path / client)
        finally:
            await context.shutdown()

    assert run(talk()) == f"{port} 69 7 b'aiocoap'"


def test_a_body_in_blocks_is_asked_of_its_peer(tmp_path):
    port = free_port()
    with serving("cpython", SERVER % ("one", port), port, tmp_path):
        assert asked("micropython", port, "/large", tmp_path / "client") == f"{port} 69 3000 {bytes(9)}"
