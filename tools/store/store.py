# SPDX-License-Identifier: MIT
"""All that a restart must not forget, in one SQLite file.

Each event of the server is one transaction, and it is on the disk (WAL, synchronous FULL) before the answer leaves:
what was answered 2.04 survives kill -9 and a power cut.
"""

import json
import sqlite3

from tools import held
from tools.store import (
    apptables,
    clocktables,
    quarantinetables,
    quotatables,
    sectables,
    settables,
    tokentables,
    topictables,
)
from tools.store.apptables import ApplicationTables
from tools.store.clocktables import ClockTables
from tools.store.quarantinetables import QuarantineTables
from tools.store.quotatables import QuotaTables
from tools.store.sectables import SecurityTables
from tools.store.settables import SetTables
from tools.store.storefile import GENERATION, StoreError, StoreFile, in_use
from tools.store.tables import (
    COLUMNS,
    DATA,
    QUARANTINED,
    SCHEMA,
    VERSION,
    ApplicationServer,
    Registration,
    read_row,
    record,
    text_of,
)
from tools.store.tokentables import TokenTables
from tools.store.topictables import TopicTables
from tools.store.transactions import Transactions, reading
from tools.wire.bodies import Address, same
from tools.wire.identity import Peer
from tools.wire.payload import content_size

_MORE = ";".join(
    each.SCHEMA
    for each in (apptables, clocktables, quarantinetables, sectables, settables, tokentables, topictables)
)


