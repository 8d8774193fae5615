# SPDX-License-Identifier: MIT
"""What goes to a recipient that gets several messages side by side: the oldest one of each originator, in each lane, as
long as there is room, and to an Application Server the next ones of that originator behind it.

What is known of a queue is kept, so that nobody looks through all of it for what is not there: who its originators are,
and of whom nothing waits but what is out.
"""

from tools.server.delivery.pushes import Push
from tools.server.delivery.turns import ABREAST
from tools.server.isolation import RESTS
from tools.store.states import MESSAGE
from tools.store.tables import CONTROL, DATA
from tools.wire.bodies import Address


class Abreast:
    """`push(id, now, behind=0)` gives the Push of a message, True for one that ended or was split, None for one whose
    recipient is not there; `touch_rested(target, kind, key, now)` has a recipient looked at when a unit has rested."""

    def __init__(self, store, settings, isolation, elsewhere, turns, push, touch_rested):
        self._store = store
        self._settings = settings
        self._isolation = isolation
        self._elsewhere = elsewhere
        self._turns = turns
        self._push = push
        self._touch_rested = touch_rested
        self._only = store.kept()  # (recipient, lane): originators, of whom all is that waits for it
        # (recipient, lane, originator): rows, beside which nothing of that originator waits
        self._all_out = store.kept()
        self._halted = store.kept()  # of whom nothing goes behind what is out: that is not sent itself

    # ---- what is known -----------------------------------------------------------------------------------------------

    def arrived(self, target, lane, origin_type, origin):
        """A message of this originator is in the queue, or may be."""
        if target.type in ABREAST:
            originator = origin and Address(origin_type, origin)
            self._all_out.pop((target, lane, originator), None)
            if originator not in self._only.get((target, lane), ()):
                self._only.pop((target, lane), None)

    def ended(self, push, for_good):
        """It is not out any more; what is out behind it is not sent, where it did not end for good."""
        if push.target.type != "AS":
            return
        key = push.target, push.lane, push.origin
        self._all_out.pop(key, None)
        if not any((each.lane, each.origin) == key[1:] for each in self._turns.out(push.target)):
            self._halted.pop(key, None)
        elif not for_good:
            self._halted[key] = True

    def release(self, push, others):
        """Its outcome could not be handled, so it did not end for good; `others` are out to its recipient still. Calls
        nothing that handling it does: that may be what raised."""
        if push.target.type != "AS":
            return
        key = push.target, push.lane, push.origin
        self._all_out.pop(key, None)
        self._halted.pop(key, None)
        if any((each.lane, each.origin) == key[1:] for each in others):
            self._halted[key] = True

    def is_empty(self, target):
        """Nothing waits for it."""
        for lane in (CONTROL, DATA):
            self._only.pop((target, lane), None)

    def look_again(self):
        """Nobody knows what has changed."""
        for known in (self._only, self._all_out):  # what is halted is so all the same
            for key in list(known):
                del known[key]

    # ---- what begins -------------------------------------------------------------------------------------------------

    def begin(self, target, now):
        """The Pushes that go to it now."""
        begun, stuck = [], self._isolation.stuck(MESSAGE, now)
        for lane in (CONTROL, DATA):
            passed = {push.origin for push in self._turns.out(target) if push.lane == lane}
            while self._turns.may_send(target, lane, now):
                found = self._next_of_others(target, lane, stuck, passed)
                if found is None:
                    break
                id_, origin = found
                push = self._isolation.run(MESSAGE, id_, now, self._push, id_, now)
                if push is None:  # who takes it for its recipient takes nothing now
                    return begun
                if push is RESTS:
                    self._touch_rested(target, MESSAGE, id_, now)
                    stuck = self._isolation.stuck(MESSAGE, now)
                    if id_ not in stuck:  # the store failed: order is kept, those behind it wait
                        passed.add(origin)
                elif isinstance(push, Push):  # else it ended or was split: look again
                    begun.append(push)
                    passed.add(origin)
        return begun + self._behind(target, now)

    def _next_of_others(self, target, lane, stuck, passed):
        """As of the store, where that can give one."""
        only = self._only.get((target, lane))
        if only is not None and passed >= only:
            return None
        found = self._store.next_of_others(target, lane, stuck, passed)
        if found is None and not stuck:
            self._only[target, lane] = frozenset(passed)
        return found

    def _behind(self, target, now):
        """More of the originators whose messages are out to an Application Server: each is to go behind the one
        before."""
        begun, ahead = [], self._settings.ahead
        if not ahead or target.type != "AS" or self._elsewhere.way_to(target) is not None:
            return begun
        for (lane, origin), run in self._turns.runs(target).items():
            if origin is None or (target, lane, origin) in self._halted:
                continue
            while len(run) <= ahead and not self._is_all(target, lane, origin, run):
                push = self._next_behind(target, lane, origin, run, now)
                if push is None:
                    break
                begun.append(push)
                run.append(push)
        return begun

    def _is_all(self, target, lane, origin, run):
        """Whether nothing waits but what is in this run."""
        rows = self._all_out.get((target, lane, origin))
        return rows is not None and rows.issubset(push.row for push in run)

    def _next_behind(self, target, lane, origin, run, now):
        """The Push of the next message behind those of the run, None where there is none now."""
        stuck = self._isolation.stuck(MESSAGE, now)
        id_ = self._store.next_but(target.id, lane, origin, [*stuck, *(push.row for push in run)])
        if id_ is None:
            if not stuck:
                self._all_out[target, lane, origin] = frozenset(push.row for push in run)
            return None
        push = self._isolation.run(MESSAGE, id_, now, self._push, id_, now, run[-1].number)
        if push is RESTS:
            self._touch_rested(target, MESSAGE, id_, now)
        return push if isinstance(push, Push) else None  # whatever it is, it has its turn later
