# SPDX-License-Identifier: MIT
"""Heap that is taken once a device has imported what it imports of `coap`: frozen on the emulated RP2040, and from .mpy
files on the unix port.

What it imports is read in the sources of `msgin5g` and `device`: each import of `coap` at the top of a module, and not
those within functions, which load what is used first then.
"""

import ast
import tempfile
from pathlib import Path

from tools import private
from tools.bench import Row
from tools.bench.device import unix
from tools.bench.device.rp2040 import BOARD, flash_image
from tools.emulator.client import Emulator, provide
from tools.emulator.repl import RawRepl
from tools.image import bytecode, rp2

# Measured so at commit 32a482c, before `coap` had a way to the network
COMPILED = 46_368

MEASURED = """
import gc
def allocated():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()
def load():
    exec(%r, {})
before = allocated()
load()
print(allocated() - before)
"""


def measure():
    provide()
    image = rp2.build(BOARD, rp2.ROOT / "build" / BOARD)
    yield Row("heap of what a device imports of coap, frozen", frozen(image), "octets", "heap.coap_imports")
    octets = compiled()
    yield Row("  from .mpy files, 64 bits", octets, "octets")
    yield Row("  of it since commit 32a482c", octets - COMPILED, "octets")


def imports(firmware=bytecode.FIRMWARE):
    """The lines by which a device imports of `coap`, each once, those of a type checker apart."""
    found = set()
    for package in ("msgin5g", "device"):
        for path in sorted((firmware / package).rglob("*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                # what a device has of coap.aio was its own at that commit
                if any((name + ".").startswith("coap.") and "coap.aio" not in name for name in names):
                    found.add(ast.unparse(node))
    return sorted(found)


def program():
    return MEASURED % "\n".join(imports())


def frozen(image):
    """Octets on the emulated RP2040."""
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash.bin"
        private.replace(flash, flash_image({}))
        with Emulator(image, flash=flash, options=["--virtual", "--quiet"]) as pico:
            repl = RawRepl(pico.ports["repl"])
            try:
                return int(repl.run(program()))
            finally:
                repl.close()


def compiled():
    """Octets on the unix port."""
    return int(unix.run(program(), bytecode.firmware(), heap="1m"))
