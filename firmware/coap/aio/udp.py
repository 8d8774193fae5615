# SPDX-License-Identifier: MIT
"""CoAP over UDP, with the socket traps of MicroPython's ports in one place. A peer is (host, port), the host an address
in words."""

import socket
import sys

from ..compat import const
from .waiting import readable, sleep_ms

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer

_EAGAIN = const(11)
_ENOMEM = const(12)
_KNOWN = const(8)  # peers whose sockaddr is kept
_IPPROTO_IPV6 = const(41)


class UDPSocket:
    """A socket for any number of peers."""

    def __init__(self, max_datagram: int = 1152) -> None:
        self.dropped = 0  # datagrams that came and were lost because there was no memory for them
        self._size = max_datagram + 1  # one more, so that a longer datagram can be told from one that fits
        self._sock: "Any" = None
        self._known: "Any" = ()  # (peer, sockaddr) of those that were heard or sent to last, where the two differ

    def bind(
        self,
        family: int,
        host: str | None = None,
        port: int = 0,
        group: "tuple[int, int, bytes] | None" = None,
    ) -> None:
        """Open the socket; raise OSError when it cannot be had. With `group` other sockets may have its port, and it is
        what setsockopt wants to join a multicast group, () for the socket beside those that do."""
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            if group is not None:
                _share(sock, family, group)
            if family != socket.AF_INET:
                _only_ipv6(sock)
            # "0.0.0.0" and not "": the latter does not hear IPv4 on the Pico W (micropython#16740)
            host = host or ("0.0.0.0" if family == socket.AF_INET else "::")
            sock.bind(socket.getaddrinfo(host, port)[0][-1])
        except Exception:
            sock.close()
            raise
        self._sock = sock

    async def receive(self) -> "tuple[bytes, Peer]":
        """Return (octets, address) of the next datagram. Raise MemoryError where one is lost for want of memory."""
        while True:
            # Read before waiting: one wake may stand for several datagrams, and rp2 keeps only a few.
            try:
                octets, sockaddr = self._sock.recvfrom(self._size)
            except OSError as error:
                # ports give EAGAIN in several ways; whatever it was, the next readable moment tells
                if error.errno != _EAGAIN:
                    await sleep_ms(100)
                await readable(self._sock)
                continue
            except MemoryError:
                # No piece of the heap is large enough. CoAP is made to survive a lost datagram, but one that stays in
                # the socket keeps all others from coming. Reading one octet of it takes it away.
                self.dropped += 1
                self._discard()
                raise  # who reads tries again, and knows how long it has gone on
            return octets, self._heard(sockaddr)

    @property
    def source(self) -> "Any":
        """What is read from, None while there is none."""
        return self._sock

    @property
    def local(self) -> "Peer":
        """Where it listens, (host, port); None where the port of MicroPython does not say."""
        getsockname = getattr(self._sock, "getsockname", None)
        return getsockname and peer_of(getsockname())

    def spelled(self, peer: "Peer") -> "Peer":
        """Return (host, port) as `receive` will spell it: an IPv6 address can be written in many ways. Raise OSError
        where it is none."""
        return peer_of(socket.getaddrinfo(peer[0], peer[1])[0][-1]) if ":" in peer[0] else peer

    def _discard(self):
        try:
            self._sock.recvfrom(1)
        except OSError:
            pass

    def _heard(self, sockaddr):
        """Return the peer that a datagram came from."""
        for peer, each in self._known:
            if each == sockaddr:
                return peer
        return self._know(peer_of(sockaddr), sockaddr)

    def _know(self, peer, sockaddr):
        if sockaddr != peer:
            self._known = self._known[1 - _KNOWN :] + ((peer, sockaddr),)
        return peer

    def _sockaddr_of(self, octets, peer):
        """Return where a datagram goes."""
        for each, sockaddr in self._known:
            if each == peer:
                return sockaddr
        sockaddr = socket.getaddrinfo(peer[0], peer[1])[0][-1]  # numeric: nothing is looked up
        self._know(peer, sockaddr)
        return sockaddr

    def send(self, octets: bytes | bytearray, address: "Peer") -> bool:
        """Put a datagram on its way; return False when the link wants it again later. Raise OSError when it is lost."""
        sockaddr = self._sockaddr_of(octets, address)
        try:
            self._sock.sendto(octets, sockaddr)
        except OSError as error:
            if error.errno in (_EAGAIN, _ENOMEM):  # ESP32: "too fast", about one in 20 ms goes
                return False
            raise
        return True

    def close(self) -> None:
        """Close it; it may be opened again."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def peer_of(sockaddr: "Any") -> "Peer":
    """Return (host, port): the unix port of MicroPython says addresses as octets of the C struct."""
    if isinstance(sockaddr, tuple):
        host, port, *rest = sockaddr
    else:
        family, host, port, *rest = socket.sockaddr(sockaddr)  # type: ignore[attr-defined]
        host = socket.inet_ntop(family, host)
        if len(rest) > 1:  # which sockaddr() has in the wrong order of octets
            rest[1] = int.from_bytes(sockaddr[24:28], sys.byteorder)
    if len(rest) > 1 and rest[1] and "%" not in host:
        host = "%s%%%d" % (host, rest[1])  # an address of a link of this machine
    return host, port


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
    # so that a socket for IPv4 may have the same port
    for option in (getattr(socket, "IPV6_V6ONLY", 26), 27):  # of Linux, of lwIP
        try:
            sock.setsockopt(_IPPROTO_IPV6, option, 1)
            return
        except OSError:
            pass
