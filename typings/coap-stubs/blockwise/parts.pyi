# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Bodies that go out, a part at a time: octets in memory, or what an object with `read(n)` gives, such as a file."""
from typing import Any
from .._contracts import Octets
from .._contracts import Pieces

class _Memory:
    """A body in memory, of which nothing is copied."""
    once: bool
    size: Any
    def __init__(self, payload: Octets | Pieces) -> None: ...
    def part(self, start, size):
        """Return (octets from `start` on, `size` of them at most, whether more follow)."""
    def returns(self, start):
        """Return whether `part` can still give what begins at `start`."""
    def rewind(self):
        """Leave the payload as it was."""

class _Stream:
    """A body that is read as it is sent. No more than one part is kept, and an octet of the next one, which says that
    there is a next one.
    """
    once: Any
    size: Any
    def __init__(self, stream: Any, whole: bool) -> None: ...
    def part(self, start, size):
        """Return (octets from `start` on, `size` of them at most, whether more follow).

        Raise ValueError where they were read before and it can't go back, and what the stream's calls raise. After a
        MemoryError the same part may be asked for again, but not where it was `read` that raised it: who can't go back
        can't know what that took.
        """
    def returns(self, start):
        """Return whether `part` can still give what begins at `start`."""
    def rewind(self):
        """Leave the stream where it stood, if it can go back."""
    def close(self):
        """Close the stream. What is kept of it can still be had, where it was read to its end."""
def parts_of(payload: Any, whole: bool=False) -> _Memory | _Stream:
    """Return what has `part`, `returns`, `rewind`, `once` and `size`, octets of the whole body or None where that is
    not known; of a stream also `close`.

    A stream begins where it stands; where it can go back and `whole` is true, at its beginning. Raise what its calls
    raise.
    """
def close(payload: Any) -> None:
    """Close a payload that can be closed. Raise nothing: its octets have been read, or nobody wants them."""
