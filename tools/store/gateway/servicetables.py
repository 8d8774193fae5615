# SPDX-License-Identifier: MIT
"""Who is registered to the gateway service (TS 24.538 clause 6.3.5), in the store."""

from tools.wire.identity import Peer

SCHEMA = """
CREATE TABLE IF NOT EXISTS gateway_registration (
  ue TEXT PRIMARY KEY, ue_id TEXT, host TEXT, port INTEGER, expires REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gateway_registration_expires ON gateway_registration (expires)
"""


class ServiceTables:
    """For Store, whose `_db` these methods use."""

    def serve(self, ue, ue_id, peer, expires):
        self._db.execute(
            "INSERT OR REPLACE INTO gateway_registration VALUES (?,?,?,?,?)", (ue, ue_id, *peer, expires)
        )

    def served(self, ue, now):
        """(MSGin5G UE ID or "", Peer, when it ends) of a UE that is registered to the gateway service, or None."""
        row = self._db.execute(
            "SELECT ue_id, host, port, expires FROM gateway_registration WHERE ue=? AND expires>?", (ue, now)
        ).fetchone()
        return row and (row[0], Peer(row[1], row[2]), row[3])

    def count_served(self, now):
        return self._one("SELECT count(*) FROM gateway_registration WHERE expires>?", now)

    def forget_served(self, now):
        """Ends those that are over; their UE Service IDs."""
        gone = self._db.execute("SELECT ue FROM gateway_registration WHERE expires<=?", (now,)).fetchall()
        self._db.execute("DELETE FROM gateway_registration WHERE expires<=?", (now,))
        return [ue for (ue,) in gone]

    def service_deadline(self):
        """When the next of them is over, or None."""
        return self._one("SELECT min(expires) FROM gateway_registration")
