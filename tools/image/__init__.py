# SPDX-License-Identifier: MIT
"""Images to flash.

For the RP2040 from source, MicroPython with everything of `firmware/` frozen in: `workshop` fetches sources and
compiler on first use, `rp2` builds. For the ESP32 a file system with the firmware (`files`), alone or merged with a
binary of MicroPython that the user names (`base` checks it, `esp32` builds). `sizes` says what lies where.
"""
