# SPDX-License-Identifier: MIT
"""A board that is this computer: the MicroPython unix port, with its files in the folder that it was started in."""

import hashlib
import os
import sys
import time

from micropython import const

from coap.oscore.files import FileStorage
from device import links

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Config, Link, Timer, Watchdog

# Linux
_F_GETFL = 3
_F_SETFL = 4
_O_NONBLOCK = 0o4000
_CRTSCTS = 0o20000000000
_IPPROTO_IP = 0
_IP_MULTICAST_IF = 32
_LOOPBACK = b"\x7f\x00\x00\x01"
_BY_ROUTE = b"\x00\x00\x00\x00"


class Board:
    """A computer, as contracts.pyi has a board."""

    name = "unix"

    def __init__(self):
        self.storage = FileStorage("messages")

    def unique_id(self) -> bytes:
        """Return 8 octets, the same as long as the folder stays."""
        return hashlib.sha256(os.getcwd().encode()).digest()[:8]

    def links(self, config: "Config") -> "Link":
        """Return the link that `config.peer` asks for."""
        if config.peer_scheme in ("coap+uart", "l3+uart"):
            from device.links.serial import link

            return link(config, lambda: _line(config.peer_host, config.serial), self.storage)
        if config.peer_scheme not in ("coap", "discover"):
            raise links.Unsupported(
                "peer: the unix board has coap://host:port, discover:, coap+uart:///dev/... and l3+uart:///dev/..."
            )
        size = config.coap["max_datagram"]
        if config.peer_scheme == "discover":
            return _asking(config.peer_host, config.peer_port, size)
        from coap.aio.udp import UDPLink

        return UDPLink(size, config.peer_host, config.peer_port)

    def watchdog(self, timeout_ms: int) -> "Watchdog":
        """Raise Unsupported."""
        raise links.Unsupported("the unix board has no watchdog; use a service manager that restarts it")

    def every(self, number: int, ms: int, call: "Callable[[Any], None]") -> "Timer":
        """Raise Unsupported."""
        raise links.Unsupported(
            "the unix board has no timer that calls; what waits here waits in the event loop"
        )

    def sleep(self, ms: int) -> None:
        """Sleep for so many ms with RAM kept."""
        time.sleep_ms(ms)  # type: ignore[attr-defined]

    def led(self, on: bool) -> None:
        """Switch the LED on or off."""
        raise links.Unsupported("the unix board has no LED")

    def reset_cause(self) -> str:
        """Return why the board started last."""
        return "power-on"

    def reset(self) -> None:
        """Start the board anew."""
        sys.exit(0)


def _asking(host, port, max_datagram):
    """Return a UDPLink that sends to a group by the loopback interface as well: a gateway on this computer may hear
    nothing else, where there is no network."""
    from coap.aio.udp import UDPLink

    class AskingLink(UDPLink):
        def send(self, octets, address):
            host = address[0]
            if ":" in host or not 224 <= int(host.split(".")[0]) < 240:
                return super().send(octets, address)
            for interface in (_LOOPBACK, _BY_ROUTE):
                self.source.setsockopt(_IPPROTO_IP, _IP_MULTICAST_IF, interface)
                try:
                    super().send(octets, address)
                except OSError:
                    pass  # not there; the other one may be
            return True

    return AskingLink(max_datagram, host, port)


def _line(path, serial):
    """Return the terminal device `path` as a stream that does not block. OSError where it cannot be had."""
    import termios

    try:
        import ffi
    except ImportError:
        ffi = None

    speed = getattr(termios, "B%d" % serial["baudrate"], None)
    if speed is None:
        raise links.Unsupported(
            "serial.baudrate: %d is no speed of this computer's terminals" % serial["baudrate"]
        )
    file = open(path, "r+b")
    try:
        # A terminal begins with an editor for lines, which would eat some octets, change others and echo all.
        termios.setraw(file.fileno())
        mode = termios.tcgetattr(file.fileno())
        mode[4] = mode[5] = speed
        mode[2] = mode[2] | _CRTSCTS if serial["flow"] == "rtscts" else mode[2] & ~_CRTSCTS
        if ffi is None:
            # The terminal then gives what is there (VMIN and VTIME are 0, and the only numbers in that list). A write
            # still waits where less room is left than for its piece of a frame.
            mode[6] = [0 if isinstance(value, int) else value for value in mode[6]]
        termios.tcsetattr(file.fileno(), termios.TCSANOW, mode)
        if ffi is not None:
            # Files of this port wait until all octets are there; only the C library can tell them not to.
            fcntl = ffi.open(None).func("i", "fcntl", "iii")
            if fcntl(file.fileno(), _F_SETFL, fcntl(file.fileno(), _F_GETFL, 0) | _O_NONBLOCK) < 0:
                raise OSError("fcntl")
    except Exception:
        file.close()
        raise
    return file
