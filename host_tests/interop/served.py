# SPDX-License-Identifier: MIT
"""The programs of docs/coap.md, as they are printed there, and ways to run them."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from tools.image import bytecode
from tools.programs.micropython import BIN
from tools.programs.patience import patiently

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/coap.md").read_text()
# {number of its section: program}
PROGRAMS = {
    int(number): program
    for number, program in re.findall(
        r"^### (\d+)\. .*?^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE
    )
}
ASK, SEND, SERVER, WATCH, NOTIFY, STREAM, PROTECTED, PROTECTING, LINE, MANY = sorted(PROGRAMS)
# Without asyncio
(LOOP,) = re.findall(r"^## Without asyncio.*?^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
# A body that is taken block by block
(TAKE,) = re.findall(r"^A body that a peer sends in blocks.*?:\n\n((?:    .*\n|\n)+)", TEXT, re.MULTILINE)
INTERPRETERS = ["cpython", "micropython"]
COMMANDS = {
    "cpython": [sys.executable],
    "micropython": [str(BIN / "micropython"), "-X", "heapsize=192k"],
}


def start(interpreter, program, folder):
    """The process of a program that lies in this folder, and runs there."""
    file = Path(folder) / "program.py"
    file.write_text(program)
    # As .mpy files on MicroPython: a board that compiles all of it needs more heap than these have.
    paths = {"PYTHONPATH": str(ROOT / "firmware"), "MICROPYPATH": f"{bytecode.firmware()}:.frozen"}
    return subprocess.Popen(
        [*COMMANDS[interpreter], str(file)],
        cwd=folder,
        env={**os.environ, **paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def with_port(program, port):
    """The program with the one thing in it that a test must change: where the server is."""
    changed, count = re.subn(
        r"5683|(coap://[\d.]+)(?=/)", lambda found: f"{found[1]}:{port}" if found[1] else f"{port}", program
    )
    assert count == 1
    return changed


@contextlib.contextmanager
def serving(interpreter, program, port, folder, printed=None):
    """A server that runs, ready to answer; it must be alive at the end. What it printed goes to the list `printed`;
    without one it must be nothing."""
    process = start(interpreter, program, folder)
    try:
        wait_for_pong(port, process)
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


def wait_for_pong(port, process):
    """Until the server of this process answers a ping (RFC 7252 section 4.3)."""
    more = patiently(20)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.05)
        sock.connect(("127.0.0.1", port))
        while more():
            assert process.poll() is None, "the server has ended"
            try:
                sock.send(b"\x40\x00\x00\x00")
                if sock.recv(100) == b"\x70\x00\x00\x00":
                    return
            except OSError:
                time.sleep(0.01)
    raise AssertionError("the server does not answer a ping")
