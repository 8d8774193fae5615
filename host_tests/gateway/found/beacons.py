# SPDX-License-Identifier: MIT
"""Gateways that a device may find, by their datagrams: sockets, aiocoap's codec, and nothing of ours.

Each test has a group of its own (239.255.0.0/16 is for such), so that gateways of other tests on this machine are not
found: `discover://HOST` takes a group as well as a host.
"""

import asyncio
import contextlib
import json
import random
import socket
import struct

import aiocoap
from aiocoap.numbers.types import Type

from host_tests.gateway.devices import APPS, config
from tools.demo.processes import Device
from tools.programs.patience import patience

LONG = 20  # s, until a test that waits for something has failed
QUICK = {"ack_timeout": 0.1, "max_retransmit": 2}  # for who is to be found silent: after 0.7 s
CORE = (".well-known", "core")
LINK_FORMAT = 40  # RFC 7252 section 12.3


def link(size=1152, name="ue:gw@example.org"):
    return b'</msgin5g>;rt="msgin5g.gw";sz=%d;ep="%s"' % (size, name.encode())


def answer(request, code, payload=b"", kind=Type.ACK, mid=None, content_format=50):
    """The octets of an answer to what came."""
    message = aiocoap.Message(code=code, payload=payload, _mid=request.mid if mid is None else mid)
    message.mtype = kind
    message.token = request.token
    if payload:
        message.opt.content_format = content_format
    return message.encode()


def device(folder, peer, **more):
    """A Device that sends what lies in its file say.txt, not started yet."""
    made = Device(folder / "device", APPS / "echo.py")
    given = {"discovery": {"window": 0.3}, "registration": {"lifetime": 10}}
    made.configure(config(0, **given | {"peer": peer} | more))
    return made


class Socket(asyncio.DatagramProtocol):
    """`requests` are (aiocoap Message, address) of what came, `octets` how it came."""

    def __init__(self):
        self.requests = []
        self.octets = []
        self._changed = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, octets, address):
        message = aiocoap.Message.decode(octets)
        self.requests.append((message, address))
        self.octets.append(octets)
        self._changed.set()
        self.heard(message, address)

    def heard(self, message, address):
        """What follows at once."""

    async def wait(self, count=1, kind=None):
        """Until so many requests came, of this msgType where one is given; the last of them."""
        async with patience(LONG):
            while len(self.of(kind)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.of(kind)[count - 1]

    def of(self, kind):
        found = [message for message, _ in self.requests]
        return found if kind is None else [message for message in found if type_of(message) == kind]


def type_of(message):
    """The msgType of a request, None where it has none."""
    return (
        json.loads(message.payload).get("msgType") if message.code.is_request() and message.payload else None
    )


class Gateway(Socket):
    """One at an address of its own. `said(message, type)` gives what it answers: a code, (code, payload), or None for
    silence."""

    def __init__(self, payload=None):
        super().__init__()
        self.payload = (
            link() if payload is None else payload
        )  # of its answer to the group; b"": it does not hear it
        self.ue = None

    def said(self, message, kind):
        if kind == "REG":
            address = json.loads(message.payload)["oriAddr"]
            self.ue = address["addr"]
            granted = {"oriAddr": address, "result": True, "regExpTime": 10}
            return aiocoap.CHANGED, json.dumps(granted).encode()
        return aiocoap.CHANGED

    def heard(self, message, address):
        if not message.code.is_request():
            return
        said = self.said(message, type_of(message))
        if said is not None:
            code, payload = said if isinstance(said, tuple) else (said, b"")
            self.transport.sendto(answer(message, code, payload), address)

    @property
    def port(self):
        return self.transport.get_extra_info("sockname")[1]


def silent(message, kind):
    """As one that died."""
    return None


class Group(Socket):
    """A group that gateways are in. `host` and `port` are where it is asked."""

    def __init__(self):
        super().__init__()
        self.gateways = []
        self.more = lambda message: ()  # further answers, as (socket of asyncio, octets)
        self.host = "239.255.%d.%d" % (random.randrange(256), random.randrange(1, 255))
        self.port = None

    @property
    def peer(self):
        return f"discover://{self.host}:{self.port}"

    def heard(self, message, address):
        for gateway in self.gateways:
            if gateway.payload:
                octets = answer(
                    message, aiocoap.CONTENT, gateway.payload, Type.NON, 7, content_format=LINK_FORMAT
                )
                gateway.transport.sendto(octets, address)
        for transport, octets in self.more(message):
            transport.sendto(octets, address)


def _socket(host, port=0):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, port))
    return made


async def _open(protocol, made):
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, sock=made)


@contextlib.asynccontextmanager
async def group(*gateways, given=None):
    """A Group on the loopback interface with these Gateways in it; `given` is one with its own host and port."""
    found = given or Group()
    opened = []
    try:
        for gateway in gateways:
            await _open(gateway, _socket("127.0.0.1"))
            opened.append(gateway)
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((found.host, found.port or 0))
        found.port = made.getsockname()[1]
        member = socket.inet_aton(found.host) + struct.pack("=4s", socket.inet_aton("127.0.0.1"))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        await _open(found, made)
        opened.append(found)
        found.gateways = list(gateways)
        yield found
    finally:
        for each in opened:
            each.transport.close()
