# SPDX-License-Identifier: MIT
"""A GET by coap.aio.Context on the emulated RP2040: what of `coap` it loads, the heap that it takes, and its time.

The peer is in memory and answers at once, so that neither a line nor a network is measured.
"""

import json
import tempfile
from pathlib import Path

from tools import private
from tools.bench import Row
from tools.bench.device.instructions import LOADS
from tools.bench.device.rp2040 import BOARD, compiled, flash_image
from tools.emulator.client import Emulator, provide
from tools.emulator.repl import RawRepl
from tools.image import bytecode, rp2


def measure():
    provide()
    image = rp2.build(BOARD, rp2.ROOT / "build" / BOARD)
    told = on_rp2040(image, {})
    frozen = json.loads((image.parent / "report.json").read_text())["frozen"]
    with tempfile.TemporaryDirectory() as folder:
        files = compiled(Path(folder))
    modules = [file_of(name) for name in told["modules"]]
    octets = sum(frozen[name.replace("/", "_")] for name in modules)
    yield Row("modules of coap that a GET by Context loads", len(modules), "")
    yield Row("  their code, frozen", octets, "octets")
    yield Row("  as .mpy files", sum(len(files[f"{name}.mpy"]) for name in modules), "octets")
    yield Row("  the heap that they take, frozen", told["imported"], "octets")
    yield Row("heap of a Context that is idle, with them", told["idle"], "octets", "heap.context")
    yield Row("  from .mpy files", on_rp2040(image, files)["idle"], "octets")
    yield Row("a GET and its answer", round(told["ms"], 1), "ms")


def file_of(name):
    """Where a module lies below `firmware`, without its ending."""
    path = bytecode.FIRMWARE / name.replace(".", "/")
    return name.replace(".", "/") + ("/__init__" if path.is_dir() else "")


def on_rp2040(image, contents):
    """What the load tells, of a board with these files: octets of heap, milliseconds, the modules that are loaded."""
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash.bin"
        private.replace(flash, flash_image(contents))
        with Emulator(image, flash=flash, options=["--virtual", "--quiet"]) as pico:
            repl = RawRepl(pico.ports["repl"])
            try:
                return json.loads(repl.run((LOADS / "request.py").read_text()))
            finally:
                repl.close()
