# SPDX-License-Identifier: MIT
"""What the store knows of Application Clients on other UEs (MSGin5G-5): provisioned ones, registered ones, targets."""

from dataclasses import dataclass

# `application` is what an earlier program wrote: one application a UE, with a number for its ID.
SCHEMA = """
CREATE TABLE IF NOT EXISTS application (
  app_id INTEGER PRIMARY KEY, ue TEXT UNIQUE, credential BLOB, identifier TEXT UNIQUE, registration_id BLOB);
CREATE TABLE IF NOT EXISTS app_client (
  app_id TEXT PRIMARY KEY, ue TEXT, credential BLOB, identifier TEXT, registration_id BLOB) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS app_client_ue ON app_client (ue);
CREATE INDEX IF NOT EXISTS app_client_identifier ON app_client (identifier) WHERE identifier IS NOT NULL;
CREATE TABLE IF NOT EXISTS app_ue (number INTEGER PRIMARY KEY, ue TEXT UNIQUE);
INSERT OR IGNORE INTO app_ue SELECT app_id, ue FROM application;
INSERT OR IGNORE INTO app_client SELECT * FROM application;
DELETE FROM application;
CREATE TABLE IF NOT EXISTS target (address TEXT PRIMARY KEY, service_id TEXT) WITHOUT ROWID
"""


def app_id_of(value):
    """An Application ID: the number from 0 to 65535 where that is what it says (L3 has numbers only), else text."""
    text = str(value)
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    return text


@dataclass(frozen=True)
class Application:
    """`credential` is its digest; `identifier` the transport identifier while it is registered."""

    app_id: int | str
    ue: str
    credential: bytes
    identifier: str | None
    registration_id: bytes | None

    @classmethod
    def of_row(cls, row):
        return cls(app_id_of(row[0]), *row[1:])


class ApplicationTables:
    """For Store. An Application ID is a number or a text, as app_id_of gives it."""

    def add_application(self, app_id, ue, credential):
        """In place of an earlier one of this Application ID; several may stand behind one UE."""
        self._db.execute(
            "INSERT INTO app_client (app_id, ue, credential) VALUES (?,?,?) ON CONFLICT (app_id) DO UPDATE"
            " SET ue=excluded.ue, credential=excluded.credential, identifier=NULL, registration_id=NULL",
            (str(app_id), ue, credential),
        )

    def remove_application(self, app_id):
        """False when it is not there."""
        return self._db.execute("DELETE FROM app_client WHERE app_id=?", (str(app_id),)).rowcount > 0

    def _applications(self, where, *values):
        query = (
            "SELECT app_id, ue, credential, identifier, registration_id FROM app_client %s"
            " ORDER BY length(app_id), app_id" % where
        )
        return [Application.of_row(row) for row in self._db.execute(query, values).fetchall()]

    def applications(self):
        return self._applications("")

    def application(self, app_id):
        found = self._applications("WHERE app_id=?", str(app_id))
        return found[0] if found else None

    def applications_at(self, identifier):
        return self._applications("WHERE identifier=?", identifier)

    def applications_of(self, ue):
        return self._applications("WHERE ue=?", ue)

    def register_application(self, app_id, identifier, registration_id):
        self._db.execute(
            "UPDATE app_client SET identifier=?, registration_id=? WHERE app_id=?",
            (identifier, registration_id, str(app_id)),
        )

    def deregister_application(self, app_id):
        self.register_application(app_id, None, None)

    def application_ue(self, number):
        """The UE that has this number, or None."""
        return self._one("SELECT ue FROM app_ue WHERE number=?", number)

    def application_ue_number(self, ue):
        """A number that stands for a UE with applications behind it."""
        known = self._one("SELECT number FROM app_ue WHERE ue=?", ue)
        if known is not None:
            return known
        return self._db.execute("INSERT INTO app_ue (ue) VALUES (?) RETURNING number", (ue,)).fetchone()[0]

    def add_target(self, address, service_id):
        self._db.execute(
            "INSERT INTO target (address, service_id) VALUES (?,?)"
            " ON CONFLICT (address) DO UPDATE SET service_id=excluded.service_id",
            (address.lower(), service_id),
        )

    def remove_target(self, address):
        return self._db.execute("DELETE FROM target WHERE address=?", (address.lower(),)).rowcount > 0

    def targets(self):
        return self._db.execute("SELECT address, service_id FROM target ORDER BY address").fetchall()

    def target(self, address):
        """The service ID of an address, or None."""
        return self._one("SELECT service_id FROM target WHERE address=?", address.lower())
