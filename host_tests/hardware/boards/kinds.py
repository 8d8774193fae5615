# SPDX-License-Identifier: MIT
"""On what a board's code is run for its contract: "runs" of "contract" in its board.json names rows of KINDS.

Each has

run(code)            what the code prints; an AssertionError or the like where it does not come to its end
run_to_reset(code)   what code prints that ends in a reset, or nothing
cut_power()          what is in flash stays

and is made once a test, of the test's request and the board's name.
"""

import os
import signal
import subprocess
from pathlib import Path

from host_tests.esp32 import chip
from host_tests.esp32.idf import build
from host_tests.hardware.pico_w import merging
from tools.image import boards, bytecode, esp32
from tools.image import program as image_program
from tools.programs.micropython import BIN
from tools.programs.patience import finish

HEAP = "320k"


class Process:
    """The board is this computer: a run is a process."""

    def __init__(self, request, board):
        self.folder = request.getfixturevalue("tmp_path")
        self.path = (boards.FOLDER / board, bytecode.firmware(), ".frozen")
        self.program = BIN / "micropython"
        self.more = {}  # of its environment

    def start(self, code):
        environment = {**os.environ, "MICROPYPATH": ":".join(map(str, self.path)), **self.more}
        command = [self.program, "-X", f"heapsize={HEAP}", "-c", code]
        return finish(
            command,
            60,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, code):
        done = self.start(code)
        assert done.returncode == 0, done.stdout
        return done.stdout

    run_to_reset = run

    def cut_power(self):
        pass


class StandIns(Process):
    """A chip that is stood in for: by the board's own `standins`, else by those beside this file."""

    STANDINS = Path(__file__).with_name("standins")
    # machine.reset_cause(), by how the run before ended (standins/generic_machine.py)
    POWER_ON = 1
    CAUSES = {-signal.SIGALRM: 3, 101: 5}

    def __init__(self, request, board):
        super().__init__(request, board)
        self.path = (boards.FOLDER / board / "standins", self.STANDINS, *self.path)
        self.cut_power()

    def start(self, code):
        done = super().start(code)
        self.more = {"CHIP_CAUSE": str(self.CAUSES.get(done.returncode, self.POWER_ON))}
        return done

    def run_to_reset(self, code):
        done = self.start(code)
        assert done.returncode in self.CAUSES, done.stdout
        return done.stdout

    def cut_power(self):
        self.more = {"CHIP_CAUSE": str(self.POWER_ON)}


class Emulated:
    """Its image, as it is flashed, in the emulator of the RP2040."""

    def __init__(self, request, board):
        self._boot(request, image_program.ready(board, print))

    def _boot(self, request, image):
        self.board = request.getfixturevalue("boot")(image=image)
        self.run = self.board.run
        self.run_to_reset = self.board.reset_by

    def cut_power(self):
        self.board.emulator.ask("power-cycle")
        self.board.enter()


class Qemu:
    """Its image in QEMU."""

    def __init__(self, request, board):
        self.boot = request.getfixturevalue("boot_virt")
        self.start()

    def start(self):
        self.machine = self.boot(ports={"repl": 0, "uart1": 0})
        self.run = self.machine.run
        self.run_to_reset = self.machine.reset_by

    def cut_power(self):
        self.machine.leave()
        self.machine.emulator.cut_power()
        self.start()


class Merged(Emulated):
    """Its file system, merged with a MicroPython for the plain Pico; of the radio there is what a link is made over."""

    def __init__(self, request, board):
        self._boot(request, request.getfixturevalue("merged_image")(board))
        self.run(merging.WITHOUT_A_RADIO)


class ESP32(StandIns):
    """The ESP32 port's own C (host_tests/esp32/idf), with pins and timers of a chip of the board, else of its first."""

    STANDINS = chip.PATH[0]
    POWER_ON = chip.POWER_ON
    CAUSES = chip.CAUSES

    def __init__(self, request, board, name=None):
        super().__init__(request, board)
        self.program = build.build()
        rows = boards.board_data(board)["chips"]
        name = name or next(iter(rows))
        self._timers = str(rows[name]["timers"])
        (self.folder / esp32.PINS).write_bytes(esp32.pins(board, name))

    def start(self, code):
        self.more |= {"CHIP_CLOCK": "real", "CHIP_TIMERS": self._timers}
        return super().start(code)


KINDS = {
    "process": Process,
    "standins": StandIns,
    "emulated": Emulated,
    "merged": Merged,
    "qemu": Qemu,
    "esp32": ESP32,
}
