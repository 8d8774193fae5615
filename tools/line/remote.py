# SPDX-License-Identifier: MIT
"""A MicroPython board at a port, through mpremote's transport: its files, what it is, a new start.

What mpremote and the board say when something fails may quote what was sent, and that may be a key. So none of it is
passed on: each failure has a sentence of its own.
"""

import ast
import contextlib
import errno
import io
import re
import struct
from dataclasses import dataclass

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from tools.errors import UsageError
from tools.line import ports
from tools.words import counted

_TRIES = 3  # a board in the middle of a reset, or of a long computation, hears the next one
_ENTER = 4  # s
_READ = 5  # s without an octet where one must come: else a pseudo-terminal is waited for without end
_SILENT = (
    "no MicroPython answers at {}: flash the board first (make flash), or press its reset button; "
    "on a UART of the board there is no REPL, take its USB"
)
_IDENTITY = """
import os, sys
_u = os.uname()
try:
    import msgin5g
    _f = True
except ImportError:
    _f = False
print(repr((_u.machine, _u.release, _u.version, _f)))
"""
_UNIQUE_ID = """
import binascii, machine
print(repr(binascii.hexlify(machine.unique_id())))
"""
# What the board's own firmware says to a configuration: its checks, and whether this board has the link.
_OPINION = """
from msgin5g import Config, ConfigError
from device.links import Unsupported
from board import Board
_w = None
try:
    Board().links(Config.load(%r))
except (ConfigError, Unsupported) as _e:
    _w = str(_e)
print(repr(_w))
"""
# A watchdog that the firmware started bites soon after nobody feeds it. It can't be stopped, but on the RP2040 it can
# be set to its longest time, 8.4 s, anew; whether it runs is bit 30 of its CTRL (data sheet 4.7.6).
_CALM = """
import os
if os.uname().sysname == "rp2":
    import machine
    if machine.mem32[0x40058000] >> 30 & 1:
        machine.WDT(timeout=8388)
"""
# What goes wrong below: pyserial's and the system's errors (a SerialException is an OSError), mpremote's own, what it
# makes of an answer that breaks off, or that is none.
_MISHAPS = (OSError, TransportError, struct.error, ValueError, TypeError, SyntaxError, AssertionError)


@dataclass(frozen=True)
class Identity:
    """`machine`: "Raspberry Pi Pico with RP2040"; `micropython`: "1.25.0"; `firmware`: whether it has ours."""

    machine: str
    micropython: str
    version: str
    firmware: bool


