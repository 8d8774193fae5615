# SPDX-License-Identifier: MIT
"""A body that a handler reads while it comes: `async for piece in request`. Imported with the first block of one.

The next block is asked for when the handler asks for the next piece, so that a peer goes no faster than the handler.
"""

import asyncio

from ... import numbers
from ...compat import const
from ...message import Message
from .conditions import drop

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from ...endpoint.duplicates import Incoming


class Reading:
    """The pieces of a body. It stands in for the Context while its handler runs, since the answer goes to the block
    that came last."""

    def __init__(self, context: "Any", incoming: "Incoming") -> None:
        self._context = context
        self._incoming = incoming  # the block that is not answered yet, or was answered last
        self._message: "Any" = incoming.message  # what came and was not read yet
        self._more: "Any" = True
        self._lost = not context.endpoint.is_open(incoming.body)
        self._final: "Message | None" = None
        self._came = asyncio.Event()
        self._waits = False
        incoming.body.tag = self._on_event
        first = len(incoming.message.payload)
        self.offset: int = incoming.body.size - first  # octets of the body before the first piece

    def __aiter__(self) -> "Reading":
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece. Raise Incomplete where the peer has gone silent, or begins anew."""
        if self._message is None:
            if not self._more:
                raise StopAsyncIteration
            if not self._lost:
                await self._next()
            if self._lost:
                from ..errors import Incomplete

                raise Incomplete("the peer does not send the rest of the body")
        message = self._message
        self._message = None
        self._more = message.uint(numbers.BLOCK1, 0) & 8
        return bytes(message.payload)

    async def _next(self):
        """Ask for the next block and wait until it has come, or was given up."""
        if not self._asked():
            self._came.clear()
            self._context.respond(self._incoming, Message(numbers.CONTINUE))
        self._waits = True
        try:
            await self._came.wait()
        finally:
            self._waits = False

    def _asked(self):
        return self._incoming.body.waiting is not self._incoming

    def _on_event(self, kind, subject, message):
        """Take the next block, or that the body was given up."""
        if message is None:
            self._lost = True
            if self._final is not None:
                drop(self._final)
            if self._waits:
                subject.tag = None  # the handler learns it, and ends by itself: nobody has to cancel it
        else:
            self._incoming = subject
            self._message = message
            if self._final is not None:
                self._context.respond(subject, self._final)
        self._came.set()

    def respond(self, incoming: "Incoming", message: Message, observe: bool = False) -> None:
        """Answer the block that came last, or the next one, where the handler ended before that came. Raise as
        Context.respond."""
        if self._asked() and not self._lost:
            self._final = message
        else:
            self._context.respond(self._incoming, message)


class Whole:
    """The pieces of a body that came in one message: one, or none where it is empty."""

    def __init__(self, payload: "Any") -> None:
        self._payload = payload

    def __aiter__(self) -> "Whole":
        return self

    async def __anext__(self) -> bytes:
        """Return the body, once."""
        payload = self._payload
        self._payload = b""
        if not len(payload):
            raise StopAsyncIteration
        return bytes(payload)
