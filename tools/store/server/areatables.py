# SPDX-License-Identifier: MIT
"""Broadcast areas in the store: which UEs are in each, and which UEs may broadcast."""

# `area_ue`: "*" is every UE.
SCHEMA = """
CREATE TABLE IF NOT EXISTS area (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS area_ue (area TEXT, ue TEXT, PRIMARY KEY (area, ue)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS broadcaster (ue TEXT PRIMARY KEY) WITHOUT ROWID
"""
EVERY_UE = "*"


class AreaTables:
    """For Store, whose `_db` these methods use."""

    def add_area(self, area, ues):
        """In place of an earlier one of this ID; False where there was none. `ues`: UE Service IDs, or "*"."""
        had = self.remove_area(area)
        self._db.execute("INSERT INTO area (id) VALUES (?)", (area,))
        self._db.executemany(
            "INSERT INTO area_ue (area, ue) VALUES (?,?) ON CONFLICT DO NOTHING", [(area, ue) for ue in ues]
        )
        return had

    def remove_area(self, area):
        """False when it is not there."""
        self._db.execute("DELETE FROM area_ue WHERE area=?", (area,))
        return self._db.execute("DELETE FROM area WHERE id=?", (area,)).rowcount > 0

    def areas(self):
        """[(Broadcast Area ID, [UE Service ID or "*"])]"""
        names = self._db.execute("SELECT id FROM area ORDER BY id").fetchall()
        return [(area, self._listed(area)) for (area,) in names]

    def _listed(self, area):
        return [ue for (ue,) in self._db.execute("SELECT ue FROM area_ue WHERE area=? ORDER BY ue", (area,))]

    def area(self, area):
        """The UE Service IDs of the UEs in this area, registered or not, in order; None where there is no such area."""
        if self._one("SELECT 1 FROM area WHERE id=?", area) is None:
            return None
        listed = self._listed(area)
        if EVERY_UE not in listed:
            return listed
        return [
            ue
            for (ue,) in self._db.execute(
                "SELECT ue FROM device UNION SELECT ue FROM registration ORDER BY 1"
            )
        ]

    def registered_in(self, area, now):
        """The UE Service IDs of the UEs in this area that are registered now."""
        live = "SELECT ue FROM registration WHERE live AND expires>?"
        if self._one("SELECT 1 FROM area_ue WHERE area=? AND ue=?", area, EVERY_UE) is not None:
            rows = self._db.execute(live + " ORDER BY ue", (now,))
        else:  # however many others are registered
            live += " AND ue IN (SELECT ue FROM area_ue WHERE area=?) ORDER BY ue"
            rows = self._db.execute(live, (now, area))
        return [ue for (ue,) in rows]

    # ---- who may broadcast -------------------------------------------------------------------------------------------

    def add_broadcaster(self, ue):
        """False when it is one already."""
        put = "INSERT INTO broadcaster (ue) VALUES (?) ON CONFLICT DO NOTHING"
        return self._db.execute(put, (ue,)).rowcount > 0

    def remove_broadcaster(self, ue):
        self._db.execute("DELETE FROM broadcaster WHERE ue=?", (ue,))

    def is_broadcaster(self, ue):
        return self._one("SELECT 1 FROM broadcaster WHERE ue=?", ue) is not None
