# SPDX-License-Identifier: MIT
"""What the store knows of OSCORE: keys, their sequence numbers, and which UE Service IDs each may speak for.

A key stays when its UE gets another one: should it come back, its numbers go on and no nonce is used twice.
"""

import contextlib
import hashlib
from dataclasses import dataclass, field

from tools.store import generation, numbers
from tools.store.generation import GenerationTables
from tools.store.numbers import FloorTable

SCHEMA = (
    generation.SCHEMA
    + numbers.SCHEMA
    + """
CREATE TABLE IF NOT EXISTS security_context (
  digest BLOB PRIMARY KEY, recipient_id BLOB, id_context BLOB, sender_id BLOB, secret BLOB, salt BLOB,
  next INTEGER DEFAULT 0, used INTEGER DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS security_context_kid ON security_context (recipient_id);
CREATE TABLE IF NOT EXISTS security_ue (ue TEXT PRIMARY KEY, digest BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS security_place (digest BLOB PRIMARY KEY, place TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS security_ue_digest ON security_ue (digest);
"""
)


@dataclass(frozen=True)
class Keys:
    """Of one device, as the gateway sees them: `recipient_id` is the device's sender ID."""

    recipient_id: bytes
    sender_id: bytes
    secret: bytes = field(repr=False)
    salt: bytes = field(default=b"", repr=False)
    id_context: bytes | None = None

    @property
    def digest(self):
        parts = (self.recipient_id, self.sender_id, self.secret, self.salt, self.id_context or b"")
        lengths = b"".join(len(part).to_bytes(2, "big") for part in parts)
        return hashlib.sha256(lengths + b"".join(parts) + bytes([self.id_context is None])).digest()[:16]


class SecurityTables(GenerationTables, FloorTable):
    """For Store."""

    def bind_keys(self, ue, keys):
        """The UE Service ID of another key with the same IDs, which must not be; None when it was done."""
        other = self._one(
            "SELECT ue FROM security_ue JOIN security_context USING (digest)"
            " WHERE recipient_id=? AND id_context IS ? AND digest<>? AND ue<>?",
            keys.recipient_id,
            keys.id_context,
            keys.digest,
            ue,
        )
        if other is not None:
            return other
        self._db.execute(
            "INSERT INTO security_context (digest, recipient_id, id_context, sender_id, secret, salt)"
            " VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (digest) DO UPDATE SET secret=excluded.secret, salt=excluded.salt",
            (keys.digest, keys.recipient_id, keys.id_context, keys.sender_id, keys.secret, keys.salt),
        )
        self._keys_changed()
        self._db.execute("INSERT OR REPLACE INTO security_ue VALUES (?,?)", (ue, keys.digest))
        return None

    def keys_version(self):
        """Another value after keys have changed, by whatever program; perhaps also when something else has."""
        return self._one("PRAGMA data_version"), getattr(self, "_key_changes", 0)

    def _keys_changed(self):
        self._key_changes = getattr(self, "_key_changes", 0) + 1

    def unbind_keys(self, ue):
        self._keys_changed()
        self._db.execute("DELETE FROM security_ue WHERE ue=?", (ue,))

    def tidy_keys(self):
        """Keys that no UE Service ID has any more: of those in use once the numbers stay, and no secret; of those that
        were made in vain, by a command that did not come to its end, nothing. Not in a transaction."""
        unbound = "digest NOT IN (SELECT digest FROM security_ue)"
        left = self._one("SELECT 1 FROM security_context WHERE (NOT used OR secret<>x'') AND " + unbound)
        if left is None:
            return
        self._db.execute("PRAGMA secure_delete=ON")  # what is taken out does not stay in the file
        with self.transaction():
            self._db.execute("DELETE FROM security_place WHERE " + unbound)
            self._db.execute("DELETE FROM security_context WHERE NOT used AND " + unbound)
            self._db.execute("UPDATE security_context SET secret=x'', salt=x'' WHERE " + unbound)
        self._db.execute("PRAGMA secure_delete=OFF")
        self._keys_changed()

    def place_of_keys(self, digest):
        """Which device was given this key, None where that is not known."""
        return self._one("SELECT place FROM security_place WHERE digest=?", digest)

    def put_place(self, digest, place):
        self._db.execute("INSERT OR REPLACE INTO security_place VALUES (?,?)", (digest, place))

    def kids_in_use(self):
        rows = self._db.execute("SELECT recipient_id FROM security_context")
        return {recipient_id for (recipient_id,) in rows}

    def _keys(self, where, *values):
        row = self._db.execute(
            "SELECT recipient_id, sender_id, secret, salt, id_context FROM security_context "
            "JOIN security_ue USING (digest) WHERE " + where,
            values,
        ).fetchone()
        return row and Keys(*row)

    def keys_of_kid(self, kid, id_context):
        return self._keys("recipient_id=? AND id_context IS ?", kid, id_context)

    def keys_of_ue(self, ue):
        return self._keys("ue=?", ue)

    def ues_of_keys(self, digest):
        return {ue for (ue,) in self._db.execute("SELECT ue FROM security_ue WHERE digest=?", (digest,))}

    def sequence(self, digest):
        """(the first sender sequence number that was never used, whether the key was ever used)."""
        return self._db.execute(
            "SELECT next, used FROM security_context WHERE digest=?", (digest,)
        ).fetchone()

    def save_sequence(self, digest, number):
        with contextlib.nullcontext() if self._db.in_transaction else self.transaction():
            self._db.execute("UPDATE security_context SET next=?, used=1 WHERE digest=?", (number, digest))
            self.count_generation(number)
        self.note_generation()
