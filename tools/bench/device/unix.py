# SPDX-License-Identifier: MIT
"""Programs on MicroPython's unix port, with modules of these folders and nothing else of the environment."""

import os
import subprocess

from tools.bench.results import ROOT
from tools.errors import UsageError
from tools.programs.micropython import BIN

PROGRAM = BIN / "micropython"
_NEEDED = {"HOME", "LD_LIBRARY_PATH", "PATH", "TMPDIR"}  # by what starts it


def environment(*folders):
    """Variables with which the port, started in ROOT, imports from these folders. How they are called costs
    instructions and heap, so what is ours is called the same wherever it lies; and a variable that the port has to pass
    by costs some, so that it gets few."""
    found = {key: value for key, value in os.environ.items() if key in _NEEDED}
    names = (folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder for folder in folders)
    return found | {"MICROPYPATH": ":".join([*map(str, names), ".frozen"])}


def run(code, *folders, heap="16m"):
    """What a program prints. UsageError with its last words where it fails."""
    command = [PROGRAM, "-X", f"heapsize={heap}", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment(*folders), capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"bench: it did not run: {done.stdout[-500:]} {done.stderr[-500:]}")
    return done.stdout
