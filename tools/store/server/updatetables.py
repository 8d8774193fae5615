# SPDX-License-Identifier: MIT
"""Updates in the store: jobs, each of which brings one bundle to some devices, and where each of these stands.

Rows of `update_device` are what a restart goes on with. What is to be done for one stands in it: `ready`, since when it
may be offered; `due`, when something is to be said to it; neither, as long as it is away. Its registration sets them,
in the transaction of that registration.
"""

import json
from dataclasses import dataclass, field

from tools.store.server.bundletables import NoRoomError
from tools.store.states import IS_HELD, IS_QUEUED, IS_STORED
from tools.store.tables import record
from tools.words import counted

RUNNING, PAUSED, STOPPED, DONE = "running", "paused", "stopped", "done"  # of a job; STOPPED of a device, too
WAITING, OFFERED, LOADING, VERIFIED = "waiting", "offered", "loading", "verified"
TRYING, CONFIRMED, REFUSED, ROLLED_BACK = "trying", "confirmed", "refused", "rolled-back"
OPEN = (WAITING, OFFERED, LOADING, VERIFIED, TRYING)
STATES = (*OPEN, CONFIRMED, REFUSED, ROLLED_BACK, STOPPED)
FAILED = (REFUSED, ROLLED_BACK)

JOBS = 64  # kept; the oldest one that is over makes room
DEVICES = 100_000  # of all jobs together, the same

# Conditions of SQL: spelt out, for the indexes say the same.
_IS_OPEN = "stage>0 AND state IN ('waiting', 'offered', 'loading', 'verified', 'trying')"
_MAY_STOP = "state IN ('waiting', 'offered', 'loading', 'verified')"
_IS_UNDER_WAY = "state IN ('offered', 'loading', 'verified', 'trying')"
_IS_HERE = "EXISTS (SELECT 1 FROM registration WHERE ue=update_device.ue AND live)"

# `stage`: 0 until it has begun. `total`: octets that it is to have. `slot`: until when it counts as one that is being
# served. `wants`: [[offset, length]] that it asked for and that was not sent; `sent`: [[msgId, offset, length]] of what
# may be on its way to it, an offset below 0 for what is no piece. `again`: even if it rolled back.
SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS update_job (
  job INTEGER PRIMARY KEY AUTOINCREMENT, bundle TEXT, kind TEXT, state TEXT, why TEXT, created REAL, stage INTEGER,
  plan TEXT, failed INTEGER, devices INTEGER);
