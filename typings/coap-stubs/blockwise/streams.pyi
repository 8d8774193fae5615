# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Bodies that the layer above takes block by block, of any length: nothing of them is kept here. Imported when
`Endpoint.streams` is true of the first block of one.

`streams(message, peer)` is asked about each request that begins a body: a block 0, or a later one whose body is not
known here, as after a restart. False or None has the body collected; True makes a stream of it, which begins with
block 0; blockwise.ANYWHERE one that may also begin with the later block, as when a broken upload is resumed. Then come

`(PIECE, incoming, message)`: a block, more follow. Answer it with `Message(CONTINUE)` when the next one may come, which
makes the peer wait as long as that takes, or with any other code, which ends the transfer.

`(REQUEST, incoming, message)`: the last block. Answer it as any request. The same where the body came without blocks or
in one: then `incoming.body` is None.

`(PIECE, stream, None)`: the body was given up. No block came for EXCHANGE_LIFETIME, or the peer began anew, or the
layer above did not answer for as long.

`incoming.body` is the Stream, the same for each of its blocks: its `tag` belongs to the layer above, and `size` is how
many octets of the body have come, those before its first block included. Blocks smaller than the peer's are asked for
by a Block1 option of one's own in the CONTINUE (RFC 7959 section 2.3).
"""
from typing import Any
from .._contracts import Tick
from .bodies import Body

class Stream(Body):
    """A body that the layer above takes block by block."""
    tag: object
    size: int
    waiting: Any
    entry: Any
    deadline: Any
    def __init__(self, owner: Any, identity: list, deadline: Tick | None) -> None: ...
    def repeats(self, payload):
        """Return whether these octets are the last block that was taken."""
    def take(self, endpoint, incoming, start, more):
        """Hand a block on. Raise MemoryError: then it has not come."""
    def answering(self, endpoint, now):
        """Prepare `answered`, which must not fail."""
    def answered(self, endpoint, code):
        """Take note that the layer above has answered the last block. Raise nothing."""
    def give_up(self, endpoint):
        """Drop it, and tell the layer above. Raise MemoryError: then it is not done."""
    def poll(self, endpoint, now):
        """Give it up: its time is over."""
