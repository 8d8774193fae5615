# SPDX-License-Identifier: MIT
"""libcoap's client talks to the server of docs/coap.md, which runs on MicroPython with the heap of a board."""

import re

import pytest

from tools.programs.patience import finish

from .on_udp import HOST, PATIENCE_S, free_port
from .served import PROGRAMS, SERVER, serving, with_port

# libcoap logs each datagram in two lines: that it was sent or received, and what is in it.
DATAGRAM = re.compile(
    r"(sent|received) \d+ bytes\nv:1 t:(\w+) c:(\S+) i:\w+ \{\w*\} \[ ?(.*?) ?\](?: :: (.*))?\n"
)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    number = free_port()
    # A little slower than printed: libcoap pings after a second of silence.
    program = with_port(PROGRAMS[SERVER], number).replace("asyncio.sleep(0.5)", "asyncio.sleep(2)")
    with serving("micropython", program, number, tmp_path_factory.mktemp("server")):
        yield number


@pytest.fixture
def ask(coap_client, port):
    """Runs the client; gives the datagrams as "sent CON GET", and the options and the payload of the last one."""

    def ask(path, *options, body=None):
        command = [coap_client, "-v", "7", "-B", "10", *options, f"coap://{HOST}:{port}{path}"]
        done = finish(command, PATIENCE_S, input=body, capture_output=True)
        assert done.returncode == 0, done.stderr
        seen = DATAGRAM.findall(done.stdout.decode(errors="replace"))
        return [" ".join(each[:3]) for each in seen], seen[-1][3], seen[-1][4].strip("'")

    return ask


def test_get(ask):
    assert ask("/hello") == (
        ["sent CON GET", "received ACK 2.05"],
        "Content-Format:text/plain",
        "hello, stranger",
    )


def test_post(ask):
    assert ask("/length", "-m", "post", "-e", "12345") == (
        ["sent CON POST", "received ACK 2.04"],
        "Content-Format:text/plain",
        "5 octets",
    )


def test_a_path_that_is_not_there(ask):
    assert ask("/nothing")[0] == ["sent CON GET", "received ACK 4.04"]


def test_non_confirmable(ask):
    assert ask("/length", "-N", "-m", "post", "-e", "12345")[0] == ["sent NON POST", "received NON 2.04"]


def test_a_separate_response_and_a_ping_while_waiting(ask):
    wire, _, _ = ask("/sensors/a", "-K", "1")
    assert wire == [
        "sent CON GET",
        "received ACK 0.00",
        "sent CON 0.00",
        "received RST 0.00",
        "received CON 2.05",
        "sent ACK 0.00",
    ]


def test_a_token_of_eight_octets(ask):
    assert ask("/hello", "-T", "12345678")[0] == ["sent CON GET", "received ACK 2.05"]


@pytest.mark.parametrize("size, blocks", [(16, 188), (64, 47), (1024, 3)])
def test_a_large_body_in_blocks(ask, size, blocks):
    # 3,000 octets: ceil(3000 / size) blocks
    wire, _, payload = ask("/length", "-m", "post", "-b", str(size), "-f", "-", body=bytes(3000))
    assert wire[1::2] == ["received ACK 2.31"] * (blocks - 1) + ["received ACK 2.04"]
    assert payload == "3000 octets"


def test_a_large_body_in_blocks_of_which_one_is_lost(ask):
    # the second datagram of libcoap; it sends it again after 2 to 3 s
    wire, _, payload = ask("/length", "-m", "post", "-b", "1024", "-l", "2", "-f", "-", body=bytes(3000))
    assert payload == "3000 octets"
    assert wire.count("received ACK 2.31") == 2


def test_a_body_that_is_too_large(ask):
    wire, options, _ = ask("/length", "-m", "post", "-f", "-", body=bytes(4097))
    assert wire == ["sent CON POST", "received ACK 4.13"]
    assert options == "Size1:4096"


def test_a_response_in_blocks(ask):
    wire, options, payload = ask("/hello", "-b", "16")
    assert wire == ["sent CON GET", "received ACK 2.05"]
    assert (options, payload) == ("Content-Format:text/plain, Block2:0/_/16", "hello, stranger")
