# SPDX-License-Identifier: MIT
"""Addresses: of names, without blocking other tasks on CPython (a look-up of MicroPython's ports blocks); of IPv6, in
one spelling; and the options of sockets for IPv6 and for groups. Loaded by who has these.
"""

import asyncio
import socket

from ..compat import const, ticks_diff
from .udp import peer_of
from .waiting import core, now

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer

_KEPT = const(8)  # names
_ENOENT = const(2)
_EAFNOSUPPORT = const(97)
_IPPROTO_IPV6 = const(41)
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
            if not 0 < ticks_diff(each[2], tick) <= _FOR:  # of days ago: it seems to be days ahead
                self._known.remove(each)
            elif each[0] == host and each[1] == ipv6:
                found = each[3]
        if found is None:
            try:
                found = await _look_up(host, ipv6)
            except OSError as error:  # which does not say what was looked up
                number = error.args[0] if error.args and isinstance(error.args[0], int) else _ENOENT
                raise OSError(number, "no address of %r is known: %s" % (host, error))
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


def inet6() -> int:
    """Return the address family of IPv6. Raise OSError where there is none."""
    family = getattr(socket, "AF_INET6", None)
    if family is None:
        raise OSError(_EAFNOSUPPORT, "this board has no IPv6")
    return family


def spelled(peer: "Peer") -> "Peer":
    """Return (host, port) of an IPv6 address as a socket spells it, for it can be written in many ways. One that stands
    for an IPv4 address (::ffff:192.0.2.1) is that. Raise OSError for what is none."""
    inet6()
    host, port = peer_of(socket.getaddrinfo(peer[0], peer[1])[0][-1])
    if host.startswith("::ffff:") and "." in host:
        host = host[7:]
    return host, port


def prepare(sock: "Any", family: int, group: "tuple[int, int, bytes] | tuple[()] | None") -> None:
    """Set the options of a Context's socket: an IPv6 one leaves IPv4 to another of the same port. With `group` other
    sockets may have its port, and it is what setsockopt wants to join a multicast group, () for the socket beside those
    that do. Raise OSError."""
    if group is not None:
        _share(sock, family, group)
    if family != socket.AF_INET:
        _only_ipv6(sock)


def _share(sock, family, group):
    sock.setsockopt(getattr(socket, "SOL_SOCKET", 1), getattr(socket, "SO_REUSEADDR", 2), 1)
    if group:
        sock.setsockopt(*group)
    try:
        # Linux: it hears no group that only other sockets have joined (IP_MULTICAST_ALL, IPV6_MULTICAST_ALL).
        if family == socket.AF_INET:
            sock.setsockopt(0, 49, 0)
        else:
            sock.setsockopt(_IPPROTO_IPV6, 29, 0)
    except OSError:
        pass  # what it hears besides is a duplicate


def _only_ipv6(sock):
    for option in (getattr(socket, "IPV6_V6ONLY", 26), 27):  # of Linux, of lwIP
        try:
            sock.setsockopt(_IPPROTO_IPV6, option, 1)
            return
        except OSError:
            pass
