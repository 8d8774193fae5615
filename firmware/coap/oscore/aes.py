# SPDX-License-Identifier: MIT
"""AES-128 as MicroPython's `cryptolib` has it, and the same from the package `cryptography` on CPython.

`aes(key, mode, iv)` gives an object whose `encrypt(octets, out)` may write over what it reads. Modes are CBC and
ECB, and CTR where CTR_THERE says so: it is a build option of MicroPython, off in its unix port.
"""

from ..compat import const

ECB = const(1)
CBC = const(2)
CTR = const(6)

try:
    from cryptolib import aes
except ImportError:  # CPython
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    class aes:  # type: ignore[no-redef]
        """What cryptolib.aes is, by CPython's cryptography."""

        def __init__(self, key, mode, iv=None):
            mode = modes.ECB() if mode == ECB else modes.CBC(iv) if mode == CBC else modes.CTR(iv)
            self._encryptor = Cipher(algorithms.AES(key), mode).encryptor()

        def encrypt(self, octets, out):
            """Encrypt `octets` into `out`."""
            out[:] = self._encryptor.update(octets)


try:
    aes(bytes(16), CTR, bytes(16))
    CTR_THERE = True
except ValueError:
    CTR_THERE = False
