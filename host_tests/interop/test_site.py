# SPDX-License-Identifier: MIT
"""A Site on the network, on CPython and on MicroPython with the heap of a board: aiocoap and libcoap as its clients,
and aiocoap's Resource Directory."""

import asyncio
import re

import aiocoap
import pytest
from aiocoap.cli.rd import CommonRD, StandaloneResourceDirectory
from aiocoap.util.linkformat import parse

from tools.programs.patience import finish, patiently

from .on_udp import HOST, PATIENCE_S, aiocoap_client, free_port, run
from .served import INTERPRETERS, serving

PROGRAM = """
import asyncio
import gc

gc.threshold(16384) if hasattr(gc, "threshold") else None

import coap
from coap.aio import Context, Failure, File, Site

site = Site()
store = {}


def etag(request, name):
    return b"v%d" % store[name][0] if name in store else None


@site.get("/hello", ct=0, rt="greeting")
def hello(request):
    return "hello " + request.query.get("who", "")


@site.get("/slow")
async def slow(request):
    await asyncio.sleep(1)
    return "at last"


@site.get("/large")
def large(request):
    return bytes(3000)


@site.get("/file", listed=False)
def file(request):
    return File(__file__[:-10] + "file.json")


@site.get("/bad/<int:n>")
def bad(request, n):
    if n == 7:
        raise Failure(coap.FORBIDDEN, "not 7")
    raise ValueError("sent to the console, once")


@site.post("/sum", consumes=(50,))
def sum_of(request):
    return {"sum": sum(request.json())}


@site.get("/store/<name>", etag=etag, listed=lambda: ["/store/" + name for name in store])
def get(request, name):
    if name not in store:
        raise Failure(coap.NOT_FOUND)
    return store[name][1]


@site.put("/store/<name>", etag=etag)
def put(request, name):
    version = store[name][0] if name in store else 0
    store[name] = version + 1, bytes(request.payload)
    return None if version else coap.CREATED


@site.delete("/store/<name>", etag=etag)
def delete(request, name):
    store.pop(name, None)


async def main():
    async with Context(site=site, host="127.0.0.1", port=5683) as context:
        REGISTER
        await context.serve()


asyncio.run(main())
"""


def program(port, register="pass"):
    return PROGRAM.replace("5683", str(port)).replace("REGISTER", register)


