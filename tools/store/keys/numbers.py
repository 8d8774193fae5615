# SPDX-License-Identifier: MIT
"""The lower ends of replay windows, by the digest of the key (transport/keys/window.py); and how far the numbers that a
key protects messages with go ahead where the store may not know of all that were used."""

import secrets

LAST = (1 << 40) - 1  # of a key: RFC 8613 section 7.2.1
# How far the numbers of all keys go ahead where some may have been used that the store does not know of. A message has
# 3 octets of number instead of 1 or 2 after that.
AHEAD = 1 << 20
# Where nothing tells how many: beyond what can have been sent since then, and by chance, for it may be so twice.
_EACH_SECOND = 1000
_CHANCE = 1 << 30
_MAX_AHEAD = 1 << 36

SCHEMA = """
CREATE TABLE IF NOT EXISTS security_heard (digest BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID;
"""


def far_ahead(seconds):
    """How far they go ahead where others may have used numbers for so long."""
    return AHEAD + secrets.randbelow(_CHANCE) + int(min(seconds * _EACH_SECOND, _MAX_AHEAD))


class FloorTable:
    """For Store. `shares_keys`: whether other programs answer with the same keys (windows.py)."""

    shares_keys = False

    def take_restored(self):
        """The fields of an event, once, where it was put back from a copy while the program ran; else None."""

    def floor(self, digest):
        """No new request of the device has a number below."""
        return self._one("SELECT number FROM security_heard WHERE digest=?", digest) or 0

    later = None  # of a running program: brings a function of the time into its next transaction

    def note_floor(self, digest, number):
        """As `save_floor`, but nobody waits for it: until then it is lower, which is safe."""
        if self.later is None:
            self.save_floor(digest, number)
        else:
            self.later(lambda now: self.save_floor(digest, number))

    def save_floor(self, digest, number):
        with self.part():
            self._db.execute(
                "INSERT INTO security_heard (digest, number) VALUES (?,?)"
                " ON CONFLICT (digest) DO UPDATE SET number=excluded.number",
                (digest, number),
            )
