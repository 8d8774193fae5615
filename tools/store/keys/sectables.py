# SPDX-License-Identifier: MIT
"""What the store knows of OSCORE: keys, their sequence numbers, which UE Service IDs each may speak for, and which
UE IDs it may be configured as.

A key stays when its UE gets another one: should it come back, its numbers go on and no nonce is used twice.
"""

import hashlib
from dataclasses import dataclass, field

from tools.store.keys.numbers import FloorTable

SCHEMA = """
CREATE TABLE IF NOT EXISTS security_context (
  digest BLOB PRIMARY KEY, recipient_id BLOB, id_context BLOB, sender_id BLOB, secret BLOB, salt BLOB,
  next INTEGER DEFAULT 0, used INTEGER DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS security_context_kid ON security_context (recipient_id);
CREATE TABLE IF NOT EXISTS security_ue (ue TEXT PRIMARY KEY, digest BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS security_place (digest BLOB PRIMARY KEY, place TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS security_ue_digest ON security_ue (digest);
CREATE TABLE IF NOT EXISTS security_ue_id (ue_id TEXT PRIMARY KEY, digest BLOB) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS security_ue_id_digest ON security_ue_id (digest);
"""
# Keys that nobody has any more, nor gets next (rekeytables.py).
_UNBOUND = (
    "digest IN (SELECT digest FROM %s EXCEPT SELECT digest FROM security_ue"
    " EXCEPT SELECT digest FROM security_ue_id EXCEPT SELECT digest FROM security_next)"
)

