# SPDX-License-Identifier: MIT
"""Instructions of the processor that MicroPython's unix port needs for something, counted by valgrind's callgrind.

The same each time, on a machine that does other things too. Times would not be, and on this machine say little of a
board; as a measure of how much the interpreter has to do, and for comparing two programs, a count is better.
"""

import os
import re
import subprocess
from pathlib import Path

from tools.bench import Row
from tools.errors import UsageError
from tools.image import bytecode
from tools.programs import peers
from tools.programs.micropython import BIN

LOADS = Path(__file__).parent / "loads"
# microCoAPy (https://github.com/insighio/microCoAPy) on the same port, 1.25, counted the same way: encode, decode,
# callback. It is not fetched to be counted again.
MICROCOAPY = 230_500


def measure():
    yield Row(
        "CoAP: POST of 100 octets and its answer",
        each("exchange", "exchange()"),
        "instr.",
        "instructions.exchange",
    )


def each(load, call, prepare="pass", times=10):
    """Instructions of one `call` of what loads/LOAD.py defines; `prepare` comes before all of them.

    The difference of a run with many calls and a run with one, so that starting up does not count. There is heap
    enough that nothing is collected meanwhile.
    """
    one, many = (_count(load, call, prepare, number) for number in (1, 1 + times))
    return round((many - one) / times)


def _count(load, call, prepare, number):
    valgrind = program()
    code = f"from {load} import *\n{prepare}\nfor number in range({number}):\n    {call}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MICROPY")}
    environment["MICROPYPATH"] = f"{LOADS}:{bytecode.firmware()}:.frozen"
    # The interpreter may be started by a script.
    options = ["--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"]
    command = [valgrind, *options, BIN / "micropython", "-X", "heapsize=16m", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    found = re.findall(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise UsageError(f"bench: {load} did not run: {done.stdout[-500:]} {done.stderr[-500:]}")
    return int(found[-1])


def program():
    try:
        peers.provide("valgrind")
        return peers.peer("valgrind")
    except peers.NoPeer as error:
        raise UsageError(str(error)) from None
