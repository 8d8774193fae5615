# SPDX-License-Identifier: MIT
"""A UDP port belongs to one program; and to one peer of a test."""

import asyncio
import errno
import socket

import aiocoap
import pytest

from tools.programs.patience import run
from tools.transport.coap import CoapTransport

LOCAL = "127.0.0.1"


def transport():
    return CoapTransport(None, None, lambda peer: 1 << 20)


def number():
    """Of a port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((LOCAL, 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("hosts", [(LOCAL, LOCAL), ("0.0.0.0", LOCAL), (LOCAL, "0.0.0.0"), ("::", "0.0.0.0")])
def test_of_two_programs_that_start_at_the_same_moment_one_has_the_port(hosts):
    async def story():
        port, two = number(), (transport(), transport())
        starts = (each.start(host, port) for each, host in zip(two, hosts, strict=True))
        done = await asyncio.gather(*starts, return_exceptions=True)
        for each in two:
            await each.stop()
        assert port in done
        (taken,) = [each for each in done if each != port]
        assert isinstance(taken, OSError) and taken.errno == errno.EADDRINUSE

    run(story())


@pytest.mark.parametrize("host", [LOCAL, "0.0.0.0", "::1"])
def test_a_port_that_is_free_again_is_had_again(host):
    async def story():
        port = 0
        for _ in range(2):
            one = transport()
            port = await one.start(host, port)
            await one.stop()

    run(story())


def test_no_two_peers_of_a_test_share_a_port():
    """aiocoap as it is would let them, and where the kernel chooses it lets them by chance."""

    async def story():
        one = await aiocoap.Context.create_server_context(None, bind=(LOCAL, 0), transports=["udp6"])
        (interface,) = one.request_interfaces
        opened = interface.token_interface.message_interface.transport.get_extra_info("socket")
        with pytest.raises(OSError):
            await aiocoap.Context.create_server_context(
                None, bind=(LOCAL, opened.getsockname()[1]), transports=["udp6"]
            )
        await one.shutdown()

    run(story())
