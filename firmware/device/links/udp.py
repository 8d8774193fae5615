# SPDX-License-Identifier: MIT
"""CoAP over UDP, with the socket traps of MicroPython's ports in one place."""

import asyncio
import socket

from coap.compat import const, ticks_diff

from ..health import feed, now
from . import readable

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Peer

_EAGAIN = const(11)
_ENOMEM = const(12)
_TYPE = const(0x30)  # of CoAP, in the first octet; 0 is Confirmable
_UNHEARD = const(180000)  # ms without an answer until the peer's name is looked up again


class UDPLink:
    """One socket to one peer. `address(sockaddr)` gives the (host, port) of what the port's recvfrom says."""

    def __init__(self, host: str, port: int, max_datagram: int, address: "Callable[[Any], Any]") -> None:
        self.peer: "Peer" = None
        self.dropped = 0
        self.on_back: "Callable[[], object] | None" = None  # UDP itself cannot know
        self._host = self._home = host
        self._port = self._home_port = port
        self._found: "Peer" = None  # what the name of the configuration stood for last
        self._size = max_datagram + 1  # one more, so that a longer datagram can be told from one that fits
        self._address = address
        self._sock: "Any" = None
        self._sockaddr: "Any" = None
        self._asked = None  # tick since when the peer owes an answer
        self._last: "Any" = None  # (address, sockaddr) that the last datagram of somebody else came from

    async def open(self) -> None:
        """Bring the link up; raise OSError when it cannot be had now."""
        self._host = self._home
        self._port = self._home_port
        family = self._look_up()
        self._found = self.peer
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        # "0.0.0.0" and not "": the latter does not hear IPv4 on the Pico W (micropython#16740)
        sock.bind(socket.getaddrinfo("0.0.0.0" if family == socket.AF_INET else "::", 0)[0][-1])
        self._sock = sock

    def _look_up(self):
        """Look up the address of the peer; return its family. A look-up blocks on every port, so the watchdog is
        fed before. Raise OSError where the name is not known; nothing has changed then.
        """
        feed()
        found = socket.getaddrinfo(self._host, self._port, 0, socket.SOCK_DGRAM)[0]
        self._sockaddr = found[-1]
        self.peer = self._address(self._sockaddr)
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

    async def receive(self) -> "tuple[bytes, Peer]":
        """Return (octets, address) of the next datagram. Raise MemoryError where one is lost for want of memory."""
        while True:
            # Read before waiting: one wake may stand for several datagrams, and rp2 keeps only a few.
            try:
                octets, sockaddr = self._sock.recvfrom(self._size)
            except OSError as error:
                # ports give EAGAIN in several ways; whatever it was, the next readable moment tells
                if error.errno != _EAGAIN:
                    await asyncio.sleep_ms(100)  # type: ignore[attr-defined]
                await readable(self._sock)
                continue
            except MemoryError:
                # No piece of the heap is large enough. CoAP is made to survive a lost datagram, but one that stays in
                # the socket keeps all others from coming. Reading one octet of it takes it away.
                self.dropped += 1
                self._discard()
                raise  # who reads tries again, and knows how long it has gone on
            if sockaddr == self._sockaddr:
                self._asked = None
                return octets, self.peer
            address = self._address(sockaddr)
            self._last = (address, sockaddr)
            return octets, address

    @property
    def source(self) -> "Any":
        """What is read from, None while there is none."""
        return self._sock

    def _discard(self):
        try:
            self._sock.recvfrom(1)
        except OSError:
            pass

    def send(self, octets: bytes | bytearray, address: "Peer") -> bool:
        """Put a datagram on its way; return False when the link wants it again later."""
        if address == self.peer and self._sockaddr is not None:
            if not octets[0] & _TYPE:  # Confirmable: there is an answer, if only an acknowledgement
                self._expect()
            sockaddr = self._sockaddr
        elif self._last is not None and address == self._last[0]:
            sockaddr = self._last[1]
        else:
            sockaddr = socket.getaddrinfo(address[0], address[1])[0][-1]  # numeric: nothing is looked up
        try:
            self._sock.sendto(octets, sockaddr)
        except OSError as error:
            if error.errno in (_EAGAIN, _ENOMEM):  # ESP32: "too fast", about one in 20 ms goes
                return False
            raise
        return True

    def _expect(self):
        """Expect an answer of the peer; after minutes without any its name may stand for another address."""
        tick = now()
        if self._asked is None:
            self._asked = tick
        elif ticks_diff(tick, self._asked) > _UNHEARD:
            self._asked = tick
            try:
                self._look_up()
            except OSError:
                pass  # not known: looked up again after the same time

    def close(self) -> None:
        """Close it; it may be opened again."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
