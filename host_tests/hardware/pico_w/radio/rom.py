# SPDX-License-Identifier: MIT
"""Switches a Pico W on with its firmware in a ROMFS: `micropython rom.py ROM main`, with MICROPYPATH=/rom:.frozen.

As host_tests/esp32/rom.py, whose interpreter this is, with another chip's `network`.
"""

import sys

import cyw43
import vfs

import idf


class network:
    """What of the rp2 port's module is no WLAN (ports/rp2/mpconfigport.h, extmod/modnetwork.c)."""

    WLAN = cyw43.WLAN
    STA_IF = 0
    AP_IF = 1


sys.modules["network"] = network  # the one that is built in is the ESP32's
vfs.mount(vfs.VfsRom(idf.mapped(sys.argv.pop(1))), "/rom")
sys.path.pop(0)  # the folder of this file
__import__(sys.argv.pop(1))
