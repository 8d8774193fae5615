# SPDX-License-Identifier: MIT
"""Stands in for the module `machine` of whichever port, where a chip would be: what a new board's code runs on at once.
machine.py beside it is this.

Each part does what MicroPython 1.25's documentation says of it (docs/library/machine*.rst, quoted), and no more than
all ports have. Ports differ in numbers of timers, limits of a watchdog, what a pin is called: a board that has to do
with such a difference brings a `machine.py` of its own in its folder `standins`, which is found before that one and may
begin with `from generic_machine import *`. Nothing here shows that a chip does the same.

The process is one run of the chip, from one reset to the next. It ends with RESET at a reset and with SIGALRM at a
watchdog that nobody feeds; whoever started it tells the next run why in CHIP_CAUSE (kinds.py).
"""

import io
import os
import time

import ffi

# "Reset causes." The numbers are the port's.
PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

RESET = 101  # exit code

_libc = ffi.open(None)
_exit = _libc.func("v", "_exit", "i")
_alarm = _libc.func("I", "alarm", "I")

pins = {}  # pin: level


def unique_id():
    """ "a byte string with a unique identifier of a board/SoC. [...] Length varies by hardware" """
    return b"\xe6\x60\x01\x02\x03\x04\x05\x06"


def reset_cause():
    """ "Get the reset cause." """
    return int(os.getenv("CHIP_CAUSE") or PWRON_RESET)


def reset():
    """ "Hard resets the device in a manner similar to pushing the external RESET button." """
    _exit(RESET)


def lightsleep(time_ms=-1):
    """ "If time_ms is specified then this will be the maximum time in milliseconds that the sleep will last for.
    Otherwise the sleep can last indefinitely." """
    if time_ms < 0:
        raise AssertionError("no time was given: this sleep has no end")
    time.sleep_ms(time_ms)


class WDT:
    """ "Once started it cannot be stopped or reconfigured in any way." """

    def __init__(self, id=0, timeout=5000):
        if timeout <= 0:
            raise ValueError("timeout")
        self._seconds = -(-timeout // 1000)  # alarm() knows whole seconds
        self.feed()

    def feed(self):
        """ "Feed the WDT to prevent it from resetting the system." """
        _alarm(self._seconds)  # SIGALRM ends the process, whatever it is about


class Timer:
    """ "id of -1 constructs a virtual timer (if supported by a board)". Nothing calls back here: what it was told is
    looked at, no more."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id=-1, **settings):
        self.init(**settings)

    def init(self, *, mode=PERIODIC, freq=-1, period=-1, callback=None):
        """ "The callback argument shall be specified. Otherwise an exception will occur upon timer expiration" """
        if freq <= 0 and period <= 0 or not callable(callback):
            raise AssertionError("this timer would never call")

    def deinit(self):
        """ "Stops the timer, and disables the timer peripheral." """


class Pin:
    """ "id is mandatory and can be an arbitrary object. Among possible value types are: int (an internal Pin
    identifier), str (a Pin name)"."""

    IN = 0
    OUT = 1

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        if not isinstance(id, (int, str)):
            raise ValueError("invalid pin")
        self._id = id
        if value is not None:
            self.value(value)

    def value(self, x=None):
        """ "The argument x can be anything that converts to a boolean." """
        if x is None:
            return pins.get(self._id, 0)
        pins[self._id] = 1 if x else 0


class UART(io.IOBase):
    """A line that nobody is at. "A UART object acts like a stream object"."""

    # "Additional keyword-only parameters that may be supported by a port"
    _MORE = ("tx", "rx", "rts", "cts", "txbuf", "rxbuf", "timeout", "timeout_char", "invert", "flow")

    def __init__(self, id, baudrate=9600, bits=8, parity=None, stop=1, **more):
        for name in more:
            if name not in self._MORE:
                raise TypeError("extra keyword arguments given")
        self._on = True

    def read(self, nbytes=-1):
        """ "read at most that many bytes [...] Returns None on timeout." """
        if not self._on:
            raise AssertionError("the UART was turned off")
        return None

    def write(self, buf):
        """ "number of bytes written or None on timeout" """
        if not self._on:
            raise AssertionError("the UART was turned off")
        return len(buf)

    def ioctl(self, request, argument):
        """Of py/stream.h: MP_STREAM_POLL (3) gives which of the asked are so, here MP_STREAM_POLL_WR (4)."""
        return 4 & argument if request == 3 else -22  # EINVAL

    def deinit(self):
        """ "Turn off the UART bus." "A new instance needs to be created in that case." """
        self._on = False
