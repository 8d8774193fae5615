# SPDX-License-Identifier: MIT
"""TS 23.554 clause 8.2.8, MSGin5G Gateway UE selection, at the gateway: datagrams of a device, written by hand."""

import contextlib
import itertools
import re

import pytest

from host_tests.gateway.transport.seeker import Loopback
from tools.gateway.runtime import Gateway, Options
from tools.programs.patience import run
from tools.server.settings import Settings

MODULES = ("tools/transport/discovery.py",)
ALSO = (
    "host_tests/gateway/found/test_discovered.py",
    "host_tests/gateway/transport/test_discovery.py",
)

GROUP = "224.0.1.187"
WELL_KNOWN_CORE = b"\xbb.well-known\x04core"
FOR_A_GATEWAY = WELL_KNOWN_CORE + b"\x4d\x00rt=msgin5g.gw"
FOR_ANOTHER = WELL_KNOWN_CORE + b"\x4art=core.rd"
_NUMBERS = itertools.count(0x1000)


@contextlib.asynccontextmanager
async def gateway(**options):
    """A Gateway UE on the loopback interface, which answers without a pause."""
    given = {"coap": ("127.0.0.1", 0), "http": ("127.0.0.1", 0), "store": ":memory:", "discovery": True}
    running = Gateway(Options(Settings(max_datagram=1100), **given | options))
    if running.coap.discovery:
        running.coap.discovery.spread = lambda: 0.0
    async with running:
        yield running


class Device(Loopback):
    def ask(self, options, port, host=GROUP):
        """A Non-confirmable GET with a Token of four octets, which is given."""
        number = next(_NUMBERS).to_bytes(2, "big")
        self._socket.sendto(b"\x54\x01" + number + b"\xa0\xb1" + number + options, (host, port))
        return b"\xa0\xb1" + number

    async def hear(self):
        """(Token, link, (host, port)) of the next answer, which is a Non-confirmable 2.05 of Content-Format 40."""
        octets, address = await self.heard()
        assert octets[:2] == b"\x54\x45"
        assert octets[8:11] == b"\xc1\x28\xff"
        return octets[4:8], octets[11:].decode(), address


@pytest.mark.parametrize("security", ["oscore", "none"])
def test_the_gateway_ue_answers_with_its_ue_service_id_and_its_allowed_packet_size(security):
    """Table 8.2.8-2: UE service ID (M), Allowed packet size (M). Whoever asks needs no key for it."""

    async def talk():
        async with gateway(name="ue:gw@example.org", security=security) as running:
            with Device() as device:
                token = device.ask(FOR_A_GATEWAY, running.coap_port)
                assert await device.hear() == (
                    token,
                    '</msgin5g>;rt="msgin5g.gw";sz=1100;ep="ue:gw@example.org"',
                    ("127.0.0.1", running.coap_port),
                )

    run(talk())


def test_each_gateway_ue_around_answers_so_that_the_device_can_choose():
    async def talk():
        async with gateway(name="ue:a@example.org") as one, gateway(name="ue:b@example.org") as two:
            with Device() as device:
                token = device.ask(FOR_A_GATEWAY, 65401)
                found = {}
                while not {one.coap_port, two.coap_port} <= found.keys():
                    heard, link, address = await device.hear()
                    assert heard == token
                    found[address[1]] = re.search('ep="(.*)"', link)[1]
                assert found[one.coap_port] == "ue:a@example.org"
                assert found[two.coap_port] == "ue:b@example.org"

    run(talk())


def test_who_is_no_gateway_ue_does_not_answer():
    """A UE without the gateway function shall not answer: the one beside it does, to the same datagram, later."""

    async def talk():
        async with gateway(discovery=False) as other, gateway() as running:
            with Device() as device:
                token = device.ask(FOR_A_GATEWAY, 65401)
                address = None
                while address != ("127.0.0.1", running.coap_port):
                    heard, _, address = await device.hear()
                    assert heard == token
                    assert address != ("127.0.0.1", other.coap_port)

    run(talk())


def test_a_question_for_something_else_gets_silence_from_the_gateway_ue():
    async def talk():
        async with gateway() as running:
            with Device() as device:
                device.ask(FOR_ANOTHER, running.coap_port)
                device.ask(WELL_KNOWN_CORE + b"\x04more", running.coap_port)
                token = device.ask(FOR_A_GATEWAY, running.coap_port)
                assert (await device.hear())[0] == token

    run(talk())


def test_a_device_that_knows_the_address_asks_the_one_gateway_ue():
    async def talk():
        async with gateway() as running:
            with Device() as device:
                for options in (FOR_A_GATEWAY, WELL_KNOWN_CORE):
                    token = device.ask(options, running.coap_port, "127.0.0.1")
                    heard, link, _ = await device.hear()
                    assert (heard, link) == (token, '</msgin5g>;rt="msgin5g.gw";sz=1100')

    run(talk())
