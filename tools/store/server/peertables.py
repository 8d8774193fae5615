# SPDX-License-Identifier: MIT
"""Other MSGin5G Servers in the store (MSGin5G-8): where each is and how we speak to it, by its home service domain."""

from dataclasses import dataclass

# `token` is what we show there, None as long as nobody has said it; `own`: what we are called there, "" where that is
# to be found out; `topics`: how we subscribe there, one of MODES.
SCHEMA = """
CREATE TABLE IF NOT EXISTS peer (domain TEXT PRIMARY KEY, uri TEXT, token TEXT, own TEXT, topics TEXT) WITHOUT ROWID
"""
ONCE, EACH, NEVER = MODES = "once", "each", "no"  # TS 23.554 clause 8.8.4: Mod.B, Mod.A, not at all
SERVER = "SERVER"  # its kind of Address: TS 29.538 names none, and its enumeration is open


@dataclass(frozen=True)
class PeerServer:
    domain: str
    uri: str
    token: str | None
    own: str
    topics: str


class PeerTables:
    """For Store, whose `_db` these methods use."""

    def set_peer(self, peer):
        """In place of an earlier one of this domain."""
        row = (peer.domain, peer.uri, peer.token, peer.own, peer.topics)
        self._db.execute(
            "INSERT INTO peer (domain, uri, token, own, topics) VALUES (?,?,?,?,?) ON CONFLICT (domain)"
            " DO UPDATE SET uri=excluded.uri, token=excluded.token, own=excluded.own, topics=excluded.topics",
            row,
        )

    def remove_peer(self, domain):
        """False when it is not there."""
        self.remove_peer_token(SERVER, domain)
        self._db.execute("DELETE FROM topic_follower WHERE domain=?", (domain,))
        self.forget_lists(domain)
        return self._db.execute("DELETE FROM peer WHERE domain=?", (domain,)).rowcount > 0

    def peer(self, domain):
        """The PeerServer of this domain, or None."""
        row = self._db.execute(
            "SELECT domain, uri, token, own, topics FROM peer WHERE domain=?", (domain,)
        ).fetchone()
        return row and PeerServer(*row)

    def peers(self):
        """All of them."""
        rows = self._db.execute("SELECT domain, uri, token, own, topics FROM peer ORDER BY domain")
        return [PeerServer(*row) for row in rows.fetchall()]

    def some_ues(self):
        """UE Service IDs that are provisioned or registered here."""
        query = "SELECT ue FROM device UNION SELECT ue FROM registration LIMIT 1000"
        return [ue for (ue,) in self._db.execute(query)]

    def load_of_domain(self, lane, domain):
        """(messages, octets) that wait of all originators in this domain."""
        row = self._db.execute(
            "SELECT CAST(coalesce(sum(messages), 0) AS BIGINT), CAST(coalesce(sum(octets), 0) AS BIGINT) FROM load"
            " WHERE lane=? AND substr(lower(id), length(id)-length(?)+1)=?",
            (lane, "@" + domain, "@" + domain),
        )
        return row.fetchone()
