# SPDX-License-Identifier: MIT
"""Slipmux framing (draft-bormann-t2trg-slipmux): SLIP frames whose first octet says what they hold.

`encode` makes the octets of a frame, `Decoder` finds frames in whatever comes in. No frame is ever lost to noise
before it: each begins and ends with END, and the frame check sequence of RFC 1662 tells the whole from the damaged.
"""

from ..compat import const

COAP = const(0xA9)
L3 = const(0xC5)  # TS 24.538 Annex A.2; a value of this project (docs/serial.md)
TEXT = const(0x0A)  # diagnostic text for people, without a frame check sequence

_END = const(b"\xc0")
_ESC = const(b"\xdb")
_PIECE = const(256)  # octets that are escaped at a time
_OVERHEAD = const(3)  # first octet and frame check sequence

# The table of RFC 1662 appendix C.2 for the polynomial x**16 + x**12 + x**5 + 1, low and high octets apart: so the
# loop over each octet works on small integers alone, and the tables stay in flash where the module is frozen.
_LOW = const(
    b"\x00\x89\x12\x9b\x24\xad\x36\xbf\x48\xc1\x5a\xd3\x6c\xe5\x7e\xf7\x81\x08\x93\x1a\xa5\x2c\xb7\x3e"
    b"\xc9\x40\xdb\x52\xed\x64\xff\x76\x02\x8b\x10\x99\x26\xaf\x34\xbd\x4a\xc3\x58\xd1\x6e\xe7\x7c\xf5"
    b"\x83\x0a\x91\x18\xa7\x2e\xb5\x3c\xcb\x42\xd9\x50\xef\x66\xfd\x74\x04\x8d\x16\x9f\x20\xa9\x32\xbb"
    b"\x4c\xc5\x5e\xd7\x68\xe1\x7a\xf3\x85\x0c\x97\x1e\xa1\x28\xb3\x3a\xcd\x44\xdf\x56\xe9\x60\xfb\x72"
    b"\x06\x8f\x14\x9d\x22\xab\x30\xb9\x4e\xc7\x5c\xd5\x6a\xe3\x78\xf1\x87\x0e\x95\x1c\xa3\x2a\xb1\x38"
    b"\xcf\x46\xdd\x54\xeb\x62\xf9\x70\x08\x81\x1a\x93\x2c\xa5\x3e\xb7\x40\xc9\x52\xdb\x64\xed\x76\xff"
    b"\x89\x00\x9b\x12\xad\x24\xbf\x36\xc1\x48\xd3\x5a\xe5\x6c\xf7\x7e\x0a\x83\x18\x91\x2e\xa7\x3c\xb5"
    b"\x42\xcb\x50\xd9\x66\xef\x74\xfd\x8b\x02\x99\x10\xaf\x26\xbd\x34\xc3\x4a\xd1\x58\xe7\x6e\xf5\x7c"
    b"\x0c\x85\x1e\x97\x28\xa1\x3a\xb3\x44\xcd\x56\xdf\x60\xe9\x72\xfb\x8d\x04\x9f\x16\xa9\x20\xbb\x32"
    b"\xc5\x4c\xd7\x5e\xe1\x68\xf3\x7a\x0e\x87\x1c\x95\x2a\xa3\x38\xb1\x46\xcf\x54\xdd\x62\xeb\x70\xf9"
    b"\x8f\x06\x9d\x14\xab\x22\xb9\x30\xc7\x4e\xd5\x5c\xe3\x6a\xf1\x78"
)
_HIGH = const(
    b"\x00\x11\x23\x32\x46\x57\x65\x74\x8c\x9d\xaf\xbe\xca\xdb\xe9\xf8\x10\x01\x33\x22\x56\x47\x75\x64"
    b"\x9c\x8d\xbf\xae\xda\xcb\xf9\xe8\x21\x30\x02\x13\x67\x76\x44\x55\xad\xbc\x8e\x9f\xeb\xfa\xc8\xd9"
    b"\x31\x20\x12\x03\x77\x66\x54\x45\xbd\xac\x9e\x8f\xfb\xea\xd8\xc9\x42\x53\x61\x70\x04\x15\x27\x36"
    b"\xce\xdf\xed\xfc\x88\x99\xab\xba\x52\x43\x71\x60\x14\x05\x37\x26\xde\xcf\xfd\xec\x98\x89\xbb\xaa"
    b"\x63\x72\x40\x51\x25\x34\x06\x17\xef\xfe\xcc\xdd\xa9\xb8\x8a\x9b\x73\x62\x50\x41\x35\x24\x16\x07"
    b"\xff\xee\xdc\xcd\xb9\xa8\x9a\x8b\x84\x95\xa7\xb6\xc2\xd3\xe1\xf0\x08\x19\x2b\x3a\x4e\x5f\x6d\x7c"
    b"\x94\x85\xb7\xa6\xd2\xc3\xf1\xe0\x18\x09\x3b\x2a\x5e\x4f\x7d\x6c\xa5\xb4\x86\x97\xe3\xf2\xc0\xd1"
    b"\x29\x38\x0a\x1b\x6f\x7e\x4c\x5d\xb5\xa4\x96\x87\xf3\xe2\xd0\xc1\x39\x28\x1a\x0b\x7f\x6e\x5c\x4d"
    b"\xc6\xd7\xe5\xf4\x80\x91\xa3\xb2\x4a\x5b\x69\x78\x0c\x1d\x2f\x3e\xd6\xc7\xf5\xe4\x90\x81\xb3\xa2"
    b"\x5a\x4b\x79\x68\x1c\x0d\x3f\x2e\xe7\xf6\xc4\xd5\xa1\xb0\x82\x93\x6b\x7a\x48\x59\x2d\x3c\x0e\x1f"
    b"\xf7\xe6\xd4\xc5\xb1\xa0\x92\x83\x7b\x6a\x58\x49\x3d\x2c\x1e\x0f"
)


