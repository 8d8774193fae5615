# SPDX-License-Identifier: MIT
"""The emulated Pico with the gateway at the other end of its UART and mpremote at its REPL: the image that is flashed,
doing its work.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench import limits
from tools.bench.device.rp2040 import flash_image
from tools.demo.application_server import ApplicationServer
from tools.demo.feed import Feed
from tools.demo.processes import Gateway
from tools.emulator.client import Emulator
from tools.emulator.pty import Terminal
from tools.programs.patience import patience

UE = "ue:pico@example.org"
AS = "as:weather@example.org"
LARGE = 64 * 1024
POWER_ON, WATCHDOG = 1, 3  # machine.PWRON_RESET, machine.WDT_RESET
APP = Path(__file__).parent / "apps/worker.py"
CONFIG = {
    "role": "client",
    "ue_service_id": UE,
    "peer": "coap+uart://0",
    "security": {"mode": "none"},
}

# The line at 115200 baud is measured by the bench; here its octets would be most of the time.
QUICK = {**CONFIG, "serial": {"baudrate": 460800}}


class Pico:
    """What `mpremote repl` shows, line by line; what the board tells in it as JSON. Keys may be typed."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.told = Feed()
        self.said = Feed()
        self._line = Terminal(emulator.ports["repl"])
        # mpremote wants a terminal of its own, as a person has one
        self._keys, screen = os.openpty()
        command = (sys.executable, "-m", "mpremote", "connect", self._line.path, "repl")
        self._mpremote = subprocess.Popen(command, stdin=screen, stdout=screen, stderr=screen)
        os.close(screen)

    async def follow(self):
        reader = asyncio.StreamReader()
        screen = os.fdopen(os.dup(self._keys), "rb", 0)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), screen
        )
        while line := await reader.readline():
            text = line.decode(errors="replace").strip()
            self.said.add(text)
            if text.startswith("> {"):
                self.told.add(json.loads(text[2:]))

    def close(self):
        self._mpremote.terminate()
        self._mpremote.wait()
        self._line.close()
        os.close(self._keys)

    async def tells(self, step, seconds=60, **fields):
        """The next object with these fields that nobody asked for yet."""
        return await self.told.until(
            lambda item: item["step"] == step and all(item.get(k) == v for k, v in fields.items()),
            f"the board to tell {step!r}; it said: " + " / ".join(self.said.items[-12:]),
            seconds,
        )

    async def says(self, text, seconds=60):
        """A line with this text in it."""
        await self.said.until(lambda line: text in line, f"the board to say {text!r}", seconds)

    def types(self, keys):
        """As a person does: what is long takes a while."""
        os.write(self._keys, keys)


@contextlib.asynccontextmanager
async def scene(image, folder, app=None, config=CONFIG):
    """(gateway, server, pico, record), the pico registered."""
    record = random.Random(5).randbytes(LARGE)
    contents = {
        "msgin5g.json": json.dumps(config).encode(),
        "app.py": app or APP.read_bytes(),
        "record.bin": record,
    }
    flash = folder / "flash.bin"
    flash.write_bytes(flash_image(contents))
    with Emulator(image, flash=flash, ports={"repl": 0, "uart0": 0}) as emulator:
        pico = Pico(emulator)
        line = Terminal(emulator.ports["uart0"])
        following = asyncio.create_task(pico.follow())
        try:
            async with Gateway(folder, "--open", "--serial", line.path) as gateway:
                async with ApplicationServer(AS, gateway.http) as server:
                    await server.register()
                    await gateway.event("registered", ue=UE, seconds=60)
                    yield gateway, server, pico, record
        finally:
            following.cancel()
            pico.close()
            line.close()


def play(image, tmp_path, act, config=CONFIG):
    async def run():
        async with scene(image, tmp_path, config=config) as parts:
            await act(*parts)

    asyncio.run(run())


def test_registers_sends_reports_and_receives(image, tmp_path):
    async def act(gateway, server, pico, record):
        told = await pico.tells("registered")
        assert pico.said.items[0].startswith("Connected to MicroPython at /dev/pts/")  # mpremote's words
        assert told["cause"] == POWER_ON
        assert limits.of("heap.idle_free_oscore").holds(told["free"])
        message_id = await server.send(UE, "open the valve")
        order = await pico.tells("order")
        assert (order["payload"], order["sender"]) == ("open the valve", AS)
        assert (await server.report(message_id)).delivered
        answer = await server.message(lambda message: message.payload == "done: open the valve", "the answer")
        assert answer.sender == UE
        assert (await pico.tells("answer"))["state"] == "delivered"
        assert pico.emulator.stats()["uarts"][0]["overruns"] == 0

    play(image, tmp_path, act)


def test_a_watchdog_reset_loses_nothing(image, tmp_path):
    async def act(gateway, server, pico, record):
        await pico.tells("registered", cause=POWER_ON)
        await server.send(UE, "hang", report=False)
        first = await server.send(UE, "after the watchdog")
        await pico.tells("registered", cause=WATCHDOG)
        await pico.tells("order", payload="after the watchdog")
        assert (await server.report(first)).delivered
        assert pico.emulator.stats()["watchdog_resets"] == 1

    play(image, tmp_path, act)


@pytest.mark.slow
def test_64_kib_each_way_and_power_cuts(image, tmp_path):
    """The first cut comes before `send` has returned: the message was never taken, and what the gateway has of it is
    given up. The second one comes after, and the outbox has it."""

    async def act(gateway, server, pico, record):
        await pico.tells("registered", cause=POWER_ON)
        await server.send(UE, "half", report=False)
        await pico.tells("half")
        pico.emulator.ask("power-cycle")
        await pico.tells("registered", cause=POWER_ON)

        await server.send(UE, "record", report=False)
        await pico.tells("kept", of="record")
        pico.emulator.ask("power-cycle")
        assert not large(server)  # it was amid its segments
        second = await server.send(UE, "after the power cut")
        await pico.tells("order", payload="after the power cut")
        assert (await server.report(second)).delivered
        message = await server.messages.until(is_large, "64 KiB of the board", 240)
        assert message.payload == record
        await gateway.event("reported", msgId=message.message_id)
        given_up = await gateway.event("segment-confirmed", result=False)
        assert given_up["msgId"] != message.message_id

        # SEGCONFIR may come amid an erase, and come again: three wires keep what is asked in turns (docs/serial.md).
        async with patience(60):
            while (await server.status())["pending"]:
                await asyncio.sleep(0.1)
        overruns = pico.emulator.stats()["uarts"][0]["overruns"]

        update = random.Random(6).randbytes(LARGE)
        await server.send(UE, update)
        told = await pico.tells("update", 180)
        assert (told["size"], told["digest"]) == (LARGE, hashlib.sha256(update).hexdigest())
        assert len(large(server)) == 1
        assert pico.emulator.stats()["uarts"][0]["overruns"] == overruns

    play(image, tmp_path, act, QUICK)


def large(server):
    return [message for message in server.messages.items if is_large(message)]


def is_large(message):
    return isinstance(message.payload, bytes)
