# SPDX-License-Identifier: MIT
"""Clients that others wrote ask our server: aiocoap, libcoap and CoAP for Node.js, in the clear and, where they
have it, under OSCORE.
"""

import contextlib

import pytest

from host_tests.interop.on_udp import HOST, free_port
from host_tests.interop.peers import ours, theirs

PLAIN = ["aiocoap", "libcoap", "node"]
PROTECTED = ["aiocoap oscore", "libcoap oscore"]


@pytest.fixture(scope="module", params=ours.INTERPRETERS)
def interpreter(request):
    return request.param


@pytest.fixture(scope="module")
def plain(interpreter):
    """The base URI of our server."""
    port = free_port()
    with ours.serving(interpreter, port):
        yield f"coap://{HOST}:{port}"


@pytest.fixture(params=PLAIN + PROTECTED)
def asking(request, interpreter, tmp_path):
    """(what asks with a client, the base URI of our server)."""
    name = request.param
    with contextlib.closing(client(request, name, tmp_path)) as made:
        if name in PLAIN:
            yield made.ask, request.getfixturevalue("plain")
        else:
            port = free_port()
            with ours.serving(interpreter, port, tmp_path / "server"):
                yield made.ask, f"coap://{HOST}:{port}"


def client(request, name, folder):
    if name == "node":
        return theirs.Node(request.getfixturevalue("node_coap"))
    if name.startswith("aiocoap"):
        return theirs.Aiocoap(folder / "keys" if name.endswith("oscore") else None)
    keys = name.endswith("oscore")
    return theirs.Libcoap(request.getfixturevalue("oscore_client" if keys else "coap_client"), folder, keys)


def test_one_request_after_the_other(asking):
    ask, base = asking
    assert ask(base + "/hello") == [("2.05", b"hello")]
    assert ask(base + "/hello", confirmable=False) == [("2.05", b"hello")]
    assert ask(base + "/slow") == [("2.05", b"at last")]
    assert ask(base + "/nothing")[0][0] == "4.04"
    assert ask(base + "/hello", method="delete")[0][0] == "4.05"


def test_64_kib_each_way(asking):
    ask, base = asking
    assert ask(base + "/large/65536") == [("2.05", theirs.pattern(65536))]
    assert ask(base + "/length", method="post", body=theirs.pattern(65536)) == [("2.04", b"65536 octets")]


def test_what_is_observed(asking):
    ask, base = asking
    seen = ask(base + "/count", notifications=3)
    assert len(seen) >= 3 and {code for code, _ in seen} == {"2.05"}
    counts = [int(payload) for _, payload in seen]
    assert counts == sorted(counts) and counts[0] < counts[-1]