CREATE INDEX IF NOT EXISTS update_job_bundle ON update_job (bundle, state);
CREATE TABLE IF NOT EXISTS update_device (
  job INTEGER, ue TEXT, state TEXT, stage INTEGER, have INTEGER, total INTEGER, cause TEXT, changed REAL, ready REAL,
  due REAL, tries INTEGER, slot REAL, wants TEXT, sent TEXT, again INTEGER, PRIMARY KEY (job, ue)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS update_device_ue ON update_device (ue, job);
CREATE INDEX IF NOT EXISTS update_device_state ON update_device (job, state, ue);
CREATE INDEX IF NOT EXISTS update_device_next ON update_device (job) WHERE stage=0;
CREATE INDEX IF NOT EXISTS update_device_open ON update_device (job) WHERE """
    + _IS_OPEN
    + """;
CREATE INDEX IF NOT EXISTS update_device_ready ON update_device (ready) WHERE ready IS NOT NULL;
CREATE INDEX IF NOT EXISTS update_device_due ON update_device (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS update_device_slot ON update_device (slot) WHERE slot IS NOT NULL;
CREATE TABLE IF NOT EXISTS update_count (
  job INTEGER, state TEXT, devices INTEGER, PRIMARY KEY (job, state)) WITHOUT ROWID
"""
)
_ADD = "INSERT INTO update_count VALUES (%s, %d) ON CONFLICT DO UPDATE SET devices=devices+excluded.devices;"
_TRIGGERS = {
    "in": ("INSERT ON update_device", _ADD % ("NEW.job, NEW.state", 1)),
    "out": ("DELETE ON update_device", _ADD % ("OLD.job, OLD.state", -1)),
    "changed": (
        "UPDATE OF state ON update_device WHEN NEW.state<>OLD.state",
        _ADD % ("OLD.job, OLD.state", -1) + _ADD % ("NEW.job, NEW.state", 1),
    ),
}


def prepare(execute):
    """Makes what is missing. What an earlier program had a trigger for, a registration says itself (`update_here`)."""
    execute("DROP TRIGGER IF EXISTS update_here")
    for name, (when, body) in _TRIGGERS.items():
        when = when.replace(" WHEN ", " FOR EACH ROW WHEN ")
        execute("CREATE TRIGGER IF NOT EXISTS update_%s AFTER %s BEGIN %s END" % (name, when, body))


@dataclass(frozen=True)
class Plan:
    """How a job goes on: devices of the first stage, and of each further one, as a number or a part ("10%") of those
    behind the first; None: all at once. `patience`: failed devices that pause it, 0: none does."""

    first: str | None = None
    then: str | None = None
    patience: int = 2


@dataclass(frozen=True)
class UpdateJob:
    """`state`: RUNNING, PAUSED, STOPPED or DONE; `stage`: the last one that has begun; `failed`: devices that failed
    since it began or was resumed; `devices`: all of them."""

    job: int
    bundle: str
    kind: str
    state: str
    why: str
    created: float
    stage: int
    plan: Plan
    failed: int
    devices: int


@dataclass(frozen=True)
class UpdateDevice:
    """A device in a job; the members are those of the table."""

    job: int
    ue: str
    state: str
    stage: int
    have: int
    total: int
    cause: str
    changed: float
    tries: int
    wants: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    again: bool = False

    @property
    def for_people(self):
        """What there is to say of it, for people and programs: GET /api/updates/{job}."""
        return {
            "ue": self.ue,
            "state": self.state,
            "have": self.have,
            "of": self.total,
            "cause": self.cause,
            "changed": self.changed,
        }


_JOB = "job, bundle, kind, state, why, created, stage, plan, failed, devices"
_DEVICE = "job, ue, state, stage, have, total, cause, changed, tries, wants, sent, again"
_KEPT = ("wants", "sent")  # as JSON


def _job_of(row):
    *head, plan, failed, devices = row
    return UpdateJob(*head, Plan(**record(plan)), failed, devices)


def _device_of(row):
    *head, wants, sent, again = row
    return UpdateDevice(*head, json.loads(wants), json.loads(sent), bool(again))


class UpdateTables:
    """For Store, whose `_db` these methods use."""

    # ---- what commands do --------------------------------------------------------------------------------------------

    def add_update(self, bundle, ues, plan, now):
        """A new job that brings this StoredBundle, which is there, to these UEs, once each; its number. An earlier job
        of the same kind goes on without them. Raises NoRoomError."""
        ues = list(dict.fromkeys(ues))
        self._make_room_for_update(len(ues))
        (job,) = self._db.execute(
            "INSERT INTO update_job (bundle, kind, state, why, created, stage, plan, failed, devices)"
            " VALUES (?,?,?,'',?,0,?,0,?) RETURNING job",
            (bundle.id, bundle.kind, RUNNING, now, json.dumps(vars(plan)), len(ues)),
        ).fetchone()
        for other in self.updates():
            if other.job != job and other.kind == bundle.kind and other.state in (RUNNING, PAUSED):
                told = None if other.bundle == bundle.id else now  # what has come of the same stays
                self._db.executemany(
                    "UPDATE update_device SET %s WHERE job=? AND ue=? AND %s" % (_STOP, _MAY_STOP),
                    [("update %d is newer" % job, now, told, other.job, ue) for ue in ues],
                )
        self._db.executemany(
            "INSERT INTO update_device (job, ue, state, stage, have, total, cause, changed, tries, wants, sent, again)"
            " VALUES (?,?,?,0,0,?,'',?,0,'[]','[]',FALSE)",
            [(job, ue, WAITING, bundle.octets, now) for ue in ues],
        )
        return job

    def _make_room_for_update(self, devices):
        if devices > DEVICES:
            raise NoRoomError(
                "%d are too many for one update, which has %s at most" % (devices, counted(DEVICES, "device"))
            )
        jobs = self.updates()
        ended = [job for job in jobs if job.state in (STOPPED, DONE)]  # the newest first
        rows = sum(job.devices for job in jobs)
        left = len(jobs)
        while left >= JOBS or rows + devices > DEVICES:
            if not ended:
                raise NoRoomError(
                    "as many updates are kept as may be, %d with %s: stop one, update stop JOB"
                    % (JOBS, counted(DEVICES, "device"))
                )
            oldest = ended.pop()
            self.remove_update(oldest.job)
            left, rows = left - 1, rows - oldest.devices

    def remove_update(self, job):
        """Forgets a job and where its devices stand."""
        self._db.execute("DELETE FROM update_device WHERE job=?", (job,))
        self._db.execute("DELETE FROM update_count WHERE job=?", (job,))
        self._db.execute("DELETE FROM update_job WHERE job=?", (job,))

    def stop_devices(self, job, now, cause, ue=None):
        """Stops those of the job that do not try it yet, or this one, which nobody waits for then even if it does; how
        many."""
        where = "job=? AND %s" % _MAY_STOP
        if ue is not None:
            where = "job=? AND (%s OR state='trying') AND ue=?" % _MAY_STOP
        more = () if ue is None else (ue,)
        query = "UPDATE update_device SET %s WHERE %s" % (_STOP, where)
        return self._db.execute(query, (cause, now, now, job, *more)).rowcount

    def end_updates_of(self, ue):
        """For who removes a UE Service ID: nothing waits for it any more."""
        self._db.execute(
            "UPDATE update_device SET state='stopped', cause='it was removed', ready=NULL, due=NULL, slot=NULL"
            " WHERE ue=? AND state IN ('waiting', 'offered', 'loading', 'verified', 'trying')",
            (ue,),
        )

    def try_again(self, job, now, ue=None):
        """Those of the job, or this one, that refused it, rolled back or were stopped are to get it once more; how
        many. Where it goes in stages, those whose stage had not begun wait for it again, but not one that is named."""
        where = "job=? AND state IN ('refused', 'rolled-back', 'stopped')"
        more = () if ue is None else (ue,)
        staged = ue is None and self.update(job).plan.first is not None
        return self._db.execute(
            "UPDATE update_device SET state='waiting', stage=greatest(stage, ?), have=0, cause='', changed=?,"
            " ready=NULL, due=NULL, tries=0, slot=NULL, wants='[]', sent='[]', again=TRUE WHERE %s%s"
            % (where, "" if ue is None else " AND ue=?"),
            (0 if staged else 1, now, job, *more),
        ).rowcount

    def set_update_state(self, job, state, why="", failed=None):
        """`failed`: as in UpdateJob, where it changes."""
        self._db.execute(
            "UPDATE update_job SET state=?, why=?, failed=coalesce(?, failed) WHERE job=?",
            (state, why, failed, job),
        )

    # ---- what there is -----------------------------------------------------------------------------------------------

    def updates(self):
        """All UpdateJobs, the newest first."""
        rows = self._db.execute("SELECT %s FROM update_job ORDER BY job DESC" % _JOB)
        return [_job_of(row) for row in rows.fetchall()]

    def update(self, job):
        """The UpdateJob of this number, or None."""
        row = self._db.execute("SELECT %s FROM update_job WHERE job=?" % _JOB, (job,)).fetchone()
        return row and _job_of(row)

    def update_counts(self, job):
        """{state: how many devices}, of those states that there are, in the order of STATES."""
        rows = self._db.execute(
            "SELECT state, CAST(sum(devices) AS BIGINT) FROM update_count WHERE job=? GROUP BY state"
            " HAVING sum(devices)>0",
            (job,),
        )
        counts = dict(rows.fetchall())
        return {state: counts[state] for state in STATES if state in counts}

    def update_device(self, job, ue):
        """The UpdateDevice, or None."""
        query = "SELECT %s FROM update_device WHERE job=? AND ue=?" % _DEVICE
        row = self._db.execute(query, (job, ue)).fetchone()
        return row and _device_of(row)

    def update_devices(self, job, state, skip, most):
        """UpdateDevices of a job, in order, of one state or of all (None)."""
        where, values = ("job=?", (job,)) if state is None else ("job=? AND state=?", (job, state))
        query = "SELECT %s FROM update_device WHERE %s ORDER BY ue LIMIT ? OFFSET ?" % (_DEVICE, where)
        return [_device_of(row) for row in self._db.execute(query, (*values, most, skip)).fetchall()]

    def update_for_people(self, job):
        """What there is to say of an UpdateJob, for people and programs: GET /api/updates."""
        bundle = self.bundle(job.bundle)
        return {
            "job": job.job,
            "bundle": job.bundle,
            "kind": job.kind,
            "name": bundle.name,
            "version": bundle.version,
            "number": bundle.number,
            "state": job.state,
            "why": job.why,
            "created": job.created,
            "stage": job.stage,
            "devices": job.devices,
            "counts": self.update_counts(job.job),
        }

    # ---- how it goes on ----------------------------------------------------------------------------------------------

    def update_of(self, ue, bundle):
        """The UpdateDevice of this UE in the job with this bundle that it is under way in, else in the newest one, or
        None."""
        query = (
            "SELECT %s FROM update_device WHERE ue=? AND job IN (SELECT job FROM update_job WHERE bundle=?)"
            " ORDER BY %s DESC, job DESC LIMIT 1" % (_DEVICE, _IS_UNDER_WAY)
        )
        row = self._db.execute(query, (ue, bundle)).fetchone()
        return row and _device_of(row)

    def updates_to(self, ue):
        """The UpdateDevices of this UE that something may be on its way to."""
        query = "SELECT %s FROM update_device WHERE ue=? AND %s" % (_DEVICE, _IS_UNDER_WAY)
        return [_device_of(row) for row in self._db.execute(query, (ue,)).fetchall()]

    def other_update_of(self, ue, job):
        """The number of another job that this UE is under way in, or None."""
        query = (
            "SELECT job FROM update_device WHERE ue=? AND job<>? AND %s ORDER BY job LIMIT 1" % _IS_UNDER_WAY
        )
        return self._one(query, ue, job)

    def next_update_of(self, ue, now):
        """Another job that waits for this UE to be done may go on."""
        query = "UPDATE update_device SET ready=?, due=NULL WHERE ue=? AND state='waiting' AND stage>0"
        self._db.execute(query, (now, ue))

    def change_update_device(self, job, ue, **columns):
        """Writes these columns of its row."""
        values = [json.dumps(value) if name in _KEPT else value for name, value in columns.items()]
        changes = ", ".join("%s=?" % name for name in columns)
        query = "UPDATE update_device SET %s WHERE job=? AND ue=?" % changes
        self._db.execute(query, (*values, job, ue))

    def begin_stage(self, job, stage, most, now):
        """The next stage of a job has so many devices at most: those that are registered first. How many it has."""
        begun = self._db.execute(
            "UPDATE update_device SET stage=?1, changed=?2,"
            " ready=CASE WHEN %s THEN CAST(?2 AS DOUBLE PRECISION) END"
            " WHERE job=?3 AND ue IN (SELECT ue FROM update_device WHERE job=?3 AND stage=0"
            " AND state='waiting' ORDER BY %s DESC, ue LIMIT ?4)" % (_IS_HERE, _IS_HERE),
            (stage, now, job, most),
        ).rowcount
        self._db.execute("UPDATE update_job SET stage=? WHERE job=?", (stage, job))
        return begun

    def update_here(self, ue, now):
        """The UE has registered: what is to be done for it, and nothing is noted for, is to be done now."""
        for column, which in (("ready", "stage>0 AND state='waiting'"), ("due", _IS_UNDER_WAY)):
            query = "UPDATE update_device SET %s=? WHERE ue=? AND %s AND ready IS NULL AND due IS NULL"
            self._db.execute(query % (column, which), (now, ue))

    def arm_update(self, job, now):
        """What is to be done for devices of the job that are here, and that nothing is noted for, is to be done now."""
        where = "WHERE job=? AND %s AND ready IS NULL AND due IS NULL AND %s" % (_IS_OPEN, _IS_HERE)
        for column, which in (("ready", "state='waiting'"), ("due", "state<>'waiting'")):
            query = "UPDATE update_device SET %s=? %s AND %s" % (column, where, which)
            self._db.execute(query, (now, job))

    def is_stage_over(self, job):
        """Whether each device that was begun with has come to an end."""
        query = "SELECT 1 FROM update_device WHERE job=? AND %s LIMIT 1" % _IS_OPEN
        return self._one(query, job) is None

    def updates_due(self, now, most):
        """[(job, ue)] that something is to be said to by now, the longest due first."""
        query = "SELECT job, ue FROM update_device WHERE due<=? ORDER BY due LIMIT ?"
        return self._db.execute(query, (now, most)).fetchall()

    def updates_ready(self, most):
        """[(job, ue)] that may be offered, who has waited longest first."""
        query = "SELECT job, ue FROM update_device WHERE ready IS NOT NULL ORDER BY ready LIMIT ?"
        return self._db.execute(query, (most,)).fetchall()

    def count_slots(self, now):
        """Devices that are being served."""
        return self._one("SELECT count(*) FROM update_device WHERE slot>?", now)

    def next_update(self, now, slots):
        """When something is due, or None. `slots`: as many may be served at once."""
        due = self._one("SELECT min(due) FROM update_device WHERE due IS NOT NULL")
        ready = self._one("SELECT min(ready) FROM update_device WHERE ready IS NOT NULL")
        if ready is not None and self.count_slots(now) >= slots:
            ready = self._one("SELECT min(slot) FROM update_device WHERE slot>?", now)
        return min((time for time in (due, ready) if time is not None), default=None)

    def state_on_its_way(self, ue, msg_id):
        """That of this message for a UE, or None where it has arrived or will not."""
        query = (
            "SELECT state FROM message WHERE target_type='UE' AND target=? AND msg_id=? AND (%s OR %s OR %s) LIMIT 1"
            % (IS_QUEUED, IS_STORED, IS_HELD)
        )
        return self._one(query, ue, msg_id)


# Those under way are told so, which is due now; of a trial there is nothing to tell.
_STOP = (
    "state='stopped', cause=?, changed=?, ready=NULL, wants='[]', tries=0, slot=NULL,"
    " due=CASE WHEN state IN ('waiting', 'trying') THEN NULL ELSE CAST(? AS DOUBLE PRECISION) END"
)
