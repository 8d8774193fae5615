# SPDX-License-Identifier: MIT
"""Raspberry Pi Pico W and Pico 2 W: Wi-Fi by a chip of its own (CYW43439), UARTs, and an LED at that chip."""

import os
import time

import machine
from micropython import const

from coap.compat import ticks_diff
from coap.oscore.files import FileStorage
from device import links
from device.health import now

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Config, Link, Timer, Watchdog

# Octets that the port keeps for us, as on the Pico without a radio.
_RECEIVED = const(2048)
_SENT = const(1280)

# ms. The alarm that wakes the chip counts microseconds in 32 bits.
_LONGEST_SLEEP = const(3600000)

# pico-sdk writes the second into the first (WATCHDOG, SCRATCH4) when the watchdog is started for good; a reset that
# the program asks for goes by the watchdog as well, and clears it (watchdog_enable_caused_reboot).
_SCRATCH4 = const(0x1C)
_STARTED = const(0x6AB73121)
_WATCHDOG = const(0x40058000)
_WATCHDOG_RP2350 = const(0x400D8000)


class Board:
    """A Raspberry Pi Pico W or Pico 2 W, as contracts.pyi has a board."""

    name = "pico_w"

    def __init__(self):
        self.storage = FileStorage("messages")
        self._radio = None  # the link that uses it

    def unique_id(self) -> bytes:
        """Return 8 octets of the flash chip (RP2350: of the processor)."""
        return machine.unique_id()

    def links(self, config: "Config") -> "Link":
        """Return the link that `config.peer` asks for."""
        if config.peer_scheme in ("coap", "discover"):
            from device.links import cyw43

            self._radio = cyw43.link(config)
            return self._radio
        if config.peer_scheme not in ("coap+uart", "l3+uart") or config.peer_host not in ("0", "1"):
            raise links.Unsupported(
                "peer: the Pico W has coap://host:port and discover: over Wi-Fi, coap+uart:// and l3+uart:// with"
                " UART 0 or 1"
            )
        from device.links.serial import link

        return link(config, lambda: _uart(int(config.peer_host), config.serial), self.storage)

    def watchdog(self, timeout_ms: int) -> "Watchdog":
        """Return a started watchdog, to be fed with its feed(); it can't be stopped. ValueError beyond 8388 ms."""
        return machine.WDT(timeout=timeout_ms)

    def every(self, number: int, ms: int, call: "Callable[[Any], None]") -> "Timer":
        """Have `call(timer)` called every `ms`, at the REPL and between the steps of other code, until deinit()."""
        return machine.Timer(-1, period=ms, mode=machine.Timer.PERIODIC, callback=call)

    def sleep(self, ms: int) -> None:
        """Sleep with RAM kept and the radio off. What is sent to the board meanwhile is lost, and Wi-Fi takes some
        seconds to join again. The clocks of the UART and, without a computer at it, of USB stop meanwhile.
        """
        if ms <= 0:
            return
        if self._radio is not None:
            self._radio.pause()
        while ms > 0:
            began = now()
            machine.lightsleep(min(ms, _LONGEST_SLEEP))
            if ticks_diff(now(), began) == 0:
                # The port does not sleep while the radio's chip has something to tell (mp_machine_lightsleep asks
                # cyw43_poll_is_pending), and sees to that while Python waits.
                time.sleep(0.001)
            ms -= ticks_diff(now(), began)
        if self._radio is not None:
            self._radio.resume()

    def led(self, on: bool) -> None:
        """Switch the LED on or off. It is at the radio's chip, which starts for it."""
        led = machine.Pin("LED", machine.Pin.OUT)
        # The port leaves out what it takes to be so already (machine_pin_ext_set), and it does not know of the chip's
        # sleep, which puts the LED out.
        led.value(0 if on else 1)
        led.value(1 if on else 0)

    def reset_cause(self) -> str:
        """Return "power-on" (the RUN pin too), "watchdog" or "soft"."""
        if machine.reset_cause() != machine.WDT_RESET:
            return "power-on"
        watchdog = _WATCHDOG_RP2350 if "RP2350" in os.uname().machine else _WATCHDOG
        return "watchdog" if machine.mem32[watchdog + _SCRATCH4] == _STARTED else "soft"

    def reset(self) -> None:
        """Start the board anew."""
        machine.reset()


def _uart(number, serial):
    # The pins are those of a Pico. The UART is one object for as long as the port runs: what it was told before stays.
    flow = machine.UART.RTS | machine.UART.CTS if serial["flow"] == "rtscts" else 0
    more = {"rxbuf": _RECEIVED, "txbuf": _SENT, "timeout": 0, "timeout_char": 0, "flow": flow}
    return machine.UART(number, serial["baudrate"], **more)
