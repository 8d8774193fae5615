# SPDX-License-Identifier: MIT
"""Connections whose TLS is being agreed on: they count among all that are open, and have as long as a head of a request
has. What asyncio does by itself for a server with TLS bounds neither."""

import asyncio
import contextlib
import ssl


class Handshake(asyncio.Protocol):
    """`all_`: the Connections; `make()` gives the protocol that goes on where it ends well."""

    busy = False

    def __init__(self, all_, make, context):
        self._all, self._make, self._context = all_, make, context
        self._transport = None

    def connection_made(self, transport):
        self._transport = transport
        if self._all.admit(self, transport):
            self._all.agree(self._agreed())
        else:
            transport.abort()

    async def _agreed(self):
        loop, early = asyncio.get_running_loop(), _Early()
        secured = None
        with contextlib.suppress(OSError, ssl.SSLError):  # of who asked, and nothing of ours
            secured = await loop.start_tls(
                self._transport,
                early,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._all.head,
                ssl_shutdown_timeout=1,
            )
        self._all.left(self._transport)
        if secured is None:
            self._all.not_agreed += 1
        elif early.lost:
            secured.abort()
        else:
            early.go_on(secured, self._make())

    def abort(self):
        self._transport.abort()


class _Early(asyncio.Protocol):
    """Keeps what comes with the end of a handshake, until the one that it is for is there: one turn of the loop."""

    def __init__(self):
        self._octets = bytearray()
        self._ended = self.lost = False

    def data_received(self, octets):
        self._octets += octets

    def eof_received(self):
        self._ended = True

    def connection_lost(self, error):
        self.lost = True

    def go_on(self, transport, protocol):
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self._octets:
            protocol.data_received(bytes(self._octets))
        if self._ended:
            protocol.eof_received()
