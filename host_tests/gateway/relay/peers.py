# SPDX-License-Identifier: MIT
"""A relay in the test's process, with a clock that the test moves, and raw sockets for its clients and its server."""

import asyncio
import contextlib
import socket

from tools.gateway.running.relay.relay import Options, Relay
from tools.page.events import Events
from tools.programs.patience import patience

CON, NON, ACK, RST = range(4)
GET, POST, CONTENT, CHANGED, NOT_FOUND = 0x01, 0x02, 0x45, 0x44, 0x84


def message(kind, code, number, token=b"", rest=b""):
    """RFC 7252 section 3, by hand."""
    return bytes((0x40 | kind << 4 | len(token), code)) + number.to_bytes(2, "big") + token + rest


def uri_host(name):
    """The options of a request that names a server and the path /msgin5g, and a payload."""
    length = bytes((0x30 | len(name),)) if len(name) < 13 else bytes((0x3D, len(name) - 13))
    return length + name + b"\x87msgin5g\xff{}"


class Peer:
    """A UDP socket; `hear` gives (octets, address) of the next datagram, `there` all octets that have come."""

    def __init__(self, host="127.0.0.1"):
        self.open(host)

    def open(self, host, port=0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.socket.setblocking(False)

    @property
    def address(self):
        return self.socket.getsockname()[:2]

    def send(self, octets, address):
        self.socket.sendto(octets, address)

    async def hear(self):
        async with patience(20):
            octets, address = await asyncio.get_running_loop().sock_recvfrom(self.socket, 65536)
        return octets, address[:2]

    def there(self):
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self.socket.recv(65536))
        return found

    def close(self):
        self.socket.close()


class Scene:
    """`relay`, its `server`, `client()`s, and `now`."""

    def __init__(self, listen="127.0.0.1", server="127.0.0.1", **options):
        self.now = 1000.0
        self.server = Peer(server)
        self.events = Events()
        given = {"idle": 300.0} | options
        self.relay = Relay(
            Options((listen, 0), self.server.address, **given), self.events, clock=lambda: self.now
        )
        self._peers = [self.server]
        self._at = listen if listen not in ("0.0.0.0", "::") else "127.0.0.1"

    async def __aenter__(self):
        await self.relay.__aenter__()
        self.at = self._at, self.relay.port
        return self

    async def __aexit__(self, *exception):
        await self.relay.__aexit__(*exception)
        for peer in self._peers:
            peer.close()

    def client(self, host=None):
        self._peers.append(Peer(host or self._at))
        return self._peers[-1]

    async def up(self, client, octets):
        """What the server gets of a client's datagram, and the address where that client is for it."""
        client.send(octets, self.at)
        heard, way = await self.server.hear()
        assert heard == octets
        return way

    async def down(self, client, way, octets):
        self.server.send(octets, way)
        heard, address = await client.hear()
        assert (heard, address) == (octets, self.at)

    async def until(self, condition):
        async with patience(20):
            while not condition():
                await asyncio.sleep(0.01)

    def told(self, event):
        return [record for record in self.events.recent if record["event"] == event]

    async def up_among(self, client, octets):
        """As `up`, with other clients speaking too."""
        client.send(octets, self.at)
        while True:
            heard, way = await self.server.hear()
            if heard == octets:
                return way
