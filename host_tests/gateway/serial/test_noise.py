# SPDX-License-Identifier: MIT
"""A bad cable: one octet in a hundred damaged, and breaks. What is accepted arrives, once.

Everything runs ten times as fast as the real thing: 1,152,000 baud for 115,200, breaks of 1 s for 10 s, L3's time-out.
"""

import asyncio
import os

import pytest

from host_tests.gateway.scripted import run
from host_tests.gateway.serial.serial_device import OWN, SerialDevice
from host_tests.gateway.serial.serial_scene import TARGET, scene
from tools.line.cable import Cable
from tools.programs.patience import patience

COUNT = 300
# A tenth of the real one, and no less: a response has no Message ID, so its time-out must be well above what the other
# side ever takes (docs/annex-a.md). Beside four busy loops an answer took longer than 0.05 s, and messages were lost.
L3_TIMEOUT = 0.2
NAME = "as:w"


async def receive(server, got, count):
    """Message IDs and payloads into `got`; what is posted again over HTTP, which may happen there, into nothing."""
    while len(got) < count:
        body = await server.inbox.get()
        got.setdefault(body["msgId"], body["payload"])


@pytest.mark.slow
# A datagram of JSON is about 200 octets, of which 1 % leaves hardly one in ten whole: it gets a tenth of the damage.
@pytest.mark.parametrize(
    "scheme, damage, timeout, guard", [("coap+uart", 0.001, 0.03, 180), ("l3+uart", 0.01, L3_TIMEOUT, 400)]
)
def test_300_messages_each_way(scheme, damage, timeout, guard, tmp_path):
    async def main():
        cable = Cable(1152000, damage)
        async with scene(timeout=timeout, cable=cable, name=NAME, rate=100000) as (cable, gateway, server):
            to = "192.0.2.1" if scheme == "l3+uart" else NAME
            order = {"to": to, "payload": "up #", "count": COUNT, "options": {"to_type": "AS"}}
            keys = {
                "l3": {"timeout": L3_TIMEOUT},
                "coap": {"ack_timeout": 0.02},
                "serial": {"baudrate": 115200},
                "outbox": {"messages": 16},
            }
            async with SerialDevice(tmp_path, "%s://%s" % (scheme, cable.ends[0]), [order], **keys) as device:
                await gateway.journal.wait("application-registered")
                for number in range(COUNT):
                    status, ack = await server.deliver(server.message(OWN, "down %d" % number))
                    assert status == 200 and "status" not in ack, ack
                    # Time-outs are shorter than on a real line, the work of this process is not: it must not be busy
                    # for longer than an answer may take.
                    await asyncio.sleep(0.01)
                for _ in range(2):
                    await asyncio.sleep(2)
                    cable.cut = True
                    await asyncio.sleep(1)
                    cable.cut = False
                up = {}
                await receive(server, up, COUNT)
                await device.wait(count=COUNT, seconds=150, kind="got")
                await device.wait(count=COUNT, kind="ended", state="accepted")
                # a device that ends before the gateway knows has its last message told as failed
                await gateway.journal.wait("delivered", count=COUNT, to=OWN)
                down = [event["payload"] for event in device.find(kind="got")]
                # in order for each destination, each once, none made up
                assert list(up.values()) == ["up %d" % number for number in range(COUNT)]
                assert down == ["down %d" % number for number in range(COUNT)]
                stats = await device.stop()
                assert stats["link_damaged"] + stats["link_unknown"] > 10 and stats["malformed"] == 0
                await asyncio.sleep(0.2)
                extra = [server.inbox.get_nowait() for _ in range(server.inbox.qsize())]
                # an Application Server that was slow to answer is posted to again, and only then
                assert len(extra) <= len(gateway.journal.find("retry", to=NAME)), extra
                assert len(device.find(kind="got")) == COUNT

    # Over L3 it takes 130 s, for each damaged frame waits for its time-out; over CoAP 13 s.
    run(main(), guard)


def test_noise_alone_brings_nothing(tmp_path):
    """A line that hangs in the air: octets, now and then something that looks like a frame."""

    async def main():
        async with scene() as (cable, gateway, server):
            order = {"to": TARGET["l3+uart"], "payload": "x", "options": {"to_type": "AS"}}
            async with SerialDevice(tmp_path, "l3+uart://%s" % cable.ends[0], [order]) as device:
                await server.next()
                noise = bytes((13 * at * at + 7 * at) & 255 for at in range(4000))
                for line in (0, 1):
                    await cable.inject(line, noise + b"\xc0\xc5\x01\x02\xc0\xdb\xc0")
                body = server.message(OWN, "still here")
                await server.deliver(body)
                assert (await device.wait(kind="got"))["payload"] == "still here"
                stats = await device.stop()
                assert stats["link_damaged"] > 0 and stats["link_unknown"] > 0
                assert gateway.lines[0].framer.bad > 0

    run(main())


def test_an_end_that_reads_late_loses_nothing():
    """A program that the computer gives no time to: as with flow control, which no load may make a matter of chance."""
    octets = bytes(range(256)) * 256  # several times what a terminal holds

    async def write(end):
        rest = octets
        while rest:
            try:
                rest = rest[os.write(end, rest) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)

    async def read(end):
        got = b""
        while len(got) < len(octets):
            try:
                got += os.read(end, 4096)
            except BlockingIOError:
                await asyncio.sleep(0.01)
        return got

    async def main():
        async with Cable(100_000_000) as cable:
            here, there = (os.open(end, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK) for end in cable.ends)
            writing = asyncio.create_task(write(here))
            carried = -1
            while carried != cable.carried[0]:  # until nothing more fits
                carried = cable.carried[0]
                await asyncio.sleep(0.1)
            assert not writing.done()
            assert await read(there) == octets
            os.close(here)
            os.close(there)

    run(main())


def test_two_that_wait_for_an_end_to_read_both_go_on():
    """What it is sent, and what arrives there that nobody sent."""
    size = 16384  # more than a terminal holds

    async def main():
        async with Cable(100_000_000) as cable:
            there = os.open(cable.ends[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            both = [asyncio.create_task(cable.inject(1, octet * size)) for octet in (b"a", b"b")]
            await asyncio.wait(both, timeout=0.3)
            got = b""
            async with patience(20):
                while len(got) < 2 * size:
                    try:
                        got += os.read(there, 4096)
                    except BlockingIOError:
                        await asyncio.sleep(0.01)
            os.close(there)
            assert got.count(b"a") == got.count(b"b") == size

    run(main())
