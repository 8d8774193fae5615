# SPDX-License-Identifier: MIT
"""Serial ports: which one has the board, and why one can't be opened."""

import errno
import glob
import os

from serial.tools import list_ports

from tools.errors import UsageError
from tools.image import boards

_USUAL = (
    "dialout"  # the group of serial ports on Debian; where udev is told otherwise another one, uucp on Arch
)


def found(board=None, own=True):
    """Ports with a board of this kind, or of any, by the USB ids in board.json; without `own` those of adapters alone,
    for a chip that has no USB of its own.
    """
    usb = [boards.part(each, "usb") for each in ([board] if board else boards.having("usb"))]
    wanted = {ids for each in usb for ids in each["ids"] + each.get("own", []) * own}
    return [
        port
        for port in sorted(list_ports.comports(), key=lambda port: port.device)
        if port.vid is not None and wanted & {f"{port.vid:04x}", f"{port.vid:04x}:{port.pid:04x}"}
    ]


def find(board=None, option="--port", own=True):
    """The one port with a board. UsageError where there is none, or more than one."""
    if board and "usb" not in (data := boards.board_data(board)) and data["mcu"] != boards.HOST:
        raise UsageError(
            f"{board} can't be told from others by what it shows on USB: name its port with {option}"
        )
    ports = found(board, own)
    if len(ports) == 1:
        return ports[0].device
    kind = boards.part(board, "usb")["name"] if board else "board"
    if ports:
        names = ", ".join(f"{port.device} ({port.description})" for port in ports)
        raise UsageError(f"there is more than one {kind}: {names}. Name one with {option}")
    others = [port.device for port in list_ports.comports()]
    seen = f"; ports that are there: {', '.join(sorted(others))}" if others else ""
    raise UsageError(
        f"no {kind} is connected: plug it in, with a cable that carries data, or name its port with {option}{seen}"
    )


def why(port, error):
    """A sentence on why `port` can't be opened; `error` is an OSError or pyserial's, whose errno may be missing."""
    number = getattr(error, "errno", None)
    if port.startswith(("socket://", "rfc2217://")):
        return f"nothing listens at {port}: start the emulator (make emulate), or look at what it printed"
    if number == errno.ENOENT or number is None and not os.path.exists(port):
        there = sorted({p.device for p in list_ports.comports()} | set(glob.glob("/dev/ttyACM*")))
        return f"there is no port {port}; " + (
            f"there are: {', '.join(there)}" if there else "is it plugged in?"
        )
    if number == errno.EACCES:
        return f"you may not open {port}: sudo usermod -a -G {_group(port)} $USER, then log in again"
    if number in (errno.EBUSY, errno.EAGAIN):
        return f"{port} is in use by another program: end it (mpremote, a serial monitor, the gateway's --serial)"
    if number in (errno.ENOTTY, errno.EINVAL) or "configure port" in str(
        error
    ):  # pyserial's words, without an errno
        return f"{port} is no serial port"
    if number == errno.EIO:
        return f"{port} does not work any more: plug the board in again"
    return f"{port} can't be opened: {os.strerror(number) if number else 'no reason was given'}"


def _group(port):
    """The group that a port belongs to, and whose members may open it; the usual one where that is not told."""
    try:
        import grp  # not on Windows

        name = grp.getgrgid(os.stat(port).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        return _USUAL
    return _USUAL if name == "root" else name
