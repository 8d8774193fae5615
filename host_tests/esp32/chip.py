# SPDX-License-Identifier: MIT
"""An ESP32 without its chip and its radio: boards/esp32 and the firmware on MicroPython with the ESP32 port's own C
(idf/README.md), with standins/ for what of that needs hardware. A folder is its flash.
"""

import json
import os
import signal

from host_tests.esp32.idf.build import build
from host_tests.interpreters import ROOT
from tools.demo.processes import Device
from tools.device import CONFIG_NAME
from tools.image import bytecode, esp32, files
from tools.image.boards import board_data

BOARD = ROOT / "boards/esp32"
STARTER = ROOT / "host_tests/esp32/flash.py"
PATH = (ROOT / "host_tests/esp32/standins", BOARD)
# By the bits of a word. Code and names from a file system lie in the heap: with 32 bits 115 KB when a device that has
# sent a message is idle, 146 KB when it has a report on it, 171 to 175 KB after the traffic of apps/traffic.py, eight
# messages on their way in each direction.
# Stand-ins take 11 KB more here, where the chip has C. With 208 KB that traffic comes to a stop: what is free lies in
# pieces of 1 KB, and a datagram needs 1.3. What a chip has says boards/esp32/README.md.
HEAPS = {64: "320k", 32: "224k"}

# esp_reset_reason_t, by how the run before ended (idf/c/inside.h). The rest is the power going.
POWER_ON, RESTART, PANIC, TASK_WATCHDOG, DEEP_SLEEP, BROWN_OUT = 1, 3, 4, 6, 8, 9
CAUSES = {
    -signal.SIGALRM: TASK_WATCHDOG,
    -signal.SIGSEGV: PANIC,
    -signal.SIGABRT: PANIC,
    101: RESTART,
    102: DEEP_SLEEP,
    103: PANIC,
    104: BROWN_OUT,
}


class ChipDevice(Device):
    """A whole device: what `make image` puts on its file system, with its configuration and its application there too,
    starts as on the chip. Starting it again keeps the flash, and tells it why it starts.
    """

    def __init__(self, folder, app, bits=64, heap=None):
        super().__init__(folder, heap=heap or HEAPS[bits])
        self._bits = bits
        self.cause = POWER_ON
        self._contents = {"app.py": app.read_bytes(), esp32.PINS: esp32.pins("esp32", "esp32")}
        self._flash = self.folder / "flash.bin"
        self.air()

    def put(self, name, text):
        self._contents[name] = text.encode()

    def air(self, networks=(), **knobs):
        """What is in the air from now on: names of access points with their passwords, knobs (idf/c/knobs.h)."""
        lines = [f"{name}={int(value)}\n" for name, value in knobs.items()]
        lines += [f"{ssid}\t{password}\n" for ssid, password in dict(networks).items()]
        new = self.folder / "air.new"
        new.write_text("".join(lines))
        new.replace(self.folder / "air")

    def files(self):
        """{path: octets} on its flash."""
        return files.read_files(self._flash.read_bytes(), files.ESP32_PROGRAM)

    def configure(self, config):
        self.put(CONFIG_NAME, json.dumps(config))

    def _prepare(self):
        if not self._flash.exists():
            room = next(iter(board_data("esp32")["layouts"].values()))["files"]["size"]
            contents = bytecode.on_board("esp32") | self._contents
            self._flash.write_bytes(files.file_system(room, contents, files.ESP32_PROGRAM))
        command = [
            str(build(self._bits)),
            "-X",
            f"heapsize={self._heap}",
            str(STARTER),
            str(self._flash),
        ]
        return command, _environment(self.cause, PATH[0]) | {"AIR": str(self.folder / "air")}

    async def wait(self, seconds=20):
        code = await super().wait(seconds)
        self.cause = CAUSES.get(code, POWER_ON)
        return code


def _environment(cause, *path):
    path = ":".join(map(str, (*path, ".frozen")))
    return {**os.environ, "MICROPYPATH": path, "CHIP_CAUSE": str(cause), "CHIP_CLOCK": "real"}
