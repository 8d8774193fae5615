# SPDX-License-Identifier: MIT
"""An ESP32 is flashed by esptool, which verifies what it wrote by MD5."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tools.errors import UsageError
from tools.flash.esptool_errors import explain
from tools.flash.program import REPLACED
from tools.image.boards import ROOT, board_data
from tools.line import ports
from tools.words import why

OPTIONS = ("chip", "offset", "baudrate", "no_reset", "no_stub", "esptool")
BUILD = ROOT / "build"
BAUD = 460800
VERIFIED = "Hash of data verified"
NO_IMAGE = (
    "there is no image: make image BOARD={} BASE=FILE.bin, or name one with --image, --offset and --chip"
)


def flash(args, say):
    """Raises UsageError, which says in one sentence what went wrong and what to do."""
    image, offset, chip = _image(args)
    port = args.port or ports.find(args.board, own=_has_usb(args.board, chip))
    program = [args.esptool] if args.esptool else [str(Path(sys.executable).with_name("esptool"))]
    options = ["--chip", chip, "--port", port, "--baud", str(args.baudrate or BAUD)]
    if args.no_reset:
        options += ["--before", "no-reset", "--after", "no-reset"]
    if args.no_stub:
        options += ["--no-stub"]
    command = [*options, "write-flash", f"{offset:#x}", _relative(image)]
    if _version(program) < 5:
        command = [_as_in_version_4(word) for word in command]
    command = [*program, *command]
    say(REPLACED)
    say(shlex.join([_relative(Path(command[0])) if os.sep in command[0] else command[0], *command[1:]]))
    code, output = _run(command)
    if code:
        raise UsageError(explain(output, port, chip))
    if VERIFIED not in output:
        raise UsageError("esptool ended well and did not say that it verified: look at what it said above")
    say(f"{image.stat().st_size:,} octets written and verified")
    if args.no_reset:
        say("press EN: the board starts")
    say(
        f"next: msgin5g provision --board {args.board} --port {port} --ue ... --peer coap://ADDRESS --wifi ask"
    )


def _has_usb(board, chip):
    """Whether it may be at a port of its own, and not of an adapter. One that is not in board.json may."""
    row = board_data(board)["chips"].get(chip)
    return row is None or any(way.startswith("usb-") for way in row["resets"])


def _image(args):
    """(path, offset, chip)."""
    if args.image is not None:
        if args.offset is None or args.chip is None:
            raise UsageError("--image needs --offset, where in the flash it goes, and --chip, what it is for")
        if not args.image.is_file():
            raise UsageError(f"there is no file {args.image}")
        return args.image, args.offset, args.chip
    folder = BUILD / args.board
    try:
        report = json.loads((folder / "report.json").read_text())
    except (OSError, ValueError):
        raise UsageError(NO_IMAGE.format(args.board)) from None
    # of both, where MicroPython's binary was named, else of the files alone
    part = report.get("image") or report["filesystem"]
    image = folder / part["path"]
    if not image.is_file():
        raise UsageError(NO_IMAGE.format(args.board))
    if args.chip not in (None, report["chip"]):
        raise UsageError(
            f"the image is for {report['chip']}, not for {args.chip}: make image with the BASE= for that"
        )
    return image, part["offset"], report["chip"]


def _version(program):
    """The main version of an esptool."""
    try:
        done = subprocess.run([*program, "version"], capture_output=True, text=True)
    except OSError as error:
        raise UsageError(f"{program[0]} can't be run: {why(error)}") from None
    found = re.search(r"v(\d+)\.\d", done.stdout)
    if found is None or int(found[1]) < 4:
        raise UsageError(f"{program[0]} is no esptool of version 4 or newer")
    return int(found[1])


def _as_in_version_4(word):
    return {"write-flash": "write_flash", "no-reset": "no_reset"}.get(word, word)


def _run(command):
    """(exit code, all that it said), which is shown as it comes."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    pieces = []
    with process.stdout:
        while piece := process.stdout.readline():
            pieces.append(piece)
            # of its progress, only the last line: it is written for a terminal
            writing = piece.startswith("Writing at")
            if not writing:
                print(piece, end="", flush=True)
            elif sys.stdout.isatty():
                print(piece.rstrip(), end="\r", flush=True)
    return process.wait(), "".join(pieces)


def _relative(path):
    """As a person would type it."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)
