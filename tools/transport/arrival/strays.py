# SPDX-License-Identifier: MIT
"""Datagrams that are no requests and fit no exchange here: an acknowledgement, a Reset or a response to what another
node has sent. They are passed on to the node that serves who is at their address (RFC 7252 sections 4.2 and 4.3).
"""

import time

from tools.server.flood import Flood
from tools.transport.arrival import datagrams

_EACH, _ALL, _BURST = 20, 200, 5  # a second of one address and of all, and how many seconds' worth at once
_LARGEST = 3072  # octets: twice as many digits are told


class Strays:
    """`await find(address, octets)`: whether another node was told of it, as `hear` has it there; `run(coroutine)` runs
    it beside. `door`: a Door. `passed`, `heard`: how many went to other nodes, and came from them."""

    def __init__(self, door, find, run, clock=time.monotonic):
        self._door, self._find, self._run, self._clock = door, find, run, clock
        self._each, self._all = Flood(_EACH, burst=_BURST), Flood(_ALL, burst=_BURST)
        self.passed = self.heard = 0

    def take(self, datagram, octets, ancillary, address):
        """Whether it is seen to here, perhaps by silence. For the Door."""
        if datagram.code == datagrams.EMPTY and datagram.mtype == datagrams.CON:
            return False  # a ping
        now = self._clock()
        if len(octets) <= _LARGEST and self._each.allows(address[0], now) and self._all.allows(None, now):
            self._run(self._seek(datagram, octets, ancillary, address))
        return True

    async def _seek(self, datagram, octets, ancillary, address):
        if await self._find(address, octets):
            self.passed += 1
        else:
            self._door.reject(datagram, ancillary, address)

    def hear(self, told, node):
        """What another node has found."""
        address, digits = told
        self.heard += self._door.take_expected(bytes.fromhex(digits), tuple(address))