def fcs(octets, low=0xFF, high=0xFF):
    """FCS-16 register (RFC 1662 appendix C.2) as (low, high) octets; over a whole good frame it is (0xB8, 0xF0)."""
    for octet in octets:
        index = low ^ octet
        low = high ^ _LOW[index]
        high = _HIGH[index]
    return low, high


def encode(kind, parts):
    """Yield the octets of a frame for the line, piece by piece.

    A part is a buffer, or has len() and read(offset, size), which may come from storage. Where it gives less than
    its length, the frame is aborted: the receiver drops it.
    """
    yield _END + bytes((kind,))
    low, high = fcs((kind,))
    for part in parts:
        size = len(part)
        view = None if hasattr(part, "read") else memoryview(part)
        for offset in range(0, size, _PIECE):
            length = min(_PIECE, size - offset)
            piece = _read(part, offset, length) if view is None else bytes(view[offset : offset + length])
            if len(piece) < length:
                yield _ESC + _END
                return
            low, high = fcs(piece, low, high)
            yield _escape(piece)
    if kind != TEXT:
        yield _escape(bytes((low ^ 0xFF, high ^ 0xFF)))
    yield _END


def _read(part, offset, size):
    try:
        return part.read(offset, size)
    except OSError:
        return b""


def _escape(octets):
    return octets.replace(_ESC, b"\xdb\xdd").replace(_END, b"\xdb\xdc")


