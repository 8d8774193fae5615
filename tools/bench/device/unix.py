# SPDX-License-Identifier: MIT
"""Programs on MicroPython's unix port, with modules of these folders and nothing else of the environment."""

import os
import subprocess

from tools.errors import UsageError
from tools.programs.micropython import BIN

PROGRAM = BIN / "micropython"


def environment(*folders):
    """Variables with which the port imports from these folders."""
    found = {key: value for key, value in os.environ.items() if not key.startswith("MICROPY")}
    return found | {"MICROPYPATH": ":".join([*map(str, folders), ".frozen"])}


def run(code, *folders, heap="16m"):
    """What a program prints. UsageError with its last words where it fails."""
    command = [PROGRAM, "-X", f"heapsize={heap}", "-c", code]
    done = subprocess.run(command, env=environment(*folders), capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"bench: it did not run: {done.stdout[-500:]} {done.stderr[-500:]}")
    return done.stdout
