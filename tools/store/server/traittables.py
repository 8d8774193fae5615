# SPDX-License-Identifier: MIT
"""What the server remembers of a message beside what it sends of it, in the store.

A message without a row here has priority NORMAL or LOW, and is known to its originator by the `msgId` that it is sent
with. A piece of an aggregated message is known by the IDs of its elements (`names`), and belongs to a `whole`.
"""

from tools.store.states import IS_HELD, IS_WELL

SCHEMA = """
CREATE TABLE IF NOT EXISTS trait (
  message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE, high INTEGER, whole TEXT, names TEXT);
CREATE INDEX IF NOT EXISTS trait_whole ON trait (whole) WHERE whole <> '';
CREATE INDEX IF NOT EXISTS message_named ON message (lower(msg_id));
CREATE INDEX IF NOT EXISTS message_origin ON message (origin, origin_type)
"""

# The elements of aggregated messages, by their msgIds.
_ELEMENT = (
    "CREATE TABLE element (msg_id TEXT, message INTEGER REFERENCES message ON DELETE CASCADE,"
    " PRIMARY KEY (msg_id, message)) WITHOUT ROWID",
    "CREATE INDEX element_message ON element (message)",
    "INSERT OR IGNORE INTO element SELECT lower(json_extract(one.value, '$.msgId')), message.id FROM message,"
    " json_each(CASE WHEN json_valid(head) THEN head ELSE '{}' END, '$.msgList') AS one WHERE kind='MSG'",
)

# What an originator may still say something about: not what its recipient has, but for a confirmation.
_WAITS = "kind='MSG' AND %s AND NOT %s" % (IS_WELL, IS_HELD)


def prepare(execute):
    """Makes what is missing; the elements of what an older program left in the store are noted once."""
    if execute("SELECT 1 FROM sqlite_master WHERE name='element'").fetchone() is None:
        for statement in _ELEMENT:
            execute(statement)


class TraitTables:
    """For Store, whose `_db` these methods use. msgIds are in the form of `bodies.same`."""

    def set_traits(self, id_, high, whole, names):
        """`whole`: msgId of the aggregated message that it is a piece of, or ""; `names`: msgIds that its originator
        knows it by, where those are not the one that it is sent with."""
        if high or whole:
            self._db.execute(
                "INSERT INTO trait (message, high, whole, names) VALUES (?,?,?,?) ON CONFLICT (message)"
                " DO UPDATE SET high=excluded.high, whole=excluded.whole, names=excluded.names",
                (id_, high, whole.lower(), " ".join(names)),
            )

    def set_elements(self, id_, listed):
        """`listed`: the elements of an aggregated message."""
        self._db.executemany(
            "INSERT INTO element (msg_id, message) VALUES (?,?) ON CONFLICT DO NOTHING",
            [(each["msgId"].lower(), id_) for each in listed],
        )

    def is_high(self, id_):
        """Whether its priority type is HIGH."""
        return bool(self._one("SELECT high FROM trait WHERE message=?", id_))

    def whole_of(self, id_):
        """msgId of the aggregated message that it is a piece of, or ""."""
        return self._one("SELECT whole FROM trait WHERE message=?", id_) or ""

    def names(self, id_, msg_id):
        """The msgIds that its originator knows it by; `msg_id`: the one that it is sent with."""
        found = self._one("SELECT names FROM trait WHERE message=? AND whole<>''", id_)
        return found.split() if found else [msg_id]

    # ---- what waits under a msgId ------------------------------------------------------------------------------------

    def waits(self, msg_id):
        """Whether a message of anybody waits under it."""
        return self._one("SELECT 1 FROM message WHERE lower(msg_id)=? AND " + _WAITS, msg_id) is not None

    def waiting_of(self, origin, msg_id):
        """Ids of an originator's messages with this msgId, and of all pieces of an aggregated one."""
        return self._of(
            origin,
            "SELECT id FROM message WHERE lower(msg_id)=?"
            " UNION ALL SELECT message FROM trait WHERE whole=? AND whole<>''",
            msg_id,
            msg_id,
        )

    def waiting_of_set(self, origin, set_id):
        """Ids of what came in segments with this segId."""
        ids = "SELECT id FROM message WHERE origin=? AND origin_type=? AND origin_set=?"
        return self._of(origin, ids, origin.id, origin.type, set_id)

    def waiting_with(self, origin, msg_id):
        """Ids of aggregated messages of an originator with an element of this msgId."""
        return self._of(origin, "SELECT message FROM element WHERE msg_id=?", msg_id)

    def _of(self, origin, ids, *values):
        # The empty texts keep SQLite from going through all messages of the originator instead.
        query = (
            "SELECT id FROM message WHERE id IN (%s) AND origin || ''=? AND origin_type || ''=? AND %s"
            " ORDER BY position, id"
        )
        rows = self._db.execute(query % (ids, _WAITS), (*values, origin.id, origin.type))
        return [id_ for (id_,) in rows.fetchall()]

    def held_for(self, target, msg_id):
        """Ids of messages that a recipient has under this msgId, and has not confirmed."""
        query = (
            "SELECT id FROM message WHERE lower(msg_id)=? AND target_type || ''=? AND target || ''=? AND %s"
            % IS_HELD.replace("state", "state || ''")
        )
        return [id_ for (id_,) in self._db.execute(query, (msg_id.lower(), *target)).fetchall()]

    def set_expiry(self, id_, expires):
        self._db.execute("UPDATE message SET expires=? WHERE id=?", (expires, id_))
