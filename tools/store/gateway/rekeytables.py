# SPDX-License-Identifier: MIT
"""New OSCORE keys of devices that are on their way, in the store: the digest of the old ones, and of those that shall
take their place once the device has used them."""

from typing import NamedTuple

from tools.store.keys.sectables import Keys

# `digest` is NULL where they were refused; `due`: when they are brought, or brought again.
SCHEMA = """
CREATE TABLE IF NOT EXISTS security_next (
  old BLOB PRIMARY KEY, digest BLOB, state TEXT, due REAL, tries INTEGER DEFAULT 0, cause TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS security_next_digest ON security_next (digest);
"""
WAITING, BROUGHT, REFUSED = "waiting", "brought", "refused"
_UES = (
    "SELECT ue, old FROM security_next CROSS JOIN security_ue WHERE security_ue.digest=old"
    " AND security_next.digest IS NOT NULL"
)


class Rekey(NamedTuple):
    """Where the new keys of one device stand; `keys` None where they were refused, `cause` says why, or why not yet."""

    old: bytes
    keys: Keys | None
    state: str
    due: float
    tries: int
    cause: str | None


class RekeyTables:
    """For Store, whose `_db` these methods use."""

    def begin_rekey(self, old, keys, now):
        """New Keys for who has those of this digest, in the place of others that were refused."""
        self._keys_changed()
        self._put_keys(keys)
        self._db.execute(
            "INSERT INTO security_next (old, digest, state, due, tries) VALUES (?,?,?,?,0) ON CONFLICT (old) DO UPDATE"
            " SET digest=excluded.digest, state=excluded.state, due=excluded.due, tries=0, cause=NULL",
            (old, keys.digest, WAITING, now),
        )

    def rekey(self, old):
        """The Rekey of these keys, or None."""
        row = self._db.execute(
            "SELECT digest, state, due, tries, cause FROM security_next WHERE old=?", (old,)
        ).fetchone()
        if row is None:
            return None
        keys = None if row[0] is None else self._keys("digest=?", row[0])
        return Rekey(old, keys, *row[1:])

    def rekeyed_ues(self):
        """{UE Service ID: digest of its keys}, of those whose new keys are on their way."""
        return dict(self._db.execute(_UES))

    def rekey_of(self, ue):
        """{"state", "cause"} of the new keys of a UE Service ID, or None."""
        row = self._db.execute(
            "SELECT state, cause FROM security_ue JOIN security_next ON old=security_ue.digest WHERE ue=?",
            (ue,),
        ).fetchone()
        return row and {"state": row[0], "cause": row[1]}

    def rekeys(self):
        """(UE Service ID or UE ID, state, cause) of each, for people."""
        return self._db.execute(
            "SELECT ue, state, cause FROM security_next CROSS JOIN security_ue WHERE security_ue.digest=old UNION ALL"
            " SELECT ue_id, state, cause FROM security_next CROSS JOIN security_ue_id WHERE security_ue_id.digest=old"
            " ORDER BY 1"
        ).fetchall()

    def keys_to_renew(self):
        """{digest: Keys} of all devices; not of Gateway UEs, whose programs read theirs from a file."""
        found = self._all_keys(
            "secret<>? AND digest IN"
            " (SELECT digest FROM security_ue UNION ALL SELECT digest FROM security_ue_id) AND NOT EXISTS"
            " (SELECT 1 FROM security_ue AS of JOIN gateway USING (ue) WHERE of.digest=security_context.digest)",
            b"",
        )
        return {keys.digest: keys for keys in (Keys(*row) for row in found)}

    def put_rekey(self, old, state, due, tries, cause):
        self._db.execute(
            "UPDATE security_next SET state=?, due=?, tries=?, cause=? WHERE old=?",
            (state, due, tries, cause, old),
        )

    def refuse_rekey(self, old, cause):
        """The device does not take them: they are no keys any more."""
        self._keys_changed()
        self._db.execute(
            "UPDATE security_context SET secret=?, salt=?"
            " WHERE digest=(SELECT digest FROM security_next WHERE old=?)",
            (b"", b"", old),
        )
        self._db.execute(
            "UPDATE security_next SET digest=NULL, state=?, cause=? WHERE old=?", (REFUSED, cause, old)
        )

    def is_next_key(self, digest):
        return self._one("SELECT 1 FROM security_next WHERE digest=?", digest) is not None

    def take_next_key(self, digest):
        """The device has used its new keys: they take the place of the old ones, which are wiped out. The UE Service
        IDs and UE IDs that have them, and the digest of the old ones."""
        old = self._one("SELECT old FROM security_next WHERE digest=?", digest)
        if old is None:
            return (), None
        self._keys_changed()
        names = sorted(self.ues_of_keys(old) | self.ue_ids_of_keys(old))
        place = self.place_of_keys(old)
        with self.erasing():
            for table in ("security_ue", "security_ue_id"):
                self._db.execute("UPDATE %s SET digest=? WHERE digest=?" % table, (digest, old))
            if place is not None:
                self.put_place(digest, place)
                self._db.execute("DELETE FROM security_place WHERE digest=?", (old,))
            self._db.execute("UPDATE security_context SET secret=?, salt=? WHERE digest=?", (b"", b"", old))
            self._db.execute("DELETE FROM security_heard WHERE digest=?", (old,))
            self._db.execute("DELETE FROM security_next WHERE old=?", (old,))
        return names, old

    def tidy_rekeys(self):
        """Those of keys that nobody has any more are over: see `tidy_keys`."""
        lost = "FROM security_next WHERE old NOT IN (%s)" % (
            "SELECT digest FROM security_ue UNION ALL SELECT digest FROM security_ue_id"
        )
        if self._one("SELECT 1 " + lost) is not None:
            self._db.execute("DELETE " + lost)
