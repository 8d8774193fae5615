# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Protected messages that come in pieces, as a proxy makes them: outer Block options, RFC 8613 section 4.1.3.4.2.
Imported when the first one comes.

Nothing protects a piece, so all that is done with them is bounded: a Security keeps pieces of one request from the
address of its peer and of one from any other, and of one response for each request of ours that is open. A message
longer than `max_unfragmented` is dropped. Only the whole is verified, once the last piece is there.
"""
from typing import Any

class Body:
    """What has come of one message."""
    peer: Any
    known: Any
    identity: Any
    pieces: list
    deadline: int
    option: bytes
    sealed: bytes
    def __init__(self, peer, known, identity): ...
def collect(security, message, peer, known, now):
    """Take a request with an outer Block1 option. Return (its Body, None) where it is complete, and the payload is then
    the whole of it, else (None, what `unprotect_request` gives). Raise MemoryError: then nothing has changed.
    """
def expire(bodies, now):
    """Forget those whose time is over."""
def add_response(binding, message, limit):
    """Take a response with an outer Block2 option to the request of this binding. Return the whole, or None where it
    does not fit together or is too long; or a sign that the next piece must be asked for, and then `binding.again` is
    true. Raise MemoryError: then nothing has changed.
    """
def next_request(message, binding):
    """Return the request for the next piece: the protected one without its payload (RFC 7959 section 2.7)."""
