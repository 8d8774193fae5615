# SPDX-License-Identifier: MIT
"""The programs that docs/coap.md shows, run as they are printed, on CPython and on MicroPython: one asks the other.

hardware/guide/test_guide.py has them on the emulated Pico, and the one on a serial line.
"""

import asyncio
import os
import textwrap

import aiocoap
import pytest
from aiocoap import resource

import coap
from tools.programs.patience import communicate

from . import served as guide
from .on_udp import aiocoap_server, free_port, run
from .served import INTERPRETERS, LOOP, PROGRAMS, TAKE, serving, start, with_port

OTHER = {"cpython": "micropython", "micropython": "cpython"}
MEGABYTE = 1 << 20


def test_there_are_ten_and_none_is_long():
    assert sorted(PROGRAMS) == list(range(1, 11))
    for number, program in PROGRAMS.items():
        assert len([line for line in program.splitlines() if line]) <= 30, number


def test_the_docstring_shows_the_same_client():
    shown = coap.__doc__.split("limits):\n\n")[1]
    assert textwrap.dedent(shown).strip() == LOOP.strip()


def output(process, seconds=60):
    """What a program printed, once it has ended by itself."""
    text, _ = communicate(process, seconds)
    assert process.returncode == 0, text
    return text


@pytest.fixture
def folders(tmp_path):
    """Of who asks, and of who answers."""
    found = tmp_path / "asks", tmp_path / "answers"
    for folder in found:
        folder.mkdir()
    return found


@pytest.fixture
def play(folders):
    """play(interpreter, ASK, SERVER): what a program prints that asks a server on the other interpreter."""

    def play(interpreter, asks, answers):
        asking, answering = folders
        port = free_port()
        with serving(OTHER[interpreter], with_port(PROGRAMS[answers], port), port, answering):
            return output(start(interpreter, with_port(PROGRAMS[asks], port), asking))

    return play


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_ask(interpreter, play):
    assert play(interpreter, guide.ASK, guide.SERVER) == "hello, world\n"


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_send_a_file(interpreter, play, folders):
    assert play(interpreter, guide.SEND, guide.SERVER) == "2.04\n"
    sent, kept = folders[0] / "notes.txt", folders[1] / "copy.txt"
    assert sent.read_bytes() == kept.read_bytes() == b"a line of notes\n" * 1000


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_watch(interpreter, play):
    # It begins at 21.5 and rises by half a degree; what is between two that are seen may be skipped.
    seen = [float(line) for line in play(interpreter, guide.WATCH, guide.NOTIFY).splitlines()]
    assert seen == sorted(set(seen)) and len(seen) > 1
    assert 21.5 <= seen[0] < 23 <= seen[-1] and not [each for each in seen if each % 0.5]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_megabyte(interpreter, play, folders):
    (folders[1] / "big.bin").write_bytes(os.urandom(MEGABYTE))
    assert play(interpreter, guide.STREAM, guide.SERVER) == "1048576 octets\n"


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_protected(interpreter, play, folders):
    assert play(interpreter, guide.PROTECTED, guide.PROTECTING) == "for you alone\n"
    assert [path.name for path in folders[1].iterdir() if path.is_dir()] == ["keys-of-2"]
    # The key is good after both have started anew.
    assert play(interpreter, guide.PROTECTED, guide.PROTECTING) == "for you alone\n"


HERE = 'Context(host="127.0.0.1"'  # a group is on an interface: on this one no network is needed


@pytest.mark.slow
@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_who_is_there(interpreter, folders):
    asking, answering = folders
    port = free_port()
    server = with_port(PROGRAMS[guide.SERVER], port).replace("Context(", HERE + ', groups=["224.0.1.187"], ')
    client = with_port(PROGRAMS[guide.MANY], port).replace("Context(", HERE)
    with serving(OTHER[interpreter], server, port, answering):
        host, _, links = output(start(interpreter, client, asking)).strip().partition(" ")
    assert host == "127.0.0.1"
    assert {"</hello>", "</length>"} <= set(links.split(","))


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_without_asyncio(interpreter, tmp_path):
    async def talk():
        core = resource.WKCResource(lambda: [], impl_info=None)
        core.render_get = lambda request: asyncio.sleep(0, aiocoap.Message(payload=b"</test>;ct=0"))
        async with aiocoap_server({"/.well-known/core": core}) as port:
            return await asyncio.to_thread(output, start(interpreter, with_port(LOOP, port), tmp_path))

    assert run(talk()) == "</test>;ct=0\n"


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_without_asyncio_where_nobody_answers(interpreter, tmp_path):
    # the one change: a time-out of 20 ms, so that the exchange is over after 20 * 31 ms
    program = with_port(LOOP, free_port())
    quick = program.replace("coap.Endpoint()", "coap.Endpoint(coap.Parameters(20, 1))")
    assert quick != program
    assert output(start(interpreter, quick, tmp_path)) == "no answer\n"


TAKING = """
def carry(source, target, name):
    while True:
        item = source.outgoing()
        if item is None:
            break
        target.receive(bytes(item[0]), name, 0)


def put(client, body, turns):
    whole = []
    client.request(coap.Message(coap.PUT, body, coap.path_options("/files/a")), "server", 0)
    for _ in range(turns):
        carry(client, server, "client")
        while True:
            event = server.next_event()
            if event is None:
                break
            whole.append(take(server, event, 0))
        carry(server, client, "server")
    event = client.next_event()
    with open("upload", "rb") as file:
        print(event and coap.code_text(event[2].code), whole, file.read() == body)


server = coap.Endpoint()
server.streams = streams
put(coap.Endpoint(), bytes(range(256)) * 20, 6)  # 5 KiB: more than max_body
put(coap.Endpoint(), b"short", 1)
put(coap.Endpoint(), bytes(3000), 1)  # and then nothing for 247 s
server.poll(247000)
event = server.next_event()
print(event[0] == coap.PIECE, take(server, event, 247000), server.next_event())
"""


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_body_taken_block_by_block(interpreter, tmp_path):
    program = textwrap.dedent(TAKE) + TAKING
    assert output(start(interpreter, program, tmp_path)).splitlines() == [
        "2.04 [False, False, False, False, True] True",
        "2.04 [True] True",
        "None [False] False",
        "True False None",
    ]
