# SPDX-License-Identifier: MIT
"""Serial ports: those that are there, whether we may open them, and who has them open."""

import os
import stat

from serial.tools import list_ports

from tools.doctor.finding import lacks, ok, unknown
from tools.image import boards

_EMULATOR = "msgin5g emulate "


def serial_ports(machine, args):
    """Each port of USB, and the one that was named."""
    there = {port.device: port for port in list_ports.comports() if port.vid is not None}
    names = sorted(there)
    if args.port and args.port not in names and "://" not in args.port:
        names.append(args.port)
    if not names:
        yield ok("serial port", "no board is plugged in", "a board that is needs a cable that carries data")
    for name in names:
        yield from _port(machine, name, there.get(name))


def _port(machine, name, found):
    what = f" ({found.description}{_kinds(found)})" if found else ""
    if machine.platform == "win32":
        yield unknown(f"serial port {name}{what}", "Windows tells who has it only to who opens it")
        return
    try:
        mode = os.stat(machine.file(name))
    except OSError:
        yield lacks(
            f"serial port {name}", "is not there", "plug the board in, with a cable that carries data"
        )
        return
    if not stat.S_ISCHR(mode.st_mode):
        yield lacks(f"serial port {name}", "is no serial port", "name another with --port")
        return
    if not os.access(machine.file(name), os.R_OK | os.W_OK):
        yield lacks(f"serial port {name}{what}", "you may not open it", joining(mode, machine))
        return
    # An emulator holds both ends of the pseudo-terminal that stands for its port.
    users = [who for who, command in machine.users_of(name) if _EMULATOR not in command]
    if users:
        yield lacks(f"serial port {name}{what}", f"{', '.join(users)} has it open", "end that first")
    else:
        more = "" if machine.linux and machine.is_root else "; programs of other accounts were not looked at"
        yield ok(f"serial port {name}{what}", "may be opened, and nobody has it open" + more)


def joining(mode, machine):
    """What to do for the rights on a device: which group to join, by what owns it (dialout on Debian, uucp on Arch)."""
    shared = mode.st_mode & 0o060 == 0o060
    group = machine.group(mode.st_gid)
    if not shared or group == "root":
        return (
            "no group may: a rule of udev gives it one, /etc/udev/rules.d/50-serial.rules with"
            ' KERNEL=="ttyACM*|ttyUSB*", GROUP="dialout", MODE="0660"'
        )
    if machine.user() in machine.members(group):
        return f"you are in the group {group} already: log out, and in again"
    return f"sudo usermod -a -G {group} {machine.user()}, then log out, and in again"


def _kinds(port):
    ids = {f"{port.vid:04x}", f"{port.vid:04x}:{port.pid:04x}"}
    kinds = [
        board
        for board in boards.having("usb")
        if ids & {*boards.part(board, "usb")["ids"], *boards.part(board, "usb").get("own", [])}
    ]
    return f"; maybe {' or '.join(kinds)}" if kinds else ""
