# SPDX-License-Identifier: MIT
"""Security mode none: a peer that sends too often is told so before anything is made of its datagrams."""

import collections
import time

import aiocoap

from tools.server.flood import Flood
from tools.transport.arrival.recent import Recent

_TOLD, _BURST = 1, 5  # a second that are told, and how many seconds' worth at once
_TOO_MANY = aiocoap.TOO_MANY_REQUESTS


class Unguarded:
    """Security mode none: `rate` requests a second of each registered address, and of all other ports of a host
    together; a device that protects its requests is told of at this end too."""

    def __init__(self, emit, is_registered, peer_of, rate, clock=time.monotonic):
        self.emit = emit
        self._is_registered = is_registered
        self._peer_of = peer_of
        self._clock = clock
        self._flood = Flood(rate)
        self._told = Flood(_TOLD, burst=_BURST)
        self.refusals = collections.Counter(rate=0)  # by cause

    def attach(self, manager):
        recent = Recent()
        recent.attach(manager)
        dispatch = manager.dispatch_message

        def guarded(message):
            if message.code.is_request() and message.opt.oscore is not None:
                self._refused(message.remote)
            dispatch(message)

        manager.dispatch_message = guarded
        return recent

    def judge(self, remote, datagram, recent):
        """As Guard does."""
        peer = self._peer_of(remote)
        source = peer if self._is_registered(peer) else peer.host
        if self._flood.allows(source, self._clock()):
            return source, None
        self.refusals["rate"] += 1
        return None, (_TOO_MANY, 1)

    def _refused(self, remote):
        if self._told.allows(None, self._clock()):
            reason = "protected, and this gateway runs with --security none"
            self.emit("refused", peer=str(self._peer_of(remote)), kind="request", code="", reason=reason)
