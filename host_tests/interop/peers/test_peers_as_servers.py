# SPDX-License-Identifier: MIT
"""Our client asks servers that others wrote: aiocoap, libcoap and CoAP for Node.js, in the clear and, where they
have it, under OSCORE.
"""

import hashlib

import pytest

from host_tests.interop.on_udp import HOST
from host_tests.interop.peers import ours, theirs

SIZE = 65536
DIGEST = hashlib.sha256(theirs.pattern(SIZE)).hexdigest()


@pytest.fixture(params=["aiocoap", "libcoap", "node", "aiocoap oscore", "libcoap oscore"])
def served(request, tmp_path):
    """(the base URI of a server, what our client needs for its keys, which server it is)."""
    name = request.param
    keys = [tmp_path / "client"] if name.endswith("oscore") else []
    if name == "node":
        server = theirs.node_server(request.getfixturevalue("node_coap"))
    elif name.startswith("aiocoap"):
        server = theirs.aiocoap_server(tmp_path / "keys" if keys else None)
    else:
        program = request.getfixturevalue("oscore_server" if keys else "coap_server")
        server = theirs.libcoap_server(program, tmp_path, bool(keys))
    with server as port:
        yield f"coap://{HOST}:{port}", keys, name


@pytest.mark.parametrize("interpreter", ours.INTERPRETERS)
def test_one_request_after_the_other(served, interpreter):
    base, keys, _ = served
    seen = ours.asked(interpreter, base, "get@/time", "non@/time", "get@/async?1", "get@/nothing", *keys)
    assert [code for code, _ in seen] == ["2.05", "2.05", "2.05", "4.04"]


@pytest.mark.parametrize("interpreter", ours.INTERPRETERS)
def test_64_kib_each_way(served, interpreter):
    base, keys, name = served
    wanted = [f"put:{SIZE}@/example_data", "digest@/example_data"]
    if name == "node":
        # It keeps the blocks of a body by their token, which libcoap does not keep either (RFC 7959 section 2.5 has
        # another rule). So it has a body of its own.
        del wanted[0]
    *put, got = ours.asked(interpreter, base, *wanted, *keys)
    assert got == [SIZE, DIGEST]
    assert put == [] if name == "node" else put[0][0] in ("2.01", "2.04")


@pytest.mark.parametrize("interpreter", ours.INTERPRETERS)
def test_what_is_observed(served, interpreter):
    base, keys, _ = served
    seen = ours.asked(interpreter, base, "observe:3@/time", *keys)
    assert [code for code, _ in seen] == ["2.05"] * 3
    assert len({text for _, text in seen}) == 3
