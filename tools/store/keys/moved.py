# SPDX-License-Identifier: MIT
"""Whether the store was copied to another place, and is served from there: then nobody serves from it any more.

Two that serve from copies of one store would protect messages with the same numbers of the same keys (RFC 8613 appendix
B.1). So the copy leaves the mark in the store that it is made of, and who takes that back lets the numbers of all keys
go on where those of the other one cannot be.
"""

import time

from tools.store.keys.numbers import LAST, far_ahead

SCHEMA = "CREATE TABLE IF NOT EXISTS moved (one INTEGER PRIMARY KEY CHECK (one=1), whereto TEXT, at REAL)"


class MovedTable:
    """For Store."""

    def moved(self):
        """(where to, when), or None."""
        return self._db.execute("SELECT whereto, at FROM moved WHERE one=1").fetchone()

    def note_moved(self, whereto):
        self._db.execute("INSERT INTO moved (one, whereto, at) VALUES (1,?,?)", (whereto, time.time()))

    def forget_moved(self):
        """It was not, after all: nobody has served from the other one."""
        self._db.execute("DELETE FROM moved")

    def take_store_back(self):
        """The store is served again, though others have served from the other one."""
        _, at = self.moved()
        self.jump_ahead(far_ahead(max(0, time.time() - at)))
        self.forget_moved()

    def jump_ahead(self, numbers):
        """All keys go on so many numbers ahead; how many keys there are. In a transaction; after it `note_generation`
        is to be called."""
        keys = self._db.execute(
            "UPDATE security_context SET used=TRUE, next=least(next+?, ?)", (numbers, LAST)
        ).rowcount
        self.count_generation(self._one("SELECT max(next) FROM security_context") or 0)
        return keys
