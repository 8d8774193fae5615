# SPDX-License-Identifier: MIT
"""When UEs can be reached, in the store: their schedules, as they registered with them, until the registration ends."""

from typing import NamedTuple

# `start` is a moment of the UE's clock, NULL for `since`. `opened`: until when, by a request of its own. `wakes`: when
# something that was stored is due by a window, NULL where nothing is.
SCHEMA = """
CREATE TABLE IF NOT EXISTS availability (
  ue TEXT PRIMARY KEY, since REAL, start REAL, duration NUMERIC, interval NUMERIC, opened REAL, wakes REAL)
  WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS availability_wakes ON availability (wakes) WHERE wakes IS NOT NULL
"""
_PUT = (
    "INSERT INTO availability (ue, since, start, duration, interval, opened) VALUES (?,?,?,?,?,?) ON CONFLICT (ue)"
    " DO UPDATE SET since=excluded.since, start=excluded.start, duration=excluded.duration,"
    " interval=excluded.interval, opened=excluded.opened, wakes=NULL"
)


class Availability(NamedTuple):
    since: float  # when the registration came that it belongs to
    start: float | None
    duration: float
    interval: float | None
    opened: float


def _whole(number):
    """As it came where it was whole, whatever kind of number the column holds."""
    return int(number) if number is not None and number == int(number) else number


def _availability(cursor):
    row = cursor.fetchone()
    return row and Availability(*row[:2], _whole(row[2]), _whole(row[3]), row[4])


class ReachTables:
    """For Store, whose `_db` these methods use."""

    def put_availability(self, ue, start, duration, interval, now):
        """The schedule of a registration that has come now, which is a request as well."""
        self._db.execute(
            _PUT,
            (ue, now, start, duration, interval, now + duration),
        )

    def end_availability(self, ue):
        self._db.execute("DELETE FROM availability WHERE ue=?", (ue,))

    def availability(self, ue):
        """None for a UE that can always be reached."""
        query = "SELECT since, start, duration, interval, opened FROM availability WHERE ue=?"
        return self.lasting("windows", _availability, query, ue)

    def scheduled(self):
        """The UEs that have a schedule."""
        return {ue for (ue,) in self._db.execute("SELECT ue FROM availability ORDER BY ue").fetchall()}

    def open_availability(self, ue, now, until):
        """The UE can be reached until then; what waits for a window of it is due."""
        self._db.execute(
            "UPDATE availability SET opened=greatest(opened, ?), wakes=CASE WHEN wakes IS NOT NULL"
            " THEN CAST(? AS DOUBLE PRECISION) END WHERE ue=?",
            (until, now, ue),
        )

    def wake_availability(self, ue, when):
        self._db.execute("UPDATE availability SET wakes=? WHERE ue=?", (when, ue))

    def waking(self, now=None):
        """The UEs that something is due for by now; without `now` by whatever time."""
        due, values = ("wakes IS NOT NULL", ()) if now is None else ("wakes<=?", (now,))
        query = "SELECT ue FROM availability WHERE %s ORDER BY wakes" % due
        return [ue for (ue,) in self._db.execute(query, values).fetchall()]

    def next_waking(self):
        """When something is due next, or None."""
        return self._one("SELECT min(wakes) FROM availability WHERE wakes IS NOT NULL")
