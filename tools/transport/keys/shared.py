# SPDX-License-Identifier: MIT
"""The security context of a key that other nodes answer with as well: what it sends with comes in ranges that no other
node has, and which numbers of the device were used stands in the store (`store.keys.windows`).

The window in memory only knows what was used here, and keeps that away from the database. All else that it lets in is
struck out in the transaction of what the request does: a Strike. Before that has happened no response has the nonce of
the request, for another node may have used it for another text.
"""

from aiocoap import oscore

from tools.store.keys.numbers import LAST
from tools.store.keys.windows import RANGE, SIZE, Struck
from tools.transport.keys.contexts import StoreContext
from tools.transport.keys.window import WentBack
from tools.wire.answers import Refusal


class SharedWindow(oscore.ReplayWindow):
    """What was used here. `floor`: no new request has a number below."""

    def __init__(self, floor):
        super().__init__(SIZE, lambda: None)
        self._floor = floor

    def initialize_from_freshlyseen(self, seen):
        if seen < self._floor:
            raise WentBack("Sequence number went back")
        super().initialize_from_freshlyseen(seen)


class SharedContext(StoreContext):
    """For a store that `shares_keys`. `proved`: the request that was opened last was made after the window was lost."""

    proved = False

    def _begin(self):
        self.sender_sequence_number = self._end = 0  # a range is drawn by who needs a number
        self.forget()
        _, used = self._store.sequence(self.digest)
        if not self._find() and not used and not self.is_next:
            self.recipient_replay_window.initialize_empty()

    def _find(self):
        """Whether the store has a window: that is the one here as well."""
        found = self._store.window(self.digest)
        if found is None:
            return False
        # Those below the highest one may have been used at another node: that is asked of the store.
        self.recipient_replay_window.initialize_from_persisted(
            {"index": max(0, found[0] - SIZE + 1), "bitfield": 0}
        )
        return True

    def forget(self):
        """The window is lost: the device is asked for Echo."""
        self._echo = self._store.echo_of(self.digest)
        self.recipient_replay_window = SharedWindow(self._store.floor(self.digest))

    def unprotect(self, protected_message, request_id=None):
        """As of StoreContext. Who is not known here may have proved at another node that it is new."""
        # What is opened although nothing is known has said the Echo.
        self.proved = (
            request_id is None and not self.recipient_replay_window.is_initialized() and not self._find()
        )
        return super().unprotect(protected_message, request_id)

    @property
    def echo(self):
        """What a device is to say that is to send its request once more. All nodes say the same, for it may say so to
        another one."""
        return self._echo

    def new_sequence_number(self):
        if self.sender_sequence_number >= self._end:
            self._draw()
        self.sender_sequence_number += 1
        return self.sender_sequence_number - 1

    def _draw(self, ahead=0):
        first = self._store.draw(self.digest, ahead)
        if first is None:
            raise oscore.ContextUnavailable("Sequence number too large, context is exhausted.")
        self.sender_sequence_number, self._end = first, first + RANGE

    def leave(self):
        """Another node has heard the device, and may have sent it newer numbers: those that are left are not used."""
        self.sender_sequence_number = self._end

    def behind(self):
        if not self._store.drawn_since(self.digest, self._end):
            return False
        self.leave()
        return True

    def jump(self):
        step = self._step()
        if not step or self._end + step + RANGE > LAST:
            return 0
        self._jumps += 1
        self._draw(step)
        return step


class Strike:
    """The number of one request, to be used up with what the request does. `fresh`: the device has proved that it was
    made after the window was lost; `echoed`: it comes because it was asked for; `taken(names, digest)`: called where
    new keys have taken the place of the old ones.

    `settled`: it is on the disk; `refused`: why it is not used, None where it was not."""

    __slots__ = (
        "_context",
        "_replaced",
        "_struck",
        "_taken",
        "echoed",
        "fresh",
        "number",
        "refused",
        "settled",
    )

    def __init__(self, context, number, fresh, echoed, taken):
        self._context, self.number, self.fresh, self.echoed = context, number, fresh, echoed
        self._taken, self._replaced = taken, None
        self.settled, self._struck, self.refused = False, False, None

    def use(self, store):
        """In a transaction, before anything that the request asks for. Raises Refusal where it was used before."""
        if self.settled:
            return
        context, self.refused = self._context, None
        struck = store.strike(context.digest, self.number, self.fresh)
        if struck is Struck.UNKNOWN:
            context.forget()
        elif struck is Struck.MOVED:
            context.leave()
        if struck in (Struck.UNKNOWN, Struck.USED):
            self.refused = struck
            raise Refusal("4.01", "Replay detected")
        if context.is_next:  # it has answered an Echo with its new keys: they are its keys now
            self._replaced = store.take_next_key(context.digest)
        self._struck = True

    def over(self, written):
        """The transaction is over; `written`: it is on the disk, else nothing of it is in the store."""
        if self._struck and written and not self.settled:
            self.settled = True
            if self._replaced is not None:
                self._context.is_next = False
                self._taken(*self._replaced)
        self._struck, self._replaced = False, None
