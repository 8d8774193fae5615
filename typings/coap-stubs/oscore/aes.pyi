# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""AES-128 as MicroPython's `cryptolib` has it, and the same from the package `cryptography` on CPython.

`aes(key, mode, iv)` gives an object whose `encrypt(octets, out)` may write over what it reads. Modes are CBC and
ECB, and CTR where CTR_THERE says so: it is a build option of MicroPython, off in its unix port.
"""
from typing import Final
ECB: Final = 1
CBC: Final = 2
CTR: Final = 6
CTR_THERE: bool

class aes:
    """What cryptolib.aes is, by CPython's cryptography."""
    def __init__(self, key, mode, iv=None): ...
    def encrypt(self, octets, out):
        """Encrypt `octets` into `out`."""
