# SPDX-License-Identifier: MIT
# heap: 224k, the stand-ins for modules that are C on the chip lie in it too
"""An Application Client that runs on the ESP-NOW link, over the port's own C, with a gateway's radio at the other end.

Frames are worked by hand from the tables of TS 24.538 Annex A.2.1 (test_l3_messages.py of host_tests/device has each).
"""

import asyncio

import idf
import virtual
from common import equal
from device import runner, start
from device.links import espnow
from msgin5g import MemoryStorage
from test_espnow import GATEWAY, LMK

CONFIG = {
    "role": "application client",
    "ue_service_id": "ue:meter-7@example.org",
    "peer": "l3+espnow://a0b1c2d3e4f5",
    "security": {"mode": "none"},
    "application": {"app_id": 258, "credential": "deadbeef"},
    "espnow": {"channel": 6, "pmk": "70" * 16, "lmk": "6c" * 16},
}
REGISTRATION_ID = bytes.fromhex("0a0b0c0d0e0f")
REG = bytes.fromhex("07" + "0102" + "0004deadbeef")  # Application ID, credential of 4 octets
DEREG = b"\x0a" + REGISTRATION_ID
ANSWERS = {0x01: b"\x02\x01", 0x07: b"\x08" + REGISTRATION_ID, 0x0A: b"\x0c" + REGISTRATION_ID}
ID = "00112233445566778899aabbccddeeff"
REPORT_ID = "ffeeddccbbaa99887766554433221100"


class Board:
    def __init__(self):
        self.storage = MemoryStorage()

    def links(self, config):
        return espnow.link(config)

    def reset_cause(self):
        return "power-on"


class Gateway:
    """Its radio: what it heard, each as octets, and answers to all requests while it is `there`."""

    def __init__(self):
        self.heard = []
        self.there = True

    def tell(self, octets):
        idf.now_frame(GATEWAY, octets, channel=6, lmk=LMK)

    async def serve(self):
        while True:
            for mac, octets in idf.now_sent():
                if self.there:
                    equal(mac, GATEWAY)
                    self.heard.append(octets)
                    if octets[0] in ANSWERS:
                        self.tell(ANSWERS[octets[0]])
            await asyncio.sleep_ms(50)

    def kinds(self):
        """The types of the messages that it heard since the last call."""
        heard, self.heard = self.heard, []
        return [octets[0] for octets in heard]


def play(act, there=True):
    """Runs `act(client, gateway)` in virtual time, with the ticks of a board."""
    idf.power_cycle()
    idf.set(peer_channel=6)
    gateway = Gateway()
    gateway.there = there

    async def main():
        serving = asyncio.create_task(gateway.serve())
        client = await start(dict(CONFIG), Board())
        try:
            await asyncio.sleep(3)
            await act(client, gateway)
            equal(client.fault(), runner.STOPPED if client.stopping else None)
        finally:
            client.abandon()
            serving.cancel()

    real = runner._now, runner.log, espnow.now
    runner._now = espnow.now = lambda: idf.now() & 0x1FFFFFFF
    runner.log = lambda *words: None
    try:
        virtual.run(main())
    finally:
        runner._now, runner.log, espnow.now = real


def test_it_registers_and_deregisters():
    async def act(client, gateway):
        equal((client.registered, gateway.heard), (True, [REG]))
        gateway.heard.clear()
        stopping = asyncio.create_task(client.stop())
        await asyncio.sleep(1)
        equal((stopping.done(), gateway.heard), (True, [DEREG]))
        link = client._link
        equal((link._radio.active(), link._station.active()), (False, False))  # nothing is left on

    play(act)


def test_messages_both_ways():
    async def act(client, gateway):
        outgoing = await client.send("192.0.2.1", "Hi", report=True, app_id=7)
        await asyncio.sleep(1)
        equal((outgoing.state, gateway.heard[1][:7]), ("accepted", bytes.fromhex("010501c0000201")))
        reply_to = gateway.heard[1][7:23]
        # MESSAGE DELIVERY REPORT RECEIVED REQUEST, success
        gateway.tell(bytes.fromhex("0601" + REPORT_ID) + reply_to)
        equal(await outgoing.wait(5), "delivered")
        gateway.kinds()
        # "abc" from "ue:a" (F), a report is wanted (B)
        gateway.tell(bytes.fromhex("03" + ID + "0003616263" + "0f0475653a61" + "b1"))
        message = await client.receive()
        equal((message.payload, message.sender), (b"abc", "ue:a"))
        await asyncio.sleep(5)
        equal(gateway.kinds(), [4, 5, 5])  # taken, and the report twice: nothing answers it

    play(act)


def test_a_gateway_that_comes_later():
    async def act(client, gateway):
        await asyncio.sleep(900)
        equal((client.registered, client.core.registration.state), (False, "unreachable"))
        gateway.there = True
        await asyncio.sleep(400)  # it is tried each 300 s by then
        equal(client.registered, True)

    play(act, there=False)


def test_what_is_done_to_the_radio_is_made_good():
    """One message each: it goes out, at the latest with its repeats, and no frame is anything else."""

    async def act(client, gateway):
        link = client._link
        expected = [REG]
        for harm in (
            lambda: link._radio.active(False),
            lambda: link._station.active(False),
            lambda: idf.set(nomem_ms=4500),  # send() blocks, and then means later for 5 s
            lambda: idf.set(ack=0),
            lambda: idf.now_frame(b"\x02\0\0\0\0\1", bytes(300), channel=6),
            lambda: (link.pause(), link.resume()),
        ):
            harm()
            outgoing = await client.send("192.0.2.1", "Hi")
            equal(await outgoing.wait(30), "accepted")
            frame = "010501c0000201" + outgoing.message_id.replace("-", "") + "0002" + "4869" + "d0"
            expected.append(bytes.fromhex(frame))
            idf.set(nomem_ms=0, ack=1)
            await asyncio.sleep(10)  # of what was to go again, the last copy is out
            copies = gateway.heard.count(expected[-1])
            equal((set(gateway.heard) - set(expected), 1 <= copies <= 3), (set(), True))
        equal((client.registered, client.stats["link_reopened"]), (True, 3))

    play(act)
