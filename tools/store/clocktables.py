# SPDX-License-Identifier: MIT
"""The times in the store: when it was last written, and setting them all where the clock was set."""

from tools.wire.outside import FIRST, LAST

SCHEMA = "CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), last REAL)"

# Every column that holds a moment of the gateway's clock that something is compared with.
TIMES = {
    "registration": ("expires", "since"),
    "message": ("expires", "hold_until"),
    "segment_set": ("progress", "fresh"),
    "subscription": ("expires",),
    "topic_follower": ("expires",),
    "list_follower": ("expires",),
    "list_at": ("renew",),
    "list_ask": ("renew",),
    "triggering": ("due", "last"),
    "trigger_time": ("due",),
    "monitoring": ("due",),
    "availability": ("since", "opened", "wakes"),
    "val_group": ("created",),
    "quarantine": ("at", "expires"),
    "as_use": ("used",),
    "ue_heard": ("at",),
    "seen_mark": ("at",),
    "gateway_registration": ("expires",),
    "gateway_way": ("expires",),
    "gateway_segment_set": ("used",),
    "gateway_held": ("due", "until"),
    "gateway_response": ("until",),
    "gateway_fetch": ("due", "until"),
    "update_device": ("ready", "due", "slot"),
    "security_next": ("due",),
}
RECORDS = {
    ("clock", "last"),
    ("as_token", "made"),
    ("peer_token", "made"),
    ("generation", "noted"),
    ("moved", "at"),
    ("availability", "start"),
    ("update_bundle", "added"),
    ("update_job", "created"),
    ("update_device", "changed"),
}  # of what was, for people or by others

# What is not set stays so: of engines, some leave NULL out of a minimum.
_SHIFTED = "{0}=CASE WHEN {0} IS NOT NULL THEN least(greatest({0}+?, ?), ?) END"


class ClockTables:
    """For Store, whose `_db` these methods use."""

    CLOCK = "1"  # which row is this program's

    def last_time(self):
        """When the store was last written, by this clock, or None."""
        return self._one("SELECT last FROM clock WHERE one=" + self.CLOCK)

    def note_time(self, now):
        self._db.execute(
            "INSERT INTO clock (one, last) VALUES (%s, ?) ON CONFLICT (one) DO UPDATE SET last=excluded.last"
            % self.CLOCK,
            (now,),
        )

    def shift_times(self, seconds):
        """What remains of each time stays as it was, when the clock has been set by so many seconds."""
        for table, columns in TIMES.items():
            changes = ", ".join(_SHIFTED.format(column) for column in columns)
            self._db.execute("UPDATE %s SET %s" % (table, changes), (seconds, FIRST, LAST) * len(columns))
