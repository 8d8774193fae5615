# SPDX-License-Identifier: MIT
"""The README, typed as it stands: each of its commands that can run here is run, by `make` as a user would, with the
emulated Pico as the board, an emulated boot loader as the ESP32, and a folder as the drive of a Pico in BOOTSEL mode.
"""

import asyncio
import json
import os
import re
import select
import shlex
import shutil
import subprocess

import pytest

from host_tests.hardware.esp32 import esp32_base
from host_tests.hardware.esp32.esp32_loader import BootLoader
from host_tests.tools.board.test_flash_drive import Drive
from tools.demo.processes import Process
from tools.image import rp2
from tools.programs.patience import finish, patiently

ROOT = rp2.ROOT
README = (ROOT / "README.md").read_text()
UE = "ue:sensor-1@example.org"
FREE = "--coap 127.0.0.1:0 --http 127.0.0.1:0"
# Commands that these tests do not run, and the test that does.
ELSEWHERE = {
    "make demo LINK=serial": "gateway/serial/test_program.py",
    "make demo LINK=relay": "gateway/relay/test_relay_demo.py",
    "make demo NODES=3": "nodes/front/test_nodes_demo.py",
    "make bench": "tools/bench/test_frame.py",
    ".venv/bin/msgin5g doctor": "tools/doctor/test_doctor.py",
    "make docs": "tools/site/test_built.py",
    "make bench ARGS=flood": "tools/bench/test_measures.py",
    "make soak": "device/msgin5g/test_soak.py",
    "make board NAME=mine": "hardware/boards/test_new_board.py",
    "make demo": "gateway/device/test_demo.py",
    "make test": "",  # this is it
    "make provision BOARD=esp32 UE=ue:sensor-2@example.org PEER=coap://192.0.2.1 ARGS='--wifi ask'": (
        "tools/board/test_provision.py"  # a board with Wi-Fi is not to be had here
    ),
}


def commands():
    """Those of the README's blocks without a language, without their comments, and those amid its sentences."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    lines = [
        re.sub(r"\s+# .*", "", line)
        for language, block in blocks
        if not language
        for line in block.splitlines()
    ]
    lines += re.findall(r"(?<!`)`([^`\n]+)`", README)
    return [line for line in lines if line.startswith(("make ", "cp ", ".venv/bin/"))]


def typed(command, **changes):
    """The command as the README has it, with other values of make's variables, or more of them."""
    assert command in commands(), f"the README has no {command}"
    words = shlex.split(command)
    for name, value in changes.items():
        words = [word for word in words if not word.startswith(name + "=")] + [f"{name}={value}"]
    return words


