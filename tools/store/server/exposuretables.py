# SPDX-License-Identifier: MIT
"""UEs that are triggered and monitored through the network, in the store (TS 23.554 clause 8.9).

How a UE is triggered outlives its registration: that is when it is needed.
"""

from typing import NamedTuple

from tools.store.states import IS_QUEUED, IS_STORED

# `triggering`: `due` is when a trigger is to go, NULL where none is; `last`: when one went. `trigger_time`: of each
# message that is worth triggers, when the next one is due and how many were. `monitoring`: `due` is when the network is
# to be asked, NULL while its report is waited for; `over`: the subscription is to end.
SCHEMA = """
CREATE TABLE IF NOT EXISTS triggering (
  ue TEXT PRIMARY KEY, ue_id TEXT, ports TEXT, due REAL, last REAL, tries INTEGER, token TEXT UNIQUE) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS triggering_due ON triggering (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS trigger_time (
  message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE, ue TEXT, due REAL, stage INTEGER);
CREATE INDEX IF NOT EXISTS trigger_time_due ON trigger_time (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS trigger_time_ue ON trigger_time (ue);
CREATE TABLE IF NOT EXISTS monitoring (
  ue TEXT PRIMARY KEY, token TEXT UNIQUE, link TEXT, asked INTEGER, over INTEGER, due REAL, tries INTEGER)
  WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS monitoring_due ON monitoring (due) WHERE due IS NOT NULL
"""
_AT_ONCE = 100  # of what is due
_LAST = 3  # the stage of a message after its last trigger


class Triggered(NamedTuple):
    ue_id: str
    ports: str  # JSON


class Monitored(NamedTuple):
    ue: str
    token: str
    link: str  # URI of the subscription, "" before it is known
    asked: bool
    over: bool
    due: float | None
    tries: int


_MONITORING = ", ".join(Monitored._fields)


