# SPDX-License-Identifier: MIT
"""How much waits of whom, in the store: counted by triggers, so that a look costs the same however much there is.

`load` has a row for each originator and lane, and one of all together (type and id ""). It follows each insert and
delete in the very transaction, so a restart, a kill or a rollback can't make it wrong.
"""

from tools.gateway.tables import DATA

SETS = 2  # a lane of `load` beside CONTROL and DATA: segment sets on their way in

_TABLES = (
    "CREATE TABLE IF NOT EXISTS load (lane INTEGER, type TEXT, id TEXT, messages INTEGER, octets INTEGER,"
    " PRIMARY KEY (lane, type, id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS message_waits ON message (target_type, target, lane)",
    "CREATE TABLE IF NOT EXISTS as_use (id TEXT PRIMARY KEY, used REAL) WITHOUT ROWID",
)
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
        row = self._db.execute(
            "SELECT messages, octets FROM load WHERE lane=? AND type=? AND id=?", (lane, *origin)
        ).fetchone()
        return row or (0, 0)

    def cap_expiry(self, latest):
        """Nothing waits longer than that, whatever an earlier program accepted."""
        self._db.execute("UPDATE message SET expires=? WHERE expires>?", (latest, latest))
