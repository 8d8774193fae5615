# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What the endpoint keeps of its peers' messages: requests that are open, answers for duplicates. Loaded with the first
message that asks for either.
"""
from typing import Any
from .._contracts import Octets
from .._contracts import Peer
from .._contracts import Tick
from ..message import Message

class Incoming:
    """A request from a peer, until it is answered. `message` is the request, `peer` where it came from."""
    binding: Any
    body: Any
    quiet: int
    leisure: Tick | None
    message: Message
    peer: Peer
    deadline: Tick | None
    entry: _Entry
    acknowledged: bool
    response: Any
    def __init__(self, message: Message, peer: Peer, deadline: Tick, entry: _Entry) -> None: ...
    def poll(self, endpoint, now):
        """Do what is due at `deadline`."""

class _Entry:
    peer: Any
    name: Any
    expires: Any
    answer: Any
    def __init__(self, peer, name, expires): ...
    def size(self):
        """Return the octets of the answer that is kept."""

class Duplicates:
    """Which messages came lately, and what was answered: RFC 7252 sections 4.2 and 4.5.

    A message that is sent again is the same, octet by octet. One that differs under a message ID that was used is
    another one, of a peer that was restarted and chose its IDs anew: taken for a duplicate, it would be lost, and the
    peer would get the answer to what it sent before. So a message is known by its ID together with a checksum: `named`.

    Holds at most `max_entries` of them and `octets` of answers. Where there is no room, the peer that takes up most
    of it loses its own oldest answer, so that one peer cannot make the table forget another. Of an answer that is
    dropped, the name and the code are kept, in 8 octets: up to _IDS of them for each of _PEERS peers.

    Only `add` and `find` raise: MemoryError, and then nothing has changed.
    """
    fresh: Any
    def __init__(self, max_entries, octets): ...
    def find(self, peer, name, now):
        """Return the entry of a message that came before, or None."""
    def expire(self, now):
        """Free what has expired. Were that left to `add`, an old entry would count as valid again after days, when
        the tick has wrapped.
        """
    def add(self, peer, name, expires, now):
        """Return the entry of a message that has not come before."""
    def release(self):
        """Take back what was added last; return that entry or None."""
    def answer(self, entry, octets, now=None):
        """Keep `octets` to be sent again when the entry's message comes again. With `now`, where they are no more than
        a code, a record of that takes the place of the entry: 8 octets for some 100.
        """
def named(mid: int, octets: Octets) -> int:
    """Return the name of a message: its ID, and 24 bits of a checksum of `octets`, of all of a request or of the token
    of a response. 14 bits would fit a small int beside the ID; they lost messages of a peer that came to IDs again.
    """
