# SPDX-License-Identifier: MIT
"""The programs that the documentation shows, run as they are printed, on CPython and on MicroPython."""

import asyncio
import textwrap

import aiocoap
import pytest
from aiocoap import resource

import coap
from tools.programs.patience import communicate

from .on_udp import HOST, aiocoap_client, aiocoap_server, free_port, run
from .served import CLIENT, INTERPRETERS, SERVER, serving, start, with_port


def test_the_docstring_shows_the_same_client():
    shown = coap.__doc__.split("limits):\n\n")[1]
    assert textwrap.dedent(shown).strip() == CLIENT.strip()


async def output(process):
    """What a program printed, once it has ended by itself."""
    text, _ = await asyncio.to_thread(communicate, process, 20)
    assert process.returncode == 0, text
    return text


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_client_asks_aiocoap(interpreter, tmp_path):
    async def talk():
        core = resource.WKCResource(lambda: [], impl_info=None)
        core.render_get = lambda request: asyncio.sleep(0, aiocoap.Message(payload=b"</test>;ct=0"))
        async with aiocoap_server({"/.well-known/core": core}) as port:
            return await output(start(interpreter, with_port(CLIENT, port), tmp_path))

    assert run(talk()) == "</test>;ct=0\n"


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_client_where_nobody_answers(interpreter, tmp_path):
    # the one change: a time-out of 20 ms, so that the exchange is over after 20 * 31 ms
    program = with_port(CLIENT, free_port())
    quick = program.replace("coap.Endpoint()", "coap.Endpoint(coap.Parameters(20, 1))")
    assert quick != program

    async def talk():
        return await output(start(interpreter, quick, tmp_path))

    assert run(talk()) == "no answer\n"


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize(
    "fault",
    ["raise ValueError(1)", "return None", 'return coap.Message(coap.CONTENT, b"", [(70000, b"")])', "1 / 0"],
)
def test_the_server_says_5_00_where_a_handler_fails(interpreter, fault, tmp_path):
    broken = SERVER.replace('return coap.Message(coap.CONTENT, b"at last")', fault)
    broken = broken.replace('    print("%s: %r" % (request.path, error))\n', "    pass\n")
    assert broken.count(fault) == 1 and "print" not in broken
    port = free_port()

    async def talk():
        async with aiocoap_client() as client:
            for path, code in (("/slow", "5.00"), ("/slow", "5.00"), ("/hello", "2.05")):
                request = aiocoap.Message(code=aiocoap.GET, uri=f"coap://{HOST}:{port}{path}")
                assert (await client.request(request).response).code.dotted == code

    with serving(interpreter, with_port(broken, port), port, tmp_path):
        run(talk())


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_server_answers_aiocoap(interpreter, tmp_path):
    port = free_port()

    async def ask(client, code, path, payload=b""):
        request = aiocoap.Message(code=code, uri=f"coap://{HOST}:{port}{path}", payload=payload)
        response = await client.request(request).response
        return response.code.dotted, response.payload

    async def talk():
        async with aiocoap_client() as client:
            assert await ask(client, aiocoap.GET, "/hello") == ("2.05", b"hello")
            assert await ask(client, aiocoap.GET, "/slow") == ("2.05", b"at last")
            assert await ask(client, aiocoap.GET, "/nothing") == ("4.04", b"")
            assert await ask(client, aiocoap.POST, "/length", bytes(3000)) == ("2.04", b"3000 octets")
            assert await ask(client, aiocoap.GET, "/length") == ("4.05", b"")

    with serving(interpreter, with_port(SERVER, port), port, tmp_path):
        run(talk())
