# SPDX-License-Identifier: MIT
"""Where the UEs behind a Gateway UE are, and whose segments have passed it, in the store.

SEGREC and SEGCONFIR name no UE: only who sent, or was sent, segments of that segId tells whom they belong to.
"""

from tools.wire.bodies import same
from tools.wire.identity import Peer

# `up`: whether the UE sends the segments. One segId may be both, where two UEs behind one gateway write to each other.
SCHEMA = """
CREATE TABLE IF NOT EXISTS gateway_way (
  ue TEXT PRIMARY KEY, host TEXT, port INTEGER, expires REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gateway_way_peer ON gateway_way (host, port);
CREATE INDEX IF NOT EXISTS gateway_way_expires ON gateway_way (expires);
CREATE TABLE IF NOT EXISTS gateway_segment_set (
  set_id TEXT, up INTEGER, ue TEXT, used REAL, PRIMARY KEY (set_id, up)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gateway_segment_set_used ON gateway_segment_set (used);
CREATE INDEX IF NOT EXISTS gateway_segment_set_ue ON gateway_segment_set (ue, used)
"""
_ALL = 1 << 40  # rows behind an OFFSET: more than there are
_OLDEST = (
    "DELETE FROM gateway_segment_set WHERE (set_id, up) IN (SELECT set_id, up FROM gateway_segment_set"
    "%%s ORDER BY used DESC, set_id LIMIT %d OFFSET ?)" % _ALL
)


class WayTables:
    """For Store, whose `_db` these methods use. A segId is looked for by `bodies.same`."""

    def set_way(self, ue, peer, expires):
        """Whether it was at none before."""
        new = self._one("SELECT 1 FROM gateway_way WHERE ue=?", ue) is None
        self._db.execute(
            "INSERT INTO gateway_way (ue, host, port, expires) VALUES (?,?,?,?) ON CONFLICT (ue)"
            " DO UPDATE SET host=excluded.host, port=excluded.port, expires=excluded.expires",
            (ue, *peer, expires),
        )
        return new

    def move_way(self, ue, peer):
        self._db.execute("UPDATE gateway_way SET host=?, port=? WHERE ue=?", (*peer, ue))

    def end_way(self, ue):
        self._db.execute("DELETE FROM gateway_way WHERE ue=?", (ue,))

    def way(self, ue, now):
        """The Peer where the UE is, or None."""
        row = self._db.execute(
            "SELECT host, port FROM gateway_way WHERE ue=? AND expires>?", (ue, now)
        ).fetchone()
        return row and Peer(*row)

    def way_until(self, ue):
        """(the Peer where the UE is, or was last, when that ends), or None."""
        row = self._db.execute("SELECT host, port, expires FROM gateway_way WHERE ue=?", (ue,)).fetchone()
        return row and (Peer(*row[:2]), row[2])

    def ways_from(self, peer, now):
        """The UE Service IDs that are at the Peer."""
        query = "SELECT ue FROM gateway_way WHERE host=? AND port=? AND expires>?"
        return {ue for (ue,) in self._db.execute(query, (*peer, now))}

    def ways(self, now):
        """(ue, Peer, when it ends) of all."""
        query = "SELECT ue, host, port, expires FROM gateway_way WHERE expires>? ORDER BY ue"
        return [
            (ue, Peer(host, port), expires) for ue, host, port, expires in self._db.execute(query, (now,))
        ]

    def forget_ways(self, now):
        """Ends those that are over: their UE Service IDs."""
        return self._end_ways("WHERE expires<=?", now)

    def cut_ways(self, most):
        """As `forget_ways`, of the ones that end first beyond `most`."""
        return self._end_ways("ORDER BY expires DESC LIMIT %d OFFSET ?" % _ALL, most)

    def _end_ways(self, which, value):
        gone = self._db.execute("SELECT ue FROM gateway_way " + which, (value,)).fetchall()
        self._db.executemany("DELETE FROM gateway_way WHERE ue=?", gone)
        return [ue for (ue,) in gone]

    def way_deadline(self):
        """When the next of them is over, or None."""
        return self._one("SELECT min(expires) FROM gateway_way")

    # ---- segments ----------------------------------------------------------------------------------------------------

    def set_passed(self, set_id, up, ue, now):
        self._db.execute(
            "INSERT INTO gateway_segment_set (set_id, up, ue, used) VALUES (?,?,?,?)"
            " ON CONFLICT (set_id, up) DO UPDATE SET ue=excluded.ue, used=excluded.used",
            (same(set_id), up, ue, now),
        )

    def passed(self, set_id, up):
        """(ue, when a segment of it was last noted), or None."""
        return self._db.execute(
            "SELECT ue, used FROM gateway_segment_set WHERE set_id=? AND up=?", (same(set_id), up)
        ).fetchone()

    def forget_passed(self, before, ue, most_each, most):
        """Ends those that were last noted before then, and the oldest of the UE beyond `most_each`, of all beyond
        `most`."""
        self._db.execute("DELETE FROM gateway_segment_set WHERE used<=?", (before,))
        self._db.execute(_OLDEST % " WHERE ue=?", (ue, most_each))
        self._db.execute(_OLDEST % "", (most,))