_NAMED = (
    "SELECT {0} FROM security_context AS key JOIN {1} WHERE key.recipient_id=?1 AND key.id_context IS ?2"
    " AND key.digest<>?3"
)
# Who has, or gets, another key with the same IDs.
_OTHER = (
    "SELECT name FROM (%s) AS named WHERE name<>?4"
    " AND name NOT IN (SELECT ue_id FROM ue_configurations WHERE ue=?4)"
    " AND name NOT IN (SELECT ue FROM ue_configurations WHERE ue_id=?4)"
) % " UNION ALL ".join(
    (
        _NAMED.format("ue AS name", "security_ue AS of ON of.digest=key.digest"),
        _NAMED.format("ue_id", "security_ue_id AS of ON of.digest=key.digest"),
        _NAMED.format(
            "ue",
            "security_next AS new ON new.digest=key.digest JOIN security_ue AS of ON of.digest=new.old",
        ),
    )
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


def _names(cursor):
    return frozenset(name for (name,) in cursor)


class SecurityTables(FloorTable):
    """For Store."""

    def bind_keys(self, ue, keys):
        """A UE Service ID gets these keys, and with it the UE ID that is configured with it. The UE Service ID or UE ID
        of another key with the same IDs, which must not be; None when it was done."""
        other = self._other_key(keys, ue)
        if other is not None:
            return other
        self._put_keys(keys)
        self.bind_key(ue, keys.digest)
        self._db.execute(
            "INSERT INTO security_ue_id (ue_id, digest) SELECT ue_id, ? FROM ue_configurations WHERE ue=?"
            " ON CONFLICT (ue_id) DO UPDATE SET digest=excluded.digest",
            (keys.digest, ue),
        )
        return None

    def bind_ue_id_keys(self, ue_id, keys):
        """As bind_keys, for a UE ID; the UE Service ID that it is configured with gets them too."""
        other = self._other_key(keys, ue_id)
        if other is not None:
            return other
        self._put_keys(keys)
        self.bind_ue_id(ue_id, keys.digest)
        self._db.execute(
            "INSERT INTO security_ue (ue, digest) SELECT ue, ? FROM ue_configurations WHERE ue_id=?"
            " ON CONFLICT (ue) DO UPDATE SET digest=excluded.digest",
            (keys.digest, ue_id),
        )
        return None

    def _other_key(self, keys, name):
        """Who has another key with the same IDs, other than this UE Service ID or UE ID and its counterpart."""
        return self._one(_OTHER, keys.recipient_id, keys.id_context, keys.digest, name)

    def _put_keys(self, keys):
        self._db.execute(
            "INSERT INTO security_context (digest, recipient_id, id_context, sender_id, secret, salt)"
            " VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (digest) DO UPDATE SET secret=excluded.secret, salt=excluded.salt",
            (keys.digest, keys.recipient_id, keys.id_context, keys.sender_id, keys.secret, keys.salt),
        )

    def bind_key(self, ue, digest):
        """A UE Service ID gets a key that is in the store."""
        self._keys_changed()
        self._db.execute(
            "INSERT INTO security_ue (ue, digest) VALUES (?,?)"
            " ON CONFLICT (ue) DO UPDATE SET digest=excluded.digest",
            (ue, digest),
        )

    def bind_ue_id(self, ue_id, digest):
        self._keys_changed()
        self._db.execute(
            "INSERT INTO security_ue_id (ue_id, digest) VALUES (?,?)"
            " ON CONFLICT (ue_id) DO UPDATE SET digest=excluded.digest",
            (ue_id, digest),
        )

    def key_of_ue(self, ue):
        """Digest, or None."""
        return self._one("SELECT digest FROM security_ue WHERE ue=?", ue)

    def key_of_ue_id(self, ue_id):
        return self._one("SELECT digest FROM security_ue_id WHERE ue_id=?", ue_id)

    def ue_ids_of_keys(self, digest):
        rows = self._db.execute("SELECT ue_id FROM security_ue_id WHERE digest=?", (digest,))
        return {ue_id for (ue_id,) in rows}

    def know_context(self, keys):
        """Keeps the sequence numbers of a key that is no UE's here, and whose secret is kept elsewhere: a gateway's
        own, toward its server."""
        self._db.execute(
            "INSERT INTO security_context (digest, recipient_id, id_context, sender_id, secret, salt)"
            " VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (keys.digest, keys.recipient_id, keys.id_context, keys.sender_id, b"", b""),
        )

    def keys_version(self):
        """Another value after keys have changed, by whatever program; perhaps also when something else has."""
        changes, in_round = getattr(self, "_key_changes", (0, None))
        # What is read while their COMMIT is under way does not know of them yet.
        return self.version, changes, self._writing is not None and in_round == self.rounds

    def _keys_changed(self):
        self._key_changes = getattr(self, "_key_changes", (0, None))[0] + 1, self.rounds

    def unbind_keys(self, ue):
        self._keys_changed()
        self._db.execute("DELETE FROM security_ue WHERE ue=?", (ue,))

    def unbind_ue_id(self, ue_id):
        """False when it had no key."""
        self._keys_changed()
        return self._db.execute("DELETE FROM security_ue_id WHERE ue_id=?", (ue_id,)).rowcount > 0

    def tidy_keys(self):
        """Keys that no UE Service ID and no UE ID has any more: of those in use once the numbers stay, and no secret;
        of those that were made in vain, by a command that did not come to its end, nothing. Not in a transaction."""
        self.tidy_rekeys()
        unbound = _UNBOUND % "security_context"
        left = self._one("SELECT 1 FROM security_context WHERE (NOT used OR secret<>?) AND " + unbound, b"")
        if left is None:
            return
        with self.erasing(), self.transaction():
            self._db.execute("DELETE FROM security_place WHERE " + _UNBOUND % "security_place")
            self._db.execute("DELETE FROM security_context WHERE NOT used AND " + unbound)
            self._db.execute("UPDATE security_context SET secret=?, salt=? WHERE " + unbound, (b"", b""))
        self._keys_changed()

    def place_of_keys(self, digest):
        """Which device was given this key, None where that is not known."""
        return self._one("SELECT place FROM security_place WHERE digest=?", digest)

    def put_place(self, digest, place):
        self._db.execute(
            "INSERT INTO security_place (digest, place) VALUES (?,?)"
            " ON CONFLICT (digest) DO UPDATE SET place=excluded.place",
            (digest, place),
        )

    def kids_in_use(self):
        rows = self._db.execute("SELECT recipient_id FROM security_context")
        return {recipient_id for (recipient_id,) in rows}

    def _all_keys(self, where, *values):
        return self._db.execute(
            "SELECT recipient_id, sender_id, secret, salt, id_context FROM security_context WHERE " + where,
            values,
        )

    def _keys(self, where, *values):
        row = self._all_keys(where, *values).fetchone()
        return row and Keys(*row)

    def all_keys(self):
        """The Keys of all devices, those too that a device had before."""
        return [Keys(*row) for row in self._all_keys("secret<>? ORDER BY digest", b"")]

    def keys_of_kid(self, kid, id_context):
        return self._keys(
            "recipient_id=? AND id_context IS ? AND (EXISTS (SELECT 1 FROM security_ue AS of"
            " WHERE of.digest=security_context.digest) OR EXISTS (SELECT 1 FROM security_ue_id AS of"
            " WHERE of.digest=security_context.digest) OR EXISTS (SELECT 1 FROM security_next AS new"
            " WHERE new.digest=security_context.digest))",
            kid,
            id_context,
        )

    def keys_of_ue(self, ue):
        return self._keys("digest=(SELECT digest FROM security_ue WHERE ue=?)", ue)

    def ues_of_keys(self, digest):
        return self.once(_names, "SELECT ue FROM security_ue WHERE digest=?", digest)

    def sequence(self, digest):
        """(the first sender sequence number that was never used, whether the key was ever used)."""
        return self._db.execute(
            "SELECT next, used FROM security_context WHERE digest=?", (digest,)
        ).fetchone()

    def save_sequence(self, digest, number):
        with self.part():
            self._db.execute("UPDATE security_context SET next=?, used=TRUE WHERE digest=?", (number, digest))
            self.count_generation(number)
        self.note_generation()
