# SPDX-License-Identifier: MIT
"""An ESP32 without its chip and its radio: boards/esp32 and the firmware on MicroPython's unix port, with standins/ for
the modules of the chip. A folder is its flash.
"""

import json
import os
import signal
import subprocess

from host_tests.interpreters import ROOT
from tools import bytecode
from tools.device import HEAP
from tools.micropython import BIN

BOARD = ROOT / "boards/esp32"
PATH = (ROOT / "host_tests/esp32/standins", BOARD)

# machine.reset_cause(), by how the run before ended (standins/machine.py)
POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = 1, 2, 3, 4, 5
CAUSES = {-signal.SIGALRM: WATCHDOG, 101: SOFT, 102: DEEP_SLEEP}


def environment(cause=POWER_ON):
    path = ":".join(map(str, (*PATH, bytecode.firmware(), ".frozen")))
    return {**os.environ, "MICROPYPATH": path, "CHIP_CAUSE": str(cause)}


def prepare(folder, chip="esp32"):
    """What `make image` puts there beside the code."""
    pins = json.loads((BOARD / "board.json").read_text())["chips"][chip]["pins"]
    (folder / "pins.json").write_text(json.dumps(pins))


class Chip:
    """Runs code, from one reset to the next. An end that is no reset is the power going."""

    def __init__(self, folder):
        self.folder = folder
        self.cause = POWER_ON
        prepare(folder)

    def run(self, code):
        """(what it printed, whether it went on to its end)"""
        done = subprocess.run(
            [BIN / "micropython", "-X", f"heapsize={HEAP}", "-c", code],
            cwd=self.folder,
            env=environment(self.cause),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        self.cause = CAUSES.get(done.returncode, POWER_ON)
        return done.stdout, done.returncode == 0
