# SPDX-License-Identifier: MIT
# Runs on MicroPython. Octets in the form of a signature by LMS_SHA256_M32_H10, verified: those of a wrong one take as
# many hashes as those of a right one, about half of the chains.
import gc

from device.update import lms

CHAINS = {3: 67, 4: 34}  # W4, W8


def number(value):
    return value.to_bytes(4, "big")


def made(one_time):
    """(public key, signature)"""
    key = number(1) + number(6) + number(one_time) + bytes(48)
    chains = bytes(32 * (1 + CHAINS[one_time]))
    return key, bytes(8) + number(one_time) + chains + number(6) + bytes(320)


def verified(one):
    return lms.verify(one[0], MESSAGE, one[1])


def held(one):
    """The most octets of the heap that are in use at once."""
    gc.collect()
    before, most = gc.mem_alloc(), 0
    for _ in lms.steps(one[0], MESSAGE, one[1]):
        gc.collect()
        most = max(most, gc.mem_alloc() - before)
    return most


MESSAGE = b"msgin5g 1\n" * 40  # a manifest has some 400 octets
W4, W8 = made(3), made(4)
