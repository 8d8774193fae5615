# SPDX-License-Identifier: MIT
"""What the store knows of Application Clients on other UEs (MSGin5G-5): provisioned ones, registered ones, targets."""

from dataclasses import dataclass

SCHEMA = """
CREATE TABLE IF NOT EXISTS application (
  app_id INTEGER PRIMARY KEY, ue TEXT UNIQUE, credential BLOB, identifier TEXT UNIQUE, registration_id BLOB);
CREATE TABLE IF NOT EXISTS target (address TEXT PRIMARY KEY, service_id TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Application:
    """`credential` is its digest; `identifier` the transport identifier while it is registered."""

    app_id: int
    ue: str
    credential: bytes
    identifier: str | None
    registration_id: bytes | None


class ApplicationTables:
    """For Store."""

    def add_application(self, app_id, ue, credential):
        """False when the UE Service ID belongs to another application."""
        self._db.execute("DELETE FROM application WHERE app_id=?", (app_id,))
        added = self._db.execute(
            "INSERT OR IGNORE INTO application VALUES (?,?,?,NULL,NULL)", (app_id, ue, credential)
        )
        return added.rowcount > 0

    def remove_application(self, app_id):
        return self._db.execute("DELETE FROM application WHERE app_id=?", (app_id,)).rowcount > 0

    def applications(self):
        rows = self._db.execute("SELECT * FROM application ORDER BY app_id").fetchall()
        return [Application(*row) for row in rows]

    def application(self, app_id):
        row = self._db.execute("SELECT * FROM application WHERE app_id=?", (app_id,)).fetchone()
        return row and Application(*row)

    def application_at(self, identifier):
        row = self._db.execute("SELECT * FROM application WHERE identifier=?", (identifier,)).fetchone()
        return row and Application(*row)

    def register_application(self, app_id, identifier, registration_id):
        self._db.execute(
            "UPDATE application SET identifier=NULL, registration_id=NULL WHERE identifier=?", (identifier,)
        )
        self._db.execute(
            "UPDATE application SET identifier=?, registration_id=? WHERE app_id=?",
            (identifier, registration_id, app_id),
        )

    def deregister_application(self, app_id):
        self._db.execute(
            "UPDATE application SET identifier=NULL, registration_id=NULL WHERE app_id=?", (app_id,)
        )

    def add_target(self, address, service_id):
        self._db.execute("INSERT OR REPLACE INTO target VALUES (?,?)", (address.lower(), service_id))

    def remove_target(self, address):
        return self._db.execute("DELETE FROM target WHERE address=?", (address.lower(),)).rowcount > 0

    def targets(self):
        return self._db.execute("SELECT address, service_id FROM target ORDER BY address").fetchall()

    def target(self, address):
        """The service ID of an address, or None."""
        return self._one("SELECT service_id FROM target WHERE address=?", address.lower())
