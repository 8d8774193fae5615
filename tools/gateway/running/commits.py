# SPDX-License-Identifier: MIT
"""Many events, one COMMIT: what has come by the time that the event loop has nothing else to do is decided one after
the other, each in a savepoint, and brought to the disk together, by another thread. No result is seen before that.

While a COMMIT is under way, what comes waits, and makes the next round; the loop goes on with everything else. Where a
COMMIT fails, or the store gives up a transaction in the middle, each event of that round is decided once more by
itself: one that the store cannot take fails alone, and one that another node was in the way of is decided a few times
more. Where nobody can say what became of a COMMIT, all of them fail, and none is decided again.
"""

import asyncio
import collections
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

from tools.store.faults import DATABASE_ERRORS, again, in_doubt
from tools.wire.answers import Refusal

LONGEST = 64  # events of one round
SECONDS = 0.05  # for which a round decides at most: then everything else has its turn
CONFLICTS = 5  # for which an event is decided again, where other nodes write what it stands on
QUIET = 2  # turns of the loop in which nothing came: it has nothing else to do


class Event:
    """One event. Awaited, it gives the decision's result, or raises what that raised, once it is on the disk.

    `now`: the time of the decision, None for the one when it is made; `told`: what is published then, as (event,
    fields); `then`: called with the event at its end, and raises nothing."""

    __slots__ = (
        *("_future", "_then", "arguments", "conflicts", "done", "error", "function", "now", "result", "told"),
    )
    is_work = False  # of those that end a round

    def __init__(self, function, arguments, now=None, then=None):
        self.function, self.arguments, self.now, self._then = function, arguments, now, then
        self.done, self._future, self.conflicts = False, None, 0
        self.result = self.error = None
        self.told = ()

    def end(self):
        """It is on the disk, or has failed."""
        self.done = True
        if self._then is not None:
            self._then(self)
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def outcome(self):
        if self.error is not None:
            raise self.error
        return self.result

    def __await__(self):
        if not self.done:
            self._future = asyncio.get_running_loop().create_future()
            yield from self._future
        return self.outcome()


def _loop():
    with contextlib.suppress(RuntimeError):
        return asyncio.get_running_loop()


class Commits:
    """`program` decides: `prepare()` comes before a round, outside of its transaction; `decide(event)`, in a savepoint
    of its own, and `failed(event, error)`, where the store did not take it, fill an Event in; `work()` gives the Events
    that end a round; `note()` is called once in a round that has written; `ended(events, written)` hears of those that
    are on the disk or have failed, in order, and calls their `end`."""

    def __init__(self, store, program):
        self._store = store
        self._program = program
        self._waiting = collections.deque()
        self._singly = 0  # so many of them, the first ones, are decided by themselves
        self._scheduled = self._writing = False
        self._woken = False
        self._seen = self._quiet = 0
        self.conflicts = 0  # rounds that were undone since another node was first
        self._began = 0.0  # when the last round did
        self._thread = ThreadPoolExecutor(1, "commit")

    @property
    def waiting(self):
        """How many events wait to be decided."""
        return len(self._waiting)

    def add(self, event):
        """It is decided soon; at once where no event loop runs. Gives it."""
        if _loop() is None:
            self._at_once(event)
        else:
            self._waiting.append(event)
            self._schedule()
        return event

    def now(self, event):
        """Its result, for which everything waits."""
        self._at_once(event)
        return event.outcome()

    def wake(self):
        """A round is to be, be there events or not."""
        self._woken = True
        self._schedule()

    async def empty(self):
        """Returns once all that waits now is on the disk or has failed."""
        if self._waiting or self._writing:
            with contextlib.suppress(Refusal):
                await self.add(Event(lambda now: None, ()))

    def stop(self):
        """Nothing is written any more."""
        self._thread.shutdown()

    def _at_once(self, event):
        while True:
            shared, events = self._decided((event,))
            written = False
            if shared is not None:
                self._write(shared)
                events, written = self._settled(shared, events)
            if events:
                break
            self._singly -= 1  # once more, and not after those that wait
            self._waiting.popleft()
        self._program.ended(events, written)

    # ---- rounds ------------------------------------------------------------------------------------------------------

    def _schedule(self):
        if not self._scheduled and not self._writing:
            self._scheduled, self._seen, self._quiet = True, len(self._waiting), 0
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self):
        """What the loop has at hand may bring more."""
        count = len(self._waiting)
        self._quiet = 0 if count > self._seen else self._quiet + 1
        self._seen = count
        if count < LONGEST and self._quiet < QUIET:
            asyncio.get_running_loop().call_soon(self._look)
        else:
            self._scheduled = False
            self._round()

    def _round(self):
        self._began = time.monotonic()
        self._program.prepare()
        shared, events = self._decided(self._taken())
        if shared is None:
            self._over(events, False)
        elif not shared.changed or not self._store.has_disk:
            self._write(shared)
            self._over(*self._settled(shared, events))
        else:
            self._writing = True
            shared.hand_over()
            written = asyncio.get_running_loop().run_in_executor(self._thread, shared.write)
            written.add_done_callback(lambda future: self._over(*self._settled(shared, events)))

    def _taken(self):
        """The events of this round, and the work after them."""
        if self._singly:
            self._singly -= 1
            event = self._waiting.popleft()
            self._woken |= not event.is_work  # the round that it was in may not have come to its work
            yield event
            return
        self._woken = False
        end = time.monotonic() + SECONDS
        for _ in range(min(len(self._waiting), LONGEST)):
            yield self._waiting.popleft()
            if time.monotonic() > end:
                break
        yield from self._program.work()

    def _decided(self, events):
        """(the Shared that they are in, they); None where there is nothing to write."""
        taken = []
        try:
            shared = self._store.shared()
        except Exception as error:
            for event in events:
                self._program.failed(event, error)
                taken.append(event)
            return None, taken
        try:
            for event in events:
                taken.append(event)
                self._program.decide(event)
                if not self._store.in_transaction:
                    raise self._store.given_up()
            if shared.changed:
                self._program.note()
            shared.complete()  # other nodes may be told of something though no row was written
        except Exception as error:
            with contextlib.suppress(*DATABASE_ERRORS):
                shared.undo(error)
            return None, self._failed(taken, error)
        return shared, taken

    def _failed(self, events, error):
        """Nothing of these is in the store: those of them that have come to their end."""
        self.conflicts += again(error)
        if in_doubt(
            error
        ):  # they may have taken effect: twice would be worse than an answer that says too little
            for event in events:
                self._program.failed(event, error)
            return events
        if len(events) == 1:
            (event,) = events
            if self._conflicts(event, error):
                event.conflicts += 1
            else:
                if event.error is None:
                    self._program.failed(event, error)
                return events
        self._waiting.extendleft(reversed(events))
        self._singly += len(events)
        return []

    @staticmethod
    def _conflicts(event, error):
        """Whether it may go better at once: another node was first, and what it wrote is seen by now."""
        return again(error) and event.conflicts < CONFLICTS

    @staticmethod
    def _write(shared):
        shared.hand_over()
        shared.write()

    def _settled(self, shared, events):
        """(those of the events that have come to their end, whether something was written)."""
        error = shared.settle()
        if error is not None:
            return self._failed(events, error), False
        if shared.changed:
            self._program.tallies.commits.note(shared.seconds)
        return events, shared.changed

    def _over(self, events, written):
        self._writing = False
        self._program.tallies.rounds.note(time.monotonic() - self._began)
        try:
            self._program.ended(events, written)
        finally:
            if self._waiting or self._woken:
                self._schedule()
