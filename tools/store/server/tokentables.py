# SPDX-License-Identifier: MIT
"""What the store knows of bearer tokens: a digest of each, from which none can be had. They are of Application Servers,
and of peers: those who speak for UEs that are not served here."""

import hashlib
import hmac
import secrets
import time

SCHEMA = """
CREATE TABLE IF NOT EXISTS as_token (id TEXT PRIMARY KEY, digest BLOB UNIQUE, made REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peer_token (
  kind TEXT, id TEXT, digest BLOB UNIQUE, made REAL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
"""


def digest(token):
    """Of 256 random bits, so a plain hash will do: there is nothing to guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


class TokenTables:
    """For Store."""

    def add_token(self, id_):
        """(a new token for this AS Service ID, whether it had one, which is void now)."""
        token = secrets.token_urlsafe(32)
        had = self.remove_token(id_)
        self._db.execute(
            "INSERT INTO as_token (id, digest, made) VALUES (?,?,?)", (id_, digest(token), time.time())
        )
        return token, had

    def remove_token(self, id_):
        """False where it has none."""
        return self._db.execute("DELETE FROM as_token WHERE id=?", (id_,)).rowcount > 0

    def tokens(self):
        """(AS Service ID, when its token was made) of all."""
        return self._db.execute("SELECT id, made FROM as_token ORDER BY id").fetchall()

    def has_tokens(self):
        return self._one("SELECT 1 FROM as_token LIMIT 1") is not None

    def owner_of_token(self, token):
        """The AS Service ID that the token was made for, or None."""
        given = digest(token)
        row = self._db.execute("SELECT id, digest FROM as_token WHERE digest=?", (given,)).fetchone()
        # How far the index followed the digest of a guess says nothing of a token; the last word is constant in time.
        return row[0] if row and hmac.compare_digest(row[1], given) else None

    # ---- of peers ----------------------------------------------------------------------------------------------------

    def add_peer_token(self, kind, id_):
        """As `add_token`, for a message gateway ("L3G", "N3G") or whoever else."""
        token = secrets.token_urlsafe(32)
        had = self.remove_peer_token(kind, id_)
        self._db.execute(
            "INSERT INTO peer_token (kind, id, digest, made) VALUES (?,?,?,?)",
            (kind, id_, digest(token), time.time()),
        )
        return token, had

    def remove_peer_token(self, kind, id_):
        """False where it has none."""
        return self._db.execute("DELETE FROM peer_token WHERE kind=? AND id=?", (kind, id_)).rowcount > 0

    def peer_of_token(self, token):
        """(kind, ID) that the token was made for, or None."""
        given = digest(token)
        row = self._db.execute("SELECT kind, id, digest FROM peer_token WHERE digest=?", (given,)).fetchone()
        return row[:2] if row and hmac.compare_digest(row[2], given) else None
