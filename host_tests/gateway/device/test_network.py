# SPDX-License-Identifier: MIT
"""What a network does to a socket besides losing things: new source ports, floods, what is no CoAP at all."""

import asyncio
import random
import socket
from collections.abc import Callable
from typing import NamedTuple

import aiocoap
import pytest
from aiocoap.numbers.types import Type

from host_tests.gateway.devices import UE, Traffic, device, gateway_and_server, run
from tools.impair import Impairment

QUICK = {"coap": {"ack_timeout": 0.1}}
QUICK_GATEWAY = ("--coap-ack-timeout", "0.1", "--retry-min", "0.2")

# A good request with a body that is none of clause 7.3
REQUEST = aiocoap.Message(
    _mtype=Type.CON, _mid=0x1234, code=aiocoap.POST, uri_path=["msgin5g"], _token=b"\x01", payload=b"{}"
).encode()


def request(chance):
    """With a message ID of its own, so that it is no duplicate."""
    return REQUEST[:2] + chance.randbytes(2) + REQUEST[4:]


class Flood(NamedTuple):
    make: Callable
    counted: str  # the device's counter that tells of it
    source: str = "127.0.0.1"  # the peer's own address: only the port is another


FLOODS = {
    "empty": Flood(lambda chance: b"", "coap_malformed"),
    "2000 octets": Flood(lambda chance: b"\x00" + chance.randbytes(1999), "coap_refused"),
    "garbage": Flood(lambda chance: chance.randbytes(chance.randrange(1, 100)), "coap_malformed"),
    "request of 2000 octets": Flood(lambda chance: request(chance) + bytes(1960), "coap_refused"),
    "request": Flood(request, "malformed"),
    "request from elsewhere": Flood(request, "coap_refused", "127.0.0.2"),
}


async def send_flood(port, flood, count=None):
    """Sends `count` datagrams to the device, or for ever, some 1000 a second; gives what came back by then."""
    chance = random.Random(1)
    answers = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
        flooder.bind((flood.source, 0))
        flooder.setblocking(False)
        sent = 0
        while count is None or sent < count:
            for _ in range(5):
                flooder.sendto(flood.make(chance), ("127.0.0.1", port))
                sent += 1
            await asyncio.sleep(0.005)
            try:
                while True:
                    answers.append(flooder.recv(2048))
            except BlockingIOError:
                pass
    return answers


def port_of(registered):
    return int(registered["peer"].rpartition(":")[2])


@pytest.mark.parametrize("kind", FLOODS)
def test_messages_arrive_in_a_flood(tmp_path, kind):
    async def main():
        async with gateway_and_server(tmp_path / "gateway", *QUICK_GATEWAY) as (gateway, server):
            traffic = Traffic(tmp_path, gateway, server, gateway.coap[1], 25, **QUICK)

            async def disturb():
                port = port_of(await gateway.event("registered", ue=UE))
                flooding = asyncio.create_task(send_flood(port, FLOODS[kind]))
                await server.reports.reach(traffic.messages, "reports", seconds=None)
                flooding.cancel()

            await traffic.play(meanwhile=disturb())
            traffic.check()
            assert traffic.stats[FLOODS[kind].counted] > 50  # it did reach the device

    run(main(), 120)


def test_the_heap_stays_in_a_flood(tmp_path):
    async def main():
        async with gateway_and_server(tmp_path / "gateway", *QUICK_GATEWAY) as (gateway, server):
            board = device(tmp_path, "echo.py", gateway.coap[1], **QUICK)
            async with board:
                port = port_of(await gateway.event("registered", ue=UE))

                async def heap_after(count, text):
                    """The least in the last 20 messages: on a busy machine some of them wait for their answer."""
                    heaps = []
                    for number in range(count):
                        await server.send(UE, f"{text} {number}", report=False)
                        told = await board.told.until(
                            lambda told, wanted=f"{text} {number}": told["payload"] == wanted, "an echo"
                        )
                        heaps.append(told["heap"])
                    return min(heaps[-20:])

                # All code is loaded, all tables are full, of message IDs too. Fewer do not do on a busy machine.
                for flood in FLOODS.values():
                    await send_flood(port, flood, 1000)
                before = await heap_after(150, "before")
                # What is rare (a message that is put off) loads its code once; a leak grows each time.
                for turn in range(3):
                    answers = 0
                    for flood in FLOODS.values():
                        answers += len(await send_flood(port, flood, 500))
                    after = await heap_after(70, f"after {turn}")
                    assert answers > 500  # requests are answered, so it was alive all the while
                    # Texts of different lengths; a leak of one octet a datagram is 3000.
                    grown, before = after - before, after
                    if grown <= 1024:
                        break
                assert grown <= 1024

    run(main(), 120)


def test_new_source_ports(tmp_path):
    """As behind a NAT that forgets: the gateway binds the device to where it speaks from."""

    async def main():
        # Where the port changes with the last word of a device that has nothing more to say, nobody can find it
        # until it registers anew.
        options = (*QUICK_GATEWAY, "--lifetime", "10")
        async with gateway_and_server(tmp_path / "gateway", *options) as (gateway, server):
            async with Impairment(gateway.coap, "rebind", scale=0.05) as network:
                traffic = Traffic(tmp_path, gateway, server, network.port, 60, **QUICK)
                await traffic.play()
                traffic.check()
                # 60 messages, reports and answers to as many of both, and each 20th datagram changes the port.
                rebound, registered = (gateway.count(event, ue=UE) for event in ("rebound", "registered"))
                assert rebound + registered >= 13
                # Once at the start, and once in 8 s where it comes to that: the rest was healed without.
                assert rebound >= 10

    run(main(), 120)