class Store(
    Transactions,
    ApplicationTables,
    ClockTables,
    QuarantineTables,
    QuotaTables,
    SecurityTables,
    SetTables,
    TokenTables,
    TopicTables,
):
    """The tables, in the words of the server. Opened with the file's path, or ":memory:".

    `serving`: for a gateway, which holds the store for itself, not for a command beside it; `create`: whether a file
    that is not there is made. Raises StoreError. `file` is its StoreFile, None for ":memory:".
    """

    def __init__(self, path, serving=True, create=True):
        super().__init__()
        self.file = self._db = None
        try:
            if path != ":memory:":
                self.file = StoreFile(path, serving, create)
            elif not serving:
                raise StoreError(":memory: is a store that ends with its program: give a file, --store FILE")
            self._db = sqlite3.connect(self.file.path if self.file else path, isolation_level=None, timeout=5)
            self._prepare(path)
            if self.file:
                self.file.check()
            if self.file and serving:
                self.tidy_keys()
                self.file.restored = self.open_generation(self.file.path + GENERATION)
        except held.Held as who:
            self.close()
            raise in_use(path, who) from None
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise StoreError(
                "cannot use %s as store (%s): give another --store FILE, or move that file away"
                % (path, getattr(error, "strerror", None) or error)
            ) from error
        except BaseException:
            self.close()
            raise

    def _prepare(self, path):
        execute = self._db.execute
        execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=FULL")
        execute("PRAGMA foreign_keys=ON")
        version = execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            if execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError("some other program's database")
            with self.transaction():
                for statement in SCHEMA.split(";"):
                    execute(statement)
                execute("PRAGMA user_version=%d" % VERSION)
        elif version != VERSION:
            raise sqlite3.DatabaseError("version %d, this program writes version %d" % (version, VERSION))
        with self.transaction():
            for statement in _MORE.split(";"):
                execute(statement)
            quotatables.prepare(execute)
            if version == 0:
                self.begin_generation()

    def wait_for_nobody(self):
        """Where another process is writing, that is said at once: the one thread here serves all."""
        self._db.execute("PRAGMA busy_timeout=0")

    @property
    def changes(self):
        """Grows with each row that is written."""
        return self._db.total_changes

    @property
    def version(self):
        """Another one when somebody else has written."""
        return self._one("PRAGMA data_version")

    def transaction(self):
        """As of Transactions. sqlite3.OperationalError where the file is not the one of its name any more: what went
        into it would be gone with this process."""
        if self.file and not self.file.in_place():
            error = sqlite3.OperationalError(
                "%s was moved, removed or replaced while it was served" % self.file.path
            )
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY
            raise error
        return super().transaction()

    def close(self):
        if self._db:
            self._db.close()
        self.close_generation()
        if self.file:
            self.file.close()

    def _one(self, query, *values):
        row = self._db.execute(query, values).fetchone()
        return None if row is None else row[0]

    # ---- UEs ---------------------------------------------------------------------------------------------------------

    def add_device(self, ue):
        """False when it is there."""
        return self._db.execute("INSERT OR IGNORE INTO device VALUES (?)", (ue,)).rowcount > 0

    def remove_device(self, ue):
        """False when it is not there. Its registration goes with it."""
        self._db.execute("DELETE FROM registration WHERE ue=?", (ue,))
        self.unbind_keys(ue)
        self.forget_seen("UE", ue)
        self._db.execute("DELETE FROM subscription WHERE ue=?", (ue,))
        return self._db.execute("DELETE FROM device WHERE ue=?", (ue,)).rowcount > 0

    def devices(self):
        return [ue for (ue,) in self._db.execute("SELECT ue FROM device ORDER BY ue")]

    def provisioned(self, ue):
        return self._one("SELECT 1 FROM device WHERE ue=?", ue) is not None

    def known(self, ue):
        """Whether messages for it can be kept: provisioned, or registered at least once."""
        return self.provisioned(ue) or self._one("SELECT 1 FROM registration WHERE ue=?", ue) is not None

    def register(self, ue, peer, now, expires, max_segment, profile):
        self._db.execute(
            "INSERT OR REPLACE INTO registration VALUES (?,?,?,1,?,?,?,?)",
            (ue, peer.host, peer.port, expires, now, max_segment, json.dumps(profile)),
        )

    def rebind(self, ue, peer):
        self._db.execute("UPDATE registration SET host=?, port=? WHERE ue=?", (*peer, ue))

    def end_registration(self, ue):
        """The UE stays known, its profile ends with the registration (clause 6.3.1.2.2 a)."""
        self._db.execute("UPDATE registration SET live=0, max_segment=NULL, profile='{}' WHERE ue=?", (ue,))

    def forget_ues(self, most):
        """Keeps the newest of those that are not registered and not provisioned."""
        if self._one("SELECT count(*) FROM registration") > most:
            gone = self._db.execute(
                "SELECT ue FROM registration WHERE NOT live AND ue NOT IN (SELECT ue FROM device)"
                " ORDER BY expires LIMIT 100"
            ).fetchall()
            for (ue,) in gone:
                self.remove_device(ue)
        return self._one("SELECT count(*) FROM registration") <= most

    def registration(self, ue, now=None):
        """The live registration; without `now` the last one, live or not."""
        with reading("registration", ue):
            row = self._db.execute(
                "SELECT ue, host, port, expires, since, max_segment, profile FROM registration"
                " WHERE ue=? AND (? IS NULL OR live AND expires>?)",
                (ue, now, now),
            ).fetchone()
            return row and Registration(row[0], Peer(row[1], row[2]), *row[3:6], record(row[6]))

    def registrations(self, now):
        """All live ones, without their profiles."""
        rows = self._db.execute(
            "SELECT ue, host, port, expires, since, max_segment FROM registration WHERE live AND expires>?"
            " ORDER BY ue",
            (now,),
        ).fetchall()
        return [Registration(row[0], Peer(row[1], row[2]), *row[3:6], {}) for row in rows]

    def ues_at(self, peer, now):
        return {
            ue
            for (ue,) in self._db.execute(
                "SELECT ue FROM registration WHERE host=? AND port=? AND live AND expires>?", (*peer, now)
            )
        }

    def expired_registrations(self, now):
        return [
            ue for (ue,) in self._db.execute("SELECT ue FROM registration WHERE live AND expires<=?", (now,))
        ]

    # ---- Application Servers -----------------------------------------------------------------------------------------

    def register_as(self, id_, registration, target_uri, profile):
        self._db.execute(
            "INSERT OR REPLACE INTO application_server VALUES (?,?,?,?)",
            (id_, registration, target_uri, json.dumps(profile)),
        )

    def deregister_as(self, registration):
        """The AS Service ID, or None."""
        found = self._one("SELECT id FROM application_server WHERE registration=?", registration)
        self._db.execute("DELETE FROM application_server WHERE registration=?", (registration,))
        return found

    def remove_as(self, id_):
        self.forget_seen("AS", id_)
        self._db.execute("DELETE FROM application_server WHERE id=?", (id_,))

    def application_server(self, id_):
        row = self._db.execute(
            "SELECT id, registration, target_uri FROM application_server WHERE id=?", (id_,)
        ).fetchone()
        return row and ApplicationServer(*row)

    def application_servers(self):
        rows = self._db.execute("SELECT id, registration, target_uri FROM application_server ORDER BY id")
        return [ApplicationServer(*row) for row in rows]

    # ---- duplicates --------------------------------------------------------------------------------------------------

    def seen(self, originator, msg_id):
        """None, or the segId that it came with ("" without segments)."""
        return self._one(
            "SELECT set_id FROM seen WHERE originator=? AND msg_id=?", originator, msg_id.lower()
        )

    def remember(self, originator, msg_id, set_id, most):
        self._db.execute(
            "INSERT OR IGNORE INTO seen VALUES (NULL,?,?,?)", (originator, msg_id.lower(), set_id)
        )
        self._db.execute(
            "DELETE FROM seen WHERE originator=? AND number <="
            " (SELECT number FROM seen WHERE originator=? ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (originator, originator, most),
        )

    # ---- messages that wait ------------------------------------------------------------------------------------------

    def add(self, lane, kind, target, origin, head, parts, state, expires, **more):
        """A message at the end of its recipient's queue (or at `position`); returns its id."""
        octets = sum(map(content_size, parts)) if parts else len(json.dumps(head))
        cursor = self._db.execute(
            "INSERT INTO message VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,?)",
            (
                more.get("position"),
                lane,
                kind,
                *target,
                *(origin or (None, None)),
                head.get("msgId", ""),
                json.dumps(head),
                more.get("origin_set", ""),
                more.get("set_id", ""),
                more.get("store_forward", False),
                state,
                expires,
                octets,
            ),
        )
        if more.get("position") is None:
            self._db.execute("UPDATE message SET position=id WHERE id=?", (cursor.lastrowid,))
        self.set_parts(cursor.lastrowid, more.get("set_id", ""), parts)
        return cursor.lastrowid

    def set_parts(self, id_, set_id, parts):
        self._db.execute("DELETE FROM part WHERE message=?", (id_,))
        self._db.execute("UPDATE message SET set_id=? WHERE id=?", (set_id, id_))
        self._db.executemany(
            "INSERT INTO part (message, number, payload) VALUES (?,?,?)",
            [(id_, number, part) for number, part in enumerate(parts, 1)],
        )

    def parts(self, id_):
        with reading("message", id_):
            rows = self._db.execute("SELECT payload FROM part WHERE message=? ORDER BY number", (id_,))
            return [text_of(payload) for (payload,) in rows]

    def next_part(self, id_):
        """(number, payload) of the first part that was not acknowledged, or None."""
        with reading("message", id_):
            part = self._db.execute(
                "SELECT number, payload FROM part WHERE message=? AND NOT done ORDER BY number LIMIT 1",
                (id_,),
            ).fetchone()
            return part and (part[0], text_of(part[1]))

    def count_parts(self, id_):
        return self._one("SELECT count(*) FROM part WHERE message=?", id_)

    def part_done(self, id_, number):
        self._db.execute("UPDATE part SET done=1 WHERE message=? AND number=?", (id_, number))

    def parts_again(self, id_, ranges):
        """Marks parts to be sent again; how many there are."""
        return sum(
            self._db.execute(
                "UPDATE part SET done=0 WHERE message=? AND number BETWEEN ? AND ?", (id_, first, last)
            ).rowcount
            for first, last in ranges
        )

    def message(self, id_):
        with reading("message", id_):
            return read_row(
                self._db.execute("SELECT %s FROM message WHERE id=?" % COLUMNS, (id_,)).fetchone()
            )

    def message_by_set(self, set_id, targets=None):
        """The message that is sent with this segId, to one of the UEs where they are named."""
        query = "SELECT id, target_type, target FROM message WHERE set_id=? AND set_id<>'' AND state<>?"
        for id_, *target in self._db.execute(query, (same(set_id), QUARANTINED)).fetchall():
            if targets is None or target[0] == "UE" and target[1] in targets:
                return self.message(id_)
        return None

    def set_state(self, id_, state, hold_until=None):
        self._db.execute("UPDATE message SET state=?, hold_until=? WHERE id=?", (state, hold_until, id_))

    def remove(self, id_):
        self._db.execute("DELETE FROM message WHERE id=?", (id_,))

    def waiting_targets(self):
        query = "SELECT DISTINCT target_type, target FROM message WHERE state='queued'"
        return [Address(*row) for row in self._db.execute(query)]

    def next_id(self, target, lane, without=()):
        """The id of the message that is next, or None."""
        marks = " AND id NOT IN (%s)" % ",".join("?" * len(without)) if without else ""
        return self._one(
            "SELECT id FROM message WHERE target_type=? AND target=? AND state='queued' AND lane=?%s"
            " ORDER BY position, id LIMIT 1" % marks,
            *target,
            lane,
            *without,
        )

    def ids(self, target, state, lane=DATA):
        """Of the messages of a recipient, in order: each is read where its being unreadable stops no other."""
        query = "SELECT id FROM message WHERE target_type=? AND target=? AND state=? AND lane=? ORDER BY position, id"
        return [id_ for (id_,) in self._db.execute(query, (*target, state, lane)).fetchall()]

    def release(self, target):
        """What was stored for it is due."""
        self._db.execute(
            "UPDATE message SET state='queued', hold_until=NULL"
            " WHERE target_type=? AND target=? AND state='stored' AND lane=?",
            (*target, DATA),
        )

    def confirmation_waits(self, ue, set_id):
        """Whether a SEGCONFIR for this set is already on its way."""
        query = (
            "SELECT 1 FROM message WHERE target_type='UE' AND target=? AND kind='SEGCONFIR' AND origin_set=?"
            " AND state<>'quarantined'"
        )
        return self._one(query, ue, set_id) is not None

    def overdue(self, now):
        """Ids of messages whose life is over, and of those held long enough for a confirmation."""
        rows = self._db.execute(
            "SELECT id FROM message WHERE state NOT IN ('held', 'quarantined') AND expires<=?"
            " OR state='held' AND hold_until<=?",
            (now, now),
        )
        return [id_ for (id_,) in rows.fetchall()]

    def summary(self):
        """(target, state, lane, messages, octets) of what waits, for people."""
        return self._db.execute(
            "SELECT target_type, target, state, lane, count(*), sum(octets) FROM message GROUP BY 1, 2, 3, 4"
        ).fetchall()

    # ---- clocks ------------------------------------------------------------------------------------------------------

    def deadline(self):
        """When the next registration or message is over, or None."""
        return self._one(
            "SELECT min(t) FROM (SELECT min(expires) AS t FROM registration WHERE live"
            " UNION ALL SELECT min(expires) FROM message WHERE state NOT IN ('held', 'quarantined')"
            " UNION ALL SELECT min(expires) FROM quarantine"
            " UNION ALL SELECT min(hold_until) FROM message WHERE state='held')"
        )