class ExposureTables:
    """For Store, whose `_db` these methods use."""

    # ---- how UEs are triggered ---------------------------------------------------------------------------------------

    def put_trigger_info(self, ue, ue_id, ports):
        """`ports`: JSON. The UE has registered, so no trigger is due."""
        self._db.execute(
            "INSERT INTO triggering (ue, ue_id, ports, tries) VALUES (?,?,?,0)"
            " ON CONFLICT (ue) DO UPDATE SET ue_id=excluded.ue_id, ports=excluded.ports, due=NULL, tries=0",
            (ue, ue_id, ports),
        )

    def drop_trigger_info(self, ue):
        self._db.execute("DELETE FROM triggering WHERE ue=?", (ue,))
        self._db.execute("DELETE FROM trigger_time WHERE ue=?", (ue,))

    def trigger_info(self, ue):
        """None for a UE that cannot be triggered."""
        row = self._db.execute("SELECT ue_id, ports FROM triggering WHERE ue=?", (ue,)).fetchone()
        return row and Triggered(*row)

    # ---- when a message is worth one ---------------------------------------------------------------------------------

    def trigger_for(self, id_, ue, now):
        """The message has waited since now; once more changes nothing."""
        put = "INSERT INTO trigger_time (message, ue, due, stage) VALUES (?,?,?,0) ON CONFLICT DO NOTHING"
        self._db.execute(put, (id_, ue, now))

    def trigger_all(self, ue, now):
        """As `trigger_for`, of all that waits for a UE and may be stored."""
        self._db.execute(
            "INSERT INTO trigger_time (message, ue, due, stage)"
            " SELECT id, target, CAST(? AS DOUBLE PRECISION), 0 FROM message"
            " WHERE target_type='UE' AND target=? AND (%s OR %s) AND kind='MSG' AND store_forward"
            " ON CONFLICT DO NOTHING" % (IS_QUEUED, IS_STORED),
            (now, ue),
        )

    def trigger_pieces(self, id_, pieces):
        """The pieces of a message are worth what it is worth still."""
        self._db.executemany(
            "INSERT INTO trigger_time (message, ue, due, stage) SELECT CAST(? AS BIGINT), ue, due, stage"
            " FROM trigger_time WHERE message=?",
            [(piece, id_) for piece in pieces],
        )

    def triggers_of_messages(self, now):
        """(message, UE, when its next one is due or None) of those with one that is due."""
        query = (
            "SELECT t.message, t.ue, CASE t.stage WHEN 0 THEN (? + m.expires) / 2 END FROM trigger_time AS t"
            " JOIN message AS m ON m.id=t.message WHERE t.due<=? ORDER BY t.due LIMIT ?"
        )
        return self._db.execute(query, (now, now, _AT_ONCE)).fetchall()

    def trigger_next(self, id_, due):
        self._db.execute("UPDATE trigger_time SET due=?, stage=stage+1 WHERE message=?", (due, id_))

    def trigger_last(self, id_, ue):
        """Notes the last one of a message. False where it was before."""
        cursor = self._db.execute(
            "INSERT INTO trigger_time (message, ue, stage) VALUES (?,?,?) ON CONFLICT (message)"
            " DO UPDATE SET stage=excluded.stage, due=NULL WHERE trigger_time.stage<excluded.stage",
            (id_, ue, _LAST),
        )
        return cursor.rowcount > 0

    def trigger_last_again(self, id_):
        """The message has a new end, and its last one then."""
        self._db.execute(
            "UPDATE trigger_time SET stage=? WHERE message=? AND stage>=?", (_LAST - 1, id_, _LAST)
        )

    def waits_for_trigger(self, ue):
        return self._one("SELECT 1 FROM trigger_time WHERE ue=?", ue) is not None

    # ---- triggers of a UE --------------------------------------------------------------------------------------------

    def trigger_due(self, ue, now, apart):
        """One is to go, `apart` seconds after the last one at the earliest."""
        self._db.execute(
            "UPDATE triggering SET due=coalesce(due, greatest(?, coalesce(last+?, 0))) WHERE ue=?",
            (now, apart, ue),
        )

    def triggers_due(self, now):
        query = "SELECT ue FROM triggering WHERE due<=? ORDER BY due LIMIT ?"
        return [ue for (ue,) in self._db.execute(query, (now, _AT_ONCE)).fetchall()]

    def trigger_begins(self, ue, now, token):
        self._db.execute("UPDATE triggering SET last=?, token=? WHERE ue=?", (now, token, ue))

    def trigger_done(self, ue):
        self._db.execute("UPDATE triggering SET due=NULL, tries=0 WHERE ue=?", (ue,))

    def trigger_later(self, ue, now):
        """The network took nothing: the others that are due come first."""
        self._db.execute("UPDATE triggering SET due=? WHERE ue=? AND due IS NOT NULL", (now, ue))

    def trigger_failed(self, ue, now, least, most):
        """It was refused: the seconds until the next try, each twice as long."""
        return self._try_later("triggering", ue, now, least, most)

    def triggered_by(self, token):
        """The UE whose last trigger has this token, or None."""
        return self._one("SELECT ue FROM triggering WHERE token=?", token)

    def next_trigger(self, now):
        """When something of this is due next, or None."""
        return self._one(
            "SELECT min(t) FROM (SELECT min(due) AS t FROM triggering WHERE due>?"
            " UNION ALL SELECT min(due) FROM trigger_time WHERE due IS NOT NULL) AS next",
            now,
        )

    # ---- monitoring --------------------------------------------------------------------------------------------------

    def wish_monitoring(self, ue, token, due):
        """One of a UE at a time: nothing changes where there is one."""
        put = (
            "INSERT INTO monitoring (%s) VALUES (?,?,'',FALSE,FALSE,?,0) ON CONFLICT DO NOTHING" % _MONITORING
        )
        self._db.execute(put, (ue, token, due))

    def monitoring(self, ue):
        row = self._db.execute("SELECT %s FROM monitoring WHERE ue=?" % _MONITORING, (ue,)).fetchone()
        return row and Monitored(*row)

    def monitoring_due(self, now):
        query = "SELECT ue FROM monitoring WHERE due<=? ORDER BY due LIMIT ?"
        return [ue for (ue,) in self._db.execute(query, (now, _AT_ONCE)).fetchall()]

    def monitoring_asked(self, ue, asked):
        """Whether the network was asked for it and has not said what came of that."""
        self._db.execute("UPDATE monitoring SET asked=? WHERE ue=?", (asked, ue))

    def monitoring_is_at(self, ue, link):
        """The network has taken it; one that is to end meanwhile is due again."""
        self._db.execute(
            "UPDATE monitoring SET link=?, tries=0, due=CASE WHEN over THEN due END WHERE ue=?", (link, ue)
        )

    def monitoring_later(self, ue, now):
        """As `trigger_later`."""
        self._db.execute("UPDATE monitoring SET due=? WHERE ue=? AND due IS NOT NULL", (now, ue))

    def monitoring_failed(self, ue, now, least, most):
        """As `trigger_failed`."""
        return self._try_later("monitoring", ue, now, least, most)

    def end_monitoring(self, ue):
        """The UE is not registered any more: what the network knows of is to end there."""
        self._db.execute("DELETE FROM monitoring WHERE ue=? AND NOT asked AND link=''", (ue,))
        self._db.execute("UPDATE monitoring SET over=TRUE, due=0, tries=0 WHERE ue=?", (ue,))

    def drop_monitoring(self, ue):
        self._db.execute("DELETE FROM monitoring WHERE ue=?", (ue,))

    def monitored_by(self, token):
        return self._one("SELECT ue FROM monitoring WHERE token=?", token)

    def monitored(self):
        """All UEs, for people."""
        rows = self._db.execute("SELECT %s FROM monitoring ORDER BY ue" % _MONITORING)
        return [Monitored(*row) for row in rows.fetchall()]

    def next_monitoring(self, now):
        """When the network is to be asked next, or None."""
        return self._one("SELECT min(due) FROM monitoring WHERE due>?", now)

    def _try_later(self, table, ue, now, least, most):
        tries = self._one("SELECT tries FROM %s WHERE ue=?" % table, ue) or 0
        pause = max(least, min(most, least * 2 ** min(tries, 20)))
        self._db.execute("UPDATE %s SET due=?, tries=tries+1 WHERE ue=?" % table, (now + pause, ue))
        return pause