class Decoder:
    """Finds frames in a stream of octets. `max_frame` is the longest content, without first octet and check.

    Content beyond `buffer` octets goes piece by piece to the object that `spool()` returns, which has
    append(octets) and remove(). Without `spool` the buffer takes all. Only frames of `kind` are spooled: nobody
    would take and remove the others.
    """

    def __init__(self, max_frame, spool=None, buffer=1024, kind=L3):
        self.stats = {
            "frames": 0,
            "damaged": 0,  # frame check or escape wrong, or less than a frame
            "long": 0,  # longer than max_frame, or no room in the storage
            "aborted": 0,  # by the sender
            "unknown": 0,  # first octet means nothing here
        }
        self._max = max_frame + _OVERHEAD
        self._new_spool = spool
        self._spooled = kind
        if spool is None or self._max < buffer:
            buffer = self._max
        self._buffer = bytearray(buffer)
        self._spool = None
        self._escaped = False
        self._begin()

    def feed(self, octets):
        """Yield (kind, content) of each frame that ends in these octets (bytes).

        The content is a view that the next frame overwrites, or the spool, which is the caller's from then on.
        """
        view = memoryview(octets)
        end = len(octets)
        position = 0
        while position < end:
            if self._escaped:
                self._escaped = False
                position += self._unescape(octets[position])
                continue
            stop = octets.find(_END, position)
            if stop < 0:
                stop = end
            escape = octets.find(_ESC, position, stop)
            if escape >= 0:
                stop = escape
                self._escaped = True
            if stop > position:
                self._take(view[position:stop])
            position = stop + 1
            if stop < end and not self._escaped:
                frame = self._finish()
                if frame is not None:
                    yield frame

    def _unescape(self, octet):
        """Take the octet behind ESC. Return 0 where it is none that may stand there: then it counts for itself."""
        if octet == 0xDC:
            self._take(_END)
        elif octet == 0xDD:
            self._take(_ESC)
        elif octet == 0xC0:
            self._drop("aborted")
            self._begin()
        else:
            self._drop("damaged")
            return 0
        return 1

    def reset(self):
        """Forget a frame that is half there: the line was lost."""
        self._escaped = False
        if self._received:
            self._drop("damaged")
        self._begin()

    def _begin(self):
        self._received = 0  # octets of the frame, unescaped
        self._held = 0  # of them in the buffer
        self._low = self._high = 0xFF
        self._skip = False

    def _drop(self, why):
        """Drop the rest of the frame."""
        if not self._skip:
            self._skip = True
            self.stats[why] += 1
        if self._spool is not None:
            self._spool.remove()
            self._spool = None

    def _take(self, piece):
        size = len(piece)
        self._received += size
        if self._skip:
            return
        if self._received > self._max:
            self._drop("long")
            return
        self._low, self._high = fcs(piece, self._low, self._high)
        start = 0
        while size - start > len(self._buffer) - self._held:
            fits = len(self._buffer) - self._held
            self._put(piece, start, fits)
            start += fits
            try:
                fits = self._flush()
            except (OSError, MemoryError):
                fits = False
            if not fits:
                self._drop("long")
                return
        self._put(piece, start, size - start)

    def _put(self, piece, start, size):
        self._buffer[self._held : self._held + size] = piece[start : start + size]
        self._held += size

    def _flush(self):
        """Move the buffer to the spool, but for its last two octets, which may be the frame check sequence. False
        where it is no frame for it."""
        view = memoryview(self._buffer)
        start = 0
        if self._spool is None:
            self._kind = self._buffer[0]
            if self._kind != self._spooled:
                return False
            self._spool = self._new_spool()
            start = 1
        self._spool.append(view[start : self._held - 2])
        view[0:2] = bytes(view[self._held - 2 : self._held])
        self._held = 2
        return True

    def _finish(self):
        """END came: the frame, or None."""
        if not self._received:
            return None  # between two frames
        kind = self._buffer[0] if self._spool is None else self._kind
        if kind != COAP and kind != L3 and kind != TEXT:
            self._drop("unknown")
        elif kind != TEXT and not (self._low == 0xB8 and self._high == 0xF0 and self._received >= _OVERHEAD):
            self._drop("damaged")
        good, held, spool = not self._skip, self._held, self._spool
        self._spool = None
        self._begin()
        if not good:
            return None
        view = memoryview(self._buffer)
        if spool is None:
            self.stats["frames"] += 1
            return kind, view[1 : held if kind == TEXT else held - 2]
        try:
            spool.append(view[: held - 2])
        except (OSError, MemoryError):
            spool.remove()
            self.stats["long"] += 1
            return None
        self.stats["frames"] += 1
        return kind, spool
