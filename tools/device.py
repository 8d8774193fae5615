# SPDX-License-Identifier: MIT
"""A device on this machine: the firmware, untouched, on the unix port of MicroPython.

The board `unix` keeps its files in the folder that it was started in, so that folder is the device: its configuration,
what it has yet to send, what it has received. The interpreter takes the place of this process, so that a signal or a
power cut (kill -9) hits the device itself, and its exit code is the one that is seen.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

from tools import held, private
from tools.errors import UsageError
from tools.image import bytecode
from tools.programs import micropython
from tools.words import complain, in_words, why

ROOT = Path(__file__).resolve().parents[1]
CONFIG_NAME = "msgin5g.json"
# An RP2040 has 237 KB. Its code is in flash, here in a ROMFS; but a word has 64 bits here and not 32, so this is less.
# What may wait by default, 64 messages and 64 more for their reports, takes 120 KB of it.
HEAP = "320k"
SMALL_HEAP = "208k"  # in which the demo and the device's own tests have to do
STAYS = (2, 130)  # exit codes of one that is not started anew: a configuration for a person to mend, Ctrl-C
PAUSE = 1  # s until it is


def add_arguments(parser):
    parser.add_argument(
        "--state", metavar="DIR", type=Path, required=True, help="the folder that is the device's flash"
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help=f"configuration, copied to DIR/{CONFIG_NAME} (default: the one there)",
    )
    parser.add_argument(
        "--heap", metavar="SIZE", type=heap_size, default=HEAP, help="size of its heap (default: %(default)s)"
    )
    parser.add_argument(
        "--restart",
        action="store_true",
        help="start it anew whenever it has ended, as a board does after a reset; until Ctrl-C",
    )
    parser.add_argument(
        "app", metavar="APP.py", nargs="?", type=Path, help="the application that main.py starts"
    )


def main(args):
    fetch()
    if args.restart:
        return _kept(args)
    return _run(args)


def _run(args):
    return run(args.state, args.config, heap=args.heap, app=args.app)


def _kept(args):
    """Runs the device in a process of its own, again and again. Returns its exit code where it is to stay ended."""
    told = []

    def tell(number, frame):
        told.append(number)
        if number != signal.SIGINT:  # which a terminal has told it, too
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    child = _begin(args)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, tell)
    while True:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if not told and code not in STAYS:
            complain(f"the device ended with {code}, and starts anew")
            time.sleep(PAUSE)
        if told or code in STAYS:
            return code if code >= 0 else 128 - code
        args.config = None  # it was copied; an update may have changed it since
        child = _begin(args)


def _begin(args):
    child = os.fork()
    if child:
        return child
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    return sys.exit(_run(args))


def fetch():
    """Sees to it that there is a MicroPython, where none is named. Raises UsageError where none can be had."""
    if os.environ.get("MICROPYTHON") or os.access(micropython.program(), os.X_OK):
        return
    try:
        micropython.provide(micropython.BIN)
    except micropython.NoMicroPython:
        raise UsageError(
            "no MicroPython can be had here; make micropython says why, and what to do"
        ) from None


def run(state, config=None, heap=HEAP, app=None, program=None):
    """Becomes the device. Returns only by an error."""
    descriptor = hold(state)
    command, environment = prepare(state, config, heap, app, program)
    os.set_inheritable(descriptor, True)  # the device holds its folder, until it ends
    sys.stdout.flush()
    os.chdir(state)
    os.umask(0o077)  # the device writes its configuration anew where it gets new keys
    os.execve(command[0], command, environment)


def hold(state):
    """Locks the folder for one device, makes it where it is missing; a descriptor that the device must inherit.

    Two devices in one folder would take sequence numbers from one file, and use the same nonces (RFC 8613 7.2.1).
    Raises UsageError, which says who is there already.
    """
    state = Path(state)
    _make(state)
    try:
        return held.hold_folder(state)
    except held.Held as who:
        raise UsageError(
            f"state folder {state} is a running device, {who}: end that one, or give another --state"
        ) from None
    except OSError as error:
        raise UsageError(f"state folder {state}: {why(error)}") from None


def _make(state):
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"state folder {state}: {why(error)}") from None


def prepare(state, config=None, heap=HEAP, app=None, program=None):
    """Makes the folder ready; returns command and environment to start in it, for who wants a child process."""
    state, program = Path(state), Path(program or micropython.program()).absolute()
    if not os.access(program, os.X_OK):
        raise UsageError(f"no MicroPython at {program}; make it with: make micropython")
    if app is not None and not Path(app).is_file():
        raise UsageError(f"no application {app}")
    _make(state)
    if not os.access(state, os.W_OK | os.X_OK):
        raise UsageError(f"state folder {state}: not writable")
    _put_config(state / CONFIG_NAME, config)
    command = [
        str(program),
        "-X",
        f"heapsize={heap}",
        str(ROOT / "boards/unix/rom.py"),
        str(bytecode.rom()),
        "main",
    ]
    if app is not None:
        command.append(str(Path(app).resolve()))
    return command, {**os.environ, "MICROPYPATH": "/rom:.frozen"}


def _put_config(ours, given):
    """Sees to it that the device has its configuration, and says what was done."""
    if private.mend(ours):
        complain(private.MENDED.format(ours))
    if given is None:
        _check_config(ours, hint="; name one with --config")
        return
    octets = _check_config(Path(given))
    if ours.exists() and ours.read_bytes() == octets:
        return
    done = "replaced by" if ours.exists() else "copied from"
    try:
        private.replace(ours, octets)
    except OSError as error:
        raise UsageError(f"{ours}: {why(error)}") from None
    complain(f"{ours} {done} {given}")


def _check_config(path, hint=""):
    """The octets of a file that is a JSON object. What its keys may be is the firmware's to check."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        said = in_words(error) + hint if hint else why(error)
        raise UsageError(f"configuration {path}: {said}") from None
    try:
        value = json.loads(octets)
    except ValueError as error:
        raise UsageError(f"configuration {path} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"configuration {path}: a JSON object is needed")
    return octets


def heap_size(text):
    if not re.fullmatch(r"[1-9]\d*[kKmM]?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: 192k, 2M, 200000")
    return text
