# SPDX-License-Identifier: MIT
"""A UDP port for a program that is yet to start."""

import random
import socket

# Below those that systems give to a socket that asks for any (Linux from 32768, others from 49152): what other tests
# open before the program has it does not take it.
_FROM, _TO = 15000, 32000
_chance = random.SystemRandom()


def free_port():
    """The number of one that nobody has."""
    while True:
        port = _chance.randrange(_FROM, _TO)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind(("0.0.0.0", port))
            except OSError:
                continue
        return port
