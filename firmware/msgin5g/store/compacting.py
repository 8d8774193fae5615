# SPDX-License-Identifier: MIT
"""The part of the journal that gives up old log segments, and what it is seldom asked for. Imported by the journal
where there is a second segment."""

from coap.compat import const

_AROUND = const(8)  # octets of a record that are not its body
_PREFIX = const("log-")


class _Moved:
    def __init__(self, ref):
        self.ref = ref


class Compacting:
    """Methods of Journal, whose attributes they use."""

    def _compact(self):
        """Give up old log segments, so that all of them together stay within about twice what is live."""
        if self._moving:
            self._apply_moves()
        newest = self.segments[-1]  # before the loop: rewriting may begin new ones, without end
        while self.segments[0] != newest:
            oldest = self.segments[0]
            live = [ref for ref in self._refs if ref.segment == oldest]
            if live:
                octets = sum([ref.length + _AROUND for ref in self._refs])
                if len(self.segments) <= 3 + 2 * octets // self.SEGMENT:
                    return
                moved = [self._rewrite(ref) + (_Moved(ref),) for ref in live]
                self._moving = True
                self.write(moved)
                self._apply_moves()
            self._storage.remove(_PREFIX + str(oldest))
            self.segments.pop(0)

    def _apply_moves(self):
        """Take note that the refs of records that were just written again point to the new place."""
        for position in range(len(self._refs) - 1, -1, -1):
            moved = self._refs[position]
            if isinstance(moved.owner, _Moved):
                ref = moved.owner.ref
                ref.segment = moved.segment
                ref.offset = moved.offset
                ref.length = moved.length
                self._refs.pop(position)
        self._moving = False

    def append(self, kind, body, owner=None):
        """Write a record, and the deferred records, in one step; return its RecordRef where it has an owner.

        Raise OSError; then nothing counts as written and they go on waiting.
        """
        ref = self.write([(kind, body, owner)])
        self.compact()
        return ref

    @property
    def octets(self):
        """What the log segments hold at the least; for people who look at sizes."""
        return max(0, len(self.segments) - 1) * self.SEGMENT + self._filled
