# SPDX-License-Identifier: MIT
"""One contract for all boards (docs/board.md): the same assertions on the unix board, on the emulated RP2040 with the
image that is flashed, and on the ESP32, whose chip is a stand-in (host_tests/esp32).
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from host_tests.esp32.chip import Chip
from tools.image import bytecode
from tools.image.boards import ROOT, board_data
from tools.programs.micropython import BIN

BOARDS = ROOT / "boards"
CONTRACT = Path(__file__).with_name("contract.py")
NEW = "from board import Board\nboard = Board()\n"
CAUSE = NEW + "print(board.reset_cause())"
SERIAL = ["coap+uart", "l3+uart"]


class UnixBoard:
    """A run is a process."""

    own = {"name": "unix", "id": 8, "peers": ["coap", *SERIAL, "discover"], "timer": False, "led": False}
    watchdog = None
    after_reset = "power-on"  # the process has ended; whoever starts the next one has turned it on

    def __init__(self, request):
        self.folder = request.getfixturevalue("tmp_path")

    def run(self, code):
        path = ":".join((str(BOARDS / self.own["name"]), str(bytecode.firmware()), ".frozen"))
        command = [BIN / "micropython", "-X", "heapsize=256k", "-c", code]
        environment = {**os.environ, "MICROPYPATH": path}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run_to_reset = run

    def cut_power(self):
        pass


class EmulatedPico:
    own = {"name": "rp2040", "id": 8, "peers": SERIAL, "timer": True, "led": True}
    watchdog = (2000, 8389)
    after_reset = "soft"

    def __init__(self, request):
        self.board = request.getfixturevalue("boot")()
        self.run = self.board.run
        self.run_to_reset = self.board.reset_by

    def cut_power(self):
        self.board.pico.ask("power-cycle")
        self.board.enter()


class StandInESP32:
    own = {
        "name": "esp32",
        "id": 6,
        "peers": ["coap", *SERIAL, "l3+espnow", "discover"],
        "timer": True,
        "led": True,
    }
    watchdog = (1000, 999)
    after_reset = "soft"

    def __init__(self, request):
        self.chip = Chip(request.getfixturevalue("tmp_path"))

    def run(self, code):
        output, whole = self.chip.run(code)
        assert whole, output
        return output

    def run_to_reset(self, code):
        output, whole = self.chip.run(code)
        assert not whole
        return output

    def cut_power(self):
        self.chip.cause = Chip(self.chip.folder).cause


KINDS = [UnixBoard, EmulatedPico, StandInESP32]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.own["name"])
def board(request):
    return request.param(request)


def cause(board):
    return board.run(CAUSE).strip()


def test_each_board_is_looked_at():
    """Each folder has its files, and is run here."""
    folders = [path for path in BOARDS.iterdir() if any(path.glob("*.*"))]
    assert {path.name for path in folders} == {kind.own["name"] for kind in KINDS}
    for folder in folders:
        for name in ("board.py", "board.json", "manifest.py", "README.md"):
            assert (folder / name).exists(), folder / name
        assert board_data(folder.name)["id"] == folder.name


def test_a_board_keeps_its_promises(board):
    code = CONTRACT.read_text()
    assert board.run(code).startswith("kept ")
    # A second time: the first has left nothing behind that matters.
    kept = json.loads(board.run(code).removeprefix("kept "))
    assert kept == {**board.own, "cause": "power-on"}


def test_causes_of_a_reset(board):
    """Each as the contract names it, one after the other, as a board lives them."""
    assert cause(board) == "power-on"
    went_on = board.run_to_reset(NEW + "board.reset()\nprint('went on')")
    assert "went on" not in (went_on or "")
    assert cause(board) == board.after_reset
    if board.watchdog:
        timeout, _ = board.watchdog
        # Fed in time it does nothing, over twice its time; then nobody feeds it.
        fed = f"import time\nwatchdog = board.watchdog({timeout})\n"
        fed += f"for _ in range(4):\n    time.sleep_ms({timeout // 2})\n    watchdog.feed()\n"
        board.run_to_reset(NEW + fed + "with open('fed', 'w') as file: file.write('yes')\nwhile True: pass")
        assert cause(board) == "watchdog"
        assert board.run("print(open('fed').read())").strip() == "yes"
        # Asked for, with the watchdog running.
        board.run_to_reset(NEW + f"board.watchdog({timeout})\nboard.reset()")
        assert cause(board) == "soft"
    board.cut_power()
    assert cause(board) == "power-on"


def test_a_watchdog_that_cannot_be(board):
    if board.watchdog is None:
        code = "try:\n    board.watchdog(5000)\nexcept Unsupported as error:\n    print(error)\n"
        assert "no watchdog" in board.run("from device.links import Unsupported\n" + NEW + code)
    else:
        code = f"try:\n    board.watchdog({board.watchdog[1]})\nexcept ValueError:\n    print('refused')\n"
        assert board.run(NEW + code).strip() == "refused"


def test_peers_that_are_missing_are_named(board):
    """The sentence says what there is instead."""
    code = CONTRACT.read_text().partition("\nprint(")[0]
    code += "\nfor peer in MISSING:\n    there, said = supported(Board().links, config(peer))\n"
    said = board.run(code + "    if not there:\n        print(said)").splitlines()
    assert said
    for scheme in board.own["peers"]:
        assert all(f"{scheme}:" in line for line in said), said
