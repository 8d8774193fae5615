# SPDX-License-Identifier: MIT
"""The version of the firmware on a board, asked at its REPL without disturbing what runs there.

Nothing is interrupted and nothing reset: an empty line is sent, and only where the prompt comes is a line typed there.
An application that runs has no prompt, and goes on; one that reads its console sees the empty line.
"""

import ast
import re

import serial

from tools.doctor.finding import lacks, ok, unknown
from tools.image import boards
from tools.line import ports

PROMPT = b">>> "
WAIT = 1.0  # s of silence until there is no prompt to come
# One line, for at the prompt each is one. The version is asked where it costs no import of what is not loaded yet.
QUESTION = (
    'exec("import os\\ntry:\\n from coap.version import VERSION as v\\nexcept Exception:\\n v=None\\n'
    "print('=',repr((os.uname().machine,os.uname().release,v)))\")"
)
_ANSWER = re.compile(rb"^= (\(.*\))\r*$", re.M)


def firmware(_machine, args):
    """Of the board at --port."""
    if args.port is None:
        yield unknown("firmware", "name the board's port: --port PORT")
        return
    check = f"firmware at {args.port}"
    try:
        with serial.serial_for_url(args.port, 115200, timeout=WAIT, write_timeout=WAIT) as line:
            answer = ask(line)
    except (OSError, ValueError) as error:
        yield unknown(check, ports.why(args.port, error))
        return
    if answer is None:
        told = "no prompt came: an application runs there, or no MicroPython; nothing was interrupted"
        yield unknown(
            check, told, f"look yourself, which ends it: msgin5g repl --port {args.port}, then Ctrl-C"
        )
        return
    yield _judged(check, answer)


def ask(line):
    """(machine, release of MicroPython, version of the firmware or None), None where there is no prompt."""
    line.reset_input_buffer()
    line.write(b"\r")
    if not line.read_until(PROMPT).endswith(PROMPT):
        return None
    line.write(QUESTION.encode() + b"\r")
    heard = b""
    while piece := line.read_until(PROMPT):  # there may be the prompt of before once more
        heard += piece
        if found := _ANSWER.search(heard):
            break
    try:
        return ast.literal_eval(found[1].decode()) if found else None
    except (ValueError, SyntaxError):
        return None


def _judged(check, answer):
    machine, release, version = answer
    ours = boards.version()
    said = f"{machine}, MicroPython {release}"
    if version is None:
        return lacks(
            check, f"{said}, without the firmware", "make flash BOARD=..., or mip (docs/development.md)"
        )
    if version != ours:
        return lacks(check, f"{said}, firmware {version}; these tools are {ours}", "make flash BOARD=...")
    return ok(check, f"{said}, firmware {version}, as these tools")
