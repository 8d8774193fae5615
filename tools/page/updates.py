# SPDX-License-Identifier: MIT
"""Updates as the page and programs see them: the jobs that there are, and where the devices of one stand."""

from tools.store.server.updatetables import STATES
from tools.wire.bodies import Malformed

SIZE, MAX_SIZE = 50, 200
MAX_PAGE = 10**6
EVENTS = ("update", "update-job")  # that tell of a device in a job, of a job


class Updates:
    """`store`: a Store. Without a server there are none in it."""

    def __init__(self, store):
        self._store = store

    def all(self):
        """{"items"}: all jobs, the newest first; there are 64 at most."""
        return {"items": [self._store.update_for_people(job) for job in self._store.updates()]}

    def one(self, number, state=None, page=1, size=SIZE):
        """A job with its devices, in order, {"total", "page", "size", "items"}; None where there is no such job. Raises
        Malformed."""
        if state is not None and state not in STATES:
            raise Malformed("state", "not one of " + ", ".join(STATES))
        if not 1 <= size <= MAX_SIZE:
            raise Malformed("size", "not 1 to %d" % MAX_SIZE)
        if not 1 <= page <= MAX_PAGE:
            raise Malformed("page", "not 1 to %d" % MAX_PAGE)
        job = self._store.update(number)
        if job is None:
            return None
        found = self._store.update_for_people(job)
        total = found["devices"] if state is None else found["counts"].get(state, 0)
        skip = (page - 1) * size
        devices = self._store.update_devices(number, state, skip, size) if skip < total else []
        return found | {
            "total": total,
            "page": page,
            "size": size,
            "items": [each.for_people for each in devices],
        }

    def changed(self, records):
        """A job with those of its devices that these events are about, for each job that they are about."""
        devices = {}  # of a job
        for record in records:
            if record["event"] in EVENTS:
                devices.setdefault(record["job"], {}).update({record["ue"]: None} if "ue" in record else {})
        for number, ues in devices.items():
            job = self._store.update(number)
            if job is not None:
                rows = [self._store.update_device(number, ue) for ue in ues]
                yield self._store.update_for_people(job) | {
                    "items": [each.for_people for each in rows if each]
                }
