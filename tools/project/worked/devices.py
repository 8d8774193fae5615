# SPDX-License-Identifier: MIT
"""Devices on the loopback network whose datagrams are kept: the firmware's protocol core behind a UDP socket."""

import asyncio
import os
import random
import sys
import tty
from pathlib import Path
from typing import NamedTuple

from tools.programs.patience import patience
from tools.transport import lines

FIRMWARE = str(Path(__file__).resolve().parents[3] / "firmware")
if FIRMWARE not in sys.path:  # at the end: its modules must not hide one that another needs
    sys.path.append(FIRMWARE)

from coap.compat import ticks_diff  # noqa: E402
from msgin5g import ApplicationClient, Client, Config, MemoryStorage  # noqa: E402

TICKS = 1 << 29
NOON = 1_798_804_800  # 2027-01-01T12:00:00Z, by the devices' clocks and the gateway's
LONG = 20  # s, until what is waited for has failed to come


class Datagram(NamedTuple):
    """One that went by: `out` of the device, or into it."""

    device: str
    out: bool
    octets: bytes


def whole(octets):
    """What goes over the link: octets, or the parts of a binary message, which may lie in the storage."""
    parts = octets if isinstance(octets, list) else [octets]
    return b"".join(part.read(0, len(part)) if hasattr(part, "read") else bytes(part) for part in parts)


class Device(asyncio.DatagramProtocol):
    """A Client with a socket of its own, toward (host, port) `peer`. `log` gets a Datagram for each that goes by."""

    def __init__(self, name, log, **config):
        self.name = name
        self.log = log
        self.loses = lambda octets: False  # whether a datagram to it comes to nothing
        self._config = {
            "role": "client",
            "ue_service_id": name,
            "security": {"mode": "none"},
        } | config
        self._behind = 0  # ms by which its clock was moved
        self._timer = None
        self._loop = asyncio.get_running_loop()
        self._heard = asyncio.Event()

    async def __aenter__(self):
        await self._loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._begin()
        return self

    def _begin(self):
        rng = random.Random(self.name).randbytes
        role = Client if self._config["role"] == "client" else ApplicationClient
        self.client = role(Config(self._config), MemoryStorage(), rng, lambda: NOON)

    async def __aexit__(self, *exception):
        if self._timer is not None:
            self._timer.cancel()
        self._transport.close()

    def connection_made(self, transport):
        self._transport = transport

    @property
    def tick(self):
        return (int(self._loop.time() * 1000) + self._behind) % TICKS

    def datagram_received(self, octets, peer):
        self.log.append(Datagram(self.name, False, octets))
        self._heard_from = peer
        if not self.loses(octets):
            self.client.receive(octets, peer, self.tick)
        self.pump()

    def pump(self):
        """Let go out what the client has to say, and be woken when it wants to be."""
        client = self.client
        while (item := client.outgoing()) is not None:
            octets = whole(item[0])
            self.log.append(Datagram(self.name, True, octets))
            self._put(octets, item[1])
        while client.next_event() is not None:
            pass
        if self._timer is not None:
            self._timer.cancel()
        deadline = client.next_deadline()
        if deadline is not None:
            seconds = max(ticks_diff(deadline, self.tick), 0) / 1000
            self._timer = self._loop.call_later(seconds, self._poll)
        self._heard.set()

    def _put(self, octets, peer):
        self._transport.sendto(octets, peer)

    def _poll(self):
        self.client.poll(self.tick)
        self.pump()

    def say(self, octets, peer=None):
        """Send what the client did not make; to who spoke last without a peer."""
        self.log.append(Datagram(self.name, True, octets))
        self._transport.sendto(octets, peer or self._heard_from)

    # ---- what an application does ------------------------------------------------------------------------------------

    def start(self):
        """Let it register."""
        self.client.start(self.tick)
        self.pump()

    def stop(self, **more):
        """Let it de-register."""
        self.client.stop(self.tick, **more)
        self.pump()

    def send(self, to, payload, **more):
        """Return the Outgoing of a message."""
        made = self.client.send(to, payload, self.tick, **more)
        self.pump()
        return made

    def take(self):
        """Return the next received message, which reports it where that was asked for; None where there is none."""
        message = self.client.take(self.tick)
        self.pump()
        return message

    def call(self, procedure, method, *arguments):
        """Return what a method of a procedure returns."""
        result = self.client.call(procedure, method, *arguments, self.tick)
        self.pump()
        return result

    def pass_time(self, seconds):
        """Move its clock."""
        self._behind += int(seconds * 1000)
        self._poll()

    async def until(self, holds):
        """Wait until `holds()` of what came and went; give what it gave."""
        async with patience(LONG):
            while not (found := holds()):
                self._heard.clear()
                await self._heard.wait()
        return found


class Line(Device):
    """An Application Client at one end of a pseudo-terminal, whose other end is `path`; frames as slipmux has them."""

    def __init__(self, name, log, **config):
        super().__init__(name, log, peer="l3+uart://1", **config)
        self._end, self._other = os.openpty()
        tty.setraw(self._other)
        self.path = os.ttyname(self._other)
        self._framer = lines.Framer(4096)

    async def __aenter__(self):
        self._begin()
        self._loop.add_reader(self._end, self._read)
        return self

    async def __aexit__(self, *exception):
        self._loop.remove_reader(self._end)
        for end in (self._end, self._other):
            os.close(end)

    def _read(self):
        for kind, octets in self._framer.feed(os.read(self._end, 4096)):
            if kind == lines.L3:
                self.datagram_received(octets, self.client.peer)

    def _put(self, octets, peer):
        os.write(self._end, lines.encode(lines.L3, octets))


class Tap(asyncio.DatagramProtocol):
    """A port between a Gateway UE, the one that speaks to it, and its server at (host, port) `server`: what goes by is
    kept as if `name` were a device."""

    def __init__(self, name, log, server):
        self.name = name
        self.log = log
        self._server = server
        self._client = None
        self._heard = asyncio.Event()

    def connection_made(self, transport):
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, octets, peer):
        out = peer != self._server
        if out:
            self._client = peer
        self.log.append(Datagram(self.name, out, octets))
        self._transport.sendto(octets, self._server if out else self._client)
        self._heard.set()

    def close(self):
        """Hear nothing any more."""
        self._transport.close()

    until = Device.until
