# SPDX-License-Identifier: MIT
"""The version of the firmware on a board, asked at a real REPL: MicroPython's own, on a pseudo-terminal."""

import os
import pty
import re
import select
import subprocess
from pathlib import Path

import pytest

from tools.doctor import onboard
from tools.doctor.finding import LACKS, OK, UNKNOWN
from tools.programs import micropython

ROOT = Path(__file__).resolve().parents[3]
VERSION = re.search(r'^VERSION = "(.+)"$', (ROOT / "firmware/coap/version.py").read_text(), re.M)[1]
# os.uname() is there on boards only; what an RP2040 says.
BOARD = """
import sys, os as real
class Board:
    class _Uname:
        machine = "Raspberry Pi Pico with RP2040"
        release = "1.25.0"
    def uname(self):
        return self._Uname
    def __getattr__(self, name):
        return getattr(real, name)
sys.modules["os"] = Board()
print("started")
"""
RUNNING = (
    BOARD
    + """
import time
lines = 0
while True:
    print("line", repr(sys.stdin.readline()))
"""
)


@pytest.fixture
def board():
    """board(CODE, PATH) runs it, with a REPL at its end; gives (its port, its process, what reads its console)."""
    ended = []

    def start(code, path="firmware:.frozen", repl=True):
        master, slave = pty.openpty()
        words = [micropython.program(), *["-i"] * repl, "-c", code]
        environment = {"MICROPYPATH": path, "TERM": "vt100"}
        process = subprocess.Popen(
            words, cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        name = os.ttyname(slave)
        ended.append((process, master, slave))
        return name, process, master

    yield start
    for process, *descriptors in ended:
        process.kill()
        process.wait()
        for descriptor in descriptors:
            os.close(descriptor)


class Line:
    """The other end of a pseudo-terminal as pyserial's Serial is."""

    in_waiting = 0

    def __init__(self, descriptor, wait=1.0):
        self._descriptor = descriptor
        self._wait = wait
        self.sent = b""

    def reset_input_buffer(self):
        pass

    def write(self, octets):
        self.sent += octets
        os.write(self._descriptor, octets)

    def read_until(self, expected):
        heard = b""
        while not heard.endswith(expected):
            if not select.select([self._descriptor], [], [], self._wait)[0]:
                break
            heard += os.read(self._descriptor, 1)
        return heard


def test_it_is_asked_at_the_prompt(board):
    _, process, console = board(BOARD)
    assert onboard.ask(Line(console, 10)) == ("Raspberry Pi Pico with RP2040", "1.25.0", VERSION)
    assert process.poll() is None


def test_a_board_without_the_firmware(board):
    _, _, console = board(BOARD, ".frozen")
    assert onboard.ask(Line(console, 10)) == ("Raspberry Pi Pico with RP2040", "1.25.0", None)


def test_an_application_that_runs_goes_on(board):
    """Nothing that would interrupt it is sent: no Ctrl-C (0x03), no raw REPL (0x01), no reset (0x04)."""
    _, process, console = board(RUNNING, repl=False)
    line = Line(console, 10)
    line.read_until(b"started\r\n")
    line = Line(console)
    assert onboard.ask(line) is None
    assert line.sent == b"\r"
    assert process.poll() is None


@pytest.mark.parametrize(
    ("version", "state", "todo"),
    [(VERSION, OK, ""), ("0.0.9", LACKS, "make flash"), (None, LACKS, "make flash")],
)
def test_what_is_made_of_it(version, state, todo, args, monkeypatch):
    class Opened:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(onboard.serial, "serial_for_url", lambda *_, **__: Opened())
    monkeypatch.setattr(onboard, "ask", lambda line: ("Pico", "1.25.0", version))
    (found,) = onboard.firmware(None, args(port="/dev/ttyACM0"))
    assert found.state == state and found.todo.startswith(todo) and (version or "without") in found.said
    assert found.check == "firmware at /dev/ttyACM0"
    monkeypatch.setattr(onboard, "ask", lambda line: None)
    (found,) = onboard.firmware(None, args(port="/dev/ttyACM0"))
    assert found.state == UNKNOWN and "nothing was interrupted" in found.said


def test_no_port_and_one_that_cannot_be_opened(args, tmp_path):
    (found,) = onboard.firmware(None, args())
    assert found.state == UNKNOWN and "--port" in found.said
    (found,) = onboard.firmware(None, args(port=str(tmp_path / "ttyACM0")))
    assert found.state == UNKNOWN and "there is no port" in found.said
