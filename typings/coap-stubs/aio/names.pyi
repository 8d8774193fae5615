# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Addresses: of names, without blocking other tasks on CPython (a look-up of MicroPython's ports blocks); of IPv6, in
one spelling; and the options of sockets for IPv6 and for groups. Loaded by who has these.
"""
from typing import Any
from .._contracts import Peer

class Names:
    """What names stand for, kept for a minute."""
    def __init__(self) -> None: ...
    async def address(self, host: str, ipv6: bool) -> str:
        """Return an address (text) of a name, an IPv6 one where `ipv6` is true and there is one, else an IPv4 one where
        there is one. Raise OSError where the name is not known.
        """
def chosen(found: list[Any], ipv6: bool) -> str:
    """Return the address to use of what getaddrinfo found, of the family that is wanted where there is one. Raise
    OSError where nothing was found.
    """
def inet6() -> int:
    """Return the address family of IPv6. Raise OSError where there is none."""
def spelled(peer: Peer) -> Peer:
    """Return (host, port) of an IPv6 address as a socket spells it, for it can be written in many ways. One that stands
    for an IPv4 address (::ffff:192.0.2.1) is that. Raise OSError for what is none.
    """
def prepare(sock: Any, family: int, group: tuple[int, int, bytes] | tuple[()] | None) -> None:
    """Set the options of a Context's socket: an IPv6 one leaves IPv4 to another of the same port. With `group` other
    sockets may have its port, and it is what setsockopt wants to join a multicast group, () for the socket beside those
    that do. Raise OSError.
    """
