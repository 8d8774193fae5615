# SPDX-License-Identifier: MIT
"""The configurations of UEs in the store: which UE Service ID belongs to a MSGin5G UE ID, and what else it is told
(TS 24.538 clause 6.2).

A UE ID and the UE Service ID that it is configured with have one key, whichever of the two was given it first.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

SCHEMA = """
CREATE TABLE IF NOT EXISTS ue_configurations (
  ue_id TEXT PRIMARY KEY, ue TEXT UNIQUE, server TEXT, seg_size INTEGER, vendor TEXT, type TEXT, document TEXT UNIQUE,
  assigned_to TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ue_configurations_assigned ON ue_configurations (assigned_to);
CREATE TABLE IF NOT EXISTS ue_id_secret (secret BLOB);
"""
_COLUMNS = "ue_id, ue, server, seg_size, vendor, type, document, assigned_to"
_PUT = "INSERT INTO ue_configurations (%s) VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (ue_id) DO UPDATE SET %s" % (
    _COLUMNS,
    ", ".join("%s=excluded.%s" % (name, name) for name in _COLUMNS.split(", ")[1:]),
)


@dataclass(frozen=True)
class UeConfiguration:
    ue_id: str
    ue: str  # UE Service ID
    server: str | None = None  # URI of the MSGin5G Server; None: where the request came to
    seg_size: int | None = None  # octets
    vendor: str | None = None  # of another vendor, or another type, it is not; None: of any
    type: str | None = None
    document: str = ""  # ueConfigDocId
    assigned_to: str | None = None  # who asked for it, where nobody had added it


class ConfigurationTables:
    """For Store."""

    def configuration(self, ue_id):
        """The UeConfiguration of a UE ID, or None."""
        return self._configuration("ue_id", ue_id)

    def configuration_of_document(self, document):
        return self._configuration("document", document)

    def configuration_of_ue(self, ue):
        return self._configuration("ue", ue)

    def _configuration(self, column, value):
        query = "SELECT %s FROM ue_configurations WHERE %s=?" % (_COLUMNS, column)
        row = self._db.execute(query, (value,)).fetchone()
        return row and UeConfiguration(*row)

    def configurations(self):
        rows = self._db.execute("SELECT %s FROM ue_configurations ORDER BY ue_id" % _COLUMNS)
        return [UeConfiguration(*row) for row in rows]

    def count_configurations(self):
        return self._one("SELECT count(*) FROM ue_configurations")

    def ue_ids_without_configuration(self):
        """Those that have a key only."""
        rows = self._db.execute(
            "SELECT ue_id FROM security_ue_id WHERE ue_id NOT IN (SELECT ue_id FROM ue_configurations)"
            " ORDER BY ue_id"
        )
        return [ue_id for (ue_id,) in rows]

    def configurations_of_key(self, digest):
        rows = self._db.execute(
            "SELECT %s FROM ue_configurations WHERE ue_id IN (SELECT ue_id FROM security_ue_id WHERE digest=?)"
            " ORDER BY ue_id" % _COLUMNS,
            (digest,),
        )
        return [UeConfiguration(*row) for row in rows]

    def put_configuration(self, wanted):
        """Keeps a UeConfiguration in place of the earlier one of its UE ID, and lets its UE Service ID register. Gives
        None; where it cannot be, why, and nothing was done."""
        other = self.configuration_of_ue(wanted.ue)
        if other and other.ue_id != wanted.ue_id:
            return "%s is the UE Service ID of %s" % (wanted.ue, other.ue_id)
        if self.is_behind_message_gateway(wanted.ue):
            return "%s is behind a message gateway" % wanted.ue
        own, key = self.key_of_ue_id(wanted.ue_id), self.key_of_ue(wanted.ue)
        if own and key and own != key:
            return "%s and %s have different keys" % (wanted.ue_id, wanted.ue)
        self.add_device(wanted.ue)
        if own:
            self.bind_key(wanted.ue, own)
        elif key:
            self.bind_ue_id(wanted.ue_id, key)
        self._db.execute(
            _PUT,
            (
                wanted.ue_id,
                wanted.ue,
                wanted.server,
                wanted.seg_size,
                wanted.vendor,
                wanted.type,
                self._name("document", wanted.ue_id),
                wanted.assigned_to,
            ),
        )
        return None

    def remove_configuration(self, ue_id):
        """Forgets a UE ID and that it has a key; its UE Service ID stays as it is. False when it is not there."""
        unbound = self.unbind_ue_id(ue_id)
        done = self._db.execute("DELETE FROM ue_configurations WHERE ue_id=?", (ue_id,))
        return done.rowcount > 0 or unbound

    def forget_configurations_of(self, ue):
        """For who removes a UE Service ID: the UE ID that is configured with it goes too, and that it has a key."""
        found = self.configuration_of_ue(ue)
        if found:
            self.remove_configuration(found.ue_id)

    def assigned(self, to=None):
        """How many UE Service IDs were assigned to one who asked; without `to`, to all."""
        if to is None:
            return self._one("SELECT count(*) FROM ue_configurations WHERE assigned_to IS NOT NULL")
        return self._one("SELECT count(*) FROM ue_configurations WHERE assigned_to=?", to)

    def service_id_of(self, ue_id, domain):
        """The UE Service ID for a UE ID where nobody chose one. It is the same each time, also after it was removed;
        who knows the UE ID cannot tell it, and the other way round."""
        return "ue:%s@%s" % (self._name("service", ue_id), domain)

    def _name(self, purpose, ue_id):
        """16 hexadecimal digits that only this store gives to a UE ID."""
        secret = self._one("SELECT secret FROM ue_id_secret")
        if secret is None:
            secret = secrets.token_bytes(32)
            self._db.execute("INSERT INTO ue_id_secret (secret) VALUES (?)", (secret,))
        return hmac.new(secret, ("%s %s" % (purpose, ue_id)).encode(), hashlib.sha256).hexdigest()[:16]
