# SPDX-License-Identifier: MIT
"""The lower ends of replay windows, by the digest of the key (transport/window.py)."""

LAST = (1 << 40) - 1  # of a key: RFC 8613 section 7.2.1

SCHEMA = """
CREATE TABLE IF NOT EXISTS security_heard (digest BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID;
"""


class FloorTable:
    """For Store."""

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
