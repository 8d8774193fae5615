# SPDX-License-Identifier: MIT
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

from hashlib import sha256

from .. import numbers
from ..compat import const
from ..exchange import PIECE, REQUEST
from .bodies import Body

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Tick


class Stream(Body):
    """A body that the layer above takes block by block."""

    def __init__(self, owner: "Any", identity: list, deadline: "Tick | None") -> None:
        super().__init__(owner, identity, deadline)
        self.tag: object = None
        self.size = 0
        self.waiting = None  # the Incoming that the layer above has not answered yet
        self._until = deadline
        self._mark = b""  # of the block that came last
        self._over = False

    def repeats(self, payload):
        """Return whether these octets are the last block that was taken."""
        return self._mark == _mark(payload)

    def take(self, endpoint, incoming, start, more):
        """Hand a block on. Raise MemoryError: then it has not come."""
        message = incoming.message
        mark = _mark(message.payload)
        size = start + len(message.payload)
        incoming.body = self
        endpoint.emit((PIECE if more else REQUEST, incoming, message))
        # nothing fails from here on
        self.entry = None
        self.size = size
        self.waiting = incoming
        self.deadline = None
        self._mark = mark

    def answering(self, endpoint, now):
        """Prepare `answered`, which must not fail."""
        self._until = now + endpoint.parameters.exchange_lifetime

    def answered(self, endpoint, code):
        """Take note that the layer above has answered the last block. Raise nothing."""
        self.waiting = None
        self.deadline = self._until
        if code != numbers.CONTINUE:
            self._over = True
            try:
                self.poll(endpoint, None)
            except MemoryError:
                pass  # at the deadline, then

    def give_up(self, endpoint):
        """Drop it, and tell the layer above. Raise MemoryError: then it is not done."""
        if self not in endpoint.bodies:
            return
        if not self._over:
            endpoint.emit((PIECE, self, None))
            self._over = True
        endpoint.bodies.remove(self)

    def poll(self, endpoint, now):
        """Give it up: its time is over."""
        self.give_up(endpoint)


def _mark(payload):
    return sha256(payload).digest()[:8]
