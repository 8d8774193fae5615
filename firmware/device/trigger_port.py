# SPDX-License-Identifier: MIT
"""The UDP port that triggers come to (`triggers.port` of the configuration): a socket and a task beside those of the
link. Anybody may send to it, so it is read slowly, and a datagram that is lost is no loss: a trigger comes again.
"""

import asyncio
import socket

from coap.aio.udp import UDPLink
from coap.compat import const

from .health import log

_TYPING = const(False)
if _TYPING:
    from typing import Any

_MOST = const(140)  # octets of a trigger
_SLOWLY = const(100)  # ms between two datagrams
_RETRY = const(60000)  # ms until a port that could not be had is asked for again

_sock: "Any" = None  # what is open; a task that Ctrl-C dropped out of its event loop leaves it behind
_told: "str | None" = None  # why it could not be had, as it was told last


def close():
    """Close the port."""
    global _sock
    if _sock is not None:
        _sock.close()
        _sock = None


def begin(client):
    """Open the port in the address family of the peer. Where it cannot be had that is told, and `serve` goes on."""
    global _sock, _told
    close()
    port = client.core.config.triggers["port"]
    try:
        sock = UDPLink(_MOST)
        sock.bind(socket.AF_INET6 if ":" in client.core.peer[0] else socket.AF_INET, None, port)
        _sock = sock
        _told = None
    except (OSError, MemoryError) as error:
        if str(error) != _told:
            _told = str(error)
            log("triggers: no UDP port %d (%s); trying again", port, error)


async def serve(client):
    """Hand each datagram of the port to `client.triggered`, until cancelled; it is opened where it is not."""
    sock = _sock
    try:
        while sock is None:
            begin(client)
            sock = _sock
            if sock is None:
                await asyncio.sleep_ms(_RETRY)  # type: ignore[attr-defined]
        while True:
            try:
                client.triggered((await sock.receive())[0])
            except MemoryError:
                pass  # it is lost; a trigger comes again
            await asyncio.sleep_ms(_SLOWLY)  # type: ignore[attr-defined]
    finally:
        if sock is _sock:  # else the next one has begun
            close()
