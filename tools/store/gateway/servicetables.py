# SPDX-License-Identifier: MIT
"""Who is registered to the gateway service (TS 24.538 clause 6.3.5), in the store."""

from tools.wire.identity import Peer

SCHEMA = """
CREATE TABLE IF NOT EXISTS gateway_registration (
  ue TEXT PRIMARY KEY, ue_id TEXT, host TEXT, port INTEGER, expires REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gateway_registration_expires ON gateway_registration (expires);
CREATE INDEX IF NOT EXISTS gateway_registration_ue_id ON gateway_registration (ue_id);
CREATE INDEX IF NOT EXISTS gateway_registration_peer ON gateway_registration (host, port)
"""


class ServiceTables:
    """For Store, whose `_db` these methods use."""

    def serve(self, ue, ue_id, peer, expires):
        self._db.execute(
            "INSERT INTO gateway_registration (ue, ue_id, host, port, expires) VALUES (?,?,?,?,?) ON CONFLICT (ue)"
            " DO UPDATE SET ue_id=excluded.ue_id, host=excluded.host, port=excluded.port, expires=excluded.expires",
            (ue, ue_id, *peer, expires),
        )

    def served(self, ue, now):
        """(MSGin5G UE ID or "", Peer, when it ends) of a UE that is registered to the gateway service, or None."""
        row = self._db.execute(
            "SELECT ue_id, host, port, expires FROM gateway_registration WHERE ue=? AND expires>?", (ue, now)
        ).fetchone()
        return row and (row[0], Peer(row[1], row[2]), row[3])

    def served_by_id(self, ue_id, now):
        """The UE Service ID that is registered to the gateway service with this MSGin5G UE ID, or None."""
        return self._one(
            "SELECT ue FROM gateway_registration WHERE ue_id=? AND expires>? LIMIT 1", ue_id, now
        )

    def served_from(self, peer, now):
        """The UE Service IDs that are registered to the gateway service from this Peer."""
        query = "SELECT ue FROM gateway_registration WHERE host=? AND port=? AND expires>?"
        return {ue for (ue,) in self._db.execute(query, (*peer, now))}

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
