# SPDX-License-Identifier: MIT
"""What the emulated RP2040 does over its UART at 115200 baud, in its own time: registers, is idle, moves 64 KiB.

The gateway takes no time, so all that the line is silent is the board's. What the encoding allows is the line that is
never silent: 64 KiB take as long as the octets of all frames that carry them, with base64, JSON, CoAP and slipmux.
"""

import json
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

import aiocoap

from tools import private
from tools.bench import Row, limits
from tools.bench.device.pico import MS_AN_OCTET, Pico, SilentError
from tools.bench.device.rp2040 import flash_image
from tools.emulator.client import provide
from tools.image import rp2
from tools.wire import bodies, payload, segments

UE, AS = "ue:bench@example.org", "as:bench@example.org"
LARGE = 64 * 1024
DATAGRAM = 1152
STEP = 1024  # to which the room is found out
WINDOW = {"segments": {"window": 2}, "serial": {"flow": "rtscts"}}
CONFIG = {"role": "client", "ue_service_id": UE, "peer": "coap+uart://0", "security": {"mode": "none"}}
# What a start leaves that was a good one (docs/flash-format.md): the first of all makes the folder, which takes 45 ms.
STARTS, STARTED = "messages/boot", b"1 0 0 1\n"

# `room`: octets of free heap that are left once it is idle, the small holes of the heap filled first; 0 leaves all
APP = """
import asyncio, gc, time
from device import start
room, sends = {room}, {sends}
async def main():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(1)
    print("registered", time.ticks_ms())
    await asyncio.sleep(1)
    ballast = [None] * (4096 if room else 1)
    gc.collect()
    print("idle", gc.mem_free())
    while room and gc.mem_free() > room:
        ballast[0] = [ballast[0], bytearray(64)]
    if sends:
        with open("record.bin", "rb") as file:
            print("sends", time.ticks_ms())
            outgoing = await client.send("as:bench@example.org", file, to_type="AS")
            print("kept", time.ticks_ms())
        print("sent", await outgoing.wait())
    print("ready")
    message = await client.receive()
    size = 0
    for chunk in message.chunks():
        size += len(chunk)
    print("took", size)
    await asyncio.sleep(3600)
asyncio.run(main())
"""


def measure():
    provide()
    image = rp2.build("rp2040", rp2.ROOT / "build" / "rp2040")
    with tempfile.TemporaryDirectory() as folder:
        with board(image, Path(folder) / "flash.bin", sends=True) as pico:
            (ticks,) = pico.line("registered")
            yield Row("from power-on to registered, over UART", int(ticks), "ms", "line.registered")
            (free,) = pico.line("idle")
            yield Row("free heap, registered and idle", int(free), "octets", "heap.idle_free")
            sent = send(pico)
            yield Row("from send() of 64 KiB to the first octet", sent.began, "ms", "line.first_octet")
            yield Row("  to its return, all of it on flash", sent.kept, "ms")
            yield from goodput("64 KiB sent at 115200 baud", sent.done, sent.octets, "line.goodput_out")
            yield Row("  from the first octet", sent.share(sent.done - sent.began), "%")
            pico.line("ready")
            yield from goodput("64 KiB received at 115200 baud", *receive(pico), "line.goodput_in")
        with board(image, Path(folder) / "flash.bin", more=WINDOW) as pico:
            pico.line("ready")
            received = receive(pico)
            yield from goodput(
                "64 KiB received, two segments at once, RTS/CTS", *received, "line.goodput_in_window"
            )
        room = least_room(image, Path(folder) / "flash.bin")
        yield Row("highest heap use while 64 KiB arrive, above idle", room, "octets", "heap.segments")


def goodput(what, ms, octets, limit):
    """`octets` of the line took `ms`."""
    yield Row(what, round(LARGE / ms * 1000), "octet/s")
    yield Row("  what the encoding allows", round(LARGE / (octets * MS_AN_OCTET) * 1000), "octet/s")
    yield Row("  the one of the other", share(octets, ms), "%", limit)


def share(octets, ms):
    """What the line is busy of the time, in percent."""
    return round(100 * octets * MS_AN_OCTET / ms, 1)


