# SPDX-License-Identifier: MIT
"""Messages that wait, and their parts, in the store: each is in the queue of its recipient (`states` says what for)."""

import json

from tools.store.engine.transactions import reading
from tools.store.states import IS_HELD, IS_MORTAL, IS_QUEUED, IS_STORED, IS_WELL, MESSAGE, QUEUED
from tools.store.tables import COLUMNS, DATA, read_row, text_of
from tools.wire.bodies import Address, same
from tools.wire.payload import content_size

# Of an index, and of the query that it serves. Spelt "target_type='AS'", SQLite would ask of each statement with
# "target_type=?" whether its value is that, and make the statement anew with each other value.
IS_SERVERS = "target_type || '' = 'AS'"

# The times that end a message, each in an index of what it can end: however many wait, the next one is the first. And
# the next one of an originator to an Application Server, whatever others wait for that.
SCHEMA = """
CREATE INDEX IF NOT EXISTS message_mortal ON message (expires) WHERE %s;
CREATE INDEX IF NOT EXISTS message_held ON message (hold_until) WHERE %s;
CREATE INDEX IF NOT EXISTS message_of ON message (target, lane, origin_type, origin, position, id)
  WHERE %s AND %s
""" % (IS_MORTAL, IS_HELD, IS_SERVERS, IS_QUEUED)


def octets_of(head, parts):
    """What a message counts: octets that its parts say; without them, as an aggregated one, those of its body."""
    return sum(map(content_size, parts)) if parts else len(json.dumps(head))


