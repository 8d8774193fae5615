# SPDX-License-Identifier: MIT
"""Raspberry Pi Pico: no network of its own, so its link is a UART (README, "Wiring")."""

import io

import machine
import rp2
from micropython import const

from coap.oscore.files import FileStorage
from device import links

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Config, Link, Timer, Watchdog

# Octets that the port keeps for us. While a task computes, a line of 115200 baud brings 11 octets a millisecond, and
# takes as many: a datagram goes on by itself.
_RECEIVED = const(2048)
_SENT = const(1280)
_NONE = const(32)  # the least that the port takes for what it sends, which is nothing

# Data sheet 2.5.3.1 and 4.2.8: the data register of UART 0, that of UART 1 behind it, and what asks for the octets.
_UARTDR = const(0x40034000)
_APART = const(0x4000)
_DREQ_TX = const(20)

# py/stream.h
_POLL = const(3)
_POLL_WRITE = const(4)

# ms. The alarm that wakes the chip counts microseconds in 32 bits, and the port sets none for a longer sleep: it would
# have no end.
_LONGEST_SLEEP = const(3600000)

# pico-sdk writes the second into the first (WATCHDOG, SCRATCH4) when the watchdog is started for good; a reset that
# the program asks for goes by the watchdog as well, and clears it (watchdog_enable_caused_reboot).
_SCRATCH4 = const(0x4005801C)
_STARTED = const(0x6AB73121)


class Board:
    """A Raspberry Pi Pico, as contracts.pyi has a board."""

    name = "rp2040"

    def __init__(self):
        self.storage = FileStorage("messages")

    def unique_id(self) -> bytes:
        """Return 8 octets of the flash chip."""
        return machine.unique_id()

    def links(self, config: "Config") -> "Link":
        """Return the link that `config.peer` asks for."""
        if config.peer_scheme not in ("coap+uart", "l3+uart") or config.peer_host not in ("0", "1"):
            raise links.Unsupported(
                "peer: the Pico has its UARTs only, coap+uart://0 or l3+uart://0, or 1 for UART 1"
            )
        from device.links.serial import link

        return link(config, lambda: _uart(int(config.peer_host), config.serial), self.storage)

    def watchdog(self, timeout_ms: int) -> "Watchdog":
        """Return a started watchdog, to be fed with its feed(); it can't be stopped. ValueError beyond 8388 ms.

        The limit is that of its counter: 24 bits at 2 MHz (data sheet 4.7, erratum RP2040-E1).
        """
        return machine.WDT(timeout=timeout_ms)

    def every(self, number: int, ms: int, call: "Callable[[Any], None]") -> "Timer":
        """Have `call(timer)` called every `ms`, at the REPL and between the steps of other code, until deinit()."""
        return machine.Timer(-1, period=ms, mode=machine.Timer.PERIODIC, callback=call)

    def sleep(self, ms: int) -> None:
        """Sleep with RAM kept. The clocks of the UART and, without a computer at it, of USB stop meanwhile."""
        while ms > 0:
            machine.lightsleep(min(ms, _LONGEST_SLEEP))
            ms -= _LONGEST_SLEEP

    def led(self, on: bool) -> None:
        """Switch the LED on or off."""
        machine.Pin("LED", machine.Pin.OUT, value=1 if on else 0)

    def reset_cause(self) -> str:
        """Return "power-on" (the RUN pin too), "watchdog" or "soft"."""
        if machine.reset_cause() != machine.WDT_RESET:
            return "power-on"
        return "watchdog" if machine.mem32[_SCRATCH4] == _STARTED else "soft"

    def reset(self) -> None:
        """Start the board anew."""
        machine.reset()


class _Sender(io.IOBase):
    """The half of a UART that sends, by DMA: the port's own stands still while flash is erased (45 ms), with all
    interrupts off. The port lets the UART ask for octets (uart_init)."""

    def __init__(self, number):
        self._dma = rp2.DMA()
        self._buffer = bytearray(_SENT)
        ctrl = self._dma.pack_ctrl(size=0, inc_write=False, treq_sel=_DREQ_TX + 2 * number)
        self._dma.config(write=_UARTDR + _APART * number, ctrl=ctrl)

    def write(self, octets):
        if self._dma.active():
            return None
        size = min(len(octets), _SENT)
        self._buffer[:size] = memoryview(octets)[:size]
        self._dma.config(read=self._buffer, count=size, trigger=True)
        return size

    def ioctl(self, request, argument):
        return argument & _POLL_WRITE if request == _POLL and not self._dma.active() else 0

    def close(self):
        self._dma.close()


def _uart(number, serial):
    # On the port's usual pins: 0 has GP0 (out), GP1 (in), GP2 (CTS) and GP3 (RTS), 1 has GP4 to GP7. A read gives what
    # is there, at once. The UART is one object for as long as the port runs: what it was told before stays.
    flow = machine.UART.RTS | machine.UART.CTS if serial["flow"] == "rtscts" else 0
    more = {"rxbuf": _RECEIVED, "txbuf": _NONE, "timeout": 0, "timeout_char": 0, "flow": flow}
    return machine.UART(number, serial["baudrate"], **more), _Sender(number)
