# SPDX-License-Identifier: MIT
"""A serial line with slipmux frames: CoAP datagrams, or L3 messages, on a UART or whatever else reads and writes octets
without blocking.

    link = SerialLink(lambda: machine.UART(0, 115200))
    async with Context(link) as coap:
        answer = await coap.get("coap+uart:///temperature")
"""

import asyncio

from ..compat import const, ticks_diff
from . import slipmux
from .waiting import cancel, core, loop, now, readable, sleep_ms

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Datagram, Octets, Peer

_CHUNK = const(128)  # octets read at a time: 11 ms of 115200 baud, as a UART's read may wait for all of them
_RUN = const(768)  # octets, at least, that are written at a time
_MADE = const(-1)  # kind of what is a frame, or the rest of one, already
_QUEUE = const(4)  # frames that wait for the line
_LATE = const(10000)  # ms that a frame may wait for a task that does nothing
_REOPEN = const(1000)  # ms between tries to open a line that was lost


class SerialLink:
    """Frames of one kind over one line; its peer is the line itself, called `name`.

    `open_line()` gives the line, or raises OSError: an object with read(n) and write(octets), which return None instead
    of waiting, that asyncio can wait for; or two such, one to read from and one to write to. `max_frame` is the longest
    content of a frame: coap.Endpoint wants one octet more than its `max_datagram`. What is received is a view that is
    good until the next receive(), or of L3 what `spool()` returned (slipmux.Decoder). Text for people may be sent with
    `text()`; text that comes in, and frames of other kinds, are left alone. `tell(text, *values)`, if set, is called
    when the line is lost and when it is back.
    """

    scheme = "coap+uart"  # of the URIs that are for this link
    tell: "Callable[..., object] | None" = None

    def __init__(
        self,
        open_line: "Callable[[], Any]",
        kind: int = slipmux.COAP,
        max_frame: int = 1153,
        name: str = "",
        spool: "Any" = None,
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
        self._out: "Any" = None  # what is written to: the line, or its other half
        self._queue: list = []
        self._made: "Any" = None  # (datagram, its frame) of one that comes next
        self._ready = asyncio.Event()
        self._writer: "Any" = None
        self._loop = None  # the event loop that the task lives in
        self._broken = False  # Ctrl-C hit the task
        self._wrote = 0  # what went out, in pieces
        self._stuck: "Any" = None  # (self._wrote, since when) a frame waits

    async def open(self) -> None:
        """Bring the link up; raise OSError when it cannot be had now."""
        self._line = self._out = self._open_line()
        if isinstance(self._line, tuple):
            self._line, self._out = self._line
        if self._writer is None:
            self._begin()

    def again(self) -> None:
        """Begin the task anew, and with the frame that it was at."""
        self._end()
        self._begin()

    def _begin(self):
        self._ready = asyncio.Event()  # CPython's belongs to the event loop that first waited for it
        if self._queue:
            self._ready.set()
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
        if not self._queue or writer(self._out) is self._writer:
            self._stuck = None
        elif self._stuck is None or self._stuck[0] != self._wrote:
            self._stuck = (self._wrote, now())
        else:
            return ticks_diff(now(), self._stuck[1]) < _LATE
        return True

    async def receive(self) -> "tuple[Octets, Peer]":
        """Return (octets, address) of the next datagram, a view that is good until the next receive()."""
        while True:
            for kind, frame in self._frames:
                if kind == self._kind:
                    return frame, self.peer
            try:
                if self._line is None:  # the task that was to open it again was ended
                    raise OSError("no line")
                await readable(self._line)
                octets = self._line.read(_CHUNK)
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
        if self.tell is not None:
            self.tell("%s: %s", self.peer, error)
        self._drop_line()
        self._decoder.reset()
        while True:
            await sleep_ms(_REOPEN)
            try:
                await self.open()
                if self.tell is not None:
                    self.tell("%s is back", self.peer)
                if self.on_back is not None:
                    self.on_back()
                return
            except OSError:
                pass

    def send(self, octets: "Datagram", address: "Peer") -> bool:
        """Take a datagram, or the parts of a message; a part may be read from storage while it goes out."""
        if self._line is None:
            raise OSError("no line")
        made = self._made
        if made and made[0] is octets:
            self._made = None
            frame = made[1]
            if not self._queue:  # at once: the task has its turn only when all else is done
                frame = frame[self._out.write(frame) or 0 :]
                self._wrote += 1
                if not frame:
                    return True
            return self._put(_MADE, (frame,))
        return self._put(self._kind, octets if isinstance(octets, list) else (octets,))

    def prepare(self, octets: "Datagram") -> None:
        """Make the frame of a datagram that is sent later, so that it goes out at once then."""
        self._made = None  # frees its memory first
        try:
            for frame in _runs(slipmux.encode(self._kind, (octets,)), 2 * len(octets)):
                self._made = (octets, frame)
        except MemoryError:
            pass  # it is made as it goes

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
                    for octets in parts if kind == _MADE else _runs(slipmux.encode(kind, parts)):
                        await self._write_octets(octets)
                        self._wrote += 1
                except OSError:
                    pass  # the reader finds out too, and opens the line again
                except MemoryError:
                    self.dropped += 1  # half of the frame may be out: the next one's END ends it
                if self._queue:  # not where the line was lost meanwhile
                    self._queue.pop(0)

    async def _write_octets(self, octets):
        while octets:
            octets = octets[self._out.write(octets) or 0 :]
            if octets:
                await writable(self._out)

    def _drop_line(self):
        for half in (self._line,) if self._out is self._line else (self._out, self._line):
            if half is not None:
                half.close() if hasattr(half, "close") else half.deinit()
        self._line = self._out = None
        self._queue = []  # lost like any datagram

    def close(self) -> None:
        """Close it; it may be opened again."""
        self._end()
        self._drop_line()
        self._decoder.reset()  # a frame that is half there may lie in the storage


def _runs(pieces, least=_RUN):
    """Yield pieces put together to so many octets and more: a write to a line may have to wait for the one before."""
    run = bytearray()
    for piece in pieces:
        run += piece
        if len(run) >= least:
            yield run
            run = bytearray()
    if run:
        yield run


def writer(stream):
    """Return the task that waits until the stream can be written to, or None. Of MicroPython alone."""
    entry = core._io_queue.map.get(id(stream))
    return entry and entry[1]


def writable(sink):
    """Wait, when awaited, until a line or the like can be written to."""
    yield core._io_queue.queue_write(sink)


if core is None:
    from ._cpython import writable  # type: ignore  # noqa: F811
