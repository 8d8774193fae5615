# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Watching a resource of a peer (RFC 7641), as an asynchronous iterator. Imported with the first `Context.observe`."""
from typing import Any
from .._contracts import Peer
from .._contracts import Source
from ..message import Message
from .response import Response

class Changes:
    """What a resource is, and becomes: `async for change in changes`, each a Response, the first one at once.

    It is about states, not about each of them: a consumer that is slow gets the newest, and `skipped` counts the
    others. What comes in blocks is fetched whole. When the last one is stale (Max-Age, RFC 7641 section 3.3.1) the
    resource is asked for again, and so it is, with growing pauses, where nothing comes any more; where the peer answers
    and does not notify, whenever Max-Age is over. `established` says whether it notifies.

    A response with an error, 4.xx or 5.xx, is the last one: StopAsyncIteration follows. Where nothing ever came, what
    `Context.request` raises is raised.

    Within `async with` the observation ends with the block, by Observe 1 (section 3.6); `cancel` does the same. Where
    a loop is left without either, it ends by Reset once 16 changes were not taken, and by Observe 1 once the last one
    is stale; who goes on with it hears what the resource is then.
    """
    PAUSE: int
    LONGEST_PAUSE: int
    skipped: int
    def __init__(self, context: Any, to: str | Peer, message: Message, key: Any=None) -> None: ...
    @property
    def established(self) -> bool:
        """Whether the peer notifies, as far as we know."""
    def __aiter__(self) -> Changes: ...
    async def __aenter__(self) -> Changes: ...
    async def __aexit__(self, *error: Any) -> None: ...
    async def __anext__(self) -> Response: ...
    def cancel(self) -> None:
        """End it, and the loop over it: tell the peer by Observe 1, or by Reset to its next notification where that
        cannot be sent. Raise nothing.
        """
def read_whole(source: Source) -> bytes:
    """Return what a file gives, since it is asked with more than once."""
