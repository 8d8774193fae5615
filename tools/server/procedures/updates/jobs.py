# SPDX-License-Identifier: MIT
"""How a job goes on: the next stage begins where each device of those before has come to an end, and too many failures
pause it."""

import math

from tools.store.server.updatetables import DONE, OPEN, PAUSED, RUNNING
from tools.wire.outside import clean
from tools.words import counted


class Jobs:
    """`emit` hears what becomes of each job."""

    def __init__(self, store, emit):
        self._store = store
        self._emit = emit
        self._told = None  # {job: its state} that is known, from the first look

    def look(self, now):
        """After a start, and where a command may have changed something."""
        told, self._told = self._told, {}
        for job in self._store.updates():
            self._told[job.job] = job.state
            if told is not None and told.get(job.job) != job.state:
                self._tell(job, job.state, job.why)
            self.go_on(job.job, now)
            if job.state != PAUSED:  # of one that was stopped, what devices try already
                self._store.arm_update(job.job, now)

    def go_on(self, number, now):
        """Begins the next stage, or ends the job, where it is time for that."""
        job = self._store.update(number)
        counts = self._store.update_counts(number)
        if job.state in (RUNNING, PAUSED) and not any(state in counts for state in OPEN):
            self._set(job, DONE)
        elif job.state == RUNNING and self._store.is_stage_over(number):
            self._store.begin_stage(number, job.stage + 1, _size(job), now)

    def failed(self, number, device):
        """One more UpdateDevice refused it or rolled back."""
        job = self._store.update(number)
        failed = job.failed + 1
        self._store.set_update_state(number, job.state, job.why, failed)
        if job.state == RUNNING and 0 < job.plan.patience <= failed:
            last = "%s %s: %s" % (device.ue, device.state, device.cause)
            self._set(job, PAUSED, clean("%s failed, the last one %s" % (counted(failed, "device"), last)))

    def _set(self, job, state, why=""):
        self._store.set_update_state(job.job, state, why)
        self._tell(job, state, why)

    def _tell(self, job, state, why):
        if self._told is not None:
            self._told[job.job] = state
        self._emit("update-job", job=job.job, bundle=job.bundle, state=state, cause=why)


def _size(job):
    """Devices of the next stage of a job."""
    plan, devices = job.plan, job.devices
    if plan.first is None:
        return devices
    first = share(plan.first, devices)
    if job.stage == 0:
        return first
    return devices if plan.then is None else share(plan.then, devices - first)


def share(text, of):
    """ "5" is five of them, "10%" a tenth; at least one."""
    if not text.endswith("%"):
        return int(text)
    return max(1, math.ceil(of * int(text[:-1]) / 100))
