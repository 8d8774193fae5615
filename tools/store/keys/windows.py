# SPDX-License-Identifier: MIT
"""The numbers of keys where several nodes answer with one key (RFC 8613 section 7): what they send with, in ranges,
each of which one node draws for itself; and the replay windows, as rows.

A number of a device is struck out in the transaction of what its request does. Where two nodes take one number, one of
both is undone and finds it used.
"""

import enum

from tools.store.faults import again
from tools.store.keys.numbers import LAST

SIZE = 32  # numbers of a window, the highest one and those below it
RANGE = 64  # sequence numbers for one write
_BELOW = (1 << (SIZE - 1)) - 1
_TRIES = 5


class Struck(enum.Enum):
    """What became of a number."""

    NEW = "new"  # it is used now, by this request
    MOVED = "moved"  # the same, and the one before it was used at another node
    USED = "used"  # before
    UNKNOWN = "unknown"  # nobody knows: the window is lost


# Nearly all: the highest so far, and the one before it was here as well.
_NEXT = (
    "UPDATE security_window SET"
    " bits=CASE WHEN ?1-top>%d THEN 0 ELSE"
    " ((bits << CAST(?1-top AS INTEGER)) | (CAST(1 AS BIGINT) << CAST(?1-top-1 AS INTEGER))) & %d END, top=?1"
    " WHERE digest=?2 AND top<?1 AND node IS ?3" % (SIZE - 1, _BELOW)
)


class Windows:
    """For a store of several nodes, before the families. `_aside`: a connection outside of the transactions."""

    shares_keys = True

    def draw(self, digest, ahead=0):
        """The first of RANGE sender sequence numbers that nobody has or gets, beyond what any node has drawn before;
        None where there are none left. `ahead`: so many more are left out. At once on the disk, and no part of the
        transaction at hand."""
        for left in reversed(range(_TRIES)):
            try:
                row = self._apart(
                    "UPDATE security_context SET next=next+?1+?2, used=TRUE WHERE digest=?3 AND next+?1+?2<=?4"
                    " RETURNING next-?1",
                    (RANGE, ahead, digest, LAST),
                )
                return None if row is None else row[0]
            except Exception as error:
                if not left or not again(error):
                    raise

    def _apart(self, statement, values):
        """The first row of a statement that is a transaction by itself."""
        if self._aside is not None:
            return self._aside.execute(statement, values).fetchone()
        with self.part():
            return self._db.execute(statement, values).fetchone()

    def drawn_since(self, digest, end):
        """Whether another node has drawn numbers of this key beyond the range that ends there."""
        return (self._one("SELECT next FROM security_context WHERE digest=?", digest) or 0) > end

    def window(self, digest):
        """(highest number, which of those below it were used, the node that it was used at), or None."""
        return self._db.execute(
            "SELECT top, bits, node FROM security_window WHERE digest=?", (digest,)
        ).fetchone()

    def strike(self, digest, number, fresh=False):
        """Uses a number of the device's up: a Struck. In a transaction. `fresh`: the request has come after the window
        was lost, which the device has proved."""
        if self._db.execute(_NEXT, (number, digest, self.node)).rowcount:
            return Struck.NEW
        found = self.window(digest)
        if found is None:
            return self._first(digest, number, fresh)
        top, bits, node = found
        if number > top:
            step = number - top
            bits = 0 if step >= SIZE else ((bits << step) | (1 << (step - 1))) & _BELOW
            top = number
        else:
            bit = top - number - 1
            if bit < 0 or bit >= SIZE - 1 or bits >> bit & 1:
                return Struck.USED
            bits |= 1 << bit
        self._db.execute(
            "UPDATE security_window SET top=?, bits=?, node=? WHERE digest=?", (top, bits, self.node, digest)
        )
        return Struck.NEW if node == self.node else Struck.MOVED

    def _first(self, digest, number, fresh):
        """Of a key that was never used, any number is the first; else all that were before may have been used."""
        used = self._one("SELECT used FROM security_context WHERE digest=?", digest)
        if used is None or (used and not fresh):
            return Struck.UNKNOWN
        self._db.execute(
            "INSERT INTO security_window (digest, top, bits, node) VALUES (?,?,?,?)",
            (digest, number, _BELOW if fresh else 0, self.node),
        )
        self._db.execute("UPDATE security_context SET used=TRUE WHERE digest=?", (digest,))
        return Struck.MOVED

    # ---- keys that change --------------------------------------------------------------------------------------------

    _keys_heard = 0  # how often other nodes and commands have said that keys changed

    def hear_keys(self):
        """Once, before the program serves: what other nodes tell of keys is heard from then on."""
        self.told["keys"] = self._hear_keys

    def _hear_keys(self, payload, node):
        self._keys_heard += 1

    def keys_version(self):
        """Another value after keys have changed, by whatever program; perhaps also when something else has."""
        changes, in_round = getattr(self, "_key_changes", (0, None))
        return self.version, self._keys_heard, changes, self._writing is not None and in_round == self.rounds

    def _keys_changed(self):
        super()._keys_changed()
        self.tell("keys", {})
