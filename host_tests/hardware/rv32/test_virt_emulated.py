# SPDX-License-Identifier: MIT
"""`msgin5g emulate rv32`: what it prints leads to a device that is provisioned and registered."""

import asyncio
import re
import sys

import pytest

from host_tests.gateway.devices import AS, EXAMPLES
from tools import cli
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Gateway, Process, command
from tools.image import files
from tools.image.boards import board_data, version

UE = "ue:virt@example.org"
PROGRAM = (sys.executable, "-m", "tools.cli", "emulate", "rv32")


async def printed(process, pattern):
    line = await process.lines.until(lambda line: re.search(pattern, line), pattern, 120)
    return re.search(pattern, line)[1]


def test_from_the_command_to_a_registered_device(virt_image, tmp_path):
    async def play():
        flash = tmp_path / "flash.bin"
        contents = {"app.py": (EXAMPLES / "sensor.py").read_bytes()}
        flash.write_bytes(files.file_system(board_data("rv32")["flash"]["files"], contents))
        async with Process((*PROGRAM, "--flash", flash)) as emulator:
            repl = await printed(emulator, r"mpremote connect (\S+)")
            uart = await printed(emulator, r"UART1: (\S+)")
            async with Gateway(tmp_path, "--serial", uart, security="oscore") as gateway:
                async with ApplicationServer(AS, gateway.http) as server:
                    await server.register()
                    await command(tmp_path, "provision", "--ue", UE, "--port", repl)
                    await gateway.event("registered", ue=UE, seconds=60)
                    reading = await server.message(lambda message: message.sender == UE, "a reading")
                    assert reading.payload.isdecimal()
                    said = Process((sys.executable, "-m", "tools.cli", "provision", "--show", "--port", repl))
                    async with said:
                        await said.wait()
                    first = f"{repl}: MSGin5G {version()} for the virt machine of QEMU with RV32IMC, MicroPython 1.25.0"
                    assert said.lines.items[0].startswith(first)
                    assert "coap+uart://1" in "\n".join(said.lines.items)

    asyncio.run(play())


def test_the_power_goes_when_it_is_asked_for(virt_image, tmp_path):
    """The first start of an empty flash makes the file system."""

    async def play():
        async with Process((*PROGRAM, "--flash", tmp_path / "flash.bin", "--cut-after", "0")) as emulator:
            assert await emulator.wait(60) == 75
            assert emulator.lines.items[-1] == "emulator: the power went, as --cut-after said"

    asyncio.run(play())


@pytest.mark.parametrize(
    "option, words",
    [
        (("--cut-after", "x"), "--cut-after takes a number from 0 to 4294967294, not x"),
        (("--cut-after", "4294967295"), "--cut-after takes a number"),
        (("--cut-after", "²"), "--cut-after takes a number"),  # a digit for str.isdigit, and not for int
        (("--uart1", "²"), "--uart1 takes a TCP port"),
        (("--unique-id", "01"), "--unique-id takes 16 hexadecimal digits, not 01"),
        (("--unique-id", "zz"), "--unique-id takes 16 hexadecimal digits, not zz"),
        (("--uart0", "5000"), "--uart0 is not of the rv32: its REPL is there, see --repl"),
        (("--uart1", "65536"), "--uart1 takes a TCP port from 0 to 65535, or pty, not 65536"),
        (("--virtual",), "--virtual is not of the rv32"),
    ],
)
def test_what_can_not_be_asked_for_is_said(virt_image, tmp_path, capsys, option, words):
    flash = ("--flash", str(tmp_path / "flash.bin"))
    assert cli.main(["emulate", "rv32", *flash, "--image", str(virt_image), *option]) == 2
    assert words in capsys.readouterr().err
