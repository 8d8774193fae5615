# SPDX-License-Identifier: MIT
"""Bodies under way, in pieces that need not lie side by side in memory, and whose they are."""

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from collections.abc import Iterable
    from typing import Any

    from contracts import Tick

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
    """A body under way between a peer and us, one of Endpoint.bodies. `owner` and `identity` tell it from others:
    whom it is from or for, and what all its requests have in common."""

    answer = None  # the response that a peer fetches from us, where it is that
    entry = None  # of the last request for it: where that fails, the body is dropped

    def __init__(self, owner: "Any", identity: list, deadline: "Tick | None") -> None:
        self.owner = owner
        self.identity = identity
        self.deadline = deadline

    def poll(self, endpoint, now):
        """Forget the body: its time is over."""
        endpoint.bodies.remove(self)


class Collected(Body):
    """A body that a peer sends us, which the layer above gets when it is whole. `size` is what has come of it."""

    waiting = None  # nobody but the peer is waited for

    def __init__(self, owner: "Any", identity: list, deadline: "Tick | None") -> None:
        super().__init__(owner, identity, deadline)
        self.pieces: list = []
        self.size = 0

    def repeats(self, payload):
        """Return whether these octets are the last block that was taken."""
        return self.pieces[-1][-len(payload) :] == bytes(payload)

    def give_up(self, endpoint):
        """Drop it."""
        endpoint.bodies.remove(self)


def owner(incoming):
    """Return whom a request is from: the address, or where it is protected the OSCORE context, from whatever
    address it came."""
    binding = incoming.binding
    return incoming.peer if binding is None else binding.context


def find(bodies, owner, identity, answered):
    """Return the body that the requests of this identity fetch from us (`answered`), or the one that they send us; None
    where there is none."""
    for body in bodies:
        if bool(body.answer) == answered and body.owner == owner and body.identity == identity:
            return body
    return None


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
