# SPDX-License-Identifier: MIT
"""Units of work: each is done wholly or not at all, and one that raises is set aside while all others go on.

A unit is one message, one segment set, one registration, one recipient, one step of the work. A unit that has a row
in the store is moved to the quarantine (`quarantine`); one without rests in memory and is tried again after a pause
that grows.
"""

import contextlib
import os
import traceback
from dataclasses import dataclass

from tools.store.engine.deadlines import Deadlines
from tools.store.faults import store_stopped
from tools.store.states import STEP
from tools.wire.outside import clean

SET_ASIDE = object()  # what `run` gives for a unit that is in the quarantine now
RESTS = object()  # ... for one that is tried again later
_MAX_CULPRITS = 1000  # unreadable rows that one unit may come upon
_HOUSE = os.path.dirname(os.path.dirname(__file__)) + os.sep  # the folder of all rooms
_SOON = 1.0  # s, the first pause of a step of the work, which concerns everybody


@dataclass
class _Rest:
    until: float
    delay: float
    reason: str


class Isolation:
    """`movers` by kind: called with (key, error, now), they move the unit into the quarantine."""

    def __init__(self, store, settings, emit):
        self._store = store
        self._settings = settings
        self._emit = emit
        self._buffer = None  # events of the unit at hand: passed on only when it is done
        self._resting = {}  # (kind, key): _Rest
        self._stuck = {}  # those of them that no way led into the quarantine: others go past them
        self._over, self._known = (
            Deadlines(),
            Deadlines(),
        )  # of each: when it ends, and until when it is known then
        self._unwinding = False  # the store failed in an inner unit: then the outer one rests
        self.movers = {}

    def emit(self, event, **fields):
        """Takes an event of the decisions. The events of a unit that is undone are dropped."""
        if self._buffer is not None:
            self._buffer.append((event, fields))
            return
        with contextlib.suppress(Exception):  # an error in telling must not undo what was done
            self._emit(event, **fields)

    def wholly(self, function, *arguments):
        """The function's result. Where it raises, all that it did is undone, and its events are dropped."""
        outer, self._buffer = self._buffer, []
        try:
            with self._store.savepoint():
                result = function(*arguments)
            told = self._buffer
        finally:
            self._buffer = outer
        for event, fields in told:
            self.emit(event, **fields)
        return result

    def run(self, kind, key, now, function, *arguments):
        """As `wholly`, for one unit: SET_ASIDE or RESTS instead of an exception. Only the store's own failures
        (disk full, in use by another process) are raised: they are nobody's fault, and end the event."""
        if self.rests(kind, key, now):
            return RESTS
        return self.attempt(kind, key, now, function, *arguments)

    def attempt(self, kind, key, now, function, *arguments):
        """As `run`, even for a unit that rests."""
        nested = self._store.in_transaction
        self._unwinding = False
        for _ in range(_MAX_CULPRITS):
            try:
                result = self.wholly(function, *arguments)
                self._forget((kind, key))
                return result
            except Exception as error:
                if self._of_the_store(error, nested):
                    if not self._unwinding:
                        self._rest(kind, key, error, now)
                    self._unwinding = True
                    raise
                culprit = getattr(error, "culprit", None)
                if culprit is None or culprit == (kind, key):
                    return self.set_aside(kind, key, error, now)
                if self.set_aside(*culprit, error, now) is not SET_ASIDE:
                    break
        return self._rest(kind, key, None, now)

    def answer(self, now, function, *arguments):
        """As `wholly`, for a request: it raises what the function raises, but for rows that cannot be read, which are
        set aside first."""
        for _ in range(_MAX_CULPRITS):
            try:
                return self.wholly(function, *arguments)
            except Exception as error:
                culprit = getattr(error, "culprit", None)
                if culprit is None or self.set_aside(*culprit, error, now) is not SET_ASIDE:
                    raise
        return self.wholly(function, *arguments)

    def step(self, name, now, function, *arguments):
        """As `run`, for a step of the work that goes through units: what those have done stays done where it
        raises."""
        if self.rests(STEP, name, now):
            return RESTS
        nested = self._store.in_transaction
        try:
            result = function(*arguments)
            self._forget((STEP, name))
            return result
        except Exception as error:
            if self._of_the_store(error, nested):
                raise
            return self._rest(STEP, name, error, now)

    def set_aside(self, kind, key, error, now):
        """Into the quarantine, or to rest where there is no way into it."""
        nested = self._store.in_transaction
        mover = self.movers.get(kind)
        if mover:
            try:
                self.wholly(mover, key, error, now)
                self._forget((kind, key))
                return SET_ASIDE
            except Exception as second:
                if self._of_the_store(second, nested):
                    raise
        return self._rest(kind, key, error, now, stuck=mover is not None)

    def _of_the_store(self, error, nested):
        return store_stopped(error) or (nested and not self._store.in_transaction)

    # ---- rest --------------------------------------------------------------------------------------------------------

    def rests(self, kind, key, now):
        rest = self._resting.get((kind, key))
        return rest is not None and rest.until > now

    def until(self, kind, key):
        """When it has rested enough, or None."""
        rest = self._resting.get((kind, key))
        return rest and rest.until

    def stuck(self, kind, now):
        """Keys of what rests because it could not be set aside."""
        return [key for (of, key), rest in self._stuck.items() if of == kind and rest.until > now]

    def _forget(self, unit):
        """The _Rest of a unit that rests no more, or None."""
        if not self._known and not self._resting:  # as it nearly always is
            return None
        for each in (self._stuck, self._over, self._known):
            each.pop(unit, None)
        return self._resting.pop(unit, None)

    def _rest(self, kind, key, error, now, stuck=False):
        unit = kind, key
        before = self._forget(unit)
        first = min(_SOON, self._settings.retry_min) if kind == STEP else self._settings.retry_min
        delay = min(before.delay * 2, self._settings.retry_max) if before else first
        reason = reason_of(error) if error is not None else "too much that cannot be read"
        self._resting[unit] = _Rest(now + delay, delay, reason)
        if stuck:
            self._stuck[unit] = self._resting[unit]
        self._over[unit] = now + delay
        self._known[unit] = now + delay + self._settings.retry_max * 2
        if len(self._resting) > 10 * _MAX_CULPRITS:
            self._forget(next(iter(self._resting)))
        place = place_of(error) if error is not None else ""
        self.emit(
            "quarantined", kind=kind, what=str(key), reason=reason, place=place, seconds=round(delay, 3)
        )
        return RESTS

    def deadline(self, now):
        """When the next unit has rested enough, or None."""
        for unit in self._known.take(now):
            self._forget(unit)
        self._over.take(now)
        return self._over.first()

    def resting(self):
        """(kind, key, until, reason) of each, for people."""
        return [(kind, str(key), rest.until, rest.reason) for (kind, key), rest in self._resting.items()]

    def clock_set(self, seconds):
        for rest in self._resting.values():
            rest.until += seconds
        self._over.shift(seconds)
        self._known.shift(seconds)


def reason_of(error):
    return clean("%s: %s" % (type(error).__name__, error), 300)


def place_of(error):
    """Where it was raised: the innermost line that is the gateway's own, in whichever room."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(_HOUSE)] or frames
    if not own:
        return ""
    return "%s:%d in %s" % (own[-1].filename.rpartition("/")[2], own[-1].lineno, own[-1].name)