def board(image, flash, room=0, sends=False, size=LARGE, more=None):
    record = random.Random(5).randbytes(size)
    app = APP.replace("{room}", str(room)).replace("{sends}", str(sends))
    config = json.dumps(CONFIG | (more or {})).encode()
    contents = {"msgin5g.json": config, "app.py": app.encode(), "record.bin": record, STARTS: STARTED}
    private.replace(flash, flash_image(contents))
    return Pico(image, flash)


@dataclass
class Sent:
    """A message of the board: ms from its call of send() to the first octet, to the answer to the last segment, and to
    its return; octets on the line."""

    began: float
    done: float
    kept: int
    octets: int

    def share(self, ms):
        return share(self.octets, ms)


def send(pico):
    pico.spoke, before = None, pico.sent
    called = int(pico.line("sends")[0])
    last = pico.until(lambda: _last_segment(pico.requests), "the last segment", 180_000)
    began, done, octets = pico.spoke - called, pico.ms - called, pico.sent - before
    kept = int(pico.line("kept")[0]) - called
    confirmation = {"msgIden": last["msgIden"], "msgType": "SEGCONFIR", "result": True}
    pico.post(confirmation | {"segId": last["segParams"]["segId"]})
    pico.line("sent")
    return Sent(round(began, 1), done, kept, octets)


def _last_segment(requests):
    return next((body for body in requests if body.get("segParams", {}).get("lastSegFlag")), None)


def receive(pico, size=LARGE):
    """(ms, octets on the line) of a message to the board, from its first octet to SEGCONFIR. It has as many segments
    without an answer as the board said that it takes."""
    began, before = pico.ms, pico.received
    asked = []
    for body in large_message(size):
        if len(asked) == pico.window:
            _expect_changed(pico, asked.pop(0))
        asked.append(pico.ask(body))
    for mid in asked:
        _expect_changed(pico, mid)
    octets = pico.received - before
    pico.until(lambda: pico.requests[-1]["msgType"] == "SEGCONFIR", "SEGCONFIR", 10_000)
    done = pico.ms - began
    (taken,) = pico.line("took", 10_000)
    if int(taken) != size or pico.requests[-1]["result"] is not True:
        raise SilentError(f"of {size} octets {taken} arrived")
    return done, octets


def _expect_changed(pico, mid):
    answer = pico.answer(mid, ms=30_000)
    if answer.code != aiocoap.CHANGED:
        raise SilentError(f"the board answered {answer.code} {answer.payload!r}")


def large_message(size):
    """The bodies of a message in segments, cut as the emulated gateway cuts them for datagrams of 1152 octets."""
    head = {
        "msgIden": "urn:3gpp:msgin5g",
        "msgType": "MSG",
        "oriAddr": {"oriAddrType": "AS", "addr": AS},
        "destAddr": {"destAddrType": "UE", "addr": UE},
        "msgId": "6b7d7d6c-5d55-4b6e-9e3c-0f2f6a3c1b90",
    }
    frame = len(aiocoap_post(b"").encode())
    widest = bodies.Segment("0" * 16, 999, 999, True)
    room = DATAGRAM - frame - 1 - len(bodies.encode(bodies.msg(head, "", widest)))
    value = payload.from_octets(random.Random(6).randbytes(size))
    parts = segments.cut(value, 2048, room)
    for number, part in enumerate(parts, 1):
        yield bodies.msg(head, part, bodies.Segment("0" * 16, number, len(parts), number == len(parts)))


def aiocoap_post(octets):
    message = aiocoap.Message(code=aiocoap.POST, uri_path=("msgin5g",), content_format=50, payload=octets)
    message.mtype, message.mid, message.token = aiocoap.CON, 0, bytes(2)
    return message


def least_room(image, flash):
    """The fewest octets of free heap with which 64 KiB arrive without a datagram lost."""

    def fits(room):
        with board(image, flash, room) as pico:
            try:
                pico.line("ready")
                receive(pico)
                return True
            except SilentError:
                return False

    low, high = 0, limits.of("heap.segments").value // STEP
    while not fits(high * STEP):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle * STEP) else (middle, high)
    return high * STEP
