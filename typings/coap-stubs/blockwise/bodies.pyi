# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Bodies under way, in pieces that need not lie side by side in memory, and whose they are."""
from collections.abc import Iterable
from typing import Any
from .._contracts import Tick

class Pieces:
    """A whole body whose `pieces`, a list of bytes, could not be joined: there was memory enough, but not in one
    piece. It has a length and gives its octets one by one, so bytes() of it works when there is room.
    """
    pieces: Iterable[bytes]
    def __init__(self, pieces: Iterable[bytes]) -> None: ...
    def __len__(self): ...
    def __iter__(self): ...

class Body:
    """A body under way between a peer and us, one of Endpoint.bodies. `owner` and `identity` tell it from others:
    whom it is from or for, and what all its requests have in common.
    """
    answer: Any
    entry: Any
    owner: Any
    identity: list
    deadline: Tick | None
    def __init__(self, owner: Any, identity: list, deadline: Tick | None) -> None: ...
    def poll(self, endpoint, now):
        """Forget the body: its time is over."""

class Collected(Body):
    """A body that a peer sends us, which the layer above gets when it is whole. `size` is what has come of it."""
    waiting: Any
    pieces: list
    size: int
    def __init__(self, owner: Any, identity: list, deadline: Tick | None) -> None: ...
    def repeats(self, payload):
        """Return whether these octets are the last block that was taken."""
    def give_up(self, endpoint):
        """Drop it."""
def owner(incoming):
    """Return whom a request is from: the address, or where it is protected the OSCORE context, from whatever
    address it came.
    """
def find(bodies, owner, identity, answered):
    """Return the body that the requests of this identity fetch from us (`answered`), or the one that they send us; None
    where there is none.
    """
def add(pieces, payload):
    """Add octets to a body. Raise MemoryError, and then it is as before."""
def length(pieces):
    """Return the octets of a body, bytes or Pieces."""
def joined(pieces, payload):
    """Return the whole body, `payload` its end: bytes, or Pieces where there is no room for it side by side."""
