# SPDX-License-Identifier: MIT
"""How SQLite goes about each statement of `tools`, as it says itself: which of them go through a whole table.

`watch()` has every connection of a store look at a statement when it is executed for the first time, whatever test does
that. Only statements that stand in `tools` are looked at, not those of tests.
"""

import functools
import os
import re
import sqlite3
import sys
from pathlib import Path

import tools
from tools.store.sqlite import connection

# Why a statement may go through a whole table, with what tells it from others: words of it, or the table's name.
MAY_SCAN = {
    "a table of one row": (
        "FROM clock",
        "FROM generation",
        "FROM moved",
        "UPDATE generation",
        "list_state",
        "FROM ue_id_secret",
    ),
    "a row for each of a few tables": ("FROM sqlite_sequence",),
    "once at each start": (
        "sqlite_master",
        "FROM application",
        "INSERT INTO load SELECT",
        "SELECT count(*) FROM load",
        "SELECT count(*) FROM ue_count",
        "INSERT INTO ue_listed SELECT one.ue",
        "INSERT OR IGNORE INTO element",
        "UPDATE segment_set SET progress=?, fresh=?",
        "FROM segment_set WHERE CAST(id AS TEXT) NOT IN",  # and when another process has written
        "WITH ue(id) AS (",
        "DELETE FROM as_use WHERE id NOT IN",
        "DELETE FROM subscription WHERE NOT EXISTS",
        "SELECT 1 FROM security_context WHERE (NOT used",
        "SELECT 1 FROM security_next WHERE old NOT IN",
        "DELETE FROM security_next WHERE old NOT IN",
        "UPDATE security_context SET used=1, next=min",
        "SELECT count(*) FROM security_context",
    ),
    "when the clock was set": ("THEN least(greatest(",),
    "as many rows as somebody configured": (
        "FROM peer ",
        "FROM message_gateway ",
        "FROM as_token ",
        "FROM area ",
        "FROM gateway ORDER",
    ),
    "what a query within has cut to a bound of rows": (
        "AS first WHERE replace(lower(ue), ?, '')<>lower(ue)",
    ),
    "a bound that is some hundred rows": (
        "FROM application_server",
        "FROM quarantine",
        "FROM update_job ORDER BY job DESC",
        "SELECT count(*) FROM update_bundle",
        "FROM update_bundle WHERE NOT EXISTS",
        "SELECT state, count(*) FROM update_job GROUP BY state",
        "FROM update_job JOIN update_count USING (job)",
    ),
    "a bound that is a thousand rows, once a segmented message": (
        "FROM gateway_segment_set ORDER BY used DESC",
    ),
    "for people, or by a command": (
        "SELECT ue FROM device ORDER BY ue",
        "FROM ue_configurations ORDER BY ue_id",
        "WHERE ue_id NOT IN (SELECT ue_id FROM ue_configurations)",
        "SELECT recipient_id FROM security_context",
        "FROM security_next CROSS JOIN security_ue",  # by the gateway too, of those whose keys are being changed
        "FROM security_context WHERE secret<>? AND digest IN",
        "FROM app_client  ORDER",
        "FROM monitoring ORDER BY ue",
        "FROM availability ORDER BY ue",
        "FROM target ORDER BY address",
        "FROM val_group ORDER BY id",
        "FROM val_group LEFT JOIN val_group_member",
        "one.live AND one.expires>? ORDER BY one.ue",
        "UNION ALL SELECT topic, id, expires FROM topic_follower",
        "FROM gateway_way WHERE expires>? ORDER BY ue",
        "FROM message GROUP BY 1, 2, 3, 4",
        "SELECT count(*) FROM seen",
        "SELECT count(*) FROM subscription",
        "DELETE FROM security_place WHERE digest IN",
        "DELETE FROM security_context WHERE NOT used AND digest IN",
        "UPDATE security_context SET secret=?, salt=? WHERE digest IN",
        "FROM security_context WHERE secret<>? ORDER BY digest",
    ),
    "all of them is what was asked for": (
        "SELECT ue FROM device UNION SELECT ue FROM registration ORDER BY 1",
        "SELECT ue FROM registration WHERE live AND expires>? ORDER BY ue",
    ),
    "once in the life of a device, a group or a configuration": (
        "SELECT count(*) FROM registration",
        "FROM gateway_way ORDER BY expires DESC",
        "FROM registration AS one WHERE NOT live",
        "SELECT count(*) FROM val_group",
        "SELECT count(*) FROM ue_configurations",
    ),
    "when the list of topics has changed, a request to a peer": (
        "FROM topic_here AS here",
        "JOIN topic_here AS here",
    ),
    "what a Gateway UE holds, to go with the next requests": (
        "FROM gateway_held ORDER BY id",
        "SELECT ue FROM gateway_response",
        "SELECT count(*) FROM gateway_fetch",
    ),
    "for /metrics, by a thread that nobody waits for, and to a bound": (
        "SELECT count(*) FROM (SELECT 1 FROM",
        "FROM message GROUP BY kind, state",
    ),
    "a store is copied whole": ("/*whole*/", "UPDATE security_context SET used=TRUE, next=least"),
    "a name that is asked for once": ("SELECT ue FROM device UNION SELECT ue FROM registration LIMIT 1000",),
}
_CAN_SCAN = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}
_SCAN = re.compile(r"SCAN (?:TABLE )?(\w+)(?!.*VIRTUAL TABLE)")
ROOM = str(Path(tools.__file__).parent) + os.sep
_ALLOWED = tuple(words for several in MAY_SCAN.values() for words in several)
seen = {}  # statement: the words of MAY_SCAN that allow what it does, or None
scans = []  # (statement, what SQLite says), of those that nothing allows


def scans_of(execute, statement, values=()):
    """What SQLite says of each table or index that it would go through from end to end."""
    said = [row[3] for row in execute("EXPLAIN QUERY PLAN " + statement, values)]
    return [each for each in said if (match := _SCAN.match(each)) and match[1] != "CONSTANT"]


class _Connection(connection.Connection):
    def execute(self, statement, values=(), /):
        self._look(statement, values)
        return super().execute(statement, values)

    def executemany(self, statement, rows, /):
        rows = list(rows)
        if rows:
            self._look(statement, rows[0])
        return super().executemany(statement, rows)

    def _look(self, statement, values):
        if statement in seen or not sys._getframe(2).f_code.co_filename.startswith(ROOM):
            return
        seen[statement] = None
        if (statement.split(None, 1) or [""])[0] in _CAN_SCAN:
            found = scans_of(functools.partial(sqlite3.Connection.execute, self), statement, values)
            seen[statement] = next((words for words in _ALLOWED if found and words in statement), None)
            if seen[statement] is None:
                scans.extend((statement, said) for said in found)


def watch():
    connection.Connection = _Connection
