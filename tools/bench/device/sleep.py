# SPDX-License-Identifier: MIT
"""A day of the emulated RP2040, in its own time: with windows in which it listens (`availability`), and without.

It sends a reading every quarter of an hour, and is sent a message every hour. With windows it sleeps in between, and
the gateway, which knows that, says nothing then; without, it always listens. That day is measured by an hour of it:
each is like the other.
"""

import json
import tempfile
from pathlib import Path

from tools import private
from tools.bench import Row
from tools.bench.device.pico import Pico, SilentError
from tools.bench.device.rp2040 import flash_image
from tools.emulator.client import provide
from tools.image import rp2

UE, AS = "ue:bench@example.org", "as:bench@example.org"
WINDOWS = {"interval": 900, "duration": 10}
CONFIG = {
    "role": "client",
    "ue_service_id": UE,
    "peer": "coap+uart://0",
    "security": {"mode": "none"},
    "registration": {"lifetime": 86400},
}
HOUR, DAY = 3600, 24  # s, hours
PAUSE = 1000  # ms from a reading to a message: the board writes on flash what became of the reading, and hears little
APP = """
import asyncio, time
from board import Board
from device import start
sleeps = {sleeps}
async def listen(client):
    async for message in client.messages():
        print("took", message.payload)
async def main():
    board = Board()
    client = await start(board=board)
    asyncio.create_task(listen(client))
    while not client.registered:
        await asyncio.sleep_ms(1)
    print("registered")
    slept = 0
    while True:
        await client.send("as:bench@example.org", "21.5", to_type="AS")
        if not sleeps:
            await asyncio.sleep(900)
        elif await client.drain(60):
            began = time.ticks_ms()
            board.sleep(client.next_wake())
            slept += time.ticks_diff(time.ticks_ms(), began)
        print("slept", slept)
asyncio.run(main())
"""


def measure():
    provide()
    image = rp2.build("rp2040", rp2.ROOT / "build" / "rp2040")
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash.bin"
        awake, octets = spent(image, flash, DAY, WINDOWS)
        always, all_octets = spent(image, flash, 1, None)
    yield Row("awake in a day with windows of 10 s every 15 min", awake, "s", "sleep.awake")
    yield Row("  in the same day without windows", always * DAY, "s")
    yield Row("octets on the line in the day with windows", octets, "octets", "sleep.octets")
    yield Row("  in the same day without windows", all_octets * DAY, "octets")


def spent(image, flash, hours, windows):
    """(seconds awake, octets on the line) of so many hours."""
    config = CONFIG | {"availability": windows}
    app = APP.replace("{sleeps}", str(windows is not None))
    private.replace(flash, flash_image({"msgin5g.json": json.dumps(config).encode(), "app.py": app.encode()}))
    with Pico(image, flash) as pico:
        pico.line("registered")
        began, octets, sent = pico.ms, pico.sent + pico.received, 0
        end = began + hours * HOUR * 1000
        while True:
            count, spoken = len(pico.requests), pico.sent + pico.received
            pico.until(lambda count=count: len(pico.requests) > count, "a reading", 1_000_000)
            if pico.ms >= end:
                break
            # A message that came meanwhile waits for a window, and a reading opens one.
            if pico.ms > began + (sent + 0.5) * HOUR * 1000:
                sent += 1
                read = pico.ms
                pico.until(lambda read=read: pico.ms > read + PAUSE, "a pause", 2 * PAUSE)
                pico.post(message(sent))
        done, octets = pico.ms - began, spoken - octets
        slept = max([int(line.split(" ")[1]) for line in pico.told if line.startswith("slept ")])
        took = [line for line in pico.told if line.startswith("took ")]
        if took != [f"took {number}" for number in range(1, sent + 1)]:
            raise SilentError(f"of {sent} messages the board took {len(took)}")
    return round((done - slept) / 1000), octets


def message(number):
    return {
        "msgIden": "urn:3gpp:msgin5g",
        "msgType": "MSG",
        "oriAddr": {"oriAddrType": "AS", "addr": AS},
        "destAddr": {"destAddrType": "UE", "addr": UE},
        "msgId": f"6b7d7d6c-5d55-4b6e-9e3c-0f2f6a3c{number:04d}",
        "payload": str(number),
    }
