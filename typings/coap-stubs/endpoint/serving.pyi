# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The part of an Endpoint that answers its peers' requests: RFC 7252 sections 4.2, 4.5 and 5.2."""
from collections.abc import Callable
from typing import Any
from .. import numbers
from .._contracts import Tick
from ..message import Message
from .continuing import Continuing
from .duplicates import Incoming

class Serving(Continuing):
    """Methods of Endpoint, whose attributes they use. They come into it with the first request of a peer."""
    ACK_DELAY: int
    MAX_INCOMING: int
    MAX_INCOMING_PER_PEER: int
    max_body: int
    max_datagram: int
    parameters: numbers.Parameters
    security: Any
    stats: dict[str, int]
    bodies: list
    put: Callable[..., None]
    encoded: Callable[..., Any]
    next_mid: Callable[..., int]
    start: Callable[..., Any]
    unrecognized: Callable[..., int | None]
    def respond(self, incoming: Incoming, message: Message, now: Tick) -> None:
        """Answer a request; piggybacked where its acknowledgement is still owed, else separately. `message` stays as
        it is. What is larger than a datagram goes out in blocks, where `max_body` is not 0.

        The payload may also be a source, such as a binary file: something with `read(n)`. Of one that has `seek`, too,
        each block is read when it goes out, and any may be asked for; one without it is read once. A source that has
        `close` is closed when it is not needed any more.

        Nothing happens where the request was answered before or given up. Raise MessageError when the message is no
        response or does not fit a datagram, MemoryError, what a source raises, with `security` also StateError and
        OSError: then the request is as before, and may be answered by another message (a source that can't seek is
        used up, though).
        """
    def shaped(self, incoming: Any, message: Message, now: Tick) -> tuple[Message, Any]:
        """Return what goes out for a response: a part of it where it goes in blocks, and protected; and what is to be
        closed then, or None. Raise as `respond` does.
        """
    def overdue(self, incoming: Incoming, now: Tick) -> None:
        """Acknowledge a request that is not answered yet, send what waited for its leisure, or give the request up."""
