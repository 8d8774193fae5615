# SPDX-License-Identifier: MIT
"""Bodies under way, in pieces that need not lie side by side in memory."""

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from collections.abc import Iterable

_PIECE = const(512)  # octets that must lie side by side while a body comes in


class Pieces:
    """A whole body whose `pieces`, a list of bytes, could not be joined: there was memory enough, but not in one
    piece. It has a length and gives its octets one by one, so bytes() of it works when there is room."""

    def __init__(self, pieces: "Iterable[bytes]") -> None:
        self.pieces = pieces

    def __len__(self):
        return length(self.pieces)

    def __iter__(self):
        for piece in self.pieces:
            yield from piece


class Body:
    """A body under way: one that a peer sends us, in pieces that need not be adjacent in memory, or the `answer`
    that a peer fetches from us in blocks."""

    def __init__(self, peer, identity, entry, deadline, answer=None):
        self.peer = peer
        self.identity = identity
        self.entry = entry  # of the last request for it: where that fails, the body is dropped
        self.deadline = deadline
        self.answer = answer
        self.pieces = []

    def poll(self, endpoint, now):
        """Forget the body: its time is over."""
        endpoint.bodies.remove(self)


def add(pieces, payload):
    """Add octets to a body. Raise MemoryError, and then it is as before."""
    if pieces and len(pieces[-1]) + len(payload) <= _PIECE:
        pieces[-1] += payload
    else:
        pieces.append(bytes(payload))


def length(pieces):
    """Return the octets of a body, bytes or Pieces."""
    return sum([len(piece) for piece in pieces])


def joined(pieces, payload):
    """Return the whole body, `payload` its end: bytes, or Pieces where there is no room for it side by side."""
    pieces = list(pieces) + [bytes(payload)]
    try:
        return b"".join(pieces)
    except MemoryError:
        return Pieces(pieces)


def find(bodies, peer, answered):
    """Return the body that this peer fetches from us (`answered`), or the one that it sends us; None where there is
    none."""
    for body in bodies:
        if body.peer == peer and bool(body.answer) == answered:
            return body
    return None
