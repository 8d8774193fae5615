# SPDX-License-Identifier: MIT
"""Instructions of the processor that MicroPython's unix port needs for something, counted by valgrind's callgrind.

The same each time, on a machine that does other things too. Times would not be, and on this machine say little of a
board; as a measure of how much the interpreter has to do, and for comparing two programs, a count is better.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from tools.bench import Row
from tools.bench.device import unix
from tools.bench.results import ROOT
from tools.errors import UsageError
from tools.image import bytecode
from tools.programs import peers

LOADS = Path(__file__).parent / "loads"
TIMES = 10
# Callgrind hands out what it has counted, and begins with 0 again, where this function of the C library is called.
MARK = "unsetenv"
COUNTED = """
{prepare}
number = 0
{call}
os.unsetenv("MARK")
for number in range(1, 1 + {times}):
    {call}
os.unsetenv("MARK")
"""
# What is counted of loads/message.py: what the row says, its limit, the call, what comes before all calls
ROUNDS = 1 + TIMES
MESSAGES = (
    (
        "message of 100 octets, sent and accepted",
        "message",
        "device.message()",
        f"device = Device(); device.answers_with(times={ROUNDS})",
    ),
    (
        "  with OSCORE",
        "message_oscore",
        "device.message()",
        f"device = Device(KEY); device.answers_with(times={ROUNDS})",
    ),
    (
        "message of 100 octets received and taken, its report accepted",
        "received",
        "device.received()",
        f"device = Device(); device.asked({ROUNDS})",
    ),
    (
        "registration refreshed",
        "refresh",
        "device.refresh()",
        f"device = Device(); device.answers_with(GRANTED, {ROUNDS})",
    ),
    (
        "segment sent and acknowledged",
        "segment_out",
        "device.answer()",
        f"device = Device(); device.answers_with(times={ROUNDS}); device.send_large()",
    ),
    (
        "segment received",
        "segment_in",
        "device.segment_in()",
        f"device = Device(); device.segments({ROUNDS})",
    ),
    (
        "when a client that is idle wants to run next",
        "next_deadline",
        "device.deadline()",
        "device = Device()",
    ),
)


def measure():
    count = each("exchange", "exchange()")
    yield Row("CoAP: POST of 100 octets and its answer", count, "instr.", "instructions.exchange")
    counts = count_all("message", [(call, prepare) for _, _, call, prepare in MESSAGES])
    for (what, limit, _, _), count in zip(MESSAGES, counts, strict=True):
        yield Row(what, count, "instr.", f"instructions.{limit}")


def each(load, call, prepare="pass", folders=(LOADS,)):
    """Instructions of one `call` of what loads/LOAD.py defines; `prepare` comes before all of them."""
    return count_all(load, [(call, prepare)], folders)[0]


def count_all(load, pairs, folders=(LOADS,)):
    """Instructions of one call, for each (call, what comes before all of them), in one run of the interpreter.

    The load and what it imports are in these folders, beside the firmware. One call goes before those that are counted,
    for what is loaded or kept with the first. There is heap enough that nothing is collected meanwhile.
    """
    valgrind = program()
    counted = [COUNTED.format(prepare=prepare, call=call, times=TIMES) for call, prepare in pairs]
    code = f"import os\nfrom {load} import *\n" + "".join(counted)
    with tempfile.TemporaryDirectory() as folder:
        # The interpreter may be started by a script.
        options = ["--tool=callgrind", "--trace-children=yes", f"--dump-before={MARK}"]
        out = f"--callgrind-out-file={folder}/counted"
        command = [valgrind, *options, out, unix.PROGRAM, "-X", "heapsize=32m", "-c", code]
        environment = unix.environment(*folders, bytecode.firmware())
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        counts = [_count(path) for path in sorted(Path(folder).glob("counted.*"), key=_number)]
    if done.returncode or len(counts) < 2 * len(pairs):
        raise UsageError(f"bench: {load} did not run: {done.stdout[-500:]} {done.stderr[-500:]}")
    # before the first mark of each pair comes what is not counted
    return [round(count / TIMES) for count in counts[1 : 2 * len(pairs) : 2]]


def _number(path):
    return int(path.suffix[1:])


def _count(path):
    return int(re.search(r"^totals: (\d+)", path.read_text(), re.MULTILINE)[1])


def program():
    try:
        peers.provide("valgrind")
        return peers.peer("valgrind")
    except peers.NoPeer as error:
        raise UsageError(str(error)) from None
