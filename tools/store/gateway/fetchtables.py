# SPDX-License-Identifier: MIT
"""Requests of UEs for their configuration that a Gateway UE holds (TS 24.538 clause 6.2.3), in the store."""

import json
from dataclasses import dataclass

from tools.store.engine.transactions import reading
from tools.store.states import FETCH
from tools.wire.identity import Peer, peer_at

# What a row of `gateway_fetch` waits for.
HELD = "waits"  # the server
READY = "ready"  # being told to its UE
KEPT = "kept"  # the next request of its UE, which it answers
MISSED = "missed"  # the same, which goes on by itself

# `back`: what the transport needs to answer the request once more. `due`: when the server is asked at the latest;
# `until`: what the UE was told to wait for, then how long the row is kept.
SCHEMA = """
CREATE TABLE IF NOT EXISTS gateway_fetch (
  id INTEGER PRIMARY KEY AUTOINCREMENT, ue_id TEXT UNIQUE, state TEXT, path TEXT, local TEXT, host TEXT, port INTEGER,
  identity BLOB, back TEXT, due REAL, until REAL, answer TEXT);
CREATE INDEX IF NOT EXISTS gateway_fetch_until ON gateway_fetch (until);
CREATE INDEX IF NOT EXISTS gateway_fetch_host ON gateway_fetch (host);
CREATE INDEX IF NOT EXISTS gateway_fetch_state ON gateway_fetch (state, id)
"""


@dataclass(frozen=True)
class Fetch:
    """`answer`: the code of the answer and its content, JSON text or a diagnostic."""

    id: int
    ue_id: str
    state: str
    path: tuple[str, ...]
    local: str | None
    peer: Peer
    back: str
    answer: tuple[str, str] | None


class FetchTables:
    """For Store, whose `_db` these methods use. A UE ID has one request at most: the latest."""

    def hold_fetch(self, ue_id, path, local, peer, back, due, until):
        self._db.execute("DELETE FROM gateway_fetch WHERE ue_id=?", (ue_id,))  # the new one has another id
        self._db.execute(
            "INSERT INTO gateway_fetch (ue_id, state, path, local, host, port, identity, back, due, until)"
            " VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                ue_id,
                HELD,
                json.dumps(path),
                local,
                *peer,
                getattr(peer, "identity", None),
                back,
                due,
                until,
            ),
        )

    def fetch(self, id_):
        """Raises Unreadable."""
        with reading(FETCH, id_):
            row = self._db.execute(
                "SELECT id, ue_id, state, path, local, host, port, identity, back, answer FROM gateway_fetch"
                " WHERE id=?",
                (id_,),
            ).fetchone()
            if row is None:
                return None
            path, answer = tuple(json.loads(row[3])), row[9] and tuple(json.loads(row[9]))
            return Fetch(*row[:3], path, row[4], peer_at(*row[5:8]), row[8], answer)

    def fetch_of(self, ue_id):
        """The id of the request of a UE ID, or None."""
        return self._one("SELECT id FROM gateway_fetch WHERE ue_id=?", ue_id)

    def fetches(self, state):
        """(id, due) of each in that state, in order."""
        query = "SELECT id, due FROM gateway_fetch WHERE state=? ORDER BY id"
        return self._db.execute(query, (state,)).fetchall()

    def count_fetches(self):
        return self._one("SELECT count(*) FROM gateway_fetch")

    def count_fetches_of(self, host):
        """Those that came from a host without proof of who it is."""
        return self._one("SELECT count(*) FROM gateway_fetch WHERE host=? AND identity IS NULL", host)

    def fetches_over(self, now):
        """(id, ue_id, state) of those whose time is over."""
        query = "SELECT id, ue_id, state FROM gateway_fetch WHERE until<=? ORDER BY until, id"
        return self._db.execute(query, (now,)).fetchall()

    def answer_fetch(self, id_, code, text):
        self._db.execute(
            "UPDATE gateway_fetch SET state=?, answer=? WHERE id=?", (READY, json.dumps([code, text]), id_)
        )

    def set_fetch(self, id_, state, until):
        self._db.execute("UPDATE gateway_fetch SET state=?, until=? WHERE id=?", (state, until, id_))

    def hasten_fetches(self, ids, now):
        self._db.executemany(
            "UPDATE gateway_fetch SET due=least(due, ?) WHERE id=?", [(now, id_) for id_ in ids]
        )

    def drop_fetch(self, id_):
        """False when it is not there any more."""
        return self._db.execute("DELETE FROM gateway_fetch WHERE id=?", (id_,)).rowcount > 0

    def fetch_deadline(self):
        """When the time of the next one is over, or None."""
        return self._one("SELECT min(until) FROM gateway_fetch")
