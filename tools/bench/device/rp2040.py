# SPDX-License-Identifier: MIT
"""Memory that the firmware takes on the emulated RP2040: a 32-bit board, the image that is flashed."""

import json
import subprocess
import tempfile
from pathlib import Path

from tools import private
from tools.bench import Row
from tools.emulator.client import Emulator, provide
from tools.emulator.repl import RawRepl
from tools.errors import UsageError
from tools.image import bytecode, files, merged, rp2

BOARD = "rp2040"
PACKAGES = ("coap", "msgin5g", "device")
# What a Client that registers and sends has in memory, whenever it is loaded, then one that receives too. Links,
# OSCORE, boot and what a device may not use stay out.
CORE = """import coap, msgin5g, device
from msgin5g import Client, Config
from msgin5g.store import message_store
from msgin5g.outgoing import outbox, sender
from msgin5g.procedures import registration
from device import client
"""
RECEIVER = "from msgin5g.incoming import receiver\n"
ALLOCATED = "gc.collect(); gc.collect(); print(gc.mem_alloc())\n"


def measure():
    provide()
    image = rp2.build(BOARD, rp2.ROOT / "build" / BOARD)
    report = json.loads((image.parent / "report.json").read_text())
    yield Row("flash of the image", report["flash"]["used"], "octets", beside=report["flash"]["firmware"])
    yield Row("  left of it for what is still to come", report["left"], "octets", "flash.rp2040")
    yield Row("  of it, frozen modules", sum(report["frozen"].values()), "octets")
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash.bin"
        free, asyncio, core, receiver = heap(image, flash, {})
        yield Row("free heap at the REPL", free, "octets")
        yield Row("heap of asyncio, frozen", asyncio, "octets")
        yield Row("heap of coap + msgin5g + device that send, frozen", core, "octets", "heap.core_frozen")
        yield Row("  that receive too", core + receiver, "octets")
        flash.unlink()
        modules = compiled(Path(folder))
        yield Row("all modules as .mpy files, their size", sum(map(len, modules.values())), "octets")
        core = heap(image, flash, modules)[2]
        yield Row("  those that send, from .mpy files", core, "octets", "heap.core_mpy")
        merged.build("pico_w", Path(folder), say=lambda said: None)
        system = (Path(folder) / merged.FILES).read_bytes()
        yield Row(
            "flash for messages on a Pico W", len(system) - files.used(system), "octets", "flash.pico_w"
        )


def heap(image, flash, contents):
    """(free at the REPL, what asyncio takes, what the core takes, and what its receiver), in octets."""
    private.replace(flash, flash_image(contents))
    with Emulator(image, flash=flash, options=["--virtual", "--quiet"]) as pico:
        repl = RawRepl(pico.ports["repl"])
        try:
            free = int(repl.run("import gc\ngc.collect()\nprint(gc.mem_free())"))
            steps = [int(repl.run(code + ALLOCATED)) for code in ("", "import asyncio\n", CORE, RECEIVER)]
        finally:
            repl.close()
    return free, *[after - before for before, after in zip(steps, steps[1:], strict=False)]


def compiled(scratch):
    """{path: octets} of the firmware's packages as .mpy files, as a board has them on its file system."""
    firmware = rp2.ROOT / "firmware"
    cross = rp2.mpy_cross()
    found = {}
    for package in PACKAGES:
        for source in bytecode.sources(firmware / package):
            name = source.relative_to(firmware)
            output = scratch / "one.mpy"
            done = subprocess.run(
                [cross, *bytecode.SMALL, "-s", name, "-o", output, source], capture_output=True, text=True
            )
            if done.returncode:
                raise UsageError(f"bench: {name} does not compile: {done.stderr.strip()}")
            found[str(name.with_suffix(".mpy"))] = output.read_bytes()
    return found


def flash_image(contents):
    """The flash of a Pico with these files, and no firmware yet."""
    layout = rp2.board_data(BOARD)["flash"]
    return b"\xff" * layout["firmware"] + files.file_system(layout["files"], contents)
