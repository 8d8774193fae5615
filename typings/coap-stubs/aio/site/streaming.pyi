# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""A body that a handler reads while it comes: `async for piece in request`. Imported with the first block of one.

The next block is asked for when the handler asks for the next piece, so that a peer goes no faster than the handler.
"""
from typing import Any
from ...endpoint.duplicates import Incoming
from ...message import Message

class Reading:
    """The pieces of a body. It stands in for the Context while its handler runs, since the answer goes to the block
    that came last.
    """
    offset: int
    def __init__(self, context: Any, incoming: Incoming) -> None: ...
    def __aiter__(self) -> Reading: ...
    async def __anext__(self) -> bytes:
        """Return the next piece. Raise Incomplete where the peer has gone silent, or begins anew."""
    def respond(self, incoming: Incoming, message: Message, observe: bool=False) -> None:
        """Answer the block that came last, or the next one, where the handler ended before that came. Raise as
        Context.respond.
        """

class Whole:
    """The pieces of a body that came in one message: one, or none where it is empty."""
    def __init__(self, payload: Any) -> None: ...
    def __aiter__(self) -> Whole: ...
    async def __anext__(self) -> bytes:
        """Return the body, once."""
