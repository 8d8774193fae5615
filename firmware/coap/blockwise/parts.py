# SPDX-License-Identifier: MIT
"""Bodies that go out, a part at a time: octets in memory, or what an object with `read(n)` gives, such as a file."""

from ..compat import const
from .sources import read

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Octets, Pieces


def parts_of(payload: "Any") -> "_Memory | _Stream":
    """Return what has `part`, `returns`, `rewind` and `size`, octets of the whole body or None where that is not known.

    A stream begins where it stands. Raise what its calls raise.
    """
    return _Stream(payload) if hasattr(payload, "read") else _Memory(payload)


class _Memory:
    """A body in memory, of which nothing is copied."""

    def __init__(self, payload: "Octets | Pieces") -> None:
        self._view = memoryview(bytes(payload) if hasattr(payload, "pieces") else payload)  # type: ignore
        self.size = len(self._view)

    def part(self, start, size):
        """Return (octets from `start` on, `size` of them at most, whether more follow)."""
        return self._view[start : start + size], start + size < self.size

    def returns(self, start):
        """Return whether `part` can still give what begins at `start`."""
        return True

    def rewind(self):
        """Leave the payload as it was."""


class _Stream:
    """A body that is read as it is sent. No more than one part is kept, and an octet of the next one, which says that
    there is a next one."""

    def __init__(self, stream: "Any") -> None:
        self._stream = stream
        self._origin = 0  # of the body in the stream
        self.size = None
        self._at = 0  # where in the body `_kept` begins
        self._kept = b""
        self._lost = False  # whether octets were read that are not in `_kept`
        try:
            self._origin = origin = stream.tell()
            stream.seek(0, 2)
            self.size = stream.tell() - origin
            stream.seek(origin)
        except (AttributeError, TypeError, OSError):
            pass  # its length is not known: it is read until it gives nothing

    def part(self, start, size):
        """Return (octets from `start` on, `size` of them at most, whether more follow).

        Raise ValueError where they were read before and it can't go back, and what the stream's calls raise. After a
        MemoryError the same part may be asked for again.
        """
        kept = self._kept
        if self._lost or not self._at <= start <= self._at + len(kept):
            self._seek(start)
            kept = b""
        elif start > self._at:
            kept = kept[start - self._at :]
        self._kept = kept
        self._at = start
        if len(kept) <= size:
            self._lost = True
            octets = read(self._stream, size + 1 - len(kept))
            if not isinstance(octets, (bytes, bytearray)):
                raise ValueError("payload: read() gave %r, it must give bytes" % (octets,))
            kept = kept + octets if kept else octets
            self._kept = kept
            self._lost = False
        return memoryview(kept)[:size], len(kept) > size

    def returns(self, start):
        """Return whether `part` can still give what begins at `start`."""
        return hasattr(self._stream, "seek") or start >= self._at and not self._lost

    def rewind(self):
        """Leave the stream where it stood, if it can go back."""
        if hasattr(self._stream, "seek"):
            self._stream.seek(self._origin)

    def _seek(self, start):
        if not hasattr(self._stream, "seek"):
            raise ValueError("payload: octet %d was read before, and it has no seek() to go back" % start)
        self._stream.seek(self._origin + start)
        self._lost = False
