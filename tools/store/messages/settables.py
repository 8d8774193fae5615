# SPDX-License-Identifier: MIT
"""Segment sets on their way in, in the store: one for each originator and segId (TS 24.538 clause 6.5)."""

import json

from tools.store.engine.transactions import reading
from tools.store.states import SEGMENT_SET
from tools.store.tables import SegmentSet, record
from tools.wire.bodies import same
from tools.wire.payload import content_size
from tools.wire.segments import Assembly

# `number` says under which segment an ID came first: senders may give each segment a msgId of its own.
SCHEMA = """
CREATE TABLE IF NOT EXISTS segment_msg_id (
  segment_set INTEGER REFERENCES segment_set ON DELETE CASCADE, msg_id TEXT, number INTEGER,
  PRIMARY KEY (segment_set, msg_id)) WITHOUT ROWID
"""

_COLUMNS = "id, originator, set_id, msg_id, body, progress, asked, fresh, octets"


def _read(row):
    return row and SegmentSet(*row[:4], record(row[4]), *row[5:])


class SetTables:
    """For Store, whose `_db` these methods use. A segId is looked for by `bodies.same`."""

    def open_set(self, originator, set_id, msg_id, body, now):
        (id_,) = self._db.execute(
            "INSERT INTO segment_set (originator, set_id, msg_id, body, progress, asked, fresh, octets)"
            " VALUES (?,?,?,?,?,0,?,0) RETURNING id",
            (originator, set_id, msg_id, json.dumps(body), now, now),
        ).fetchone()
        return SegmentSet(id_, originator, set_id, msg_id, body, now, 0, now, 0)

    def find_set(self, originator, set_id):
        # An originator has few sets, and one of them may be spelt otherwise.
        rows = self._db.execute("SELECT id, set_id FROM segment_set WHERE originator=?", (originator,))
        found = [id_ for id_, other in rows.fetchall() if same(other) == same(set_id)]
        return self.get_set(found[-1]) if found else None

    def get_set(self, id_):
        with reading(SEGMENT_SET, id_):
            query = "SELECT %s FROM segment_set WHERE id=?" % _COLUMNS
            return _read(self._db.execute(query, (id_,)).fetchone())

    def set_ids(self):
        """Of all unfinished sets that are not set aside."""
        query = (
            "SELECT id FROM segment_set WHERE CAST(id AS TEXT) NOT IN"
            " (SELECT key FROM quarantine WHERE kind='segment set')"
        )
        return [id_ for (id_,) in self._db.execute(query).fetchall()]

    def sets_at(self, ue):
        """Of the unfinished sets of this UE, and of those that are registered through it."""
        query = (
            "SELECT id FROM segment_set WHERE originator IN"
            " (SELECT CAST(?1 AS TEXT) UNION ALL SELECT ue FROM registration_via WHERE gateway=?1)"
        )
        return [id_ for (id_,) in self._db.execute(query, (ue,)).fetchall()]

    def assembly(self, id_):
        progress, total, asked = self._db.execute(
            "SELECT progress, total, asked FROM segment_set WHERE id=?", (id_,)
        ).fetchone()
        have = {n for (n,) in self._db.execute("SELECT number FROM segment WHERE segment_set=?", (id_,))}
        return Assembly(progress, total, have, asked)

    def save_assembly(self, id_, assembly):
        self._db.execute(
            "UPDATE segment_set SET progress=?, total=?, asked=? WHERE id=?",
            (assembly.progress, assembly.total, assembly.asked, id_),
        )

    def add_segment(self, id_, number, payload, body, now):
        """`body` is the head of the whole, which the set has its msgId of."""
        query = "INSERT INTO segment (segment_set, number, payload) VALUES (?,?,?)"
        self._db.execute(query, (id_, number, payload))
        self._db.execute(
            "UPDATE segment_set SET octets=octets+?, fresh=?, body=?, msg_id=? WHERE id=?",
            (content_size(payload), now, json.dumps(body), body["msgId"], id_),
        )

    def add_segment_msg_id(self, id_, msg_id, number):
        query = (
            "INSERT INTO segment_msg_id (segment_set, msg_id, number) VALUES (?,?,?) ON CONFLICT DO NOTHING"
        )
        self._db.execute(query, (id_, same(msg_id), number))

    def segment_msg_ids(self, id_):
        """The msgIds that its segments came with."""
        query = "SELECT msg_id FROM segment_msg_id WHERE segment_set=? ORDER BY number"
        return [msg_id for (msg_id,) in self._db.execute(query, (id_,))]

    def segment_payload(self, id_, number):
        """The payload value of one segment, or None."""
        return self._one("SELECT payload FROM segment WHERE segment_set=? AND number=?", id_, number)

    def segments(self, id_):
        query = "SELECT payload FROM segment WHERE segment_set=? ORDER BY number"
        return [payload for (payload,) in self._db.execute(query, (id_,))]

    def remove_set(self, id_):
        self._db.execute("DELETE FROM segment_set WHERE id=?", (id_,))

    def resume_sets(self, now):
        """After a restart the clocks of unfinished sets start anew: nobody could have sent anything meanwhile."""
        self._db.execute("UPDATE segment_set SET progress=?, fresh=?", (now, now))
