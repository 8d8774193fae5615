# SPDX-License-Identifier: MIT
"""The port's own `machine` (ports/esp32/modmachine.c, machine_wdt.c, compiled in) with stand-ins for Pin, Timer and
UART, whose C is about registers. What is refused is what that C refuses, by MicroPython 1.25.
"""

import io
import os

from umachine import *  # noqa: F403

pins = {}  # number: level
uarts = []  # what was asked for, each as (number, baudrate, settings)


class Timer:
    """machine_timer.c: machine_timer_make_new() takes numbers below SOC_TIMER_GROUP_TOTAL_TIMERS, CHIP_TIMERS, else
    the 4 of an ESP32 ("invalid Timer number"). Callbacks come by interrupt, which nothing here raises: what it was told
    is taken, no more.
    """

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, *, mode=1, period=-1, callback=None):
        if not 0 <= id < int(os.getenv("CHIP_TIMERS") or 4):
            raise ValueError("invalid Timer number")

    def deinit(self):
        pass


class Pin:
    """machine_pin.c: machine_pin_find() ("invalid pin"), IN and OUT by GPIO_MODE_INPUT and _INPUT_OUTPUT."""

    IN = 1
    OUT = 3

    def __init__(self, number, mode=-1, pull=-1, *, value=None):
        if not isinstance(number, int) or not 0 <= number < 40:
            raise ValueError("invalid pin")
        self._number = number
        if value is not None:
            self.value(value)

    def value(self, level):
        pins[self._number] = 1 if level else 0


class UART(io.IOBase):
    """machine_uart.c: mp_machine_uart_make_new() ("UART(%d) does not exist"), its arguments, mp_machine_uart_ioctl(),
    which says writable whatever there is room for. Nobody is at the line. Flow control is by ESP-IDF's numbers
    (uart_hw_flowcontrol_t).
    """

    RTS = 1
    CTS = 2

    def __init__(self, number, baudrate=115200, **settings):
        if not 0 <= number < 3:
            raise ValueError("UART(%s) does not exist" % number)
        if number == 0 and ("rxbuf" in settings or "txbuf" in settings):
            raise ValueError("UART buffer size is fixed")  # MICROPY_HW_UART_REPL
        allowed = "bits parity stop tx rx rts cts txbuf rxbuf timeout timeout_char invert flow".split()
        for name in settings:
            if name not in allowed:
                raise TypeError("extra keyword arguments given")
        uarts.append((number, baudrate, settings))
        self.written = b""

    def write(self, octets):
        self.written += bytes(octets)
        return len(octets)

    def read(self, size=-1):
        return None  # "on timeout" (docs/library/machine.UART.rst)

    def ioctl(self, request, argument):
        return 4 & argument if request == 3 else -22  # MP_STREAM_POLL: writable; all else: EINVAL

    def deinit(self):
        pass
