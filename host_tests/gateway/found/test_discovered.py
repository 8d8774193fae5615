# SPDX-License-Identifier: MIT
"""A device that finds its gateway: the firmware on MicroPython, a multicast group on the loopback interface, and
gateways that are sockets of the test."""

import contextlib
import json
import re
import socket

import aiocoap
import pytest
from aiocoap.numbers.types import Type

from host_tests.gateway.devices import run
from host_tests.gateway.found import beacons
from host_tests.gateway.found.beacons import LINK_FORMAT, QUICK, Gateway, Group, device, group, link
from tools.demo.processes import Device


def test_it_asks_registers_and_sends(tmp_path):
    async def main():
        async with group(Gateway()) as found, device(tmp_path, found.peer) as sensor:
            gateway = found.gateways[0]
            await gateway.wait(kind="REG")
            sensor.put("say.txt", "hello")
            message = await gateway.wait(kind="MSG")
            assert json.loads(message.payload)["payload"] == "hello"
            line = f"gateway: coap://127.0.0.1:{gateway.port}"
            await sensor.lines.until(lambda text: text.endswith(line), line)
            await sensor.lines.until(lambda text: text.endswith("registered"), "registered")

    run(main())


def test_the_group_of_all_coap_nodes(tmp_path):
    """As `discover:` has it; gateways of other tests may be there, and have less room than the device wants."""

    async def main():
        given = Group()
        given.host, given.port = "224.0.1.187", 65401
        async with group(Gateway(link(4096)), given=given) as found:
            async with device(tmp_path, "discover:", coap={"max_datagram": 4096}):
                await found.gateways[0].wait(kind="REG")

    run(main())


@pytest.mark.slow  # a registration is not refreshed before 8 s
def test_the_first_dies_and_the_next_is_taken(tmp_path):
    async def main():
        async with group(Gateway(link(1152)), Gateway(link(1151))) as found:
            first, second = found.gateways
            async with device(tmp_path, found.peer, coap=QUICK):
                await first.wait(kind="REG")
                first.said = beacons.silent
                await second.wait(kind="REG")  # once its registration is to be refreshed, after 8 s
                assert len(found.requests) == 1
                # and that one too: asked anew, for the one that is back
                second.said = beacons.silent
                del first.said
                before = len(first.of("REG"))
                await first.wait(before + 1, kind="REG")
                assert len(found.requests) > 1

    run(main())


def test_one_that_never_answers_its_registration(tmp_path):
    async def main():
        async with group(Gateway(link(1152)), Gateway(link(1000))) as found:
            first, second = found.gateways
            first.said = beacons.silent
            async with device(tmp_path, found.peer, coap=QUICK):
                await second.wait(kind="REG")
                assert len(first.of("REG")) == 3 and len(found.requests) == 1  # sent, and twice again

    run(main())


def test_one_that_refuses(tmp_path):
    async def main():
        async with group(Gateway(link(1152)), Gateway(link(1000))) as found:
            first, second = found.gateways
            first.said = lambda message, kind: aiocoap.UNAUTHORIZED
            async with device(tmp_path, found.peer):
                await second.wait(kind="REG")
                assert len(first.of("REG")) == 1

    run(main())


def test_another_domain_is_none_of_ours(tmp_path):
    async def main():
        foreign, ours = Gateway(link(name="ue:gw@example.com")), Gateway(link(1000))
        async with group(foreign, ours) as found, device(tmp_path, found.peer):
            await ours.wait(kind="REG")
            assert foreign.requests == []

    run(main())


def test_forged_answers_by_the_hundred(tmp_path):
    """From one host, each from another port, before and after the true one: all of them lead nowhere."""

    async def main():
        async with group(Gateway(link(2048))) as found:
            forgers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]

            def forged(message):
                octets = beacons.answer(
                    message, aiocoap.CONTENT, link(2048), Type.NON, 9, content_format=LINK_FORMAT
                )
                for each in forgers:
                    yield each, octets
                    yield each, octets[:-1]  # no link format
                    yield each, octets[:12]

            found.more = forged
            with contextlib.ExitStack() as stack:
                for each in forgers:
                    stack.enter_context(each).bind(("127.0.0.66", 0))
                async with device(tmp_path, found.peer, coap={"max_datagram": 2048}) as sensor:
                    await found.gateways[0].wait(kind="REG")
                    sensor.put("say.txt", "hello")
                    await found.gateways[0].wait(kind="MSG")

    run(main())


def test_after_a_restart_the_last_one_is_tried_without_asking(tmp_path):
    async def main():
        async with group(Gateway()) as found:
            sensor = device(tmp_path, found.peer)
            async with sensor:
                await found.gateways[0].wait(kind="REG")
                await sensor.lines.until(lambda text: text.endswith("registered"), "registered")
            asked = len(found.requests)
            registered = len(found.gateways[0].of("REG"))
            async with sensor:
                await found.gateways[0].wait(registered + 1, kind="REG")
                assert len(found.requests) == asked
            # silent by then: asked for at once
            found.gateways[0].said = beacons.silent
            async with device(tmp_path, found.peer, coap=QUICK):
                await found.wait(asked + 1)

    run(main())


def test_nobody_there(tmp_path):
    async def main():
        async with group() as found, device(tmp_path, found.peer) as sensor:
            await found.wait(2)
            await sensor.lines.until(
                lambda text: text.endswith("discovering: no gateway answered"), "what it waits for"
            )
            async with group(Gateway()) as other:
                found.gateways = other.gateways
                await other.gateways[0].wait(kind="REG")

    run(main())


def test_a_host_in_place_of_the_group(tmp_path):
    class Host(Gateway):
        def said(self, message, kind):
            if message.opt.uri_path == beacons.CORE:
                return None
            return super().said(message, kind)

        def heard(self, message, address):
            super().heard(message, address)
            if message.opt.uri_path == beacons.CORE:
                octets = beacons.answer(
                    message, aiocoap.CONTENT, link(), Type.NON, 3, content_format=LINK_FORMAT
                )
                self.transport.sendto(octets, address)

    async def main():
        host = Host(b"")
        async with group(host), device(tmp_path, f"discover://localhost:{host.port}"):
            await host.wait(kind="REG")

    run(main())


SENDS_AT_ONCE = """
import asyncio
import json
from device import start

async def main():
    client = await start()
    outgoing = await client.send("as:weather@example.org", "21.5", to_type="AS")
    print("> " + json.dumps({"step": "taken", "state": outgoing.state}))
    await outgoing.wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("peer", ("discover:", "coap+uart:///dev/no-such-line"))
def test_what_is_sent_before_the_link_is_open_waits(tmp_path, peer):
    """A link that cannot look for gateways is not told whom to use, nor is one that is not open yet."""

    async def main():
        sensor = device(tmp_path, peer)
        app = tmp_path / "at_once.py"
        app.write_text(SENDS_AT_ONCE)
        sensor = Device(sensor.folder, app)
        async with sensor:
            assert (await sensor.tells("taken"))["state"] == "queued"
        assert not [line for line in sensor.lines.items if "gateway: discover:" in line or "Error" in line]

    run(main())


def test_a_board_without_a_network_says_so(tmp_path):
    """tested on each board by hardware/boards/test_contract.py; here, what its user reads of a role that has none"""

    async def main():
        more = {"role": "application client", "application": {"app_id": 1, "credential": "00"}}
        async with device(tmp_path, "discover:", **more) as sensor:
            assert await sensor.wait() != 0
            assert any(
                re.search(r'peer: cannot be discover: here, .*"client" only', line)
                for line in sensor.lines.items
            ), sensor.lines.items

    run(main())
