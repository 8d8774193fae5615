# SPDX-License-Identifier: MIT
"""The msgIds that are known again, in the store: of each originator so many, and each for so long.

Their numbers grow with time, and a few marks say which time: so an age costs nothing where a message is remembered, and
what is over is found at the beginning of the table.
"""

# `number`: the highest one at that time.
SCHEMA = """
CREATE TABLE IF NOT EXISTS seen_mark (id INTEGER PRIMARY KEY, at REAL, number INTEGER);
CREATE INDEX IF NOT EXISTS seen_mark_at ON seen_mark (at)
"""
_COUNTED = 16384  # originators
MARKS = 24  # in the time that something is known


class SeenTables:
    """For Store. Its table is one of `tables`."""

    # A query of the next number: never one below a mark again, also where those above it are gone.
    NEXT_NUMBER = (
        "SELECT 1 + max(coalesce((SELECT max(number) FROM seen), 0),"
        " coalesce((SELECT number FROM seen_mark WHERE id=(SELECT max(id) FROM seen_mark)), 0))"
    )

    def seen(self, originator, msg_id):
        """None, or the segId that it came with ("" without segments)."""
        return self._one(
            "SELECT set_id FROM seen WHERE originator=? AND msg_id=?", originator, msg_id.lower()
        )

    def seen_of(self, originators, msg_id):
        """Whether one of these originators, each by its key, has sent a message with this ID."""
        query = "SELECT 1 FROM seen WHERE originator IN (?,?) AND msg_id=?"
        return self._one(query, *originators, msg_id.lower()) is not None

    def remember(self, originator, msg_id, set_id, max_ids):
        """Of the IDs of this originator at least the last `max_ids` are known, and no more than a 32nd beyond."""
        self._db.execute(
            "INSERT INTO seen (number, originator, msg_id, set_id) VALUES ((%s),?,?,?) ON CONFLICT DO NOTHING"
            % self.NEXT_NUMBER,
            (originator, msg_id.lower(), set_id),
        )
        # To find what is behind the newest ones is to go through all of them: it is done for several together, and for
        # the first one of this process.
        together = max(1, max_ids // 32)
        counts = self.__dict__.setdefault("_added", {})
        if len(counts) > _COUNTED:
            counts.clear()
        counts[originator] = counts.get(originator, together) + 1
        if counts[originator] < together:
            return
        counts[originator] = 0
        self._db.execute(
            # By the originator, never by the numbers, which are those of all.
            "DELETE FROM seen WHERE originator=? AND number+0 <="
            " (SELECT number FROM seen WHERE originator=? ORDER BY number+0 DESC LIMIT 1 OFFSET ?)",
            (originator, originator, max_ids),
        )

    def mark_seen(self, now):
        """All that is remembered now will be older than what comes."""
        self._db.execute("INSERT INTO seen_mark (at, number) VALUES (?, (%s))" % self.NEXT_NUMBER, (now,))

    def last_mark(self):
        """When the last mark was made, or None."""
        return self._one("SELECT max(at) FROM seen_mark")

    def forget_older(self, since, most):
        """Forgets what was remembered before then, `most` at a time; whether there may be more."""
        mark = self._db.execute(
            "SELECT id, number FROM seen_mark WHERE at<=? ORDER BY at DESC LIMIT 1", (since,)
        ).fetchone()
        if mark is None:
            return False
        query = (
            "DELETE FROM seen WHERE number<=?1 AND number <"
            " coalesce((SELECT number FROM seen WHERE number<=?1 ORDER BY number LIMIT 1 OFFSET ?2), ?1+1)"
        )
        more = self._db.execute(query, (mark[1], most)).rowcount == most
        if not more:
            self._db.execute("DELETE FROM seen_mark WHERE id<?", (mark[0],))
        return more
