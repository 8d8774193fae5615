# SPDX-License-Identifier: MIT
"""An ESP32 without its chip and its radio: boards/esp32 and the firmware on MicroPython's unix port, with earlier/ for
the modules of the chip. A folder is its flash.
"""

import json
import os
import signal
import subprocess

from host_tests.interpreters import ROOT
from tools.demo.processes import Device
from tools.device import CONFIG_NAME
from tools.image import bytecode, esp32, files
from tools.image.boards import board_data
from tools.programs.micropython import BIN
from tools.programs.patience import finish

BOARD = ROOT / "boards/esp32"
STARTER = ROOT / "host_tests/esp32/flash.py"
PATH = (ROOT / "host_tests/esp32/earlier", BOARD)
# Code from a file system lies in the heap: 159,200 octets here, where words have 64 bits, 89,360 with words of 32. So
# this is a heap of some 168 KB on the chip, where the 17 KB that the stand-ins take here are C.
HEAP = "320k"

# machine.reset_cause(), by how the run before ended (earlier/machine.py)
POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = 1, 2, 3, 4, 5
CAUSES = {-signal.SIGALRM: WATCHDOG, 101: SOFT, 102: DEEP_SLEEP}


def pins(chip="esp32"):
    """What `make image` puts beside the code."""
    return json.dumps(board_data("esp32")["chips"][chip]["pins"])


class Chip:
    """Runs code, from one reset to the next. An end that is no reset is the power going."""

    def __init__(self, folder):
        self.folder = folder
        self.cause = POWER_ON
        (folder / "pins.json").write_text(pins())

    def run(self, code):
        """(what it printed, whether it went on to its end)"""
        done = finish(
            [BIN / "micropython", "-X", f"heapsize={HEAP}", "-c", code],
            60,
            cwd=self.folder,
            env=_environment(self.cause, *PATH, bytecode.firmware()),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.cause = CAUSES.get(done.returncode, POWER_ON)
        return done.stdout, done.returncode == 0


class ChipDevice(Device):
    """A whole device: what `make image` puts on its file system, with its configuration and its application there too,
    starts as on the chip. Starting it again keeps the flash, and tells it why it starts.
    """

    def __init__(self, folder, app, heap=HEAP):
        super().__init__(folder, heap=heap)
        self.cause = POWER_ON
        self._contents = {"app.py": app.read_bytes(), "pins.json": pins().encode()}
        self._flash = self.folder / "flash.bin"
        self.air()

    def put(self, name, text):
        self._contents[name] = text.encode()

    def air(self, **around):
        """What is in the air from now on (earlier/air.py)."""
        new = self.folder / "air.new"
        new.write_text(json.dumps(around))
        new.replace(self.folder / "air.json")

    def files(self):
        """{path: octets} on its flash."""
        return files.read_files(self._flash.read_bytes(), files.ESP32_PROGRAM)

    def configure(self, config):
        self.put(CONFIG_NAME, json.dumps(config))

    def _prepare(self):
        if not self._flash.exists():
            room = board_data("esp32")["layouts"][esp32.LAYOUT]["files"]["size"]
            contents = bytecode.on_board("esp32") | self._contents
            self._flash.write_bytes(files.file_system(room, contents, files.ESP32_PROGRAM))
        command = [
            str(BIN / "micropython"),
            "-X",
            f"heapsize={self._heap}",
            str(STARTER),
            str(self._flash),
        ]
        return command, _environment(self.cause, PATH[0]) | {"AIR": str(self.folder / "air.json")}

    async def wait(self, seconds=20):
        code = await super().wait(seconds)
        self.cause = CAUSES.get(code, POWER_ON)
        return code


def _environment(cause, *path):
    return {**os.environ, "MICROPYPATH": ":".join(map(str, (*path, ".frozen"))), "CHIP_CAUSE": str(cause)}
