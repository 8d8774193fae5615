# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Bodies in blocks as an application wants them: a largest block, a response into a file, from an octet on, or a piece
at a time. Imported with the first call that says so. RFC 7959.
"""
from collections.abc import Sequence
from typing import Any
from .._contracts import Peer
from ..message import Message
from .response import Response

class Stream:
    """A body that is fetched a piece at a time, `async for piece in context.stream(uri)`: the next block is asked for
    when the next piece is wanted, and nothing is kept meanwhile, here or in the endpoint.

    `position` is where the next piece begins, in octets: what was broken off goes on with `offset=stream.position`.
    `etag` is the ETag of the first piece, `size` the length of the whole where the peer says it (Size2), `response` the
    last Response.
    """
    position: int
    etag: bytes | None
    size: int | None
    response: Response | None
    def __init__(self, client: Any, uri: str | Peer, options: Sequence[tuple[int, bytes]], offset: int=0, largest: int | None=None, timeout: float | None=None, etag: bytes | None=None, context: Any=None) -> None: ...
    def __aiter__(self) -> Stream: ...
    async def __anext__(self) -> bytes:
        """Return the next piece, one octet at least. Raise Incomplete where the resource has changed, or the response
        is an error or another block than was asked for, and what `request` raises; then the same piece may be asked
        for again.
        """
def exponent_of(size: int | None, max_datagram: int) -> int:
    """Return the exponent of the largest block of at most `size` octets that fits a datagram. Raise ValueError."""
async def transfer(client: Any, message: Message, to: str | Peer, largest: int | None, into: Any, offset: int, context: Any=None) -> Response | None:
    """Send `message` as Client.request does, its body and that of the response in blocks of at most `largest` octets,
    the response from its octet `offset` on, `into` something where that is given; return the Response. Its `length`
    is how many octets came.

    Raise ValueError for what can't be said, and what `request` raises.
    """
async def rewinding(payload: Any, made: Any) -> Response | None:
    """Return what `made` gives. Where that is no success, or nothing comes, have a payload stand where it stood, so
    that all of it goes out when it is sent again.
    """