class MessageTables:
    """For Store, whose `_db` these methods use. Their tables are those of `tables`."""

    # A query of the id of the next message: higher than that of each before it, also of those that are gone.
    NEXT_ID = "SELECT 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name='message'), 0) AS id"

    def add(self, lane, kind, target, origin, head, parts, state, expires, **more):
        """A message at the end of its recipient's queue (or at `position`); returns its id. `high`, `whole`: its traits
        (`traittables`)."""
        octets = octets_of(head, parts)
        # Its place in the queue is its id, if nothing else is said.
        (id_,) = self._db.execute(
            "INSERT INTO message (%s) SELECT id, coalesce(CAST(? AS DOUBLE PRECISION), id), ?,?,?,?,?,?,?,?,?,?,?,?,?,?"
            " FROM (%s) AS next RETURNING id" % (COLUMNS, self.NEXT_ID),
            (
                more.get("position"),
                lane,
                kind,
                *target,
                *(origin or (None, None)),
                head.get("msgId", ""),
                json.dumps(head),
                more.get("origin_set", ""),
                more.get("set_id", ""),
                more.get("store_forward", False),
                state,
                expires,
                octets,
            ),
        ).fetchone()
        self._put_parts(id_, parts)
        if kind == "MSG" and "msgList" in head:
            self.set_elements(id_, head["msgList"])
        whole = more.get("whole", "")
        names = [each["msgId"] for each in head.get("msgList", (head,))] if whole else ()
        self.set_traits(id_, more.get("high", False), whole, names)
        return id_

    def set_parts(self, id_, set_id, parts):
        self._db.execute("DELETE FROM part WHERE message=?", (id_,))
        self._db.execute("UPDATE message SET set_id=? WHERE id=?", (set_id, id_))
        self._put_parts(id_, parts)

    def _put_parts(self, id_, parts):
        for number, part in enumerate(parts, 1):
            self._db.execute(
                "INSERT INTO part (message, number, payload) VALUES (?,?,?)", (id_, number, part)
            )

    def parts(self, id_):
        with reading(MESSAGE, id_):
            rows = self._db.execute("SELECT payload FROM part WHERE message=? ORDER BY number", (id_,))
            return [text_of(payload) for (payload,) in rows]

    def next_part(self, id_, after=0):
        """(number, payload) of the first part behind this one that was not acknowledged, or None."""
        with reading(MESSAGE, id_):
            part = self._db.execute(
                "SELECT number, payload FROM part WHERE message=? AND number>? AND NOT done ORDER BY number LIMIT 1",
                (id_, after),
            ).fetchone()
            return part and (part[0], text_of(part[1]))

    def count_parts(self, id_):
        return self._one("SELECT count(*) FROM part WHERE message=?", id_)

    def part_done(self, id_, number):
        self._db.execute("UPDATE part SET done=TRUE WHERE message=? AND number=?", (id_, number))

    def parts_again(self, id_, ranges):
        """Marks parts to be sent again; how many there are."""
        return sum(
            self._db.execute(
                "UPDATE part SET done=FALSE WHERE message=? AND number BETWEEN ? AND ?", (id_, first, last)
            ).rowcount
            for first, last in ranges
        )

    def message(self, id_):
        with reading(MESSAGE, id_):
            return read_row(
                self._db.execute("SELECT %s FROM message WHERE id=?" % COLUMNS, (id_,)).fetchone()
            )

    def is_there(self, id_):
        return self._one("SELECT 1 FROM message WHERE id=?", id_) is not None

    def message_by_set(self, set_id, targets=None):
        """The message that is sent with this segId, to one of the UEs where they are named."""
        query = "SELECT id, target_type, target FROM message WHERE set_id=? AND set_id<>'' AND " + IS_WELL
        for id_, *target in self._db.execute(query, (same(set_id),)).fetchall():
            if targets is None or target[0] == "UE" and target[1] in targets:
                return self.message(id_)
        return None

    def set_state(self, id_, state, hold_until=None):
        self._db.execute("UPDATE message SET state=?, hold_until=? WHERE id=?", (state, hold_until, id_))

    def prolong(self, id_, expires):
        """The message ends then."""
        self._db.execute("UPDATE message SET expires=? WHERE id=?", (expires, id_))

    def remove(self, id_):
        self._db.execute("DELETE FROM message WHERE id=?", (id_,))

    def waiting_targets(self):
        query = "SELECT DISTINCT target_type, target FROM message WHERE " + IS_QUEUED
        return [Address(*row) for row in self._db.execute(query)]

    def is_waited_for(self, target):
        """Whether something is queued for it."""
        query = "SELECT 1 FROM message WHERE target_type=? AND target=? AND %s LIMIT 1" % IS_QUEUED
        return self._one(query, *target) is not None

    def next_id(self, target, lane, without=()):
        """The id of the message that is next, or None."""
        marks = " AND id NOT IN (%s)" % ",".join("?" * len(without)) if without else ""
        return self._one(
            "SELECT id FROM message WHERE target_type=? AND target=? AND %s AND lane=?%s"
            " ORDER BY position, id LIMIT 1" % (IS_QUEUED, marks),
            *target,
            lane,
            *without,
        )

    def next_of_others(self, target, lane, without, origins):
        """(id, originator) of the first message that is not of these originators, or None; of one without an originator
        that is None."""
        row = self._db.execute(
            "SELECT id, origin_type, origin FROM message WHERE target_type=? AND target=? AND %s AND lane=?"
            " AND id NOT IN (SELECT value FROM json_each(?))"
            " AND coalesce(origin_type || ' ' || origin, '') NOT IN (SELECT value FROM json_each(?))"
            " ORDER BY position, id LIMIT 1" % IS_QUEUED,
            (
                *target,
                lane,
                self._list(list(without)),
                self._list(["" if origin is None else origin.key for origin in origins]),
            ),
        ).fetchone()
        return row and (row[0], Address(*row[1:]) if row[2] else None)

    def next_but(self, server, lane, origin, without):
        """The id of the first message of this originator to an Application Server that is none of these, or None."""
        return self._one(
            "SELECT id FROM message WHERE %s AND target=? AND %s AND lane=?"
            " AND origin_type=? AND origin=? AND id NOT IN (SELECT value FROM json_each(?))"
            " ORDER BY position, id LIMIT 1" % (IS_SERVERS, IS_QUEUED),
            server,
            lane,
            *origin,
            self._list(without),
        )

    def next_of(self, target, lane, origin):
        """The id of the first message of this originator, or None."""
        return self._one(
            "SELECT id FROM message WHERE target_type=? AND target=? AND %s AND lane=?"
            " AND origin_type=? AND origin=? ORDER BY position, id LIMIT 1" % IS_QUEUED,
            *target,
            lane,
            *origin,
        )

    def ids_behind(self, row, most):
        """Ids of the next ones behind a message that is queued, in order."""
        query = (
            "SELECT id FROM message WHERE target_type=? AND target=? AND %s AND lane=? AND (position, id) > (?, ?)"
            " ORDER BY position, id LIMIT ?" % IS_QUEUED
        )
        values = (*row.target, row.lane, row.position, row.id, most)
        return [id_ for (id_,) in self._db.execute(query, values).fetchall()]

    def position_after(self, row):
        """That of the next one in the queue of its recipient, or one more than its own."""
        query = "SELECT min(position) FROM message WHERE target_type=? AND target=? AND lane=? AND position>?"
        return self._one(query, *row.target, row.lane, row.position) or row.position + 1

    def ids(self, target, state, lane=DATA):
        """Of the messages of a recipient, in order: each is read where its being unreadable stops no other."""
        query = "SELECT id FROM message WHERE target_type=? AND target=? AND state=? AND lane=? ORDER BY position, id"
        return [id_ for (id_,) in self._db.execute(query, (*target, state, lane)).fetchall()]

    def release(self, target):
        """What was stored for it is due."""
        self._db.execute(
            "UPDATE message SET state=?, hold_until=NULL WHERE target_type=? AND target=? AND lane=? AND "
            + IS_STORED,
            (QUEUED, *target, DATA),
        )

    def confirmation_waits(self, ue, set_id):
        """Whether a SEGCONFIR for this set is already on its way."""
        query = (
            "SELECT 1 FROM message WHERE target_type='UE' AND target=? AND kind='SEGCONFIR' AND origin_set=?"
            " AND " + IS_WELL
        )
        return self._one(query, ue, set_id) is not None

    def overdue(self, now):
        """Ids of messages whose life is over, and of those held long enough for a confirmation."""
        query = "SELECT id FROM message WHERE %s AND expires<=? OR %s AND hold_until<=? /*claim*/" % (
            IS_MORTAL,
            IS_HELD,
        )
        return [id_ for (id_,) in self._db.execute(query, (now, now)).fetchall()]

    def summary(self):
        """(target, state, lane, messages, octets) of what waits, for people."""
        return self._db.execute(
            "SELECT target_type, target, state, lane, count(*), CAST(sum(octets) AS BIGINT)"
            " FROM message GROUP BY 1, 2, 3, 4"
        ).fetchall()
