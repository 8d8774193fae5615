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
def rest(bodies, message, owner):
    """Return the kept response of which a request with Block2 alone asks for the next block; None where the request
    has to run.
    """
def keep(endpoint, incoming, response, content, deadline):
    """Keep a response, `content` what gives its parts, until a tick. The one before for the same requests makes room
    for it, of one peer and of all the one that was begun first.
    """
