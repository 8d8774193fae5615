# SPDX-License-Identifier: MIT
"""How much waits of whom, in the store: counted by triggers, so that a look costs the same however much there is.

`load` has a row for each originator and lane, and one of all together (type and id ""). It follows each insert and
delete in the very transaction, so a restart, a kill or a rollback can't make it wrong.
"""

from tools.store.tables import CONTROL, DATA

SETS = 2  # a lane of `load` beside CONTROL and DATA: segment sets on their way in

_TABLES = (
    "CREATE TABLE IF NOT EXISTS load (lane INTEGER, type TEXT, id TEXT, messages INTEGER, octets INTEGER,"
    " PRIMARY KEY (lane, type, id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS message_waits ON message (target_type, target, lane)",
    "CREATE TABLE IF NOT EXISTS as_use (id TEXT PRIMARY KEY, used REAL) WITHOUT ROWID",
)
_SEEN = ("%s %s", "segments of %s %s", "IMDN %s %s")  # keys of an originator in the table `seen`
_MESSAGE = "%(row)s.lane, coalesce(%(row)s.origin_type, '-'), coalesce(%(row)s.origin, '-')"
_SET = "2, 'UE', %(row)s.originator"


def _change(key, messages, octets):
    """Statements that add to the rows of an originator and of all."""
    lane = key.split(",")[0]
    return "".join(
        "INSERT INTO load VALUES (%s, %s, %s) ON CONFLICT DO UPDATE SET"
        " messages = messages + excluded.messages, octets = octets + excluded.octets;"
        % (whose, messages, octets)
        for whose in (key, "%s, '', ''" % lane)
    )


def _trigger(name, when, key, messages, octets):
    tidy = "DELETE FROM load WHERE messages = 0 AND (lane, type, id) = (%s);" % key if messages == -1 else ""
    body = _change(key, messages, octets) + tidy
    return "CREATE TRIGGER IF NOT EXISTS %s AFTER %s BEGIN %s END" % (name, when, body)


_NEW, _OLD = {"row": "NEW"}, {"row": "OLD"}
_TRIGGERS = (
    _trigger("load_message_in", "INSERT ON message", _MESSAGE % _NEW, 1, "NEW.octets"),
    _trigger("load_message_out", "DELETE ON message", _MESSAGE % _OLD, -1, "-OLD.octets"),
    _trigger("load_set_in", "INSERT ON segment_set", _SET % _NEW, 1, "NEW.octets"),
    _trigger("load_set_out", "DELETE ON segment_set", _SET % _OLD, -1, "-OLD.octets"),
    _trigger("load_set_grows", "UPDATE OF octets ON segment_set", _SET % _NEW, 0, "NEW.octets - OLD.octets"),
)
_COUNTED = "(SELECT count(*) FROM message WHERE target_type=%s AND target=%s AND lane=%d)"
_SUMS = (
    "(SELECT CAST(coalesce(sum(messages), 0) AS BIGINT) FROM load WHERE lane=%d AND type={0} AND id={1}),"
    " (SELECT CAST(coalesce(sum(octets), 0) AS BIGINT) FROM load WHERE lane IN (%d, %d) AND type={0} AND id={1})"
) % (DATA, DATA, SETS)
_WAITING = "SELECT " + _SUMS.format("?1", "?2")
_ROOM = "SELECT " + ", ".join(
    (
        _COUNTED % ("?1", "?2", DATA),
        _COUNTED % ("?3", "?4", CONTROL),
        _SUMS.format("?3", "?4"),
        _SUMS.format("''", "''"),
    )
)


def prepare(execute):
    """Makes what is missing; what an older program left in the store is counted once."""
    for statement in _TABLES + _TRIGGERS:
        execute(statement)
    if execute("SELECT count(*) FROM load").fetchone()[0]:
        return
    for table, key in (("message", _MESSAGE), ("segment_set", _SET)):
        key %= {"row": table}
        for whose in (key, "%s, '', ''" % key.split(",")[0]):
            execute(
                "INSERT INTO load SELECT %s, count(*), sum(octets) FROM %s GROUP BY 1, 2, 3" % (whose, table)
            )


