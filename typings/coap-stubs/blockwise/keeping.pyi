# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Responses of ours that are kept while a peer fetches them block by block: RFC 7959 section 2.4. Imported when there
is the first of them.

Kept is the response to a request that must not run again (all but GET), and one whose octets can be read only once.
"""
from typing import Any
from .bodies import Body

class Kept(Body):
    """A response that a peer fetches in blocks. `answer` is the whole of it."""
    answer: Any
    def __init__(self, owner, identity, deadline, answer): ...
    def poll(self, endpoint, now):
        """Forget it: its time is over, or there are others."""

class Window:
    """The payload of a kept response that can be read only once, from its beginning to its end: of its `source` the
    block that was asked for last is in memory, and what may follow.
    """
    source: Any
    def __init__(self, source): ...
    def part(self, start, size):
        """Return the octets of a block and whether more follow; None where they are gone, or lie beyond the next
        block. Raise MemoryError, and what the source raises: then the rest is gone.
        """
    def close(self):
        """Close the source."""
def rest(bodies, message, owner):
    """Return the kept response of which a request with Block2 alone asks for the next block; None where the request
    has to run.
    """
def keep(endpoint, incoming, response, content, deadline):
    """Keep a response, `content` its payload, until a tick. The one before for the same requests makes room for it, of
    one peer and of all the one that was begun first.
    """
