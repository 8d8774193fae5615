# SPDX-License-Identifier: MIT
"""What it takes a device to verify the signature of an update: LMS_SHA256_M32_H10, with digits of 4 bits, as
`msgin5g keys` makes it, and with digits of 8, whose signatures are the shortest.

Half of a chain is hashed, more or less: that depends on the message, and here it is always the same one.
"""

import json
import tempfile
from pathlib import Path

from tools import private
from tools.bench import Row
from tools.bench.device.instructions import LOADS, count_all
from tools.bench.device.rp2040 import BOARD, flash_image
from tools.emulator.client import Emulator, provide
from tools.emulator.repl import RawRepl
from tools.image import rp2

LIMITS = {4: "signature.w4", 8: "signature.w8"}  # by the bits of a digit
TIMES = """
import json, time
def row(one):
    gc.collect()
    start = time.ticks_us()
    verified(one)
    ms = time.ticks_diff(time.ticks_us(), start) / 1000
    return len(one[1]), ms, held(one)
print(json.dumps([row(one) for one in (%s)]))
"""


def measure():
    counts = count_all("signature", [(f"verified(W{width})", "pass") for width in LIMITS])
    for width, count, (octets, ms, heap) in zip(LIMITS, counts, on_rp2040(LIMITS), strict=True):
        yield Row(f"signature of an update, W{width}, verified", count, "instr.")
        yield Row("  on an RP2040", round(ms), "ms", LIMITS[width])
        yield Row("  heap meanwhile, beside the signature", heap, "octets", "signature.heap")
        yield Row("  octets of the signature", octets, "octets")


def on_rp2040(widths):
    """(octets of the signature, ms, octets of heap) for each width."""
    provide()
    image = rp2.build(BOARD, rp2.ROOT / "build" / BOARD)
    load = (LOADS / "signature.py").read_text() + TIMES % "".join(f"W{width}, " for width in widths)
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash.bin"
        private.replace(flash, flash_image({}))
        with Emulator(image, flash=flash, options=["--virtual", "--quiet"]) as pico:
            repl = RawRepl(pico.ports["repl"])
            try:
                return json.loads(repl.run(load))
            finally:
                repl.close()
