# SPDX-License-Identifier: MIT
"""The RV32IMC machine with the gateway at the other end of its serial line: registered, in the clear and under OSCORE,
over L3, with large messages each way, and through power cuts.
"""

import asyncio
import contextlib
import hashlib
import json
import random

import pytest

from host_tests.hardware.device.test_registered import APP, AS, LARGE, is_large, large
from tools.demo.application_server import ApplicationServer
from tools.demo.feed import Feed
from tools.demo.processes import Gateway, command, device_keys
from tools.emulator.pty import Terminal
from tools.emulator.qemu.machine import Virt
from tools.image import files
from tools.image.boards import board_data
from tools.programs.patience import patiently

UE = "ue:virt@example.org"
POWER_ON = 1  # machine.PWRON_RESET
CONFIG = {
    "role": "client",
    "ue_service_id": UE,
    "peer": "coap+uart://1",
    "security": {"mode": "none"},
}
L3 = {
    "role": "application client",
    "peer": "l3+uart://1",
    "application": {"app_id": 7, "credential": "c0ffee"},
}
RECORD = random.Random(5).randbytes(LARGE)
# What test_registered.py's worker does in the words that L3 has: an FQDN for the server, octets for payloads.
L3_APP = APP.read_text().replace("as:weather@example.org", "weather.example.org")
L3_APP = L3_APP.replace("payload=message.payload", "payload=message.payload.decode()")
L3_APP = L3_APP.replace('"done: " + message.payload', '"done: " + message.payload.decode()')


class Machine:
    """A machine that runs its application: what it tells in lines "> " and a JSON object. It may be powered anew; its
    serial line is the device `line` all the while."""

    def __init__(self, image, folder):
        self.line = folder / "line"
        self.told = Feed()
        self.said = Feed()
        self._image = image
        self._flash = folder / "flash.bin"
        self._virt = None

    def power_on(self):
        self._virt = Virt(self._image, flash=self._flash, ports={"repl": 0, "uart1": 0})
        self.terminal = Terminal(self._virt.ports["uart1"])
        self.line.unlink(missing_ok=True)
        self.line.symlink_to(self.terminal.path)
        self._following = asyncio.create_task(self._follow(self._virt.ports["repl"]))

    async def _follow(self, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while line := await reader.readline():
                text = line.decode(errors="replace").strip()
                self.said.add(text)
                if text.startswith("> {"):
                    self.told.add(json.loads(text[2:]))
        finally:
            writer.close()

    def cut_power(self):
        self._virt.cut_power()
        self._following.cancel()
        self.terminal.close()

    async def tells(self, step, seconds=60, start=0, **fields):
        return await self.told.until(
            lambda item: item["step"] == step and all(item.get(k) == v for k, v in fields.items()),
            f"the machine to tell {step!r}; it said: " + " / ".join(self.said.items[-12:]),
            seconds,
            start,
        )


@contextlib.asynccontextmanager
async def scene(image, folder, config=CONFIG, app=None, prepare=None, security="none"):
    """(gateway, server, machine), the machine registered. `prepare` gives what the configuration has besides."""
    more = await prepare(folder) if prepare else {}
    contents = {
        "msgin5g.json": json.dumps({**config, **more}).encode(),
        "app.py": (app or APP.read_text()).encode(),
        "record.bin": RECORD,
    }
    (folder / "flash.bin").write_bytes(files.file_system(board_data("rv32")["flash"]["files"], contents))
    machine = Machine(image, folder)
    machine.power_on()
    try:
        arguments = ("--serial", str(machine.line)) + ("--open",) * (security == "none")
        async with Gateway(folder, *arguments, security=security) as gateway:
            async with ApplicationServer(AS, gateway.http) as server:
                await server.register()
                await machine.tells("registered")
                yield gateway, server, machine
    finally:
        machine.cut_power()


def play(image, tmp_path, act, **options):
    async def run():
        async with scene(image, tmp_path, **options) as parts:
            await act(*parts)

    asyncio.run(run())


async def exchange(server, machine, payload, start=0):
    """An order with its report, and the answer with its own."""
    message_id = await server.send(UE, payload)
    order = await machine.tells("order", start=start)
    assert (order["payload"], order["sender"]) == (payload, AS)
    assert (await server.report(message_id)).delivered
    answer = await server.message(lambda message: message.payload == f"done: {payload}", "the answer")
    assert answer.sender == UE
    assert (await machine.tells("answer", start=start))["state"] == "delivered"


def test_registers_sends_reports_and_receives(virt_image, tmp_path):
    async def act(gateway, server, machine):
        told = await machine.tells("registered")
        assert told["cause"] == POWER_ON
        assert told["free"] >= 72 * 1024  # octets of the 128 KiB, registered and idle
        await exchange(server, machine, "open the valve")

    play(virt_image, tmp_path, act)


def test_under_oscore(virt_image, tmp_path):
    async def prepare(folder):
        return await device_keys(folder, UE)

    async def act(gateway, server, machine):
        await gateway.event("registered", ue=UE)
        await exchange(server, machine, "open the valve")

    play(virt_image, tmp_path, act, prepare=prepare, security="oscore")


def test_over_l3(virt_image, tmp_path):
    async def prepare(folder):
        store = ("--store", "gateway.db")
        (folder / "credential").write_text("c0ffee")
        credential = ("--credential-file", folder / "credential")
        await command(folder, "gateway", "application", "add", "7", "--ue", UE, *credential, *store)
        await command(folder, "gateway", "target", "add", "weather.example.org", AS, *store)
        return L3

    async def act(gateway, server, machine):
        message_id = await server.send(UE, "open the valve")
        assert (await machine.tells("order"))["payload"] == "open the valve"
        assert (await server.report(message_id)).delivered
        answer = await server.message(lambda message: message.payload == "done: open the valve", "the answer")
        assert answer.sender == UE
        assert (await machine.tells("answer"))["state"] == "delivered"

    play(virt_image, tmp_path, act, app=L3_APP, prepare=prepare)


@pytest.mark.slow
def test_64_kib_each_way_and_power_cuts(virt_image, tmp_path):
    """The power goes in the middle of 64 KiB on the way out, when `send` has returned, and again in the middle of 64
    KiB that come in: in the end both are whole, once."""

    async def act(gateway, server, machine):
        await server.send(UE, "record", report=False)
        await machine.tells("kept", of="record")
        assert not large(server)
        await power_cut(machine)
        message = await server.messages.until(is_large, "64 KiB of the machine", 240)
        assert message.payload == RECORD

        update = random.Random(6).randbytes(LARGE)
        message_id = await server.send(UE, update)
        before = machine.terminal.received
        await until(lambda: machine.terminal.received > before + LARGE // 4)
        await power_cut(machine)
        told = await machine.tells("update", 240)
        assert (told["size"], told["digest"]) == (LARGE, hashlib.sha256(update).hexdigest())
        assert (await server.report(message_id)).delivered
        assert len(large(server)) == 1

    play(virt_image, tmp_path, act)


async def until(condition, seconds=120):
    more = patiently(seconds)
    while not condition():
        assert more(), "it never came true"
        await asyncio.sleep(0.01)


async def power_cut(machine):
    machine.cut_power()
    seen = len(machine.told.items)
    machine.power_on()
    await machine.tells("registered", start=seen)
