# SPDX-License-Identifier: MIT
"""Packages of pip that are unpacked into a folder of their own, beside what is installed: stubs, files that tests look
at, programs of another version.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.errors import UsageError

UNPACKED = Path(__file__).resolve().parents[2] / ".venv" / "unpacked"


def unpack(wanted, folder, say, alone=True):
    """The folder with the package `wanted` ("NAME==VERSION"), and with what it depends on unless `alone`.

    What is unpacked stays: a folder that is there is not looked at again. Raises UsageError where pip can't have it.
    """
    folder = Path(folder)
    if folder.exists():
        return folder
    say(f"fetching {wanted}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.{os.getpid()}")
    # As it was built, or not at all: to build a package from its source takes a compiler, and more packages.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", *["--no-deps"] * alone, "--target", new, wanted]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode:
        shutil.rmtree(new, ignore_errors=True)
        raise UsageError(f"pip can't have {wanted}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    try:
        new.rename(folder)
    except OSError:  # another run was first
        shutil.rmtree(new)
    return folder
