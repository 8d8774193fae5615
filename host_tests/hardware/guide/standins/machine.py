# SPDX-License-Identifier: MIT
"""`machine` on this computer: a UART is the terminal that the environment names, opened without waiting."""

import os
import sys


def UART(number, baudrate):  # noqa: N802
    path = os.getenv("UART%d" % number)
    if sys.implementation.name == "micropython":
        from board import _line

        return _line(path, {"baudrate": baudrate, "flow": "none"})
    import tty

    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    tty.setraw(descriptor)
    return os.fdopen(descriptor, "r+b", 0)
