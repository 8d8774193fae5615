# SPDX-License-Identifier: MIT
"""CoAP over UDP, with the socket traps of MicroPython's ports in one place. A peer is (host, port), the host an address
in words."""

import socket
import sys

from ..compat import const
from .waiting import readable, sleep_ms

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Peer

_EAGAIN = const(11)
_ENOMEM = const(12)
_KNOWN = const(8)  # peers whose sockaddr is kept


class UDPSocket:
    """A socket for any number of peers."""

    def __init__(self, max_datagram: int = 1152) -> None:
        self.dropped = 0  # datagrams that came and were lost because there was no memory for them
        self._size = max_datagram + 1  # one more, so that a longer datagram can be told from one that fits
        self.source: "Any" = None  # the socket, None while there is none
        self._known: "Any" = ()  # (peer, sockaddr) of those that were heard last, where the two differ

    def bind(
        self,
        family: int,
        host: str | None = None,
        port: int = 0,
        prepare: "Callable[[Any], object] | None" = None,
    ) -> None:
        """Open the socket; raise OSError when it cannot be had. `prepare(sock)`, if given, sets its options before."""
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            if prepare is not None:
                prepare(sock)
            # "0.0.0.0" and not "": the latter does not hear IPv4 on the Pico W (micropython#16740)
            host = host or ("0.0.0.0" if family == socket.AF_INET else "::")
            sock.bind(socket.getaddrinfo(host, port)[0][-1])
        except Exception:
            sock.close()
            raise
        self.source = sock

    async def receive(self) -> "tuple[bytes, Peer]":
        """Return (octets, address) of the next datagram. Raise MemoryError where one is lost for want of memory."""
        while True:
            # Read before waiting: one wake may stand for several datagrams, and rp2 keeps only a few.
            try:
                octets, sockaddr = self.source.recvfrom(self._size)
            except OSError as error:
                # ports give EAGAIN in several ways; whatever it was, the next readable moment tells
                if error.errno != _EAGAIN:
                    await sleep_ms(100)
                await readable(self.source)
                continue
            except MemoryError:
                # No piece of the heap is large enough. CoAP is made to survive a lost datagram, but one that stays in
                # the socket keeps all others from coming. Reading one octet of it takes it away.
                self.dropped += 1
                try:
                    self.source.recvfrom(1)
                except OSError:
                    pass
                raise  # who reads tries again, and knows how long it has gone on
            return octets, self._heard(sockaddr)

    def _heard(self, sockaddr):
        """Return the peer that a datagram came from."""
        for peer, each in self._known:
            if each == sockaddr:
                return peer
        peer = peer_of(sockaddr)
        if sockaddr != peer:
            self._known = self._known[1 - _KNOWN :] + ((peer, sockaddr),)
        return peer

    def _sockaddr_of(self, octets, peer):
        """Return where a datagram goes."""
        for each, sockaddr in self._known:
            if each == peer:
                return sockaddr
        return socket.getaddrinfo(peer[0], peer[1])[0][-1]  # numeric: nothing is looked up

    def send(self, octets: bytes | bytearray, address: "Peer") -> bool:
        """Put a datagram on its way; return False when the link wants it again later. Raise OSError when it is lost."""
        sockaddr = self._sockaddr_of(octets, address)
        try:
            self.source.sendto(octets, sockaddr)
        except OSError as error:
            if error.errno in (_EAGAIN, _ENOMEM):  # ESP32: "too fast", about one in 20 ms goes
                return False
            raise
        return True

    def close(self) -> None:
        """Close it; it may be opened again."""
        if self.source is not None:
            self.source.close()
            self.source = None


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
