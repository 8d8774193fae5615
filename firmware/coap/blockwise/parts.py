# SPDX-License-Identifier: MIT
"""Bodies that go out, a part at a time: octets in memory, or what an object with `read(n)` gives, such as a file."""

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Octets, Pieces


def parts_of(payload: "Any", whole: bool = False) -> "_Memory | _Stream":
    """Return what has `part`, `returns`, `rewind`, `once` and `size`, octets of the whole body or None where that is
    not known; of a stream also `close`.

    A stream begins where it stands; where it can go back and `whole` is true, at its beginning. Raise what its calls
    raise.
    """
    return _Stream(payload, whole) if hasattr(payload, "read") else _Memory(payload)


class _Memory:
    """A body in memory, of which nothing is copied."""

    once = False

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

    def __init__(self, stream: "Any", whole: bool) -> None:
        self._stream = stream
        self.once = not hasattr(stream, "seek")  # it can be read only once
        self._origin = 0  # of the body in the stream
        self.size = None
        self._at = 0  # where in the body `_kept` begins
        self._kept = b""
        self._fresh = b""  # what was read last, until it is in `_kept`
        self._lost = False  # whether a read was begun and not ended
        self._ended = False  # whether nothing comes behind what is kept
        origin = None
        try:
            origin = stream.tell()
            self._origin = 0 if whole else origin
            stream.seek(0, 2)
            self.size = stream.tell() - self._origin
            stream.seek(origin)
        except (AttributeError, TypeError):
            pass  # its length is not known: it is read until it gives nothing
        except OSError:
            self.once = True  # a pipe: it has seek(), and can't
        except MemoryError:
            if origin is not None:
                stream.seek(origin)
            raise
        if whole and not self.once:
            self._lost = True  # wherever it stands, it goes back first

    def part(self, start, size):
        """Return (octets from `start` on, `size` of them at most, whether more follow).

        Raise ValueError where they were read before and it can't go back, and what the stream's calls raise. After a
        MemoryError the same part may be asked for again, but not where it was `read` that raised it: who can't go back
        can't know what that took.
        """
        self._keep()
        kept = self._kept
        if self._lost or not self._at <= start <= self._at + len(kept):
            self._seek(start)
            kept = b""
        elif start > self._at:
            kept = kept[start - self._at :]
        self._kept = kept
        self._at = start
        while not self._ended and len(self._kept) <= size:
            wanted = size + 1 - len(self._kept)
            self._lost = True
            self._fresh = octets = self._stream.read(wanted)
            self._lost = False
            self._ended = not octets
            self._keep()
        return memoryview(self._kept)[:size], len(self._kept) > size

    def _keep(self):
        """Put what was read last behind what is kept. Raise MemoryError, and then it may be called again."""
        fresh = self._fresh
        if not isinstance(fresh, (bytes, bytearray)):
            raise ValueError(
                "payload: read() gave %s, it must give bytes, as a file opened by 'rb' does"
                % type(fresh).__name__
            )
        if fresh:
            self._kept = self._kept + fresh if self._kept else bytes(fresh)
            self._fresh = b""

    def returns(self, start):
        """Return whether `part` can still give what begins at `start`."""
        if not self.once:
            return True
        return not self._lost and self._at <= start <= self._at + len(self._kept)

    def rewind(self):
        """Leave the stream where it stood, if it can go back."""
        if not self.once:
            self._stream.seek(self._origin)

    def _seek(self, start):
        if self.once:
            raise ValueError("payload: octet %d was read before, and it can't seek() back" % start)
        self._stream.seek(self._origin + start)
        self._fresh = b""
        self._lost = self._ended = False

    def close(self):
        """Close the stream. What is kept of it can still be had, where it was read to its end."""
        stream = self._stream
        self._stream = None
        close(stream)


def close(payload: "Any") -> None:
    """Close a payload that can be closed. Raise nothing: its octets have been read, or nobody wants them."""
    if hasattr(payload, "close"):
        try:
            payload.close()
        except Exception:
            pass
