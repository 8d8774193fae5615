# SPDX-License-Identifier: MIT
"""Builds firmware.uf2 for a board with an RP2040.

The same octets come out of the same files, wherever and whenever it is built: time, hash order and folder names are
kept out. Sources and compiler are part of that sameness; report.json names them.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.errors import UsageError
from tools.image import sizes, workshop
from tools.image.boards import ROOT, board_data, version

OPTIONS = ()
IMAGE = "firmware.uf2"
lines = sizes.lines  # of report.json
VERSION = {
    "MICROPY_GIT_TAG": f"v{workshop.MICROPYTHON}",  # else a checkout around it gives its own
    "MICROPY_GIT_HASH": "release",
    # the release day of MicroPython 1.25.0: the date in the banner
    "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", "1744675200"),
    "PYTHONHASHSEED": "0",  # make-pins.py goes through a set
}
_MISHAP = re.compile(r"\berror\b[: ]|Error:|overflowed|undefined reference")


def build(board, folder, say=print):
    """Builds the image below `folder`; returns the path of firmware.uf2. Quick where nothing has changed.

    Raises UsageError for what is missing and for firmware that does not compile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / IMAGE
    with workshop.locked(folder / "work"):
        current = digest(board)
        if workshop.is_made(folder, (IMAGE, sizes.REPORT), current):
            return image
        workshop.host_tools(folder)
        tree = workshop.sources(say)
        programs, environment = workshop.compiler(say)
        _compile(board, folder, tree, programs, environment, say)
        report = sizes.report(folder / "work", board_data(board), programs / "arm-none-eabi-nm", environment)
        report |= {"version": version(), "micropython": workshop.MICROPYTHON}
        uf2 = folder / "work" / IMAGE
        family = hex(board_data(board)["image"]["family"])
        base = hex(board_data(board)["flash"]["base"])
        converter = [sys.executable, tree / "tools/uf2conv.py", "-f", family, "-b", base, "-c"]
        run([*converter, "-o", uf2, folder / "work/firmware.bin"], {}, folder / "uf2.log")
        with workshop.making(folder, current):
            uf2.replace(image)
            (folder / sizes.REPORT).write_text(json.dumps(report, indent=1) + "\n")
    return image


def mpy_cross(say=print, tree=None):
    """The compiler of .mpy files that fit the image."""
    tree = tree or workshop.sources(say)
    program = tree / "mpy-cross/build/mpy-cross"
    with workshop.locked(tree / "mpy-cross"):
        if not program.exists():
            workshop.host_tools()
            say("building mpy-cross")
            run(
                ["make", "-C", tree / "mpy-cross", f"-j{os.cpu_count()}"],
                VERSION,
                tree / "mpy-cross/build.log",
            )
    return program


def digest(board):
    """What an image depends on in this repository, and where sources and compiler were named."""
    digest = hashlib.sha256()
    for top in (ROOT / "firmware", ROOT / "boards" / board, Path(__file__).parent):
        for path in sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                octets = path.read_bytes()
                digest.update(f"{path.relative_to(ROOT)} {len(octets)}\n".encode() + octets)
    for text in (
        version(),
        os.environ.get("MICROPYTHON_SOURCE", ""),
        os.environ.get("SOURCE_DATE_EPOCH", ""),
    ):
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()


def _compile(board, folder, tree, programs, environment, say):
    work = folder / "work"
    work.mkdir(exist_ok=True)
    environment = (
        environment
        | VERSION
        | {
            "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
    )
    mpy_cross(say, tree)
    if not _made_here(work):
        say("building MicroPython for the RP2040, once: about a minute")
        shutil.rmtree(work)
        work.mkdir()
        _empty_cxx_library(work, programs, environment)
        prefixes = no_folders(tree, work)
        settings = {
            "MICROPY_BOARD": board,
            "MICROPY_BOARD_DIR": ROOT / "boards" / board,
            "MSGIN5G_VERSION": version(),
            "PICO_NO_PICOTOOL": 1,
            "PICO_TOOLCHAIN_PATH": programs,
            "Python3_EXECUTABLE": sys.executable,
        }
        options = [f"-D{name}={value}" for name, value in settings.items()]
        # In the environment, where they add to the flags of the pico-sdk instead of replacing them; the user's own
        # would make another image.
        flags = {
            "CFLAGS": prefixes,
            "ASMFLAGS": prefixes,
            "CXXFLAGS": prefixes + " -DPICO_CXX_DISABLE_ALLOCATION_OVERRIDES=1",
            "LDFLAGS": f"-L{work / 'empty'}",
        }
        command = ["cmake", "-G", "Unix Makefiles", "-S", tree / "ports/rp2", "-B", work, *options]
        try:
            run(command, environment | flags, folder / "cmake.log")
        except UsageError:
            shutil.rmtree(work)
            raise
    else:
        say("freezing the firmware")
    # makemanifest.py compares times of files only: it misses one that went away, and other options of a manifest.
    (work / "frozen_content.c").unlink(missing_ok=True)
    shutil.rmtree(work / "frozen_mpy", ignore_errors=True)
    run(["cmake", f"-DMSGIN5G_VERSION={version()}", work], environment, folder / "cmake.log")
    run(["cmake", "--build", work, f"-j{os.cpu_count()}"], environment, folder / "build.log")


def _made_here(work):
    """Whether cmake has been here. What it left in a clone that was moved or copied since names another folder."""
    try:
        cache = (work / "CMakeCache.txt").read_text()
    except OSError:
        return False
    return (work / "Makefile").exists() and f"\nCMAKE_CACHEFILE_DIR:INTERNAL={work}\n" in cache


def no_folders(tree, work):
    """Options of the compiler: __FILE__ in assertions is the only place where a folder could get into an image."""
    return f"-ffile-prefix-map={tree}=. -ffile-prefix-map={work}=build -ffile-prefix-map={ROOT}=."


def _empty_cxx_library(work, programs, environment):
    """The pico-sdk links through the C++ driver, which asks for libstdc++ by name; nothing of it is used.

    That library is a package of 300 MB. An empty one in its place says so loudly should that change.
    """
    folder = work / "empty"
    folder.mkdir()
    for name in ("libstdc++.a", "libsupc++.a", "libstdc++_nano.a", "libsupc++_nano.a"):
        run([programs / "arm-none-eabi-ar", "rc", folder / name], environment, work / "ar.log")


def run(command, environment, log):
    """Runs a tool with its output in a file; UsageError with what matters of it where it fails."""
    with log.open("w") as file:
        done = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        told = [n for n, line in enumerate(lines) if _MISHAP.search(line)]
        shown = lines[told[0] if told else -1].strip() if lines else "it does not say why"
        raise UsageError(
            f"{Path(command[0]).name} failed: {shown} (all that it said: {os.path.relpath(log)})"
        )
