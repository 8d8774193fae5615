# SPDX-License-Identifier: MIT
"""All UEs that there are, for people: provisioned, registered, or registered once; and when each was last heard.

`ue_listed` and `ue_count` follow the tables of `uetables` and `waytables` by triggers, in the very transaction, whoever
writes: so a page of the list, and how many there are of each state, cost the same however many there are.
"""

NEVER, REGISTERED, AWAY = "never", "registered", "away"
STATES = (REGISTERED, AWAY, NEVER)
LOOKED = 20_000  # UE Service IDs that a search goes through at most

_TABLES = (
    "CREATE TABLE IF NOT EXISTS ue_listed (ue TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS ue_listed_state ON ue_listed (state, ue)",
    "CREATE TABLE IF NOT EXISTS ue_count (state TEXT PRIMARY KEY, ues INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS ue_heard (ue TEXT PRIMARY KEY, at REAL) WITHOUT ROWID",
)
# Of one UE, by all tables that know it; NULL where none does.
_STATE = (
    "CASE WHEN EXISTS (SELECT 1 FROM gateway_way WHERE ue={0}) THEN 'registered'"
    " ELSE coalesce((SELECT CASE WHEN live THEN 'registered' ELSE 'away' END FROM registration WHERE ue={0}),"
    " (SELECT 'never' FROM device WHERE ue={0})) END"
)
# Spelt without ON CONFLICT: a trigger takes that of the statement which has fired it.
_PUT = (
    "UPDATE ue_listed SET state=%(state)s WHERE ue=NEW.ue AND state<>%(state)s;"
    " INSERT INTO ue_listed SELECT NEW.ue, %(state)s WHERE NOT EXISTS (SELECT 1 FROM ue_listed WHERE ue=NEW.ue);"
) % {"state": _STATE.format("NEW.ue")}
_LOST = (
    "UPDATE ue_listed SET state=%(state)s WHERE ue=OLD.ue AND %(state)s IS NOT NULL AND state<>%(state)s;"
    " DELETE FROM ue_listed WHERE ue=OLD.ue AND %(state)s IS NULL;"
) % {"state": _STATE.format("OLD.ue")}
_TRIGGERS = {
    "device_in": ("INSERT ON device", _PUT),
    "device_out": ("DELETE ON device", _LOST),
    "registration_in": ("INSERT ON registration", _PUT),
    "registration_live": ("UPDATE OF live ON registration WHEN NEW.live IS NOT OLD.live", _PUT),
    "registration_out": ("DELETE ON registration", _LOST),
    "way_in": ("INSERT ON gateway_way", _PUT),
    "way_out": ("DELETE ON gateway_way", _LOST),
    "in": ("INSERT ON ue_listed", "UPDATE ue_count SET ues=ues+1 WHERE state=NEW.state;"),
    "changed": (
        "UPDATE OF state ON ue_listed",
        "UPDATE ue_count SET ues=ues-1 WHERE state=OLD.state;"
        " UPDATE ue_count SET ues=ues+1 WHERE state=NEW.state;",
    ),
    "out": (
        "DELETE ON ue_listed",
        "UPDATE ue_count SET ues=ues-1 WHERE state=OLD.state; DELETE FROM ue_heard WHERE ue=OLD.ue;",
    ),
}


def prepare(execute):
    """Makes what is missing; the UEs that an older program left in the store are listed once."""
    for statement in _TABLES:
        execute(statement)
    for name, (when, body) in _TRIGGERS.items():
        when = when.replace(" WHEN ", " FOR EACH ROW WHEN ")
        execute("CREATE TRIGGER IF NOT EXISTS listed_%s AFTER %s BEGIN %s END" % (name, when, body))
    if execute("SELECT count(*) FROM ue_count").fetchone()[0]:
        return
    for state in STATES:
        execute("INSERT INTO ue_count VALUES (?, 0)", (state,))
    execute(
        "INSERT INTO ue_listed SELECT one.ue, %s FROM"
        " (SELECT ue FROM device UNION SELECT ue FROM registration UNION SELECT ue FROM gateway_way) AS one"
        % _STATE.format("one.ue")
    )


class ListedTables:
    """For Store."""

    def count_listed(self):
        """{state: how many UEs}"""
        return dict(
            self._db.execute(
                "SELECT state, CAST(sum(ues) AS BIGINT) FROM ue_count WHERE state>='' GROUP BY state"
            ).fetchall()
        )

    def listed_state(self, ue):
        """NEVER, REGISTERED or AWAY; None for a UE that is not known."""
        return self._one("SELECT state FROM ue_listed WHERE ue=?", ue)

    def listed(self, state, skip, most):
        """[(ue, state)] in order, of one state or of all (None)."""
        query = "SELECT ue, state FROM ue_listed WHERE %s ORDER BY ue LIMIT ? OFFSET ?"
        if state is None:
            return self._db.execute(query % "ue>=''", (most, skip)).fetchall()
        return self._db.execute(query % "state=?", (state, most, skip)).fetchall()

    def found(self, words, state):
        """As `listed`, all whose UE Service ID has these words in it, of the first LOOKED."""
        words = words.encode("utf-8", "surrogateescape").lower().decode("utf-8", "surrogateescape")
        where = "ue>=''" if state is None else "state=?"
        query = (
            "SELECT ue, state FROM (SELECT ue, state FROM ue_listed WHERE %s ORDER BY ue LIMIT %d)"
            " AS first WHERE replace(lower(ue), ?, '')<>lower(ue)" % (where, LOOKED)
        )
        values = (words,) if state is None else (state, words)
        return self._db.execute(query, values).fetchall()

    # ---- when each was last heard ------------------------------------------------------------------------------------

    def heard_at(self, ue):
        """When it was last heard, as far as that was written; None."""
        return self._one("SELECT at FROM ue_heard WHERE ue=?", ue)

    def note_heard(self, heard):
        """`heard`: (ue, when) of UEs that are listed; of others nothing is kept."""
        self._db.executemany(
            "INSERT INTO ue_heard (ue, at) SELECT CAST(?1 AS TEXT), CAST(?2 AS DOUBLE PRECISION)"
            " WHERE EXISTS (SELECT 1 FROM ue_listed WHERE ue=?1)"
            " ON CONFLICT (ue) DO UPDATE SET at=excluded.at",
            heard,
        )
