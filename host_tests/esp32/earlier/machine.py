# SPDX-License-Identifier: MIT
"""Stands in for the module `machine` of MicroPython's esp32 port, where the chip would be. The process is one run of
it: a reset ends it with RESET, a deep sleep with ASLEEP, a watchdog that is not fed with SIGALRM, and whoever started
it tells the next run why in CHIP_CAUSE (host_tests/esp32/chip.py). Nothing here shows that a chip does the same.
"""

import io
import os
import time

import ffi
import network

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

RESET = 101
ASLEEP = 102

_libc = ffi.open(None)
_exit = _libc.func("v", "_exit", "i")
_alarm = _libc.func("I", "alarm", "I")

pins = {}  # number: level
uarts = []  # what was asked for, each as (number, baudrate, settings)
slept = []  # ms of each light sleep


def unique_id():
    return b"\x24\x0a\xc4\x01\x02\x03"


def reset_cause():
    return int(os.getenv("CHIP_CAUSE") or PWRON_RESET)


def reset():
    _exit(RESET)


def deepsleep(ms=0):
    _exit(ASLEEP)


def lightsleep(ms=0):
    """ESP-IDF, "Sleep Modes": with the radio on its connection is lost; here the driver takes it amiss, too."""
    if ms <= 0:
        raise AssertionError("no timer was set: this sleep has no end")
    station = network.WLAN(network.STA_IF)
    if station.active():
        station.disconnect()
        station.broken = True
    slept.append(ms)
    time.sleep_ms(ms)


class WDT:
    def __init__(self, id=0, timeout=5000):
        if timeout < 1000:
            raise ValueError("WDT timeout too short")
        self._seconds = -(-timeout // 1000)
        self.feed()

    def feed(self):
        _alarm(self._seconds)  # SIGALRM ends the process, whatever it is about


class Timer:
    """Nothing calls back here: what it was told is taken, no more."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, *, mode=1, period=-1, callback=None):
        if not 0 <= id < 4:
            raise ValueError("invalid Timer number")

    def deinit(self):
        pass


class Pin:
    OUT = 3
    IN = 1

    def __init__(self, number, mode=-1, pull=-1, *, value=None):
        if not isinstance(number, int):
            raise ValueError("invalid pin")
        self._number = number
        if value is not None:
            self.value(value)

    def value(self, level):
        pins[self._number] = 1 if level else 0


class UART(io.IOBase):
    """A line that nobody is at."""

    def __init__(self, number, baudrate=115200, **settings):
        if number not in (1, 2):
            raise ValueError("UART(%s) does not exist" % number)
        allowed = ("bits", "parity", "stop", "tx", "rx", "rxbuf", "txbuf", "timeout", "timeout_char", "flow")
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
