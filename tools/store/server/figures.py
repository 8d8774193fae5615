# SPDX-License-Identifier: MIT
"""How many rows there are, for people who watch the store. A look is bounded, and where the store has a file another
thread takes it, on a connection of its own: nothing waits for it."""

import threading

_MOST = 100_000  # rows of one table that are counted
_TABLES = {
    "application_server": "application_server",
    "device": "device",
    "group": "val_group",
    "key": "security_ue",
    "quarantine": "quarantine",
    "segment_set": "segment_set",
    "subscription": "subscription",
}
_ROWS = "SELECT count(*) FROM (SELECT 1 FROM %s LIMIT %d) AS first"
_REGISTERED = "SELECT count(*) FROM registration WHERE live AND expires>?"
_SERVED = "SELECT count(*) FROM gateway_registration WHERE expires>?"
_UPDATES = "SELECT state, count(*) FROM update_job GROUP BY state"
_UPDATED = (
    "SELECT update_count.state, CAST(sum(update_count.devices) AS BIGINT) FROM update_job JOIN update_count USING (job)"
    " WHERE update_job.state IN ('running', 'paused') GROUP BY update_count.state"
)
_WAITING = "SELECT kind, state, count(*), CAST(sum(octets) AS BIGINT) FROM message GROUP BY kind, state"


class Figures:
    """`read` may be called by any thread where `beside`, else by the one of the store alone."""

    def __init__(self, store):
        self.beside = store.has_disk
        self._store = store
        self._db = None
        self._closed = False
        self._lock = threading.Lock()

    def read(self, now):
        """{"rows": {table: count}, "registered", "served": counts, "waiting": [(kind, state, messages, octets)],
        "updates", "updated": {state: count} of jobs, and of devices in those that run or are paused, "octets", "free":
        of the file or the database}. Raises one of DATABASE_ERRORS; empty once it is closed."""
        with self._lock:
            if self._closed:
                return {}
            if self._db is None or self._db.lost is not None:
                self._db = self._store.reader()
            return self._read(now)

    def _read(self, now):
        def one(query, *values):
            return self._db.execute(query, values).fetchone()[0]

        octets, free = self._db.execute(self._store.SIZE).fetchone()
        return {
            "rows": {name: one(_ROWS % (table, _MOST)) for name, table in _TABLES.items()},
            "registered": one(_REGISTERED, now),
            "served": one(_SERVED, now),
            "waiting": self._db.execute(_WAITING).fetchall(),
            "updates": dict(self._db.execute(_UPDATES).fetchall()),
            "updated": dict(self._db.execute(_UPDATED).fetchall()),
            "octets": octets,
            "free": free,
        }

    def close(self):
        """Waits for a look that is under way."""
        with self._lock:
            self._closed = True
            if self._db is not None and self.beside:
                self._db.close()
