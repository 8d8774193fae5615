# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""A serial line with slipmux frames: CoAP datagrams, or L3 messages, on a UART or whatever else reads and writes octets
without blocking.

    link = SerialLink(lambda: machine.UART(0, 115200))
    async with Context(link) as coap:
        answer = await coap.get("coap+uart:///temperature")
"""
from collections.abc import Callable
from typing import Any
from .._contracts import Datagram
from .._contracts import Octets
from .._contracts import Peer

class SerialLink:
    """Frames of one kind over one line; its peer is the line itself, called `name`.

    `open_line()` gives the line, or raises OSError: an object with read(n) and write(octets), which return None instead
    of waiting, that asyncio can wait for; or two such, one to read from and one to write to. `max_frame` is the longest
    content of a frame: coap.Endpoint wants one octet more than its `max_datagram`. What is received is a view that is
    good until the next receive(), or of L3 what `spool()` returned (slipmux.Decoder). Text for people may be sent with
    `text()`; text that comes in, and frames of other kinds, are left alone. `tell(text, *values)`, if set, is called
    when the line is lost and when it is back.
    """
    scheme: str
    tell: Callable[..., object] | None
    peer: str
    dropped: int
    on_back: Callable[[], object] | None
    lost: int
    stats: Any
    def __init__(self, open_line: Callable[[], Any], kind: int=..., max_frame: int=1153, name: str='', spool: Any=None) -> None: ...
    async def open(self) -> None:
        """Bring the link up; raise OSError when it cannot be had now."""
    def again(self) -> None:
        """Begin the task anew, and with the frame that it was at."""
    @property
    def source(self) -> Any:
        """What is read from, None while there is none."""
    @property
    def alive(self) -> bool:
        """Whether frames go out: the task is there, and asyncio has not lost it."""
    async def receive(self) -> tuple[Octets, Peer]:
        """Return (octets, address) of the next datagram, a view that is good until the next receive()."""
    def send(self, octets: Datagram, address: Peer) -> bool:
        """Take a datagram, or the parts of a message; a part may be read from storage while it goes out."""
    def prepare(self, octets: Datagram) -> None:
        """Make the frame of a datagram that is sent later, so that it goes out at once then."""
    def text(self, text: str) -> bool:
        """Send diagnostic text for people at the other end. Return False where the line is busy."""
    def close(self) -> None:
        """Close it; it may be opened again."""
def writer(stream):
    """Return the task that waits until the stream can be written to, or None. Of MicroPython alone."""
def writable(sink):
    """Wait, when awaited, until a line or the like can be written to."""