class Board:
    """Interrupted and reset, so that main.py does not run; restart() lets it go on. Without `reset` it is interrupted
    alone, and has what it had in its memory. Raises UsageError."""

    def __init__(self, port, say=lambda step: None, reset=True):
        self.port = port
        self._reset = reset
        self._say = say
        try:
            with _quiet():
                self._transport = SerialTransport(port, timeout=_READ)
        except (OSError, TransportError):
            raise UsageError(ports.why(port, _open_error(port))) from None
        try:
            self._enter()
        except BaseException:
            self._close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._close()

    def _enter(self):
        for tries in range(_TRIES):
            try:
                with _quiet():
                    self._transport.enter_raw_repl(soft_reset=False, timeout_overall=_ENTER)
                    self._transport.exec_raw(_CALM)
                    if self._reset:
                        self._transport.enter_raw_repl(timeout_overall=_ENTER)
                self._say("the board is at its raw REPL")
                return
            except _MISHAPS as error:
                if isinstance(error, OSError):
                    raise UsageError(self._gone()) from None
                if tries == _TRIES - 1:
                    raise UsageError(_SILENT.format(self.port)) from None

    def identity(self):
        return self._do("asked what it is", lambda: Identity(*self._value(_IDENTITY)))

    def unique_id(self):
        """The chip's own number in hexadecimal digits, None of a board that tells none."""
        try:
            found = self._do("asked for its number", lambda: self._value(_UNIQUE_ID))
        except UsageError:  # where the board is gone, the next step says so
            return None
        return found.decode() if isinstance(found, bytes) and found.isalnum() else None

    def opinion(self, path):
        """Why the firmware on the board would not start with the configuration `path`; None where it would."""
        return self._do(f"asked the firmware about {path}", lambda: self._value(_OPINION % path))

    def exists(self, path):
        return self._do(f"looked for {path}", self._transport.fs_exists, path)

    def read(self, path):
        """The octets of a file, or None where there is none."""
        if not self.exists(path):
            return None
        octets = bytes(self._do(f"read {path}", self._transport.fs_readfile, path))
        self._say(f"{path} has {counted(len(octets), 'octet')}")
        return octets

    def write(self, path, octets):
        self._do(
            f"wrote {counted(len(octets), 'octet')} to {path}", self._transport.fs_writefile, path, octets
        )

    def rename(self, old, new):
        """In one step, in place of another file, as littlefs does it."""
        code = f"import os\nos.rename({old!r}, {new!r})"
        self._do(f"renamed {old} to {new}", self._run, code)

    def remove(self, path):
        if self.exists(path):
            self._do(f"removed {path}", self._transport.fs_rmfile, path)

    def printed(self, step, code):
        """What the code prints, as text."""
        return self._do(step, self._run, code).decode(errors="replace")

    def restart(self):
        """A soft reset: main.py starts."""
        self._do("started main.py anew", self._soft_reset)

    def boot_loader(self):
        """Ends MicroPython: the board waits to be flashed. It is gone from its port then."""
        self._say("sent machine.bootloader()")
        with contextlib.suppress(*_MISHAPS), _quiet():
            self._transport.exec_raw_no_follow("import machine\nmachine.bootloader()")

    def _soft_reset(self):
        self._transport.exit_raw_repl()
        self._transport.read_until(1, b">>> ", timeout=2)
        self._transport.serial.write(b"\x04")
        if not self._transport.read_until(1, b"soft reboot\r\n", timeout=_READ).endswith(b"soft reboot\r\n"):
            raise TransportError

    def _value(self, code):
        """What the code prints, as a Python literal."""
        return ast.literal_eval(self._run(code).decode())

    def _run(self, code):
        output, error = self._transport.exec_raw(code)
        if error:
            raise TransportExecError(0, error.decode(errors="replace"))
        return output

    def _do(self, step, act, *arguments):
        try:
            with _quiet():
                result = act(*arguments)
        except TransportExecError as error:
            number = _errno(error.error_output)
        except serial.SerialException:
            number = None
        except OSError as error:
            # fs_* give the error of the board's file system as an OSError of their own, without a file name of ours
            number = error.errno
        except _MISHAPS:
            number = None
        else:
            self._say(step)
            return result
        raise UsageError(self._sentence(number)) from None

    def _sentence(self, number):
        if number == errno.ENOSPC:
            return (
                f"the file system of the board at {self.port} is full; nothing was changed. Look and make room: "
                f"mpremote connect {self.port} fs ls, fs rm FILE"
            )
        if number == errno.EROFS:
            return f"the file system of the board at {self.port} is read-only"
        if number == errno.EEXIST:
            return (
                f"the file system of the board at {self.port} can't replace a file in one step; littlefs can"
            )
        if number in (None, errno.EIO, errno.ENXIO, errno.EBADF, errno.ENODEV):
            return self._gone()
        return f"the board at {self.port} says: {errno.errorcode.get(number, number)}"

    def _gone(self):
        return f"the board at {self.port} was lost in the middle of it: look at the cable, and run this again"

    def _close(self):
        if not self._reset:  # its REPL is as it was found
            with contextlib.suppress(*_MISHAPS), _quiet():
                self._transport.exit_raw_repl()
        with contextlib.suppress(OSError):
            self._transport.close()


def _open_error(port):
    """Why the port can't be opened, which mpremote keeps to itself."""
    try:
        serial.serial_for_url(port, exclusive=True).close()
    except OSError as error:
        return error
    return OSError()


def _errno(traceback):
    """The errno of an OSError on the board, None where it was another error."""
    last = traceback.strip().splitlines()[-1:]
    match = re.match(r"OSError: (?:\[Errno (\d+)\]|(\d+)$)", last[0]) if last else None
    return int(match[1] or match[2]) if match else None


def _quiet():
    # mpremote prints what a board answers in place of a REPL
    return contextlib.redirect_stdout(io.StringIO())


def describe(identity):
    """ "Raspberry Pi Pico with RP2040, MicroPython 1.25.0, with the firmware"."""
    firmware = "with the MSGin5G firmware" if identity.firmware else "without the MSGin5G firmware"
    return f"{identity.machine}, MicroPython {identity.micropython}, {firmware}"
