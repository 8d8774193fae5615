# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Bodies under way, in pieces that need not lie side by side in memory."""
from collections.abc import Iterable
from typing import Any

class Pieces:
    """A whole body whose `pieces`, a list of bytes, could not be joined: there was memory enough, but not in one
    piece. It has a length and gives its octets one by one, so bytes() of it works when there is room.
    """
    pieces: Iterable[bytes]
    def __init__(self, pieces: Iterable[bytes]) -> None: ...
    def __len__(self): ...
    def __iter__(self): ...

class Body:
    """A body under way: one that a peer sends us, in pieces that need not be adjacent in memory, or the `answer`
    that a peer fetches from us in blocks.
    """
    peer: Any
    identity: Any
    entry: Any
    deadline: Any
    answer: Any
    pieces: list
    def __init__(self, peer, identity, entry, deadline, answer=None): ...
    def poll(self, endpoint, now):
        """Forget the body: its time is over."""
def add(pieces, payload):
    """Add octets to a body. Raise MemoryError, and then it is as before."""
def length(pieces):
    """Return the octets of a body, bytes or Pieces."""
def joined(pieces, payload):
    """Return the whole body, `payload` its end: bytes, or Pieces where there is no room for it side by side."""
def find(bodies, peer, answered):
    """Return the body that this peer fetches from us (`answered`), or the one that it sends us; None where there is
    none.
    """
