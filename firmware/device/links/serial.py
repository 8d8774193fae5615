# SPDX-License-Identifier: MIT
"""A serial line with slipmux frames: CoAP datagrams or L3 messages on any board's UART, by asyncio streams.

`board.py` opens the line and says how, `link()` makes the rest. docs/serial.md has the wiring.
"""

import asyncio

from coap.compat import const, ticks_diff
from msgin5g.store.stored_file import StoredFile

from ..health import now
from ..log import log
from ..waiting import cancel, loop, writer
from . import slipmux

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Datagram, Peer

_CHUNK = const(64)  # octets read at a time: 5.5 ms of 115200 baud, as a UART's read may wait for all of them
_QUEUE = const(4)  # frames that wait for the line
_LATE = const(10000)  # ms that a frame may wait for a task that does nothing
_REOPEN = const(1000)  # ms between tries to open a line that was lost


def link(config, open_line, storage):
    """Return the SerialLink that `config.peer` asks for: "coap+uart://..." or "l3+uart://...".

    `open_line()` gives a stream that does not block (machine.UART, a file), or raises OSError. Frames that are
    too long for a buffer come into files of `storage`.
    """
    kind = slipmux.COAP if config.peer_scheme == "coap+uart" else slipmux.L3
    size = config.serial["max_frame"]
    if kind == slipmux.COAP:
        # coap.Endpoint wants a datagram in one piece; it answers one that is too long, if it can see that
        return SerialLink(open_line, kind, config.coap["max_datagram"] + 1, config.peer_host)
    return SerialLink(open_line, kind, size, config.peer_host, spool(storage))


def spool(storage):
    """Where frames go that are too long for a buffer: gives a new StoredFile of `storage` each time it is called."""
    numbers = [0]

    def new_file():
        # Messages of an earlier run may lie in files of theirs until the application takes them.
        taken = storage.names()
        while True:
            numbers[0] += 1
            name = "in-%d" % numbers[0]
            if name not in taken:
                return StoredFile(storage, name)

    return new_file


class SerialLink:
    """Frames of one kind over one line; its peer is the line itself.

    A received L3 message is a view that is good until the next receive(), or a msgin5g StoredFile. Text for people may
    be sent with `text()`; text that comes in, and frames of other kinds, are left alone.
    """

    def __init__(
        self, open_line: "Callable[[], Any]", kind: int, max_frame: int, name: str, spool: "Any" = None
    ) -> None:
        self.peer = name
        self.dropped = 0
        self.on_back: "Callable[[], object] | None" = None
        self.lost = 0  # times that the line went away
        self._open_line = open_line
        self._kind = kind
        self._decoder = slipmux.Decoder(max_frame, spool, kind=kind)
        self.stats = self._decoder.stats
        self._frames: "Any" = iter(())
        self._line: "Any" = None
        self._stream: "Any" = None
        self._queue: list = []
        self._ready = asyncio.Event()
        self._writer: "Any" = None
        self._loop = None  # the event loop that the task lives in
        self._broken = False  # Ctrl-C hit the task
        self._wrote = 0  # what went out, in pieces
        self._stuck: "Any" = None  # (self._wrote, since when) a frame waits

    async def open(self) -> None:
        """Bring the link up; raise OSError when it cannot be had now."""
        self._line = self._open_line()
        self._stream = asyncio.StreamReader(self._line)
        if self._writer is None:
            self._begin()

    def again(self) -> None:
        """Begin the task anew, and with the frame that it was at."""
        self._end()
        self._ready = asyncio.Event()
        if self._queue:
            self._ready.set()
        if self._line is not None:
            self._stream = asyncio.StreamReader(self._line)
        self._begin()

    def _begin(self):
        self._loop = loop()
        self._writer = asyncio.create_task(self._write())

    def _end(self):
        if self._writer is not None:
            cancel(self._writer, self._loop)
            self._writer = None

    @property
    def source(self) -> "Any":
        """What is read from, None while there is none."""
        return self._line

    @property
    def alive(self) -> bool:
        """Whether frames go out: the task is there, and asyncio has not lost it."""
        if self._writer is None:
            return True
        if self._writer.done() or self._broken:
            return False
        if not self._queue or writer(self._line) is self._writer:
            self._stuck = None
        elif self._stuck is None or self._stuck[0] != self._wrote:
            self._stuck = (self._wrote, now())
        else:
            return ticks_diff(now(), self._stuck[1]) < _LATE
        return True

    async def receive(self) -> "tuple[bytes, Peer]":
        """Return (octets, address) of the next datagram. Raise MemoryError where one is lost for want of memory."""
        while True:
            for kind, frame in self._frames:
                if kind != self._kind:
                    continue
                if kind == slipmux.L3:
                    return frame, self.peer
                try:
                    return bytes(frame), self.peer  # CoAP keeps what it got
                except MemoryError:
                    self.dropped += 1
                    raise
            try:
                if self._line is None:  # the task that was to open it again was ended
                    raise OSError("no line")
                octets = await self._stream.read(_CHUNK)
                # A line that was readable and has nothing has ended: a USB adapter unplugged, the other side gone.
                if octets is None:
                    continue
                if not octets:
                    raise OSError("the line ended")
                self._frames = self._decoder.feed(octets)
            except OSError as error:
                await self._reopen(error)

    async def _reopen(self, error):
        self.lost += 1
        log("%s: %s", self.peer, error)
        self._drop_line()
        self._decoder.reset()
        while True:
            await asyncio.sleep_ms(_REOPEN)
            try:
                await self.open()
                log("%s is back", self.peer)
                if self.on_back is not None:
                    self.on_back()
                return
            except OSError:
                pass

    def send(self, octets: "Datagram", address: "Peer") -> bool:
        """Take a datagram, or the parts of a message; a part may be read from storage while it goes out."""
        if self._line is None:
            raise OSError("no line")
        return self._put(self._kind, octets if isinstance(octets, list) else (octets,))

    def text(self, text: str) -> bool:
        """Send diagnostic text for people at the other end. Return False where the line is busy."""
        return self._line is not None and self._put(slipmux.TEXT, (text.encode(),))

    def _put(self, kind, parts):
        if len(self._queue) >= _QUEUE:
            return False
        self._queue.append((kind, parts))
        self._ready.set()
        return True

    async def _write(self):
        self._broken = False
        try:
            await self._write_all()
        except KeyboardInterrupt:
            self._broken = True  # and asyncio still takes this task for running
            raise

    async def _write_all(self):
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._queue:
                kind, parts = self._queue[0]
                try:
                    for octets in slipmux.encode(kind, parts):
                        self._stream.write(octets)
                        await self._stream.drain()
                        self._wrote += 1
                except OSError:
                    pass  # the reader finds out too, and opens the line again
                except MemoryError:
                    self.dropped += 1  # half of the frame may be out: the next one's END ends it
                if self._queue:  # not where the line was lost meanwhile
                    self._queue.pop(0)

    def _drop_line(self):
        if self._line is not None:
            self._line.close() if hasattr(self._line, "close") else self._line.deinit()
        self._line = None
        self._queue = []  # lost like any datagram

    def close(self) -> None:
        """Close it; it may be opened again."""
        self._end()
        self._drop_line()
        self._decoder.reset()  # a frame that is half there may lie in the storage
