# SPDX-License-Identifier: MIT
"""Serial lines with slipmux frames (draft-bormann-t2trg-slipmux), framed by sliplib and checked by crccheck.

CoAP frames go to aiocoap through a message interface of its own, so that a device on a line is a CoAP peer like any
other (the released aiocoap has no such transport); L3 frames go to whoever asked for them; text is told as an event.
"""

import asyncio
import contextlib

import serial_asyncio_fast
import sliplib
from aiocoap import Message, error, interfaces
from crccheck.crc import CrcX25

from tools.server.isolation import place_of, reason_of
from tools.words import in_words

COAP, L3, TEXT = 0xA9, 0xC5, 0x0A
END = b"\xc0"
REOPEN = 1.0  # seconds between tries to open a line that is not there


def encode(kind, content):
    checked = bytes([kind]) + content
    if kind != TEXT:
        checked += CrcX25.calc(checked).to_bytes(2, "little")
    return END + sliplib.encode(checked) + END


class Framer:
    """Octets in, (kind, content) of good frames out; what is no frame is counted."""

    def __init__(self, max_frame):
        self.bad = 0
        self._max_rest = 2 * (max_frame + 3)  # each octet may be escaped
        self._rest = b""
        self._skip = False

    def feed(self, octets):
        *packets, self._rest = (self._rest + octets).split(END)
        frames = []
        for packet in packets:
            if self._skip:
                self._skip = False
            elif packet:
                frames.append(self._frame(packet))
        if len(self._rest) > self._max_rest:
            self._rest, self._skip = b"", True
            self.bad += 1
        return [frame for frame in frames if frame]

    def _frame(self, packet):
        try:
            content = sliplib.decode(packet)
        except sliplib.ProtocolError:
            content = b""
        if content[:1] == bytes([TEXT]):
            return TEXT, content[1:]
        if len(content) >= 3 and content[0] in (COAP, L3):
            if CrcX25.calc(content[:-2]) == int.from_bytes(content[-2:], "little"):
                return content[0], content[1:-2]
        self.bad += 1
        return None


class Line(asyncio.Protocol):
    """One serial port, opened again whenever it went away. `name` is its path; with `rtscts` both sides say by RTS and
    CTS whether they can take more."""

    def __init__(self, name, baudrate, max_frame, emit, rtscts=False):
        self.name = name
        self.max_frame = max_frame
        self.baudrate = baudrate
        self.rtscts = rtscts
        self.on_coap = self.on_l3 = lambda content: None
        self.tap = None  # is called with each frame, (kind, content, whether it goes out)
        self.framer = Framer(max_frame)
        self._emit = emit
        self._transport = None
        self._lost = asyncio.Event()
        self._task = None

    @property
    def open(self):
        return self._transport is not None

    def start(self):
        self._task = asyncio.get_running_loop().create_task(self._keep_open())

    async def _keep_open(self):
        told = None
        while True:
            try:
                self._lost.clear()
                await serial_asyncio_fast.create_serial_connection(
                    asyncio.get_running_loop(),
                    lambda: self,
                    self.name,
                    baudrate=self.baudrate,
                    rtscts=self.rtscts,
                )
                told = None
                self._emit("line-open", line=self.name)
                await self._lost.wait()
                self._emit("line-lost", line=self.name)
            except OSError as failure:
                if in_words(failure) != told:
                    told = in_words(failure)
                    self._emit("line-missing", line=self.name, reason=told)
            await asyncio.sleep(REOPEN)

    def connection_made(self, transport):
        self.framer = Framer(self.max_frame)
        self._transport = transport

    def connection_lost(self, failure):
        self._transport = None
        self._lost.set()

    def data_received(self, octets):
        bad = self.framer.bad
        for kind, content in self.framer.feed(octets):
            try:
                self._frame(kind, content)
            except Exception as error:  # of one frame: those behind it, and the line, go on
                reason, place = reason_of(error), place_of(error)
                self._emit("error", kind="frame", line=self.name, reason=reason, place=place)
        if self.framer.bad != bad:
            self._emit("line-noise", line=self.name, frames=self.framer.bad - bad)

    def _frame(self, kind, content):
        if self.tap:
            self.tap(kind, content, False)
        if kind == COAP:
            self.on_coap(content)
        elif kind == L3:
            self.on_l3(content)
        else:
            self._emit("diagnostic", line=self.name, text=content.decode(errors="replace").rstrip()[:1000])

    def send(self, kind, content):
        """False where the line is not open."""
        if self._transport is None:
            return False
        self._transport.write(encode(kind, content))
        if self.tap:
            self.tap(kind, content, True)
        return True

    async def stop(self):
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._transport:
            self._transport.abort()


class LineAddress(interfaces.EndpointAddress):
    """The device at the other end of a line, for aiocoap."""

    is_multicast = is_multicast_locally = False
    scheme = "coap+uart"

    def __init__(self, line):
        self.line = line

    @property
    def hostinfo(self):
        return self.line.name.strip("/").replace("/", "-")

    hostinfo_local = hostinfo
    uri_base = uri_base_local = property(lambda self: "%s://%s" % (self.scheme, self.hostinfo))
    blockwise_key = property(lambda self: self.line.name)


class LinesInterface(interfaces.MessageInterface):
    """aiocoap's way to all lines: each is one remote."""

    def __init__(self, manager, lines):
        self._manager = manager
        self.addresses = {line.name: LineAddress(line) for line in lines}
        for address in self.addresses.values():
            address.line.on_coap = lambda content, address=address: self._received(content, address)

    @classmethod
    async def attach(cls, context, lines):
        """Makes the lines part of a Context; they are asked first, as UDP refuses addresses that it does not know."""
        made = []

        async def construct(manager):
            made.append(cls(manager, lines))
            return made[0]

        await context._append_tokenmanaged_messagemanaged_transport(construct)
        context.request_interfaces.insert(0, context.request_interfaces.pop())
        return made[0]

    def _received(self, content, address):
        if self._manager is None:
            return
        try:
            message = Message.decode(content, remote=address)
        except (error.UnparsableMessage, UnicodeError):  # the latter for a text option that is none
            return
        self._manager.dispatch_message(message)

    def send(self, message):
        message.remote.line.send(COAP, message.encode())  # a line that is not there loses it, as networks do

    async def recognize_remote(self, remote):
        return isinstance(remote, LineAddress)

    async def determine_remote(self, message):
        return None

    async def shutdown(self):
        self._manager = None
