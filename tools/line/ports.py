# SPDX-License-Identifier: MIT
"""Serial ports: which one has the board, and why one can't be opened."""

import errno
import glob
import os

from serial.tools import list_ports

from tools.errors import UsageError

RP2040, ESP32 = "rp2040", "esp32"

# (vendor, product or None for all of them): what a board of that kind shows on USB.
_USB = {
    RP2040: ((0x2E8A, 0x0005),),  # MicroPython; in BOOTSEL mode it is a drive and no port
    ESP32: (
        (0x303A, None),  # Espressif: USB of the chip itself
        (0x10C4, 0xEA60),  # Silicon Labs CP210x, on most boards
        (0x1A86, 0x7522),  # WCH CH340, CH9102, CH343
        (0x1A86, 0x7523),
        (0x1A86, 0x55D3),
        (0x1A86, 0x55D4),
        (0x0403, 0x6001),  # FTDI
        (0x0403, 0x6010),
        (0x0403, 0x6014),
        (0x0403, 0x6015),
    ),
}
GROUP = "sudo usermod -a -G dialout $USER, then log in again"


def found(board=None):
    """Ports with a board of this kind, or of any, by their USB ids."""
    wanted = _USB[board] if board else [ids for each in _USB.values() for ids in each]
    return [
        port
        for port in sorted(list_ports.comports(), key=lambda port: port.device)
        if any(port.vid == vendor and product in (None, port.pid) for vendor, product in wanted)
    ]


def find(board=None, option="--port"):
    """The one port with a board. UsageError where there is none, or more than one."""
    ports = found(board)
    if len(ports) == 1:
        return ports[0].device
    kind = {RP2040: "Pico with MicroPython", ESP32: "ESP32"}.get(board, "board")
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
        return f"you may not open {port}: {GROUP}"
    if number in (errno.EBUSY, errno.EAGAIN):
        return f"{port} is in use by another program: end it (mpremote, a serial monitor, the gateway's --serial)"
    if number in (errno.ENOTTY, errno.EINVAL) or "configure port" in str(
        error
    ):  # pyserial's words, without an errno
        return f"{port} is no serial port"
    if number == errno.EIO:
        return f"{port} does not work any more: plug the board in again"
    return f"{port} can't be opened: {os.strerror(number) if number else 'no reason was given'}"
