# SPDX-License-Identifier: MIT
"""QEMU's `virt` machine with the instruction set of an ESP32-C3: a serial line is its link (README)."""

import time

import machine
from micropython import const

from coap.oscore.files import FileStorage
from device import links

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Config, Link, Timer, Watchdog

_RECEIVED = const(2048)  # octets that the port keeps for us


class Board:
    """A machine that QEMU plays, as contracts.pyi has a board."""

    name = "rv32"

    def __init__(self):
        self.storage = FileStorage("messages")

    def unique_id(self) -> bytes:
        """Return 8 octets that the emulator was started with."""
        return machine.unique_id()

    def links(self, config: "Config") -> "Link":
        """Return the link that `config.peer` asks for."""
        if config.peer_scheme not in ("coap+uart", "l3+uart") or config.peer_host != "1":
            raise links.Unsupported("peer: this machine has one serial line, coap+uart://1 or l3+uart://1")
        if config.serial["flow"] != "none":
            raise links.Unsupported('serial.flow: this machine has "none"')
        from device.links.serial import link

        return link(config, lambda: _uart(config.serial["baudrate"]), self.storage)

    def watchdog(self, timeout_ms: int) -> "Watchdog":
        """Raise Unsupported."""
        raise links.Unsupported("the emulated machine has no watchdog")

    def every(self, number: int, ms: int, call: "Callable[[Any], None]") -> "Timer":
        """Raise Unsupported."""
        raise links.Unsupported("the emulated machine has no timer that calls")

    def sleep(self, ms: int) -> None:
        """Sleep for so many ms with RAM kept."""
        time.sleep_ms(ms)  # type: ignore[attr-defined]

    def led(self, on: bool) -> None:
        """Raise Unsupported."""
        raise links.Unsupported("the emulated machine has no LED")

    def reset_cause(self) -> str:
        """Return "power-on" or "soft"."""
        return "power-on" if machine.reset_cause() == machine.PWRON_RESET else "soft"

    def reset(self) -> None:
        """Start the board anew."""
        machine.reset()


def _uart(baudrate):
    # A read gives what is there, at once.
    return machine.UART(1, baudrate, rxbuf=_RECEIVED, timeout=0, timeout_char=0)
