# SPDX-License-Identifier: MIT
"""CoAP over UDP to one peer, whose name is looked up again where it may stand for another address now. The socket is
that of coap/aio/udp.py."""

import socket

from coap.aio.udp import UDPSocket, peer_of
from coap.aio.waiting import now
from coap.compat import const, ticks_diff

from ..health import feed

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Peer

_TYPE = const(0x30)  # of CoAP, in the first octet; 0 is Confirmable
_UNHEARD = const(180000)  # ms without an answer until the peer's name is looked up again


class UDPLink(UDPSocket):
    """One socket to one peer."""

    def __init__(self, host: str, port: int, max_datagram: int) -> None:
        super().__init__(max_datagram)
        self.peer: "Peer" = None
        self.on_back: "Callable[[], object] | None" = None  # UDP itself cannot know
        self._host = self._home = host
        self._port = self._home_port = port
        self._found: "Peer" = None  # what the name of the configuration stood for last
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
        """Look up the address of the peer; return its family. A look-up blocks on every port, so the watchdog is
        fed before. Raise OSError where the name is not known; nothing has changed then.
        """
        feed()
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

    def _heard(self, sockaddr):
        if sockaddr == self._sockaddr:
            self._asked = None
            return self.peer
        return super()._heard(sockaddr)

    def _sockaddr_of(self, octets, peer):
        if peer != self.peer or self._sockaddr is None:
            return super()._sockaddr_of(octets, peer)
        if not octets[0] & _TYPE:  # Confirmable: there is an answer, if only an acknowledgement
            tick = now()
            if self._asked is None:
                self._asked = tick
            elif ticks_diff(tick, self._asked) > _UNHEARD:
                self._asked = tick
                try:
                    self._look_up()  # its name may stand for another address
                except OSError:
                    pass  # not known: looked up again after the same time
        return self._sockaddr
