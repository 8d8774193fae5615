# SPDX-License-Identifier: MIT
"""Addresses of names. Without blocking other tasks on CPython; a look-up of MicroPython's ports blocks."""

import asyncio
import socket

from ..compat import const, ticks_diff
from .udp import peer_of
from .waiting import core, now

_TYPING = const(False)
if _TYPING:
    from typing import Any

_KEPT = const(8)  # names
_ENOENT = const(2)
_FOR = const(60000)  # ms that an address is kept


class Names:
    """What names stand for, kept for a minute."""

    def __init__(self) -> None:
        self._known: list = []  # (host, whether IPv6 was wanted, until when, address)

    async def address(self, host: str, ipv6: bool) -> str:
        """Return an address (text) of a name, an IPv6 one where `ipv6` is true and there is one, else an IPv4 one where
        there is one. Raise OSError where the name is not known."""
        found = None
        tick = now()
        for each in list(self._known):
            if ticks_diff(each[2], tick) <= 0:
                self._known.remove(each)
            elif each[0] == host and each[1] == ipv6:
                found = each[3]
        if found is None:
            found = await _look_up(host, ipv6)
            self._known.append((host, ipv6, now() + _FOR, found))
            if len(self._known) > _KEPT:
                self._known.pop(0)
        return found


async def _look_up(host, ipv6):
    if core:
        return chosen(socket.getaddrinfo(host, 0, 0, socket.SOCK_DGRAM), ipv6)
    running = asyncio.get_running_loop()
    return chosen(await running.getaddrinfo(host, 0, type=socket.SOCK_DGRAM), ipv6)


def chosen(found: "list[Any]", ipv6: bool) -> str:
    """Return the address to use of what getaddrinfo found, of the family that is wanted where there is one. Raise
    OSError where nothing was found."""
    if not found:
        raise OSError(_ENOENT, "the name stands for no address")
    for each in found:
        if (each[0] != socket.AF_INET) == ipv6:
            return peer_of(each[4])[0]
    return peer_of(found[0][4])[0]
