# SPDX-License-Identifier: MIT
"""An MQTT broker, mosquitto: how many messages a second it accepts, and a way to it on which packets are counted.

It keeps nothing on disk, so what it accepted is gone with its process; the gateway's 2.04 says that a message is kept.
"""

import asyncio
import socket
import tempfile
import time
from pathlib import Path

from tools.bench import Row
from tools.bench.device import unix
from tools.bench.peers import packages
from tools.bench.results import ROOT
from tools.demo.processes import Process
from tools.errors import UsageError
from tools.programs import peers
from tools.programs.patience import patience

LOADS = Path(__file__).parent / "loads"
# Nothing is kept on disk: a broker in memory, as it is by default
CONFIGURATION = "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest stdout\n"
PUBLISH, PUBACK = 3, 4  # MQTT 3.1.1 table 2.1


CLIENTS, MESSAGES = 50, 400
ACCEPTED = "Accepted a second, 50 devices"  # the chart of what the gateway accepts


def measure():
    what, needs, rate = f"{CLIENTS} clients, QoS 1, accepted by mosquitto", "", None
    try:
        rate = round(asyncio.run(_accepted()))
    except UsageError as error:
        needs = str(error)
    yield Row(what, rate, "a second", kind="machine", chart=ACCEPTED, by="mosquitto, in memory", needs=needs)


async def _accepted():
    with tempfile.TemporaryDirectory() as folder:
        async with Broker(folder) as broker:
            return await accepted(broker.port, CLIENTS, MESSAGES)


class Broker(Process):
    """mosquitto on a port of its own. UsageError where it can't be had."""

    def __init__(self, folder):
        try:
            peers.provide("mosquitto")
            program = peers.peer("mosquitto")
        except peers.NoPeer as error:
            raise UsageError(str(error)) from None
        self.port = _free_port()
        path = Path(folder) / "mosquitto.conf"
        path.write_text(CONFIGURATION.format(port=self.port))
        super().__init__([program, "-c", path])

    async def start(self):
        await super().start()
        async with patience(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
                if self.lines.closed:
                    raise UsageError(f"bench: mosquitto did not start: {' / '.join(self.lines.items[-3:])}")
        writer.close()


class Counted:
    """A way to a broker. `packets` has (to the client, type, octets) of each PUBLISH and PUBACK, in their order."""

    def __init__(self, port):
        self.packets = []
        self._to = port
        self._tasks = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _connected(self, reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        ways = (self._pass_on(reader, back, False), self._pass_on(there, writer, True))
        self._tasks += [asyncio.create_task(way) for way in ways]

    async def _pass_on(self, reader, writer, to_client):
        rest = b""
        while octets := await reader.read(4096):
            rest += octets
            while size := length(rest):
                kind = rest[0] >> 4
                if kind in (PUBLISH, PUBACK):
                    self.packets.append((to_client, kind, size))
                rest = rest[size:]
            writer.write(octets)
        writer.close()


def length(octets):
    """Octets of the packet that begins here, 0 where it is not whole (MQTT 3.1.1 section 2.2.3)."""
    rest = 0
    for at, octet in enumerate(octets[1:5]):
        rest |= (octet & 127) << 7 * at
        if octet < 128:
            size = 2 + at + rest
            return size if size <= len(octets) else 0
    return 0


async def reported(message, report):
    """Sizes of the packets by which umqtt.simple sends a message, (topic, body), and gets a report on it.

    None where umqtt.simple is missing.
    """
    folder = packages.folder_with("umqtt.simple")
    if folder is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        async with Broker(scratch) as broker, Counted(broker.port) as way:
            call = ("127.0.0.1", way.port, broker.port, message, report)
            code = f"from over_umqtt_simple import *\nover_umqtt_simple(*{call!r})"
            command = [unix.PROGRAM, "-c", code]
            async with Process(command, unix.environment(LOADS, folder), ROOT) as client:
                if await client.wait():
                    raise UsageError(
                        f"bench: umqtt.simple did not run: {' / '.join(client.lines.items[-5:])}"
                    )
            kinds = [(to_client, kind) for to_client, kind, _ in way.packets]
            if kinds != [(False, PUBLISH), (True, PUBACK), (True, PUBLISH), (False, PUBACK)]:
                raise UsageError(f"bench: umqtt.simple and mosquitto said {kinds}")
            return [size for _, _, size in way.packets]


async def accepted(port, clients, messages):
    """Messages a second that a broker accepts of so many clients, each of which waits for PUBACK before the next."""

    async def publish(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        name = text(b"client-%d" % number)
        writer.write(packet(0x10, text(b"MQTT") + b"\x04\x02\0\0" + name))
        if await reader.readexactly(4) != b"\x20\x02\0\0":
            raise UsageError("bench: mosquitto took no connection")
        publishing = packet(0x32, text(b"as:weather@example.org") + b"\0\1" + bytes(100))
        await connected.wait()
        for _ in range(messages):
            writer.write(publishing)
            if await reader.readexactly(4) != b"\x40\x02\0\1":
                raise UsageError("bench: mosquitto did not answer with PUBACK")
        writer.close()

    connected = asyncio.Barrier(clients + 1)
    async with patience(300):
        tasks = [asyncio.create_task(publish(number)) for number in range(clients)]
        await connected.wait()
        began = time.monotonic()
        await asyncio.gather(*tasks)
    return clients * messages / (time.monotonic() - began)


def text(octets):
    """A string of MQTT (3.1.1 section 1.5.3)."""
    return len(octets).to_bytes(2, "big") + octets


def packet(first, rest):
    """A packet of MQTT: its length has 7 bits an octet, the lowest first (3.1.1 section 2.2.3)."""
    size, left = b"", len(rest)
    while left > 127:
        size += bytes((left % 128 | 128,))
        left //= 128
    return bytes((first,)) + size + bytes((left,)) + rest


def _free_port():
    """A port of TCP that nobody has."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
