# SPDX-License-Identifier: MIT
"""Sequence numbers of notifications: RFC 7641 sections 3.4 and 4.4.

A client that kept its token over a restart of ours compares the new numbers with the old ones, for 128 seconds. So
what comes after a restart must be newer than what came before: by a clock that keeps its time, or by what is stored.
Where `known` is False there is neither, and `Observers` waits for 128 seconds.
"""

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable

    from contracts import Storage

_STEP = const(1 << 16)  # numbers for one write; a client takes up to 2**23 ahead for newer
_HALF = const(1 << 23)  # what is so much ahead, or more, is older (section 3.4)
_SIZE = const(3)  # octets of a number, and of its copy, which tells a file that is cut off


class Unknown:
    """Numbers that begin anywhere: they rise, and nothing is known of those before a restart."""

    known = False

    def __init__(self, random: "Callable[[int], bytes]") -> None:
        self._last = int.from_bytes(random(3), "big")

    def next_number(self) -> int:
        """Return the next number."""
        self._last = (self._last + 1) & 0xFFFFFF
        return self._last


class Clock:
    """Numbers that are the time: `milliseconds()` of a clock that goes on while the power is off, and that nobody
    sets back. Section 4.4 allows 32 numbers a millisecond. Where it is set ahead, the numbers follow in steps, each of
    which is newer than the one before."""

    known = True

    def __init__(self, milliseconds: "Callable[[], int]") -> None:
        self._milliseconds = milliseconds
        self._last: int | None = None

    def next_number(self) -> int:
        """Return the next number: the time, or one more than the last where the clock has not moved on."""
        time = self._milliseconds()
        last = time - 1 if self._last is None else self._last
        if time <= last:
            time = last + 1
        ahead = time - last & 0xFFFFFF
        if ahead >= _HALF:
            time -= ahead - (_HALF >> 2)
        self._last = time
        return time & 0xFFFFFF


class Stored:
    """Numbers that go on over a restart: the file `name` of `storage` has one that is ahead of all that were given, and
    is written anew once in 65,536 of them, and once after a start.

    Where the file is damaged they begin anew, and `known` is False. Raise OSError where the storage fails.
    """

    def __init__(self, storage: "Storage", name: str = "observe") -> None:
        self._storage = storage
        self._name = name
        octets = storage.read(name, 0, 2 * _SIZE)
        self.known = not octets or len(octets) == 2 * _SIZE and octets[:_SIZE] == octets[_SIZE:]
        self._next = int.from_bytes(octets[:_SIZE], "big") if self.known else 0
        self._end = self._next

    def next_number(self) -> int:
        """Return the next number. Raise OSError where the storage fails: then none was given."""
        if self._next == self._end:
            end = (self._next + _STEP) & 0xFFFFFF
            octets = end.to_bytes(_SIZE, "big")
            self._storage.replace(self._name, octets + octets)
            self._end = end
        number = self._next
        self._next = (number + 1) & 0xFFFFFF
        return number
