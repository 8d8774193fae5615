# SPDX-License-Identifier: MIT
"""What was set aside because its handling raised, in the store.

A message and a segment set stay where they are, with all that belongs to them, and nothing looks at them any more; of a
registration its end stays. Nothing here reads a column that may be what is wrong.
"""

from dataclasses import dataclass

from tools.store.states import MESSAGE, QUARANTINED, QUEUED, REGISTRATION, SEGMENT_SET
from tools.store.tables import record
from tools.wire.bodies import Address

SCHEMA = """
CREATE TABLE IF NOT EXISTS quarantine (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, key TEXT, at REAL, expires REAL, reason TEXT, place TEXT,
  target_type TEXT, target TEXT, origin_type TEXT, origin TEXT, msg_id TEXT, what TEXT, origin_set TEXT, content TEXT,
  told INTEGER DEFAULT 0, UNIQUE (kind, key));
CREATE INDEX IF NOT EXISTS quarantine_expires ON quarantine (expires);
CREATE INDEX IF NOT EXISTS quarantine_origin ON quarantine (origin_type, origin)
"""

# What is moved, by kind: the columns target_type to origin_set above, and the one that may be unreadable.
_FROM = {
    MESSAGE: "target_type, target, origin_type, origin, msg_id, kind, origin_set, head FROM message WHERE id=?",
    SEGMENT_SET: "'', '', 'UE', originator, msg_id, 'MSG', set_id, body FROM segment_set WHERE id=?",
    REGISTRATION: "'', '', 'UE', ue, '', 'REG', '', profile FROM registration WHERE ue=?",
}
_EMPTIED = {
    MESSAGE: "UPDATE message SET head='{}' WHERE id=?",
    SEGMENT_SET: "UPDATE segment_set SET body='{}' WHERE id=?",
}
_GONE = {MESSAGE: "DELETE FROM message WHERE id=?", SEGMENT_SET: "DELETE FROM segment_set WHERE id=?"}
_COLUMNS = "kind, key, at, reason, place, target_type, target, origin_type, origin, msg_id, what, origin_set, told, id"


@dataclass(frozen=True)
class Aside:
    """`kind` and `key` name what it is (the key as text), `what` is the kind of a message."""

    kind: str
    key: str
    at: float
    reason: str
    place: str
    target: Address | None
    origin: Address | None
    msg_id: str
    what: str
    origin_set: str
    told: bool
    id: int


def _text(value):
    return value.decode(errors="replace") if isinstance(value, bytes) else value


class QuarantineTables:
    """For Store, whose `_db` these methods use."""

    OCTETS = "CAST(%s AS BLOB)"  # how a column of text is read that may be no text

    def put_aside(self, kind, key, at, expires, reason, place, unreadable):
        """The id in the quarantine; None for what is not there any more. Where it is `unreadable`, what it says is kept
        apart, so that the row can be read as an empty one."""
        self._db.execute("DELETE FROM quarantine WHERE kind=? AND key=?", (kind, str(key)))
        row = self._db.execute(
            "INSERT INTO quarantine (kind, key, at, expires, reason, place, target_type, target, origin_type, origin,"
            " msg_id, what, origin_set, content) SELECT ?,?,?,?,?,?, %s RETURNING id" % _FROM[kind],
            (kind, str(key), at, expires, reason, place, key),
        ).fetchone()
        if row is None:
            return None
        (aside,) = row
        if kind == MESSAGE:
            self._db.execute("UPDATE message SET state=?, hold_until=NULL WHERE id=?", (QUARANTINED, key))
        if kind == REGISTRATION:
            self._db.execute("UPDATE registration SET live=FALSE, profile='{}' WHERE ue=?", (key,))
        elif unreadable:
            self._db.execute(_EMPTIED[kind], (key,))
        else:
            self._db.execute("UPDATE quarantine SET content=NULL WHERE id=?", (aside,))
        return aside

    def aside(self, id_):
        """The Aside of this id, or None."""
        found = self.all_aside("id=?", id_)
        return found[0] if found else None

    def all_aside(self, where="TRUE", *values):
        """The oldest first. Columns are read as octets: they may be no text."""
        columns = ", ".join(
            name if name in ("at", "told", "id") else self.OCTETS % name for name in _COLUMNS.split(", ")
        )
        rows = self._db.execute(
            "SELECT %s FROM quarantine WHERE %s ORDER BY id" % (columns, where), values
        ).fetchall()
        made = []
        for row in rows:
            kind, key, at, reason, place, target_type, target, origin_type, origin, *rest = map(_text, row)
            made.append(
                Aside(
                    kind,
                    key,
                    at,
                    reason,
                    place,
                    Address(target_type, target) if target else None,
                    Address(origin_type, origin) if origin else None,
                    *rest,
                )
            )
        return made

    def is_copy(self, id_):
        """Whether a message is one copy of many."""
        query = "SELECT target_type, %s FROM message WHERE id=?" % self.OCTETS % "head"
        row = self._db.execute(query, (id_,)).fetchone()
        try:
            head = record(row and _text(row[1]))
        except (ValueError, TypeError):
            return False
        sent_to = head.get("destAddr")
        type_ = sent_to.get("destAddrType") if isinstance(sent_to, dict) else None
        return head.get("oriDestAddr") is not None or type_ not in (None, row[0])

    def is_aside(self, kind, key):
        return self._one("SELECT 1 FROM quarantine WHERE kind=? AND key=?", kind, str(key)) is not None

    def was_told(self, id_):
        self._db.execute("UPDATE quarantine SET told=TRUE WHERE id=?", (id_,))

    def take_back(self, aside, now):
        """It goes on as if it had not been set aside; a message lives longer by the time that it was."""
        if aside.kind == MESSAGE:
            self._db.execute(
                "UPDATE message SET state=?, expires=expires+?, head=coalesce("
                "(SELECT content FROM quarantine WHERE id=?), head) WHERE id=?",
                (QUEUED, max(0, now - aside.at), aside.id, aside.key),
            )
        elif aside.kind == SEGMENT_SET:
            self._db.execute(
                "UPDATE segment_set SET progress=?, fresh=?, body=coalesce("
                "(SELECT content FROM quarantine WHERE id=?), body) WHERE id=?",
                (now, now, aside.id, aside.key),
            )
        self._db.execute("DELETE FROM quarantine WHERE id=?", (aside.id,))

    def throw_away(self, aside):
        if aside.kind in _GONE:
            self._db.execute(_GONE[aside.kind], (aside.key,))
        self._db.execute("DELETE FROM quarantine WHERE id=?", (aside.id,))

    def overdue_aside(self, now):
        return [id_ for (id_,) in self._db.execute("SELECT id FROM quarantine WHERE expires<=?", (now,))]

    def count_aside(self):
        return self._one("SELECT count(*) FROM quarantine")

    def most_aside(self):
        """The oldest of the originator that has the most."""
        return self._one(
            "SELECT min(id) FROM quarantine GROUP BY origin_type, origin ORDER BY count(*) DESC, min(id) LIMIT 1"
        )
