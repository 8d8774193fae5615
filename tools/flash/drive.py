# SPDX-License-Identifier: MIT
"""A Pico and its kin are flashed in BOOTSEL mode: by picotool where it is installed, else as the drive that they show.

A board that runs MicroPython is sent there by itself; an empty one is there as it comes. An image that was built here
leaves the files on the board as they are; a merged one brings a file system of its own.
"""

import glob
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

from tools.errors import UsageError
from tools.flash.program import REPLACED
from tools.image import program as image_program
from tools.image import uf2
from tools.image.boards import board_data
from tools.line import ports, remote
from tools.words import why

OPTIONS = ("drive",)
INFO = "INFO_UF2.TXT"  # its Board-ID is the drive's name, "drive" in board.json (RP2040 data sheet 2.8.4; RP2350: 5.5)
MOUNTS = ("/media/*", "/media/*/*", "/run/media/*/*", "/mnt/*", "/Volumes/*")
WAIT = 20  # s: until a drive or a board shows itself
RESTART = 5  # s: until it shows itself as a port, for the last sentence only
POLL = 0.1  # s
PIECE = 65536
BY_HAND = "hold BOOTSEL while you plug the board in, and run this again"
NOT_MOUNTED = (
    "no drive {} came. Where drives are not mounted by themselves, mount it and name it with --drive, or install "
    "picotool (Debian, Ubuntu: apt install picotool; macOS: brew install picotool)"
)

NOT_ALLOWED = (
    "picotool may not use the board: install its udev rules (99-picotool.rules), or run this with sudo"
)


def flash(args, say):
    """Raises UsageError, which says in one sentence what went wrong and what to do."""
    data = board_data(args.board)
    image = args.image or image_program.ready(args.board, say)
    try:
        octets = image.read_bytes()
    except OSError as error:
        raise UsageError(f"{image}: {why(error)}") from None
    file = uf2.check(image, octets, data)
    name = _drive_name(data, file)
    if data["image"]["format"] == "uf2-merged":
        say(REPLACED)
    picotool = shutil.which("picotool") if args.drive is None else None
    if picotool:
        _ready(args, lambda: _picotool_sees(picotool), BY_HAND, say)
        _by_picotool(picotool, image, say)
    else:
        if (
            args.drive is not None
            and not args.drive.exists()
            and args.port is None
            and not ports.found(args.board)
        ):
            raise UsageError(
                f"there is no folder {args.drive}, and no {data['product']} at a port that could be sent there: name "
                f"the folder that the drive {name} is mounted at"
            )
        drive = _ready(args, lambda: _drive(args.drive, name, data), NOT_MOUNTED.format(name), say)
        _by_drive(drive, image, octets, file.blocks, say)
    _next(args.board, say)


def _ready(args, look, otherwise, say):
    """What `look` gives of a board in BOOTSEL mode; one that runs MicroPython is sent there. Raises UsageError."""
    found = look()
    if found:
        return found
    port = args.port
    if port is None:
        if not ports.found(args.board):
            product = board_data(args.board)["product"]
            raise UsageError(f"no {product} is there, neither as a drive nor as a port: {BY_HAND}")
        port = ports.find(args.board)
    say(f"mpremote connect {port} bootloader")
    with remote.Board(port) as board:
        board.boot_loader()
    found = _wait(look)
    if not found:
        raise UsageError(otherwise)
    return found


def _wait(look, seconds=None):
    end = time.monotonic() + (WAIT if seconds is None else seconds)
    while not (found := look()) and time.monotonic() < end:
        time.sleep(POLL)
    return found


# ---- the drive


def _drive_name(data, file):
    """What the drive of the chip that a file is for is called."""
    flasher = data["flasher"]
    if "drive" in flasher:
        return flasher["drive"]
    chips = uf2.chips(data)
    return flasher["drives"][chips.get(file.family, next(iter(chips.values())))]


def _drive(named, name, data):
    """The drive of such a board in BOOTSEL mode, or None. Raises UsageError where there are several, or another's."""
    found = [named] if named is not None else [Path(path) for mount in MOUNTS for path in glob.glob(mount)]
    drives = {}
    for path in found:
        try:
            text = (path / INFO).read_text(errors="replace")
        except OSError:
            continue
        lines = dict(line.partition(":")[::2] for line in text.splitlines())
        drives[path] = lines.get("Board-ID", "").strip()
    if named is not None and not drives and named.exists():  # else it may be mounted there in a moment
        raise UsageError(f"{named} is no drive of a {data['product']}: it has no {INFO}")
    if len(drives) > 1:
        raise UsageError(
            f"there is more than one board in BOOTSEL mode: {_names(drives)}. Name one with --drive"
        )
    for path, board in drives.items():
        if board in data["flasher"].get("drives", {}).values() and board != name:
            raise UsageError(
                f"the board at {path} is for another image: it says {board}, this one is for {name}"
            )
        if board != name:
            raise UsageError(f"the board at {path} is no {data['product']}: it says {board or 'nothing'}")
        return path
    return None


def _names(drives):
    return ", ".join(str(path) for path in sorted(drives))


def _by_drive(drive, image, octets, blocks, say):
    target = drive / "firmware.uf2"
    say(shlex.join(["cp", os.path.relpath(image), str(target)]))
    written = 0
    try:
        with open(target, "wb", buffering=0) as file:
            while written < len(octets):
                written += file.write(octets[written : written + PIECE])
            os.fsync(file.fileno())
    except OSError as error:
        # With its last block the board starts, at once, and takes the drive away from under the file.
        gone = not (drive / INFO).exists()
        if gone and written < len(octets):
            raise UsageError(f"the board was lost in the middle: {BY_HAND}") from None
        if not gone:
            raise UsageError(f"{target}: {why(error)}") from None
    say(f"{written:,} octets written; the board starts by itself once it has all {blocks:,} blocks")
    if not _wait(lambda: not (drive / INFO).exists()):
        raise UsageError(f"the drive {drive} did not go away: the board has not taken the file; {BY_HAND}")
    say("the drive is gone: it has them")


# ---- picotool


def _picotool_sees(picotool):
    done = subprocess.run([picotool, "info"], capture_output=True, text=True)
    if done.returncode and "unable to connect" in done.stdout + done.stderr:
        raise UsageError(NOT_ALLOWED)
    return done.returncode == 0


def _by_picotool(picotool, image, say):
    command = [picotool, "load", "-v", "-x", os.path.relpath(image)]
    say(shlex.join(["picotool", *command[1:]]))
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    said = []
    with process.stdout:
        for line in process.stdout:
            said.append(line)
            print(line, end="", flush=True)
    if process.wait():
        raise UsageError(_picotool_error("".join(said)))
    say("written, verified and started by picotool")


def _picotool_error(said):
    if "permission" in said.lower() or "unable to connect" in said.lower():
        return (
            "picotool may not use the board: install its udev rules (99-picotool.rules), or run it with sudo"
        )
    if "verify" in said.lower() or "differ" in said.lower():
        return f"the flash does not keep what was written: {BY_HAND}; else its flash is worn out"
    return f"picotool failed, it said why above; {BY_HAND}"


def _next(board, say):
    """Where the board is now."""
    found = _wait(lambda: ports.found(board), RESTART)
    if found:
        say(f"the board is at {found[0].device}; next: msgin5g provision --port {found[0].device} --ue ID")
    else:
        say(f"next: msgin5g provision --board {board} --ue ID")