def run(words):
    done = finish(words, 300, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def shape(text):
    """What two runs have in common: no times, no ports, no folders."""
    text = re.sub(r"^\d\d:\d\d:\d\d ", "TIME ", text, flags=re.MULTILINE)
    text = re.sub(r"\d+\.\d+\.\d+\.\d+:\d+", "ADDRESS", text)
    text = re.sub(r"/\S+/gateway\.db", "gateway.db", text)
    return re.sub(r"/dev/(ttyACM|ttyUSB|pts/)\d+", "PORT", text)


def test_each_command_is_run_by_a_test():
    with open(__file__) as file:
        source = file.read()
    for command in commands():
        where = ELSEWHERE.get(command)
        if where is None:
            assert f'"{command}"' in source, f"no test runs {command}"
        elif where:
            assert (ROOT / "host_tests" / where).exists()


def test_the_pico_from_the_image_to_a_registered_device(image, tmp_path):
    """With the emulated Pico for the last three commands. What they print is what the README shows."""
    run(typed("make image BOARD=rp2040"))
    drive = Drive(tmp_path / "RPI-RP2", blocks=len(image.read_bytes()) // 512)
    said = run(typed("make flash BOARD=rp2040", ARGS=f"--drive {drive.path}"))
    drive.join(10)
    assert drive.taken == image.read_bytes() and "it has them" in said

    async def play():
        flash = f"--flash {tmp_path / 'flash.bin'}"
        emulate = typed("make emulate BOARD=rp2040", ARGS=flash)
        async with Process(emulate, folder=ROOT) as emulator:
            repl = await told(emulator, r"mpremote connect (\S+)")
            uart = await told(emulator, r"UART0: (\S+)")
            store = tmp_path / "gateway.db"
            provision = typed(
                "make provision BOARD=rp2040 PORT=/dev/pts/1 UE=ue:sensor-1@example.org",
                PORT=repl,
                ARGS=f"--store {store}",
            )
            said = await asyncio.to_thread(run, provision)
            gateway = typed(
                "make gateway SERIAL=/dev/pts/2",
                SERIAL=uart,
                ARGS=f"{FREE} --store {store}",
            )
            # The same on a Pico, which is found, and whose adapter has another name.
            board = typed("make provision BOARD=rp2040 UE=ue:sensor-1@example.org")
            assert not only_in(board, provision)
            assert not only_in(typed("make gateway SERIAL=/dev/ttyUSB0", SERIAL=uart), gateway)
            async with Process(gateway, folder=ROOT) as served:
                line = await told(served, rf"(.*registered {UE}.*)")
                said += "\n".join(served.lines.items)
                assert "msgin5g gateway" not in said  # no advice to do what the README leaves out
                await asyncio.to_thread(at_the_repl, typed("make repl", PORT=repl))
                where = await told(served, r"HTTP on (\S+)")
                listen = typed(".venv/bin/msgin5g as listen as:weather@example.org")
                async with Process([*listen, "--server", where], folder=ROOT) as server:
                    await told(server, r"(is registered with)")
                    words = typed(
                        ".venv/bin/mpremote connect /dev/pts/1 cp examples/sensor.py :app.py + reset"
                    )
                    assert not only_in(typed(".venv/bin/mpremote cp examples/sensor.py :app.py"), words)
                    await asyncio.to_thread(run, [repl if word == "/dev/pts/1" else word for word in words])
                    await told(server, rf"({UE}: \d+)")
                    await told(served, rf"(reported .* to {UE}: success)")
        shown = re.search(r"What is to be seen:\n\n```\n(.*?)```", README, re.DOTALL)[1]
        assert shape(line) == shape(shown.splitlines()[-1])
        missing = set(shape(shown).splitlines()) - set(shape(said).splitlines())
        assert not missing

    asyncio.run(play())


def only_in(words, others):
    """The words of a command that another one does not have."""
    return [word for word in words if word not in others]


def at_the_repl(words):
    """Types the README's lines into `make repl`, and sees what it shows."""
    shown = re.search(r"^>>> from device.*?^```$", README, re.MULTILINE | re.DOTALL)[0].removesuffix("```")
    ours, its = os.openpty()
    with subprocess.Popen(
        words, cwd=ROOT, stdin=its, stdout=its, stderr=its, start_new_session=True
    ) as process:
        os.close(its)
        screen = Screen(ours)
        try:
            screen.until("to exit this shell")
            # mpremote takes the terminal over only after it said so; what was typed before that is lost, as by hand.
            for _ in range(60):
                os.write(ours, b"\x03")
                if screen.shows(">>> ", 1):
                    break
            for step in shown.split(">>> ")[1:]:
                typed_line, *expected = step.splitlines()
                screen.until(">>> ")
                os.write(ours, typed_line.encode() + b"\r")
                for line in expected:
                    screen.until(line_shape(line))
            screen.until(">>> ")
        finally:
            os.write(ours, b"\x1d")
            process.wait(20)
            os.close(ours)


def line_shape(line):
    """A pattern for such a line: identifiers and octets differ from board to board."""
    line = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", line)
    pattern = re.sub(r"\d{5,}", r"\\d+", re.escape(line).replace("UUID", "[0-9a-f-]{36}"))
    return re.sub(r"start\\ \d+", r"start\\ \\d+", pattern)


class Screen:
    """What comes to a terminal. `until` goes on behind what was seen last."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._text = ""

    def shows(self, pattern, seconds):
        """Whether it comes within that time; what was seen stays."""
        more = patiently(seconds)
        while not re.search(pattern, self._text):
            ready, _, _ = select.select([self._descriptor], [], [], min(seconds, 1))
            if not ready:
                if not more():
                    return False
                continue
            self._text += os.read(self._descriptor, 4096).decode(errors="replace").replace("\r", "")
        return True

    def until(self, pattern, seconds=60):
        assert self.shows(pattern, seconds), f"expected {pattern} after:\n{self._text}"
        found = re.search(pattern, self._text)
        self._text = self._text[found.end() :]


async def told(process, pattern):
    line = await process.lines.until(lambda line: re.search(pattern, line), pattern, 60)
    return re.search(pattern, line)[1]


def test_the_esp32_from_the_image_to_the_flash(tmp_path):
    base = tmp_path / "ESP32_GENERIC.bin"
    base.write_bytes(esp32_base.base())
    run(typed("make image BOARD=esp32 BASE=ESP32_GENERIC-20250415-v1.25.0.bin", BASE=base))
    made = (ROOT / "build/esp32/firmware.bin").read_bytes()
    with BootLoader() as loader:
        # A pseudo-terminal has no DTR and RTS.
        said = run(typed("make flash BOARD=esp32", PORT=loader.port, ARGS="--no-reset"))
        assert "write-flash" in said
        assert loader.flash.octets[: len(made)] == made

    async def play():
        words = typed("make gateway", ARGS=f"{FREE} --store {tmp_path / 'gateway.db'}")
        async with Process(words, folder=ROOT) as gateway:
            await told(gateway, r"(CoAP on 127.0.0.1)")
            assert not [line for line in gateway.lines.items if "WARNING" in line]

    asyncio.run(play())


def test_three_terminals(tmp_path):
    """The gateway, an Application Server, and a device with the example as its application: a reading arrives."""

    async def play():
        store = tmp_path / "gateway.db"
        words = typed("make gateway SECURITY=none", ARGS=f"{FREE} --store {store}")
        listen = typed(".venv/bin/msgin5g as listen as:weather@example.org")
        async with Process(words, folder=ROOT) as gateway:
            port = await told(gateway, r"CoAP on 127.0.0.1:(\d+)")
            where = next(filter(None, (re.search(r"HTTP on (\S+)", line) for line in gateway.lines.items)))[1]
            config = json.loads((ROOT / "msgin5g.example.json").read_text())
            assert config["peer"] == "coap://127.0.0.1:65401"  # where the gateway is that has no --coap
            config["peer"] = f"coap://127.0.0.1:{port}"
            (tmp_path / "msgin5g.example.json").write_text(json.dumps(config))
            device = typed(
                ".venv/bin/msgin5g device --config msgin5g.example.json --state my-device examples/sensor.py"
            )
            device = [
                str(tmp_path / word) if word.startswith(("my", "msgin5g.")) else word for word in device
            ]
            async with Process([*listen, "--server", where], folder=ROOT) as server:
                await told(server, r"(is registered with)")
                async with Process(device, folder=ROOT):
                    await told(gateway, rf"(registered {UE})")
                    line = await told(server, rf"(.*{UE}: \d+)")
        shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)[1]
        assert re.sub(r"\d+$", "N", shape(line)) == re.sub(r"\d+$", "N", shape(shown.strip()))

    asyncio.run(play())


def test_make_lists_its_verbs():
    listed = run(["make"])
    for command in commands():
        if command.startswith("make "):
            assert f"  {command.split()[1]} " in listed


def test_the_wiring_is_that_of_the_boards():
    """The pictures name the pins that the boards use."""
    pins = json.loads((ROOT / "boards/esp32/board.json").read_text())["chips"]["esp32"]["pins"]["uarts"]["2"]
    picture = (ROOT / "docs/wiring-esp32.svg").read_text()
    assert f">GPIO{pins['tx']}, out<" in picture and f">GPIO{pins['rx']}, in<" in picture
    picture = (ROOT / "docs/wiring-rp2040.svg").read_text()
    # Pico data sheet, figure 2: UART0 TX is GP0 on pin 1, RX GP1 on pin 2
    assert ">1: GP0, out<" in picture and ">2: GP1, in<" in picture


@pytest.fixture(autouse=True)
def no_picotool(monkeypatch):
    if found := shutil.which("picotool"):
        kept = [
            folder for folder in os.environ["PATH"].split(os.pathsep) if not found.startswith(folder + os.sep)
        ]
        monkeypatch.setenv("PATH", os.pathsep.join(kept))