def ask_all(port, talk):
    async def asked():
        async with aiocoap_client() as client:

            async def ask(code, path, payload=b"", **options):
                message = aiocoap.Message(
                    code=code, uri=f"coap://{HOST}:{port}{path}", payload=payload, **options
                )
                response = await client.request(message).response
                return response.code.dotted, response.opt.content_format, response.payload, response

            await talk(ask)

    run(asked())


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_aiocoap_as_client(interpreter, tmp_path):
    get, put, post, delete = aiocoap.GET, aiocoap.PUT, aiocoap.POST, aiocoap.DELETE

    async def talk(ask):
        text, json = aiocoap.ContentFormat.TEXT, aiocoap.ContentFormat.JSON
        assert (await ask(get, "/hello?who=you"))[:3] == ("2.05", text, b"hello you")
        assert (await ask(get, "/slow"))[2] == b"at last"
        assert (await ask(get, "/large"))[2] == bytes(3000)
        assert (await ask(get, "/none"))[0] == "4.04"
        assert (await ask(get, "/file"))[0] == "4.04"
        content = bytes(range(256)) * 257  # 65,792 octets
        (tmp_path / "file.json").write_bytes(content)
        answer = await ask(get, "/file")
        assert answer[:3] == ("2.05", json, content)
        assert (await ask(get, "/file", etags=[answer[3].opt.etag]))[0] == "2.03"
        assert (await ask(put, "/hello"))[0] == "4.05"
        assert (await ask(get, "/hello", accept=json))[0] == "4.06"
        assert (await ask(get, "/bad/7"))[:3] == ("4.03", None, b"not 7")
        assert (await ask(get, "/bad/x"))[0] == "4.04"
        for _ in range(3):
            assert (await ask(get, "/bad/1"))[:3] == ("5.00", None, b"")
        assert (await ask(post, "/sum", b"[1, 2]", content_format=json))[:3] == ("2.04", json, b'{"sum":3}')
        assert (await ask(post, "/sum", b"[1, 2]", content_format=text))[0] == "4.15"
        for wrong in (b"x", b"[1"):
            assert (await ask(post, "/sum", wrong, content_format=json))[0] == "4.00"
        # conditions
        assert (await ask(put, "/store/a", b"1", if_none_match=True))[0] == "2.01"
        assert (await ask(put, "/store/a", b"2", if_none_match=True))[0] == "4.12"
        first = (await ask(get, "/store/a"))[3]
        assert (first.payload, first.opt.etag) == (b"1", b"v1")
        valid = (await ask(get, "/store/a", etags=[first.opt.etag]))[3]
        assert (valid.code.dotted, valid.opt.etag, valid.payload) == ("2.03", b"v1", b"")
        assert (await ask(put, "/store/a", b"2", if_match=[b"v1"]))[0] == "2.04"
        assert (await ask(put, "/store/a", b"3", if_match=[b"v1"]))[0] == "4.12"
        assert (await ask(delete, "/store/a", if_match=[b"v2"]))[0] == "2.02"
        assert (await ask(put, "/store/a", b"3", if_match=[b""]))[0] == "4.12"
        # what there is
        await ask(put, "/store/b", bytes(3000))
        core = parse((await ask(get, "/.well-known/core"))[2].decode())
        assert {link.href for link in core.links} == {"/hello", "/slow", "/large", "/sum", "/store/b"}
        found = parse((await ask(get, "/.well-known/core?rt=greet*"))[2].decode())
        assert [(link.href, dict(link.attr_pairs)) for link in found.links] == [
            ("/hello", {"ct": "0", "rt": "greeting"})
        ]

    port = free_port()
    printed = []
    with serving(interpreter, program(port), port, tmp_path, printed):
        ask_all(port, talk)
    assert printed[0].count("ValueError: sent to the console, once") == 1


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_libcoap_as_client(interpreter, coap_client, tmp_path):
    port = free_port()

    def ask(path, *options):
        command = [coap_client, "-B", "10", *options, f"coap://{HOST}:{port}{path}"]
        done = finish(command, PATIENCE_S, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip(b"\n"), done.stderr.strip()

    with serving(interpreter, program(port), port, tmp_path):
        assert ask("/hello?who=you") == (b"hello you", b"")
        assert ask("/none") == (b"", b"4.04")
        assert ask("/hello", "-m", "put", "-e", "x") == (b"", b"4.05")
        assert ask("/hello", "-A", "50") == (b"", b"4.06")
        assert ask("/sum", "-m", "post", "-t", "50", "-e", "[1,2,3]") == (b'{"sum":6}', b"")
        assert ask("/sum", "-m", "post", "-t", "0", "-e", "[1]") == (b"", b"4.15")
        assert ask("/store/a", "-m", "put", "-e", "12345", "-O", "5") == (b"", b"")
        assert ask("/store/a", "-m", "put", "-e", "12345", "-O", "5") == (b"", b"4.12")
        assert ask("/store/a", "-b", "16") == (b"12345", b"")
        (tmp_path / "file.json").write_bytes(b"[1234567890, 1234567890]\n" * 200)
        assert ask("/file", "-b", "64")[0] == (tmp_path / "file.json").read_bytes().rstrip(b"\n")
        # in blocks of 16 octets: for each the list is made anew
        listed = b'</hello>;ct=0;rt="greeting",</large>,</slow>,</store/a>,</sum>'
        assert ask("/.well-known/core", "-b", "16") == (listed, b"")
        assert ask("/.well-known/core?href=/s*") == (b"</slow>,</store/a>,</sum>", b"")


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_registration_at_aiocoaps_directory(interpreter, tmp_path, monkeypatch):
    """RFC 9176 sections 5 and 5.1: a simple one, and a full one whose resource is looked up, renewed each second."""
    monkeypatch.setattr(
        CommonRD.Registration, "grace_period", 0
    )  # 15 s for which it would wait beyond a lifetime
    port, there = free_port(), free_port()
    register = f"""
        simple = await context.register("coap://{HOST}:{there}", "simple", lt=2)
        full = await context.register("coap://{HOST}:{there}", "full", lt=2, full=True, d="floor1")
        print(simple.registered, simple.location, full.registered, full.location)
"""

    async def talk():
        context = await aiocoap.Context.create_server_context(None, bind=(HOST, there), transports=["udp6"])
        context.serversite = StandaloneResourceDirectory(context=context, lwm2m_compat=None)

        async def look(path):
            request = aiocoap.Message(code=aiocoap.GET, uri=f"coap://{HOST}:{there}{path}")
            return parse((await client.request(request).response).payload.decode()).links

        async def look_for_both(path):
            more = patiently(PATIENCE_S)
            while len(found := await look(path)) < 2:  # a renewal may be late on a busy machine
                assert more()
                await asyncio.sleep(0.05)
            return found

        try:
            async with aiocoap_client() as client:
                await look_for_both("/endpoint-lookup/")
                await asyncio.sleep(4)  # twice as long as it lives without being renewed
                found = await look_for_both("/endpoint-lookup/")
                seen = {dict(link.attr_pairs)["ep"]: dict(link.attr_pairs) for link in found}
                hrefs = [link.href for link in await look_for_both("/resource-lookup/?rt=greeting")]
        finally:
            await context.shutdown()
        base = f"coap://{HOST}:{port}"
        assert {name: (each["base"], each.get("d")) for name, each in seen.items()} == {
            "simple": (base, None),
            "full": (base, "floor1"),
        }
        assert hrefs == [base + "/hello"] * 2

    printed = []
    with serving(interpreter, program(port, register), port, tmp_path, printed):
        run(talk())
    assert re.fullmatch(r"True None True /reg/\d+/\n", printed[0])
