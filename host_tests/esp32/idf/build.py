# SPDX-License-Identifier: MIT
"""Builds MicroPython's unix port with the esp32 port's own C for Wi-Fi, ESP-NOW, watchdog, resets and sleep in it, over
the imitation of ESP-IDF in this folder.

    python -m host_tests.esp32.idf.build [BITS...]

The port's sources are those of the tree that the RP2040's image is built from (tools/image/workshop.py), unchanged:
they are reached by links, for some of them include what lies beside them. One function is cut out of a file that is
otherwise about the console.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from host_tests.esp32.idf import compiler
from tools.errors import UsageError
from tools.image import rp2, workshop

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CYW43 = ROOT / "host_tests/hardware/pico_w/radio/c"  # another chip's, in the same interpreter
BUILD = ROOT / "build/esp32c"
LINKED = (
    "network_wlan.c",
    "network_common.c",
    "modespnow.c",
    "modespnow.h",
    "modnetwork.h",
    "esp32_partition.c",
    "modesp32.h",
)
# Lines of the port's mphalport.c: from here up to, and not with, there.
CUT_FROM = "#if MICROPY_ERROR_REPORTING <= MICROPY_ERROR_REPORTING_NORMAL\nvoid check_esp_err_("
CUT_TO = "uintptr_t mp_hal_stdio_poll("
SIZES = (64, 32)


def program(bits=64):
    """Where the interpreter is once it was built."""
    return BUILD / str(bits) / "micropython"


def build(bits=64, say=print):
    """Builds it; returns its path. Quick where nothing has changed. UsageError says what is missing."""
    folder = BUILD / str(bits)
    with workshop.locked(BUILD):
        tree = workshop.sources(say)
        current = _digest(tree, bits)
        if workshop.is_made(folder, (program(bits).name,), current):
            return program(bits)
        workshop.host_tools(folder)
        chosen = compiler.arguments(bits, say)
        cross = rp2.mpy_cross(say, tree)
        say(f"building MicroPython with the ESP32 port's C, {bits} bits")
        modules = _modules(tree)
        # With a new name in one file each other one numbers its names anew, and make does not see that of links.
        shutil.rmtree(folder / "work", ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        with workshop.making(folder, current):
            _make(tree, folder, modules, chosen, cross)
    return program(bits)


def _digest(tree, bits):
    digest = hashlib.sha256(f"{tree} {bits} {os.environ.get('CC', '')}\n".encode())
    for path in sorted([*HERE.rglob("*"), *CYW43.rglob("*")]):
        if path.is_file() and path.suffix not in (".md", ".pyc"):
            digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _modules(tree):
    """The folder of C modules as MicroPython's make wants it: ours, and the port's beside them."""
    modules = BUILD / "modules"
    shutil.rmtree(modules, ignore_errors=True)
    port = modules / "idf/port"
    port.mkdir(parents=True)
    for path in [*(HERE / "c").iterdir(), HERE / "include"]:
        (modules / "idf" / path.name).symlink_to(path)
    (modules / "cyw43").symlink_to(CYW43)
    for name in LINKED:
        (port / name).symlink_to(tree / "ports/esp32" / name)
    # modespnow.c asks for the esp32 port's configuration; the unix port's is in force already.
    (port / "mpconfigport.h").touch()
    (port / "check_esp_err.inc").write_text(cut((tree / "ports/esp32/mphalport.c").read_text()))
    return modules


def cut(source):
    """check_esp_err_() out of mphalport.c. UsageError where that is not what it was."""
    begin, end = source.find(CUT_FROM), source.find(CUT_TO)
    piece = source[begin:end]
    if not 0 <= begin < end or piece.count("check_esp_err_(") != 2 or piece.count("nlr_raise(") != 1:
        raise UsageError(
            f"ports/esp32/mphalport.c is not that of MicroPython {workshop.MICROPYTHON}: no check_esp_err_()"
        )
    return piece


def _make(tree, folder, modules, chosen, cross):
    command = [
        "make",
        "-C",
        tree / "ports/unix",
        f"-j{min(2, os.cpu_count() or 1)}",
        f"VARIANT_DIR={HERE / 'variant'}",
        f"BUILD={folder / 'work'}",
        f"USER_C_MODULES={modules}",
        f"PYTHON={sys.executable}",
        f"MICROPY_MPYCROSS={cross}",
        "PROG=micropython",
        "COPT=-O1 -DNDEBUG -fdata-sections -ffunction-sections -g0",
        *chosen,
    ]
    log = folder / "build.log"
    # A `make` that runs this has options of its own in the environment.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    with log.open("w") as file:
        done = subprocess.run(
            [str(part) for part in command],
            env=environment | rp2.VERSION,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        first = next((n for n, line in enumerate(lines) if re.search(r"\berror\b|Error \d", line)), -8)
        raise UsageError(f"make failed. From {os.path.relpath(log)}:\n  " + "\n  ".join(lines[first:][:8]))
    (folder / "work/micropython").replace(program(int(folder.name)))


def main(arguments):
    said = 0
    for bits in arguments or SIZES:
        try:
            print(os.path.relpath(build(int(bits))))
        except UsageError as error:
            print(f"{bits} bits: {error}", file=sys.stderr)
            said = 2
    return said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
