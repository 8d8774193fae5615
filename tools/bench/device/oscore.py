# SPDX-License-Identifier: MIT
"""What OSCORE adds to a POST of 20, 100 and 1024 octets: octets, instructions, time of the emulated RP2040.

All are differences to the same message without it, so that what CoAP costs is not counted.
"""

import json
import tempfile
from pathlib import Path

from tools import private
from tools.bench import Row
from tools.bench.device.instructions import LOADS, ROUNDS, count_all
from tools.bench.device.rp2040 import BOARD, flash_image
from tools.emulator.client import Emulator, provide
from tools.emulator.repl import RawRepl
from tools.image import rp2

SIZES = (20, 100, 1024)
MEASURED = 20
# Whole milliseconds of a loop, with the garbage collected before it
TIMES = """
import gc, json, time
def ms(function, arguments):
    gc.collect()
    start = time.ticks_us()
    for argument in arguments:
        function(argument)
    return time.ticks_diff(time.ticks_us(), start) / 1000 / len(arguments)
def row(size):
    sizes = [size] * %d
    plain, sealed = [write_plain(n) for n in sizes], [write_protected(n) for n in sizes]
    write = ms(write_protected, sizes) - ms(write_plain, sizes)
    read = ms(read_protected, sealed) - ms(read_plain, plain)
    return size, len(plain[0]), len(sealed[0]), write, read
print(json.dumps([row(size) for size in %r]))
"""


def measure():
    for size, plain, sealed, write, read in on_rp2040():
        yield Row(f"OSCORE, POST of {size} octets: added", sealed - plain, "octets")
        yield Row("  to protect", protect(size), "instr.")
        yield Row("  to unprotect", unprotect(size), "instr.")
        # The budget of the whole is for 100 octets
        yield Row("  to protect, RP2040", round(write, 2), "ms", "oscore.protect_ms" if size == 100 else None)
        yield Row("  to unprotect, RP2040", round(read, 2), "ms")


def protect(size):
    plain, protected = count_all(
        "oscore", [(f"write_{way}({size})", "pass") for way in ("plain", "protected")]
    )
    return protected - plain


def unprotect(size):
    def read(way):
        return f"read_{way}(all[number])", f"all = [write_{way}({size}) for _ in range({ROUNDS})]"

    plain, protected = count_all("oscore", [read("plain"), read("protected")])
    return protected - plain


def on_rp2040():
    """(size, octets plain, octets protected, ms to protect, ms to unprotect) for each size."""
    provide()
    image = rp2.build(BOARD, rp2.ROOT / "build" / BOARD)
    load = (LOADS / "oscore.py").read_text() + TIMES % (MEASURED, SIZES)
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash.bin"
        private.replace(flash, flash_image({}))
        with Emulator(image, flash=flash, options=["--virtual", "--quiet"]) as pico:
            repl = RawRepl(pico.ports["repl"])
            try:
                return json.loads(repl.run(load))
            finally:
                repl.close()
