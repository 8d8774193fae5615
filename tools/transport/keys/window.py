# SPDX-License-Identifier: MIT
"""Detects a key that is used a second time: by a device that was put back to an older state, or by two devices.

The replay window (RFC 8613 section 7.4) lives in memory; after a restart the device is asked for Echo, and its number
is taken as it comes (appendix B.1.2). The lower end of the window is noted now and then (store/keys/numbers.py). A
number below it was used before, with another text: the device went back.
"""

import contextlib

from aiocoap import oscore

from tools.store.faults import DATABASE_ERRORS

SIZE = 32
_STEP = 64  # numbers for one write
_REMEMBERED = 128  # requests of one device


class WentBack(oscore.ReplayError):
    """A request that was made just now has a number that the key has used up long ago."""


class Window(oscore.ReplayWindow):
    def __init__(self, used, store, digest):
        super().__init__(SIZE, self._struck)
        self._used = used
        self._store = store
        self._digest = digest
        self._floor = store.floor(digest)

    def initialize_from_freshlyseen(self, seen):
        if seen < self._floor:
            raise WentBack("Sequence number went back")
        super().initialize_from_freshlyseen(seen)

    def _struck(self):
        self._used()
        if self._index >= self._floor + _STEP:
            with contextlib.suppress(*DATABASE_ERRORS):  # it stays lower, which is safe
                self._store.note_floor(self._digest, self._index)
                self._floor = self._index


class Taken:
    """The last requests that were taken: by number, what they were and where they came from."""

    def __init__(self):
        self._taken = {}

    def note(self, number, ciphertext, remote):
        self._taken[number] = (hash(ciphertext), remote)
        if len(self._taken) > _REMEMBERED:
            del self._taken[next(iter(self._taken))]

    def other(self, number, ciphertext):
        """Where another text under this number came from; None where there was none."""
        what, remote = self._taken.get(number, (None, None))
        return remote if what is not None and what != hash(ciphertext) else None
