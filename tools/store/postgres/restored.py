# SPDX-License-Identifier: MIT
"""Notices a database that was put back from an older copy, before a sequence number of it is used a second time, and a
request that it does not know of is taken again.

What tells it is, where a copy is read into new tables, or a standby has taken the server's place: the name of the place
that was noted. Where the files themselves were put back: that a node has counted further than the
database says; it counts with what it writes, each ten seconds at most, and keeps the count in memory. What no node
remembers, since all were stopped meanwhile, `msgin5g store restored` says.

Then all numbers of all keys go ahead, and no replay window is believed: each device is asked for Echo once.
"""

import hashlib
import hmac
import secrets
import time

from tools.store.faults import StoreError
from tools.store.keys.numbers import LAST, far_ahead
from tools.store.keys.windows import SIZE

_MARK = 10.0  # s, between two counts of a node
_LOCK = 0x4D534752  # of all that look; any number that nobody else has
_PLACE = (
    "SELECT (SELECT system_identifier FROM pg_control_system()) || ' ' ||"
    " CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END || ' ' ||"
    " (SELECT oid FROM pg_database WHERE datname=current_database()) || ' ' ||"
    " CAST(CAST('generation' AS regclass) AS oid)"
)
_ELSEWHERE = "it was read from a copy, or another PostgreSQL server has taken over"
_OLDER = "this node has counted further than it says"
TOLD = "it was said to be (msgin5g store restored)"


def put_back(link, where, reason=None, node="", remembered=None):
    """Looks, and does what is to be done, in one transaction on a psycopg connection: the fields of an event, None
    where nothing was put back. `reason`: it was, whatever shows; `remembered`: (generation, count) of this node, or
    None. Raises psycopg.Error."""
    with link.transaction():
        link.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        ((place,),) = link.execute(_PLACE).fetchall()
        found = link.execute("SELECT place, count FROM generation").fetchone()
        why = reason or _doubt(link, found, place, node, remembered)
        count = max(found[1] if found else 0, remembered[0] if remembered else 0)
        if found and not why:
            return None
        told = _go_ahead(link, where, why) if why else None
        link.execute(
            "INSERT INTO generation (one, place, echo, count) VALUES (1, %s, %s, %s) ON CONFLICT (one) DO UPDATE"
            " SET place=excluded.place, echo=excluded.echo, count=excluded.count",
            (place, secrets.token_bytes(16), count + 1),
        )
        link.execute("DELETE FROM generation_mark")
        return told


def _doubt(link, found, place, node, remembered):
    if found is None:
        return None  # it was made just now; what was copied into it has no windows
    if found[0] != place:
        return _ELSEWHERE
    if remembered is None or found[1] > remembered[0]:
        return None  # who came before has seen to it
    row = link.execute("SELECT count FROM generation_mark WHERE node=%s", (node,)).fetchone()
    older = found[1] < remembered[0] or (row[0] if row else 0) < remembered[1]
    return _OLDER if older else None


def _go_ahead(link, where, why):
    ((keys,),) = link.execute("SELECT count(*) FROM security_context").fetchall()
    ((noted,),) = link.execute("SELECT max(at) FROM generation_mark").fetchall()
    ahead = far_ahead(0 if noted is None else max(0, time.time() - noted))
    # A key that was never used by the time of the copy may have been used since.
    link.execute("UPDATE security_context SET used=TRUE, next=least(next+%s, %s)", (ahead, LAST))
    link.execute(
        "INSERT INTO security_heard (digest, number) SELECT digest, greatest(top-%s, 0) FROM security_window"
        " ON CONFLICT (digest) DO UPDATE SET number=greatest(security_heard.number, excluded.number)",
        (SIZE - 1,),
    )
    link.execute("DELETE FROM security_window")
    return {"store": where, "reason": why, "keys": keys, "ahead": ahead}


class Restored:
    """For PostgresStore, before the nodes: each new connection is looked at before it is used."""

    _remembered = None  # (generation, count), as this node knows them to be on the disk
    _marked_at = 0.0
    restored = None  # the fields of an event that is to be told

    def _joined(self, link):
        super()._joined(link)
        if self._serving:
            self.restored = (
                put_back(link, self.where, None, self.node or "", self._remembered) or self.restored
            )
            if self.restored:
                self._remembered = None

    def restore(self):
        """It was put back, says somebody: the fields of an event. Raises StoreError."""
        link = self._dial()
        try:
            return put_back(link, self.where, TOLD)
        finally:
            link.close()

    def take_restored(self):
        """The fields of an event, once; None where nothing was put back."""
        told, self.restored = self.restored, None
        return told

    def echo_of(self, digest):
        """What the holder of this key says of itself only after the windows were lost."""
        secret = self._one("SELECT echo FROM generation")
        if secret is None:
            raise StoreError("%s has not been served yet: start msgin5g server on it first" % self.where)
        return hmac.digest(secret, b"echo" + digest, hashlib.sha256)[:8]

    def note_time(self, now):
        """As of ClockTables; and counts."""
        super().note_time(now)
        if not self._serving or abs(now - self._marked_at) < _MARK:
            return
        self._marked_at = now
        row = self._db.execute(
            "INSERT INTO generation_mark (node, count, at) VALUES (?,1,?) ON CONFLICT (node) DO UPDATE"
            " SET count=generation_mark.count+1, at=excluded.at RETURNING count-1, (SELECT count FROM generation)",
            (self.node or "", now),
        ).fetchone()
        self._remembered = row[1], row[0]  # what was there before this transaction is on the disk
