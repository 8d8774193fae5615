# SPDX-License-Identifier: MIT
"""The two programs of docs/coap.md, and ways to run them on CPython and on MicroPython with the heap of a board."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from tools.programs.micropython import BIN
from tools.programs.patience import patiently

from .on_udp import HOST, PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
CLIENT, SERVER = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs/coap.md").read_text(), re.DOTALL | re.MULTILINE
)
INTERPRETERS = ["cpython", "micropython"]
COMMANDS = {
    "cpython": [sys.executable],
    "micropython": [str(BIN / "micropython"), "-X", "heapsize=192k"],
}


def start(interpreter, program, folder):
    file = Path(folder) / "program.py"
    file.write_text(program)
    firmware = ROOT / "firmware"
    return subprocess.Popen(
        [*COMMANDS[interpreter], str(file)],
        env={**os.environ, "PYTHONPATH": str(firmware), "MICROPYPATH": f"{firmware}:.frozen"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def with_port(program, port):
    """The program with the one thing in it that a test must change."""
    assert program.count("5683") == 1
    return program.replace("5683", str(port))


@contextlib.contextmanager
def serving(interpreter, program, port, folder, printed=None):
    """A server that runs, ready to answer; it must be alive at the end. What it printed goes to the list `printed`;
    without one it must be nothing."""
    process = start(interpreter, program, folder)
    try:
        _wait_for_pong(port, process)
        yield
        assert process.poll() is None
    finally:
        process.kill()
        output, _ = process.communicate()
        print(output)
    if printed is None:
        assert output == ""
    else:
        printed.append(output)


def _wait_for_pong(port, process):
    more = patiently(PATIENCE_S)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.05)
        sock.connect((HOST, port))
        while more():
            assert process.poll() is None, "the server has ended"
            try:
                sock.send(b"\x40\x00\x00\x00")
                if sock.recv(100) == b"\x70\x00\x00\x00":
                    return
            except OSError:
                time.sleep(0.01)
    raise AssertionError("the server does not answer a ping")