class QuotaTables:
    """For Store."""

    def pending(self, target, lane=DATA):
        """How many messages of this lane wait for a recipient."""
        return self._one(
            "SELECT count(*) FROM message WHERE target_type=? AND target=? AND lane=?", *target, lane
        )

    def load(self, lane, origin=("", "")):
        """(messages or sets, octets) that wait, of one originator or of all."""
        return self._db.execute(
            "SELECT CAST(coalesce(sum(messages), 0) AS BIGINT), CAST(coalesce(sum(octets), 0) AS BIGINT)"
            " FROM load WHERE lane=? AND type=? AND id=?",
            (lane, *origin),
        ).fetchone()

    def waiting(self, origin=("", "")):
        """(messages, octets) that wait, unfinished segment sets among the octets; of one originator or of all."""
        return self._db.execute(_WAITING, origin).fetchone()

    def room(self, target, origin):
        """Messages that wait for a recipient; reports and responses for an originator; and what `waiting` says of the
        originator and of all, as one row of six."""
        return self._db.execute(_ROOM, (*target, *origin)).fetchone()

    # ---- Application Servers -------------------------------------------------------------------------------------

    def use_as(self, id_, now):
        """It has registered or sent something; written once a minute at most."""
        self._db.execute(
            "INSERT INTO as_use (id, used) VALUES (?,?) ON CONFLICT (id) DO UPDATE SET used=excluded.used"
            " WHERE as_use.used NOT BETWEEN excluded.used - 60 AND excluded.used",
            (id_, now),
        )

    def room_for_as(self, max_registered, unused_since):
        """(whether one more may register, who had to go for it or None): the one that was used longest ago, before
        `unused_since`, and that nothing waits for."""
        if self._one("SELECT count(*) FROM application_server") < max_registered:
            return True, None
        gone = self._one(
            "SELECT id FROM application_server LEFT JOIN as_use USING (id) WHERE coalesce(used, 0) < ?"
            " AND NOT EXISTS (SELECT 1 FROM message WHERE target_type='AS' AND target=application_server.id)"
            " ORDER BY coalesce(used, 0) LIMIT 1",
            unused_since,
        )
        if gone is not None:
            self.remove_as(gone)
        return gone is not None, gone

    # ---- what is known again ----------------------------------------------------------------------------------------

    def forget_seen(self, type_, id_):
        """All that is remembered of an originator that is no more."""
        keys = [pattern % (type_, id_) for pattern in _SEEN] + ["sent %s" % id_] * (type_ == "UE")
        self._db.execute("DELETE FROM seen WHERE originator IN (%s)" % ",".join("?" * len(keys)), keys)

    def tidy(self, now):
        """Forgets what belongs to UEs, Application Servers and applications that are no more."""
        patterns = " UNION ALL ".join(
            "SELECT '%s' || id FROM %s" % (pattern.replace("%s %s", type_ + " "), table)
            for pattern in _SEEN
            for type_, table in (("UE", "ue"), ("AS", "application_server"))
        )
        self._db.execute(
            "WITH ue(id) AS (SELECT ue FROM device UNION SELECT ue FROM registration UNION SELECT ue FROM app_client),"
            " known(key) AS (%s"
            " UNION ALL SELECT 'sent ' || id FROM ue UNION ALL SELECT 'delivery ' || app_id FROM app_client"
            " UNION ALL SELECT 'brought ' || app_id FROM app_client"
            " UNION ALL SELECT 'peer ' || kind || ' ' || id FROM peer_token)"
            " DELETE FROM seen WHERE originator IN (SELECT originator FROM seen EXCEPT SELECT key FROM known)"
            % patterns
        )
        self._db.execute("DELETE FROM as_use WHERE id NOT IN (SELECT id FROM application_server)")
        self._db.execute(
            "DELETE FROM subscription WHERE NOT EXISTS (SELECT 1 FROM device WHERE device.ue=subscription.ue)"
            " AND NOT EXISTS (SELECT 1 FROM registration WHERE registration.ue=subscription.ue)"
        )
        self._db.execute(
            "DELETE FROM topic_follower WHERE kind='AS' AND domain='' AND id NOT IN (SELECT id FROM application_server)"
        )

    def cap_expiry(self, latest):
        """Nothing waits longer than that, whatever an earlier program accepted."""
        self._db.execute("UPDATE message SET expires=? WHERE expires>?", (latest, latest))
