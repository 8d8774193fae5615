# SPDX-License-Identifier: MIT
"""What must hold over power cuts so that no nonce is used twice and no request is taken twice: RFC 8613 sections
7.2.1 and 7.4, appendix B.1.
"""

from hashlib import sha256

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from contracts import Storage

_AHEAD = const(64)
_NUMBER = const(5)  # octets of the longest Partial IV
_CHECK = const(3)
_MAX_OCTETS = const(64)  # octets of the file, with what newer firmware may keep there
_LAST = const((1 << 40) - 1)
IN_USE = const(
    "another program uses the key of %s: end it and start this one again, or provision a key for each"
)


class Sequence:
    """The numbers of our own messages, each given once in the life of the key, whatever happens to the power.

    The file `name` of `storage` (see msgin5g.store.storage) holds a number above all that were given, and is written
    anew once in 64 of them. After a restart the numbers go on from there; those between are lost.

    `floor` is a number of the peer's, as high as was written: none up to it can be new. The file has it where it is
    not -1 (docs/flash-format.md).
    """

    def __init__(self, storage: "Storage", name: str) -> None:
        self._storage = storage
        self._name = name
        octets = storage.read(name, 0, _MAX_OCTETS)
        self.stored = bool(octets)  # whether this key was in use before
        self.floor = -1
        self._next = 0
        self._more = b""  # what newer firmware keeps there
        if octets:
            end = len(octets) - _CHECK
            if end != _NUMBER and end < 2 * _NUMBER or octets[end:] != _check(octets[:end]):
                # To begin with 0 again would reuse nonces, and that reveals the key stream.
                from ..errors import StateError

                raise StateError("the sequence numbers in %s are damaged: provision a new key" % name)
            self._next = int.from_bytes(octets[:_NUMBER], "big")
            if end > _NUMBER:
                self.floor = int.from_bytes(octets[_NUMBER : 2 * _NUMBER], "big")
                self._more = octets[2 * _NUMBER : end]
        self._end = self._next  # the first number that may not be given yet
        self._written = self._end, self._end  # what the file may say, as far as we know
        self.shared = False  # whether somebody else has written it

    def next_number(self):
        """Return the next number. Raise StateError when there is none, OSError when the storage fails: then none was
        given."""
        if self._next >= self._end:
            self.reserve()
        number = self._next
        self._next += 1
        return number

    def reserve(self, floor=-1):
        """Write a number ahead of those in use. Raise as `next_number` does, StateError also where somebody else has
        written the file since: both would use the same numbers."""
        end = self._next + _AHEAD
        found = int.from_bytes(self._storage.read(self._name, 0, _NUMBER), "big")  # 0: it was removed
        self.shared = bool(found) and found not in self._written
        if self.shared or end > _LAST:
            from ..errors import StateError

            raise StateError(
                IN_USE % self._name
                if self.shared
                else "all sequence numbers of this key are used: provision a new one"
            )
        self._written = found, end  # a write that fails may have taken place
        floor = max(floor, self.floor)
        octets = end.to_bytes(_NUMBER, "big")
        if floor >= 0:
            octets += floor.to_bytes(_NUMBER, "big") + self._more
        self._storage.replace(self._name, octets + _check(octets))
        self._end = end
        self.floor = floor
        self.stored = True

    def skip(self, count):
        """Skip the next `count` numbers. Raise as `next_number` does; then none was skipped."""
        before = self._next
        self._next += count
        try:
            self.reserve()
        except Exception:
            self._next = before
            raise


def _check(octets):
    return sha256(octets).digest()[:_CHECK]


class ReplayWindow:
    """Which of the peer's numbers have been seen: the highest, and which of the 31 below it."""

    SIZE = 32

    def __init__(self):
        self.highest = None  # None: not known, after a restart
        self.seen = 0

    @property
    def known(self):
        """Whether it is known what was seen: not after a restart."""
        return self.highest is not None

    @property
    def lowest(self):
        """The lowest number that can be new."""
        return self.highest - self.SIZE + 1

    def begin(self, number):
        """Take note that all up to `number` have been seen; -1 for a key that was never used."""
        self.highest = number
        self.seen = (1 << self.SIZE) - 1

    def is_new(self, number):
        """Return whether a number was not seen yet."""
        back = self.highest - number
        return back < 0 or back < self.SIZE and not self.seen >> back & 1

    def strike(self, number):
        """Take note that it has been seen now."""
        ahead = number - self.highest
        if ahead > 0:
            self.seen = (self.seen << min(ahead, self.SIZE) | 1) & ((1 << self.SIZE) - 1)
            self.highest = number
        else:
            self.seen |= 1 << -ahead
