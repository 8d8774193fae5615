# SPDX-License-Identifier: MIT
"""Registrations and de-registrations that a Gateway UE holds until it asks for many at once, and the responses that it
owes the UEs (TS 24.538 clause 6.3.4.3), in the store."""

import json
from dataclasses import dataclass

from tools.store.engine.transactions import reading
from tools.store.states import HELD_REQUEST, OWED
from tools.store.tables import record
from tools.wire.bodies import Address
from tools.wire.identity import Peer, peer_at

# `due`: when it goes at the latest; `until`: when it is given up. `single`: the server does not take it in a list.
SCHEMA = """
CREATE TABLE IF NOT EXISTS gateway_held (
  id INTEGER PRIMARY KEY AUTOINCREMENT, ue TEXT UNIQUE, kind TEXT, body TEXT, host TEXT, port INTEGER,
  identity BLOB, due REAL, until REAL, single INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS gateway_held_until ON gateway_held (until);
CREATE TABLE IF NOT EXISTS gateway_response (
  id INTEGER PRIMARY KEY AUTOINCREMENT, ue TEXT UNIQUE, kind TEXT, body TEXT, host TEXT, port INTEGER,
  identity BLOB, until REAL);
CREATE INDEX IF NOT EXISTS gateway_response_until ON gateway_response (until)
"""


@dataclass(frozen=True)
class Held:
    """A REG or DEREG of a UE, or the REGRESP or DEREGRESP that it gets."""

    id: int
    ue: str
    kind: str
    body: dict
    peer: Peer
    until: float


def _peer(cursor):
    row = cursor.fetchone()
    return row and Peer(*row)


class HeldTables:
    """For Store, whose `_db` these methods use. A UE has one request at most, and one response: the latest."""

    def hold(self, ue, kind, body, peer, due, until):
        self._db.execute("DELETE FROM gateway_held WHERE ue=?", (ue,))  # the new one has another id
        self._db.execute(
            "INSERT INTO gateway_held (ue, kind, body, host, port, identity, due, until)"
            " VALUES (?,?,?,?,?,?,?,?)",
            (ue, kind, json.dumps(body), *peer, getattr(peer, "identity", None), due, until),
        )

    def held(self, id_):
        """Raises Unreadable."""
        return self._held("gateway_held", HELD_REQUEST, id_)

    def holds(self):
        """(id, kind, due, whether it goes by itself) of each, in order."""
        query = "SELECT id, kind, due, single FROM gateway_held ORDER BY id"
        return self._db.execute(query).fetchall()

    def holds_any(self):
        return self._one("SELECT min(id) FROM gateway_held") is not None

    def held_over(self, now):
        """(id, ue, kind, Peer) of those that are given up."""
        rows = self._db.execute(
            "SELECT id, ue, kind, host, port, identity FROM gateway_held WHERE until<=? ORDER BY until, id",
            (now,),
        ).fetchall()
        return [(*row[:3], peer_at(*row[3:])) for row in rows]

    def part_held(self, ids):
        """They go by themselves from now on."""
        self._db.executemany("UPDATE gateway_held SET single=TRUE WHERE id=?", [(id_,) for id_ in ids])

    def hasten_held(self, ids, now):
        """They are to go now."""
        self._db.executemany(
            "UPDATE gateway_held SET due=least(due, ?) WHERE id=?", [(now, id_) for id_ in ids]
        )

    def drop_held(self, id_):
        self._db.execute("DELETE FROM gateway_held WHERE id=?", (id_,))

    def forget_held(self, ue):
        """The UE has said something newer."""
        self._db.execute("DELETE FROM gateway_held WHERE ue=?", (ue,))
        self._db.execute("DELETE FROM gateway_response WHERE ue=?", (ue,))

    def move_held(self, ue, peer):
        """The UE is heard from there: what it gets goes there."""
        for table in ("gateway_held", "gateway_response"):
            self._db.execute(
                "UPDATE %s SET host=?, port=? WHERE ue=? AND (host<>? OR port<>?)" % table, (*peer, ue, *peer)
            )

    def held_peer(self, ue):
        """The Peer that what is held for the UE came from, or None."""
        query = (
            "SELECT host, port FROM gateway_held WHERE ue=? UNION SELECT host, port FROM gateway_response"
            " WHERE ue=?"
        )
        return self.lasting("bulk", _peer, query, ue, ue)

    def held_deadline(self):
        """When the next request or response is given up, or None."""
        return self._one(
            "SELECT min(t) FROM (SELECT min(until) AS t FROM gateway_held"
            " UNION ALL SELECT min(until) FROM gateway_response) AS next"
        )

    # ---- responses ---------------------------------------------------------------------------------------------------

    def owe(self, ue, kind, body, peer, until):
        self._db.execute("DELETE FROM gateway_response WHERE ue=?", (ue,))  # the new one has another id
        self._db.execute(
            "INSERT INTO gateway_response (ue, kind, body, host, port, identity, until)"
            " VALUES (?,?,?,?,?,?,?)",
            (ue, kind, json.dumps(body), *peer, getattr(peer, "identity", None), until),
        )

    def owed(self, id_):
        """Raises Unreadable."""
        return self._held("gateway_response", OWED, id_)

    def owing(self):
        """The Addresses of the UEs that are owed something."""
        return [Address("UE", ue) for (ue,) in self._db.execute("SELECT ue FROM gateway_response").fetchall()]

    def owed_to(self, ue):
        """The id of what a UE is owed, or None."""
        return self._one("SELECT id FROM gateway_response WHERE ue=?", ue)

    def owed_over(self, now):
        """(id, ue, kind) of those that are given up."""
        query = "SELECT id, ue, kind FROM gateway_response WHERE until<=? ORDER BY until, id"
        return self._db.execute(query, (now,)).fetchall()

    def drop_owed(self, id_):
        """False when it is not there any more."""
        return self._db.execute("DELETE FROM gateway_response WHERE id=?", (id_,)).rowcount > 0

    def _held(self, table, unit, id_):
        with reading(unit, id_):
            row = self._db.execute(
                "SELECT id, ue, kind, body, host, port, identity, until FROM %s WHERE id=?" % table, (id_,)
            ).fetchone()
            return row and Held(*row[:3], record(row[3]), peer_at(*row[4:7]), row[7])
