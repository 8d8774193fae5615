# SPDX-License-Identifier: MIT
"""How deep the C stack of an RP2040 is at most: 8 KB, of which MicroPython lets Python have 7,936 octets."""

import json

import aiocoap

from tools import private
from tools.bench import limits
from tools.bench.device import line
from tools.bench.device.pico import Pico
from tools.bench.device.rp2040 import flash_image
from tools.transport.lines import COAP, encode
from tools.wire import bodies

KEYS = {"mode": "oscore", "master_secret": "00" * 16, "sender_id": "01", "recipient_id": "02"}
# The stack ends where scratch memory begins (ports/rp2/memmap_mp_rp2040.ld), and grows down. What is free of it is
# painted, and what was used is what has lost its paint: that of C and of interrupts too.
PAINTED = """
import machine, micropython
LOW, TOP, PAINT = 0x20040000, 0x20042000, 0x5A5A5A5A
def paint():
    for address in range(LOW, TOP - micropython.stack_use() - 1024, 4):
        machine.mem32[address] = PAINT
def used():
    address = LOW
    while machine.mem32[address] == PAINT:
        address += 4
    return TOP - address
"""
APP = """
import asyncio
from device import start
async def tell(what):
    await asyncio.sleep(1)
    print(what, used())
    paint()
async def main():
    client = await start()
    await tell("started")
    if not client.registered:
        return
    outgoing = await client.send("as:bench@example.org", "x" * 100, to_type="AS", report=True)
    await tell("sent")
    await client.subscribe("news", 5)
    await tell("subscribed")
    while outgoing.state != "delivered":
        await asyncio.sleep_ms(20)
    await tell("ended")
    for number in range(9):
        await client.receive()
        await tell("took%d" % number)
paint()
asyncio.run(main())
"""


class Notifying(Pico):
    """With topics; `deaf` says nothing at all."""

    deaf = False
    token = None

    def _take(self, message):
        if self.deaf:
            return None
        if message.code != aiocoap.GET:
            return super()._take(message)
        self.token = message.token
        answer = aiocoap.Message(code=aiocoap.CONTENT, observe=1)
        answer.mtype, answer.mid, answer.token = aiocoap.ACK, message.mid, message.token
        return answer

    def notify(self, body):
        message = aiocoap.Message(code=aiocoap.CONTENT, observe=2, content_format=50)
        message.payload = bodies.encode(body)
        message.mtype, message.mid, message.token = aiocoap.CON, 60_000, self.token
        self._asked += encode(COAP, message.encode())

    def used(self, what):
        return int(self.line(what)[0])


def board(image, folder, config):
    contents = {"msgin5g.json": json.dumps(line.CONFIG | config).encode(), "app.py": (PAINTED + APP).encode()}
    private.replace(folder / "flash.bin", flash_image(contents))
    return Notifying(image, folder / "flash.bin")


def holds(found):
    assert min(found.values()) > 2_000, found  # of the frames of an application alone
    assert limits.of("stack.client").keeps(max(found.values())), found


def test_a_client_that_starts_with_oscore(image, tmp_path):
    with board(image, tmp_path, {"security": KEYS}) as pico:
        pico.deaf = True
        holds({"started": pico.used("started")})


def test_whatever_comes_in_first(image, tmp_path):
    """Each for the first time, so that what it needs is imported; the report goes deepest, so it is the first."""
    head = {"msgIden": "urn:3gpp:msgin5g", "msgType": "MSG"}
    head |= {"oriAddr": {"oriAddrType": "AS", "addr": line.AS}}
    to = {"destAddr": {"destAddrType": "UE", "addr": line.UE}}
    ids = [f"6b7d7d6c-5d55-4b6e-9e3c-0f2f6a3c1b{number}" for number in range(10, 20)]
    with board(image, tmp_path, {"security": {"mode": "none"}, "aggregation": {"wait": 0.1}}) as pico:
        found = {what: pico.used(what) for what in ("started", "sent", "subscribed")}
        sent = next(body for body in pico.requests if body["msgType"] == "MSG")
        report = head | to | {"msgType": "IMDN", "msgId": sent["msgId"], "DelSta": "success"}
        assert pico.post(report).code == aiocoap.CHANGED
        found["report"] = pico.used("ended")
        for body in line.large_message(3_000):
            assert pico.post(body).code == aiocoap.CHANGED
        found["segments"] = pico.used("took0")
        elements = [{"msgId": each, "payload": "a", "isDelivStatReq": True} for each in ids[:2]]
        assert pico.post(head | to | {"msgId": ids[2], "msgList": elements}).code == aiocoap.CHANGED
        found |= {"aggregate": pico.used("took1"), "of it": pico.used("took2")}
        assert pico.post({"msgIden": head["msgIden"], "msgType": "x"}).code == aiocoap.BAD_REQUEST
        assert pico.post(head | to | {"msgId": ids[3], "payload": "y" * 900}).code == aiocoap.CHANGED
        found["message"] = pico.used("took3")
        pico.notify(head | to | {"msgId": ids[4], "payload": "news"})
        found["notification"] = pico.used("took4")
    holds(found)
