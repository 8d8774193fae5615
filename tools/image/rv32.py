# SPDX-License-Identifier: MIT
"""Builds firmware.elf for the board rv32: MicroPython with the port in boards/rv32/port, the firmware frozen in.

What would differ from one build to the next is kept out, as in rp2.py: time, hash order, names of folders.
"""

import json
import os
import re
import shutil
import subprocess
import sys

from tools.errors import UsageError
from tools.image import riscv, rp2, sizes, workshop
from tools.image.boards import ROOT, board_data, version

OPTIONS = ()
IMAGE = "firmware.elf"
lines = sizes.elf_lines  # of report.json


def build(board, folder, say=print):
    """Builds the image below `folder`; returns the path of firmware.elf. Quick where nothing has changed.

    Raises Unavailable for what can't be had, UsageError for what does not compile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / IMAGE
    with workshop.locked(folder / "work"):
        current = rp2.digest(board)
        if workshop.is_made(folder, (IMAGE, sizes.REPORT), current):
            return image
        workshop.host_tools(folder)
        tree = workshop.sources(say)
        compiler = riscv.compiler(say)
        _compile(board, folder, tree, compiler, say)
        report = _report(board, folder / "work", compiler)
        with workshop.making(folder, current):
            (folder / "work" / IMAGE).replace(image)
            (folder / sizes.REPORT).write_text(json.dumps(report, indent=1) + "\n")
    return image


def _compile(board, folder, tree, compiler, say):
    work = folder / "work"
    port = ROOT / "boards" / board / "port"
    program = rp2.mpy_cross(say, tree)
    data = board_data(board)
    settings = {
        "TOP": tree,
        "BUILD": work,
        "CROSS_COMPILE": compiler.prefix,
        "FROZEN_MANIFEST": ROOT / "boards" / board / "manifest.py",
        "MICROPY_MPYCROSS": program,
        "MICROPY_MPYCROSS_DEPENDENCY": "",
        "PYTHON": sys.executable,
        "INCLUDE": compiler.include,
        "LIBRARY": compiler.library,
        "HEAP": data["heap"],
        "FILES": data["flash"]["files"],
        "VERSION": version(),
        "PREFIXES": rp2.no_folders(tree, work),
    }
    given = [f"{name}={value}" for name, value in settings.items()]
    # make looks at the times of files, not at what it was given.
    if not (work / "settings").exists() or (work / "settings").read_text() != "\n".join(given):
        say("building MicroPython for RV32IMC, once: half a minute")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (work / "settings").write_text("\n".join(given))
    else:
        say("freezing the firmware")
    # makemanifest.py compares times of files only: it misses one that went away, and other options of a manifest.
    (work / "frozen_content.c").unlink(missing_ok=True)
    shutil.rmtree(work / "frozen_mpy", ignore_errors=True)
    command = ["make", "-C", port, f"-j{os.cpu_count()}", *given]
    # The user's own flags, which make would add, are for programs of this machine.
    flags = dict.fromkeys(("CFLAGS", "AFLAGS", "LDFLAGS", "MAKEFLAGS"), "")
    rp2.run(command, compiler.environment | rp2.VERSION | flags, folder / "build.log")


def _report(board, work, compiler):
    """Sizes in octets."""
    environment = {**os.environ, **compiler.environment}
    command = [compiler.prefix + "size", work / "firmware.elf"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True).stdout
    found = re.search(r"^\s*(\d+)\s+(\d+)\s+(\d+)\s", said, re.MULTILINE)
    if found is None:
        raise UsageError(f"{command[0]} says nothing of firmware.elf")
    text, data, bss = map(int, found.groups())
    values = board_data(board)
    return {
        "version": version(),
        "micropython": workshop.MICROPYTHON,
        "text": text + data,
        "ram": data + bss,
        "heap": values["heap"],
        "files": values["flash"]["files"],
        "frozen": sizes.frozen(work / "frozen_content.o", compiler.prefix + "nm", compiler.environment),
    }
