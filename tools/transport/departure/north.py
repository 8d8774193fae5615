# SPDX-License-Identifier: MIT
"""The socket that a Gateway UE has toward its server: requests go out of it, and the server's come in by it. Nobody
else is heard there.

The server sends to where the gateway has registered from. Through a NAT that is only ever the socket that asks.
"""

import asyncio
import socket

from tools.transport.coap import CoapTransport, Unanswered, peer_of
from tools.transport.security import Guard
from tools.transport.unguarded import Unguarded
from tools.wire.identity import Peer

SMALL = 4096  # octets of a request of the server's that comes in blocks
RATE = 10000  # requests a second of the server: it has its own reasons


class OneKey:
    """For a Guard, in the place of the store: the one key of this gateway, whose numbers are in the store."""

    shares_keys = False

    def __init__(self, store, keys, ue):
        store.know_context(keys)
        self._store, self._keys, self._ue = store, keys, ue
        self.sequence, self.save_sequence = store.sequence, store.save_sequence
        self.floor, self.note_floor = store.floor, store.note_floor

    def keys_version(self):
        return 1

    def is_next_key(self, digest):
        return False

    def keys_of_kid(self, kid, id_context):
        same = (kid, id_context) == (self._keys.recipient_id, self._keys.id_context)
        return self._keys if same else None

    def keys_of_ue(self, ue):
        return self._keys

    def ues_of_keys(self, digest):
        return {"the server of %s" % self._ue}


class OnlyServer(Unguarded):
    """Mode none: what does not come from the server's address is not heard."""

    def __init__(self, emit, rate=RATE):
        super().__init__(emit, self._is_server, peer_of, rate)
        self.server = None

    def _is_server(self, peer):
        return peer == self.server

    def judge(self, remote, datagram, recent):
        if not self._is_server(self._peer_of(remote)):
            self.refusals["not the server"] += 1
            return None, ()
        return super().judge(remote, datagram, recent)


class North:
    """`handle(peer, Request)` gives the Answer to a request of the server's; `where`: its (host, port), the host
    perhaps a name; `keys`: the Keys of the gateway as it uses them itself, None without OSCORE."""

    def __init__(self, handle, where, emit, ack_timeout, store, keys=None, ue=""):
        self._where = where
        guard = Guard(OneKey(store, keys, ue), emit, peer_of) if keys else None
        self._watch = guard or OnlyServer(emit)
        self._ue = ue
        self.coap = CoapTransport(
            handle, None, lambda peer: SMALL, ack_timeout, (), guard, self._watch, RATE, SMALL
        )
        self.coap.wide = True
        self.port = None  # of that socket
        self._server = None  # its Peer, once the name is known

    async def start(self):
        family = await self._look_up()
        self.port = await self.coap.start("::" if family == socket.AF_INET6 else "0.0.0.0", 0)

    @property
    def refused(self):
        """How many requests came here that are not the server's."""
        return self._watch.refusals.total()

    async def stop(self):
        await self.coap.stop()

    async def _look_up(self):
        """Finds the server's address; gives its family, None where the name is not known now."""
        host, port = self._where
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError:
            return None
        self._server = Peer(*found[0][4][:2])
        if isinstance(self._watch, OnlyServer):
            self._watch.server = self._server
        return found[0][0]

    async def ask(self, request):
        """The server's Answer to a Request. Raises Unanswered."""
        if self._server is None and await self._look_up() is None:
            raise Unanswered("5.02", "the name %s is not known" % self._where[0])
        try:
            return await self.coap.relay(self._server, request, self._ue)
        except Unanswered:
            if await self._look_up() is None:  # it may have another address now
                self._server = None
            raise
