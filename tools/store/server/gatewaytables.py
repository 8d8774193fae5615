# SPDX-License-Identifier: MIT
"""The Legacy 3GPP and Non-3GPP Message Gateways in the store (TS 23.554 clause 5.2), and which UEs are behind them."""

from dataclasses import dataclass

# `who`: a UE Service ID, or "@" and the domain of all that no other gateway has.
SCHEMA = """
CREATE TABLE IF NOT EXISTS message_gateway (kind TEXT, id TEXT, uri TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message_gateway_ue (who TEXT PRIMARY KEY, kind TEXT, id TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS message_gateway_ue_gateway ON message_gateway_ue (kind, id)
"""


@dataclass(frozen=True)
class MessageGateway:
    kind: str  # "L3G" or "N3G"
    id: str  # MGW Service ID
    uri: str


class GatewayTables:
    """For Store, whose `_db` these methods use."""

    def add_message_gateway(self, kind, id_, uri, whom):
        """In place of an earlier one of this kind and ID. Gives None; where one of `whom` is behind another gateway,
        which (who, kind, ID), and nothing was done."""
        for who in whom:
            row = self._db.execute(
                "SELECT who, kind, id FROM message_gateway_ue WHERE who=? AND (kind<>? OR id<>?)",
                (who, kind, id_),
            ).fetchone()
            if row:
                return row
        self.remove_message_gateway(kind, id_)
        self._db.execute("INSERT INTO message_gateway (kind, id, uri) VALUES (?,?,?)", (kind, id_, uri))
        self._db.executemany(
            "INSERT INTO message_gateway_ue (who, kind, id) VALUES (?,?,?) ON CONFLICT DO NOTHING",
            [(who, kind, id_) for who in whom],
        )
        return None

    def remove_message_gateway(self, kind, id_):
        """False when it is not there."""
        self._db.execute("DELETE FROM message_gateway_ue WHERE kind=? AND id=?", (kind, id_))
        self.remove_peer_token(kind, id_)
        gone = self._db.execute("DELETE FROM message_gateway WHERE kind=? AND id=?", (kind, id_))
        return gone.rowcount > 0

    def message_gateways(self, kind=None):
        """[(MessageGateway, [who])], of all kinds or of one."""
        rows = self._db.execute(
            "SELECT kind, id, uri FROM message_gateway WHERE kind=coalesce(?, kind) ORDER BY kind, id",
            (kind,),
        ).fetchall()
        query = "SELECT who FROM message_gateway_ue WHERE kind=? AND id=? ORDER BY who"
        return [(MessageGateway(*row), [who for (who,) in self._db.execute(query, row[:2])]) for row in rows]

    def domains_behind(self, kind, id_):
        """The domains all UEs of which are behind this gateway."""
        query = "SELECT substr(who, 2) FROM message_gateway_ue WHERE kind=? AND id=? AND who>='@' AND who<'A'"
        return [domain for (domain,) in self._db.execute(query, (kind, id_))]

    def message_gateway_of(self, ue, domain):
        """The MessageGateway that this UE is behind, by itself or else by its domain, or None."""
        row = self._db.execute(
            "SELECT its.kind, its.id, its.uri FROM message_gateway_ue AS one"
            " JOIN message_gateway AS its ON its.kind=one.kind AND its.id=one.id"
            " WHERE one.who IN (?,?) ORDER BY one.who<>? LIMIT 1",
            (ue, "@" + domain, ue),
        ).fetchone()
        return row and MessageGateway(*row)

    def is_behind_message_gateway(self, ue):
        """Whether this UE was itself added to one."""
        return self._one("SELECT 1 FROM message_gateway_ue WHERE who=?", ue) is not None
