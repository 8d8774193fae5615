# SPDX-License-Identifier: MIT
"""Our programs of `programs`, on CPython and on MicroPython with the heap of a board."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tools.image import bytecode
from tools.programs.micropython import BIN
from tools.programs.patience import communicate

PROGRAMS = Path(__file__).with_name("programs")
FIRMWARE = Path(__file__).resolve().parents[3] / "firmware"
INTERPRETERS = ["cpython", "micropython"]
PATIENCE_S = 60


def start(interpreter, program, *arguments):
    if interpreter == "cpython":
        command, path = [sys.executable], FIRMWARE
    else:
        # As on a board, from bytecode. Here a pointer has 8 octets: 256 KB hold little more than 128 KB of a board do.
        command, path = [str(BIN / "micropython"), "-X", "heapsize=256k"], bytecode.firmware()
    return subprocess.Popen(
        [*command, str(PROGRAMS / program), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(path), "MICROPYPATH": f"{path}:{PROGRAMS}:.frozen"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextlib.contextmanager
def serving(interpreter, port, *folder):
    """Our server on a port of 127.0.0.1; it must have printed nothing and still run at the end."""
    process = start(interpreter, "server.py", port, *folder)
    said = process.stdout.readline()
    try:
        assert said == "ready\n", said + process.stdout.read()
        yield
        assert process.poll() is None
    finally:
        process.kill()
        output, _ = process.communicate()
    assert output == ""


def asked(interpreter, *arguments):
    """What our client saw, a list for each line."""
    process = start(interpreter, "client.py", *arguments)
    output, _ = communicate(process, PATIENCE_S)
    assert process.returncode == 0, output
    return [json.loads(line) for line in output.splitlines()]
