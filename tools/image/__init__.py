# SPDX-License-Identifier: MIT
"""Images to flash, made from source: MicroPython for the board with everything of `firmware/` frozen in.

`workshop` fetches sources and compiler on first use, `rp2` builds, `sizes` says what lies where in the flash.
"""
