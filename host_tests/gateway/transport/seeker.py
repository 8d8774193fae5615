# SPDX-License-Identifier: MIT
"""A device that looks for a gateway, by its datagrams: TS 23.554 clause 8.2.8 as docs/wire-profile.md has it."""

import asyncio
import contextlib
import itertools
import socket

import aiocoap

from tools.gateway.runtime import Gateway, Options
from tools.page.events import Events
from tools.programs.patience import patience
from tools.server.settings import Settings

GROUP = "224.0.1.187"  # All CoAP Nodes, RFC 7252 section 12.8
CORE = (".well-known", "core")
_NUMBERS = itertools.count(1)


@contextlib.asynccontextmanager
async def discoverable(name=None, host="127.0.0.1", **options):
    """A gateway that is found at once."""
    settings = Settings(open=True, max_datagram=1024)
    given = {
        "coap": (host, 0),
        "http": ("127.0.0.1", 0),
        "store": ":memory:",
        "discovery": True,
        "name": name,
    }
    running = Gateway(Options(settings, **given | options), Events())
    if running.coap.discovery:
        running.coap.discovery.spread = lambda: 0.0
    async with running:
        yield running


def question(query=("rt=msgin5g.gw",), path=CORE, code=aiocoap.GET, kind=aiocoap.NON, **options):
    number = next(_NUMBERS)
    request = aiocoap.Message(code=code, _mid=number, uri_path=path, uri_query=query, **options)
    request.mtype = kind
    request.token = number.to_bytes(4, "big")
    return request


class Loopback:
    """A socket of a device on the loopback interface, which is also where it sends to groups."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    async def heard(self):
        """(octets, address) of the next datagram."""
        async with patience(20):
            return await asyncio.get_running_loop().sock_recvfrom(self._socket, 2048)


class Seeker(Loopback):
    """`ask` sends to the group out of the loopback interface, or to one address; `hear` gives the next answer."""

    def __init__(self, port, group=GROUP):
        super().__init__()
        self._to = (group, port)

    def ask(self, request):
        return self.send(request.encode()) and request

    def send(self, octets):
        return self._socket.sendto(octets, self._to)

    async def hear(self):
        """(Message, its address)"""
        octets, address = await self.heard()
        return aiocoap.Message.decode(octets), address

    async def answer_to(self, request):
        """The next answer, which must be the one to that request."""
        answer, address = await self.hear()
        assert answer.token == request.token, "an answer to something else"
        return answer, address

    def all_there(self):
        """The datagrams that have come, as they are."""
        there = []
        with contextlib.suppress(BlockingIOError):
            while True:
                there.append(self._socket.recv(2048))
        return there
