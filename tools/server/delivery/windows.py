# SPDX-License-Identifier: MIT
"""Which UEs can be reached now: TS 24.538 clauses 6.3.1.1.1 ii and 6.4.1.2.6 ("will schedule"). Outside its windows a
UE is sent nothing but answers.

A window is one of its schedule, or the time after a request of its own: whoever asks hears what comes back.
"""

import math

from tools.server.delivery.availability import Schedule
from tools.wire.bodies import Address


class Windows:
    """Of UEs whose registration has a schedule; the others can always be reached."""

    def __init__(self, store):
        self._store = store
        self._all_due = True  # whether each UE is looked at: after a start, and where the clock was set
        self.on_spoke = []  # called with (target, now) where a request of a UE has come

    def registered(self, ue, schedule, now):
        """A registration has come, with this Schedule or None. It is a request, and opens a window."""
        if schedule is None:
            self._store.end_availability(ue)
        else:
            self._store.put_availability(ue, schedule.start, schedule.duration, schedule.interval, now)

    def spoke(self, target, now):
        """A request of the UE has come: it can be reached for as long as one of its windows lasts."""
        for hear in self.on_spoke:
            hear(target, now)
        kept = self._kept(target)
        if kept is not None:
            self._store.open_availability(target.id, now, now + kept.duration)

    def opens(self, target, now):
        """When it can be reached next: a moment that has not come, `math.inf` where only the UE itself can say, or
        None for now."""
        kept = self._kept(target)
        if kept is None or now < kept.opened:
            return None
        begin, _ = _window(kept, now)
        return begin if begin > now else None

    def closes(self, target, now):
        """When the window that is open ends, None for a UE that can always be reached."""
        kept = self._kept(target)
        if kept is None:
            return None
        begin, end = _window(kept, now)
        return max(kept.opened, end if begin <= now else now)

    def wake(self, target, now):
        """Notes that something is stored for a UE that cannot be reached now."""
        opens = self.opens(target, now)
        self._store.wake_availability(target.id, now if opens is None else opens)

    def due(self, now):
        """The UEs whose stored messages may be due by a window: `woke` says whether they are."""
        ues = self._store.waking(None if self._all_due else now)
        self._all_due = False
        return [Address("UE", ue) for ue in ues]

    def woke(self, target, now):
        """Whether it can be reached now; else the next window is waited for."""
        opens = self.opens(target, now)
        self._store.wake_availability(target.id, opens)
        return opens is None

    def deadline(self):
        """When the next one of these has a window, or None."""
        next_one = self._store.next_waking()
        return None if next_one == math.inf else next_one

    def clock_set(self, seconds):
        """A schedule that names moments names those of the UE's clock, which was not set."""
        self._all_due = True

    def _kept(self, target):
        return self._store.availability(target.id) if target.type == "UE" else None


def _window(kept, now):
    return Schedule(kept.start, kept.duration, kept.interval).window(now, kept.since)
