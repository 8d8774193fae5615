# SPDX-License-Identifier: MIT
"""Many devices in one process: each is the firmware's protocol core with an address of its own on the loopback network,
and all of them speak through one socket, which loses of a hundred datagrams as many as it is told to."""

import asyncio
import ipaddress
import random
import socket
import struct
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for _folder in (ROOT / "firmware", ROOT / "host_tests/device/helpers"):
    if str(_folder) not in sys.path:  # at the end: its modules must not hide one that another needs
        sys.path.append(str(_folder))

from coap.compat import ticks_diff  # noqa: E402
from common import Random  # noqa: E402
from msgin5g import Client, Config, MemoryStorage  # noqa: E402

TICKS = 1 << 29
IP_PKTINFO = 8  # of Linux's <netinet/in.h>; the module `socket` does not have it
FIRST = int(ipaddress.ip_address("127.16.0.1"))


def name(number):
    return "ue:d%05d@example.org" % number


class Field:
    """The socket, and who lives at which address."""

    def __init__(self, loss, seed):
        self.loss, self.random = loss, random.Random(seed)
        self.devices = {}  # by address, packed
        self.sent = self.received = self.lost = self.unheard = self.joined = 0
        made = self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        made.setblocking(False)
        made.bind(("0.0.0.0", 0))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(made, self._read)

    def close(self):
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def add(self, number, **config):
        """A new Device."""
        made = Device(self, number, config)
        self.devices[made.packed] = made
        return made

    def _loses(self, device, octets, to_device):
        """Whether a datagram is lost."""
        loses = self.random.random() * 100 < self.loss
        self.lost += loses
        return loses

    def send(self, device, octets, peer):
        self.sent += 1
        self.joined += b'"msgType":"MSG"' in octets and b'"msgList":' in octets
        if self._loses(device, octets, False):
            return
        source = struct.pack("=I4s4s", 0, device.packed, b"\0\0\0\0")
        self._socket.sendmsg([octets], [(socket.IPPROTO_IP, IP_PKTINFO, source)], 0, peer)

    def _read(self):
        for _ in range(64):
            try:
                octets, more, _, peer = self._socket.recvmsg(65535, socket.CMSG_SPACE(12))
            except BlockingIOError:
                return
            self.received += 1
            for level, kind, data in more:
                if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
                    device = self.devices.get(data[8:12])
                    if device is None or self._loses(device, octets, True):
                        continue
                    if device.listens:
                        device.receive(octets, peer)
                    else:
                        self.unheard += 1


class Device:
    """A firmware Client, its clock and its address. `inbox` has what its application was given: (sender, payload)."""

    def __init__(self, field, number, config):
        self.field, self.number, self.ue = field, number, name(number)
        self.packed = (FIRST + number).to_bytes(4, "big")
        self.inbox, self.ended = [], []
        self._timer = None
        self._loop = asyncio.get_running_loop()
        self.config = {"role": "client", "ue_service_id": self.ue, "security": {"mode": "none"}} | config
        self.storage = MemoryStorage()
        self.begin()

    def begin(self):
        """Its board starts, with what is on its flash."""
        random_ = Random(self.number + 1).bytes
        self.client = Client(Config(self.config), self.storage, random_, lambda: int(time.time()))
        self.client.start(self.tick)
        self.pump()

    @property
    def listens(self):
        """Whether it is awake: one with `availability` sleeps outside its windows."""
        return self.client.config.availability is None or self.client.procedure("availability").listens

    @property
    def tick(self):
        return int(self._loop.time() * 1000) % TICKS

    def receive(self, octets, peer):
        self.client.receive(octets, peer, self.tick)
        self.pump()

    def send(self, to, payload, **more):
        made = self.client.send(to, payload, self.tick, **more)
        self.pump()
        return made

    def call(self, procedure, method, *arguments):
        result = self.client.call(procedure, method, *arguments, self.tick)
        self.pump()
        return result

    def pump(self):
        client = self.client
        while (message := client.take(self.tick)) is not None:
            self.inbox.append((message.sender, message.payload))
        while (item := client.outgoing()) is not None:
            self.field.send(self, bytes(item[0]), item[1])
        while (event := client.next_event()) is not None:
            if event[0] == 2 and event[1].final:
                self.ended.append((event[1].message_id, event[1].state, event[1].cause))
        deadline = client.next_deadline()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            seconds = max(ticks_diff(deadline, self.tick), 1) / 1000
            self._timer = self._loop.call_later(seconds, self._poll)

    def _poll(self):
        self._timer = None
        self.client.poll(self.tick)
        self.pump()
