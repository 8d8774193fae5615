# SPDX-License-Identifier: MIT
"""Raspberry Pi Pico: no network of its own, so its link is a UART (README, "Wiring")."""

import machine

from device.links import Unsupported
from device.storage import FileStorage


class Board:
    name = "rp2040"

    def __init__(self):
        self.storage = FileStorage("messages")

    def unique_id(self):
        """8 octets of the flash chip."""
        return machine.unique_id()

    def links(self, config):
        """The link that `config.peer` asks for."""
        raise Unsupported("peer: the Pico has no network")

    def watchdog(self, timeout_ms):
        """A started watchdog, to be fed with its feed(); it can't be stopped. ValueError beyond 8388 ms.

        The limit is that of its counter: 24 bits at 2 MHz (data sheet 4.7, erratum RP2040-E1).
        """
        return machine.WDT(timeout=timeout_ms)

    def sleep(self, ms):
        """Sleeps with RAM kept. The clocks of the UART and, without a computer at it, of USB stop meanwhile."""
        machine.lightsleep(ms)

    def led(self, on):
        machine.Pin("LED", machine.Pin.OUT, value=1 if on else 0)

    def reset_cause(self):
        """ "power-on" or "watchdog", which machine.reset() counts as."""
        return "watchdog" if machine.reset_cause() == machine.WDT_RESET else "power-on"

    def reset(self):
        machine.reset()
