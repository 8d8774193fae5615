# SPDX-License-Identifier: MIT
"""CoAP over UDP, with the socket traps of MicroPython's ports in one place. A peer is (host, port), the host an address
in words."""

import socket
import sys

from ..compat import const, ticks_diff
from .waiting import now, readable, sleep_ms

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Peer

_EAGAIN = const(11)
_ENOMEM = const(12)
_TYPE = const(0x30)  # of CoAP, in the first octet; 0 is Confirmable
_UNHEARD = const(180000)  # ms without an answer until the peer's name is looked up again
_KNOWN = const(8)  # peers whose sockaddr is kept


class UDPLink:
    """A socket for any number of peers. With `host` it has one in particular, `peer`, whose name `open` looks up,
    and again where minutes pass without an answer: it may stand for another address then."""

    def __init__(self, max_datagram: int = 1152, host: str | None = None, port: int = 0) -> None:
        self.dropped = 0  # datagrams that came and were lost because there was no memory for them
        self._size = max_datagram + 1  # one more, so that a longer datagram can be told from one that fits
        self.source: "Any" = None  # the socket, None while there is none
        self._known: "Any" = ()  # (peer, sockaddr) of those that were heard last, where the two differ
        self.peer: "Peer" = None
        self.on_back: "Callable[[], object] | None" = None  # UDP itself cannot know
        self._host = self._home = host
        self._port = self._home_port = port
        self._found: "Peer" = None  # what `host` stood for last
        self._sockaddr: "Any" = None
        self._asked = None  # tick since when the peer owes an answer

    async def open(self) -> None:
        """Bring the link up; raise OSError when it cannot be had now."""
        self._host = self._home
        self._port = self._home_port
        family = self._look_up()
        self._found = self.peer
        self.bind(family)

    def _look_up(self):
        """Look up the address of the peer; return its family. A look-up blocks on every port. Raise OSError where the
        name is not known; nothing has changed then."""
        found = socket.getaddrinfo(self._host, self._port, 0, socket.SOCK_DGRAM)[0]
        self._sockaddr = found[-1]
        self.peer = peer_of(self._sockaddr)
        return found[0]

    def use(self, address: "Peer") -> None:
        """Send to and hear from this address from now on; where it is what the name of the configuration stood for,
        that name is looked up again. What is sent to one that cannot be had is lost."""
        known = address == self._found
        self._host, self._port = (self._home, self._home_port) if known else address
        self._asked = self._sockaddr = None
        self.peer = address
        try:
            self._look_up()
        except OSError:
            return
        if known:
            self._found = self.peer

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
        if sockaddr == self._sockaddr:
            self._asked = None
            return self.peer
        for peer, each in self._known:
            if each == sockaddr:
                return peer
        peer = peer_of(sockaddr)
        if sockaddr != peer:
            self._known = self._known[1 - _KNOWN :] + ((peer, sockaddr),)
        return peer

    def _sockaddr_of(self, octets, peer):
        """Return where a datagram goes."""
        if peer == self.peer and self._sockaddr is not None:
            if not octets[0] & _TYPE:  # Confirmable: there is an answer, if only an acknowledgement
                tick = now()
                if self._asked is None:
                    self._asked = tick
                elif not 0 <= ticks_diff(tick, self._asked) <= _UNHEARD:  # days seem to be none
                    self._asked = tick
                    try:
                        self._look_up()
                    except OSError:
                        pass  # not known: looked up again after the same time
            return self._sockaddr
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
