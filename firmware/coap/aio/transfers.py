# SPDX-License-Identifier: MIT
"""Bodies in blocks as an application wants them: a largest block, a response into a file, from an octet on, or a piece
at a time. Imported with the first call that says so. RFC 7959.
"""

import io

from .. import numbers
from ..blockwise.option import block, fits, fitting, octets
from ..compat import const
from ..message import Message

_TYPING = const(False)
if _TYPING:
    from collections.abc import Sequence
    from typing import Any

    from contracts import Peer

    from .response import Response

_BESIDE = const(64)  # octets of a datagram beside the block


def exponent_of(size: int | None, max_datagram: int) -> int:
    """Return the exponent of the largest block of at most `size` octets that fits a datagram. Raise ValueError."""
    if size is not None and size < 16:
        raise ValueError("block=%r: the smallest block has 16 octets" % (size,))
    return fitting(min(size or 1024, max_datagram - _BESIDE))


async def transfer(
    client: "Any",
    message: Message,
    to: "str | Peer",
    largest: int | None,
    into: "Any",
    offset: int,
    context: "Any" = None,
) -> "Response | None":
    """Send `message` as Client.request does, its body and that of the response in blocks of at most `largest` octets,
    the response from its octet `offset` on, `into` something where that is given; return the Response. Its `length`
    is how many octets came.

    Raise ValueError for what can't be said, and what `request` raises.
    """
    if offset < 0:
        raise ValueError("offset=%r: the first octet of a body is 0" % (offset,))
    exponent = exponent_of(largest, client.endpoint.max_datagram)
    skip = offset % (16 << exponent)
    options = list(message.options)
    payload = message.payload
    if offset or largest is not None or not payload or exponent < 6:
        options.append((numbers.BLOCK2, octets(offset - skip, False, exponent)))
    if payload:
        options.append((numbers.BLOCK1, octets(0, False, exponent)))
        if not hasattr(payload, "read") and len(payload) <= client.endpoint.max_datagram:
            payload = io.BytesIO(payload)  # else it would go out in one
    message = Message(message.code, payload, options, message.type, 0, message.token)
    sink = _After(into, skip) if into is not None and skip else into
    answer = await client.request(message, to, None, sink, context=context)
    if answer is None:
        return None  # No-Response
    length = answer.length
    if answer.ok and answer.code != numbers.VALID and offset:
        if into is None:
            if answer.option(numbers.BLOCK2) is None:
                skip = offset  # the whole came, in one
            whole = answer.payload
            answer.payload = memoryview(bytes(whole) if hasattr(whole, "pieces") else whole)[skip:]
        length = max(0, length - skip)
    answer.length = length
    return answer


async def rewinding(payload: "Any", made: "Any") -> "Response | None":
    """Return what `made` gives. Where that is no success, or nothing comes, have a payload stand where it stood, so
    that all of it goes out when it is sent again."""
    done = False
    origin = None
    try:
        try:
            origin = payload.tell()
        except (AttributeError, OSError, ValueError):
            pass  # it can't go back
        answer = await made
        done = answer is None or answer.ok
        return answer
    finally:
        if not done and origin is not None:
            try:
                payload.seek(origin)
            except (OSError, ValueError):
                pass  # it was closed meanwhile


class _After:
    """Something to write to, but for the first octets."""

    def __init__(self, into, skip):
        self._into = into
        self._skip = skip

    def write(self, octets):
        """Write what is left of these octets; return how many are dealt with."""
        skip = min(self._skip, len(octets))
        if skip:
            self._skip -= skip
            octets = memoryview(octets)[skip:]
        if not octets:
            return skip
        written = self._into.write(octets)
        return None if written is None else skip + written


class Stream:
    """A body that is fetched a piece at a time, `async for piece in context.stream(uri)`: the next block is asked for
    when the next piece is wanted, and nothing is kept meanwhile, here or in the endpoint.

    `position` is where the next piece begins, in octets: what was broken off goes on with `offset=stream.position`.
    `etag` is the ETag of the first piece, `size` the length of the whole where the peer says it (Size2), `response` the
    last Response.
    """

    def __init__(
        self,
        client: "Any",
        uri: "str | Peer",
        options: "Sequence[tuple[int, bytes]]",
        offset: int = 0,
        largest: int | None = None,
        timeout: float | None = None,
        etag: bytes | None = None,
        context: "Any" = None,
    ) -> None:
        if offset < 0:
            raise ValueError("offset=%r: the first octet of a body is 0" % (offset,))
        self.position = offset
        self.etag = etag
        self.size: int | None = None
        self.response: "Response | None" = None
        self._client = client
        self._to = uri
        self._options = list(options)
        self._exponent = exponent_of(largest, client.endpoint.max_datagram)
        self._timeout = timeout
        self._key = context
        self._more = True

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece, one octet at least. Raise Incomplete where the resource has changed, or the response
        is an error or another block than was asked for, and what `request` raises; then the same piece may be asked
        for again."""
        while self._more:
            piece = await self._next()
            if piece:
                return piece
        raise StopAsyncIteration

    async def _next(self):
        skip = self.position % (16 << self._exponent)
        start = self.position - skip
        options = self._options + [(numbers.BLOCK2, octets(start, False, self._exponent))]
        if self.response is None:
            options.append((numbers.SIZE2, b""))  # "how long is it?", section 4
        answer = await self._client.request(
            Message(numbers.GET, b"", options), self._to, self._timeout, alone=True, context=self._key
        )
        if not answer.ok:
            raise _incomplete(
                answer, "the answer to octet %d is %s" % (start, numbers.code_text(answer.code))
            )
        begin, more, exponent = 0, 0, self._exponent
        if answer.option(numbers.BLOCK2) is not None:
            begin, more, exponent = block(answer, numbers.BLOCK2)
            if not fits(answer, more, exponent):
                raise _incomplete(answer, "Block2 does not say the length of its payload")
        if begin != start:
            raise _incomplete(answer, "octet %d was asked for, and %d came" % (start, begin))
        etag = answer.etag
        if etag != self.etag and (self.response is not None or self.etag is not None):
            raise _incomplete(answer, "the resource has changed: ETag %r is %r now" % (self.etag, etag))
        self.etag = etag
        if answer.uint(numbers.SIZE2) is not None:
            self.size = answer.uint(numbers.SIZE2)
        self._exponent = exponent
        self._more = bool(more)
        self.response = answer
        piece = bytes(answer.payload)[skip:]
        self.position += len(piece)
        return piece


def _incomplete(answer: "Response", why: str) -> Exception:
    from .errors import Incomplete

    error = Incomplete(why)
    error.response = answer
    return error
