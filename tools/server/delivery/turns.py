# SPDX-License-Identifier: MIT
"""Whose turn it is: how many requests are out to a recipient, and a pause after one that was not taken, which grows.

A UE gets one request at a time (NSTART of RFC 7252), but for segments where it takes several. Who is reached over HTTP
by itself (`ABREAST`) gets many side by side, in each lane: never two of one originator, whose order is kept. The next
ones of an originator may be out behind the first one (`Push.behind`): they go when it is their turn, and take its room.

The pause is doubled each time, with jitter, or it is Max-Age where that is longer. Each lane of a recipient has its
own, so that a full inbox keeps back no report. After it one request tries whether the recipient takes something again,
and what had begun before the pause says nothing new. All of it is in memory, and is undone together with a transaction
of the store.

A UE with a schedule has its turns in its windows alone (`windows`). With one that begins it counts as heard of.

Recipients behind one gateway share its way: so many requests at once, and while the gateway itself is silent none but
one now and then, whomever it is for.

Who may get a request now that could get none before is touched (`watched`): what it costs follows from what changes,
not from who waits.
"""

from dataclasses import dataclass, replace

from tools.server.delivery.parked import Parked
from tools.server.delivery.pushes import BROKEN, LATER, UNSENT
from tools.server.delivery.windows import Windows
from tools.store.server.peertables import SERVER
from tools.store.tables import CONTROL, DATA

ABREAST = {"AS", SERVER, "BC"}  # kinds of recipients that get requests side by side
LONGEST_WAIT = 3600  # a Max-Age beyond it is not obeyed to the end
THROUGH = 64  # requests that are out through one gateway; a UE behind it that is silent takes one for 93 s
_WINDOW, _SILENT = "window", "silent"  # with the lanes: why a moment is waited for


@dataclass
class Wait:
    until: float
    delay: float  # the least of the next one
    answered: bool  # False: it was silent, and any sign of life ends the wait
    begun: int = 0  # `Push.number` of the last request that had begun when it came


class Turns:
    """`rng` has `uniform(least, most)`, for the jitter."""

    def __init__(self, store, settings, emit, rng):
        self._store = store
        self._settings = settings
        self._emit = emit
        self._rng = rng
        self._busy = store.kept()  # target: the Pushes that are out, in the order in which they began
        self._more = store.kept()  # "all": how many are out beyond the first one in each lane of each target
        self._took = store.kept()  # target: `Push.number` of the last one beyond the first in a lane to it
        self._begun = 0  # requests so far
        self._waits = store.kept()  # (target, lane): Wait
        self._through = store.kept()  # gateway: how many requests are out through it
        self._silent = store.kept()  # gateway that did not answer: Wait
        self.windows = Windows(store)
        self.on_silent = []  # called with (target, now) where a UE did not answer for a whole exchange
        self.watched = []  # Touched, by Address, of each who sends
        self._asleep = store.kept()  # UE that something waits for: when its next window begins
        self._behind = Parked(store)  # those that wait for their gateway, which takes nothing now
        self._unreached = Parked(store)  # those that wait for it to register
        self._crowded = store.kept()  # targets that wait until less is out beside the first one to each

    def is_free(self, target, now):
        """Whether it is worth a look what waits for it."""
        gateway, out = self._behind.get(target), self._busy.get(target)
        if out and target.type not in ABREAST and self.unfilled(target) is None:
            return False
        if not self._has_window(target, now):
            return False
        return gateway is None or self._is_open(gateway, now)

    def may_send(self, target, lane, now):
        """Whether one more request may begin in this lane."""
        out = self._busy.get(target, ())
        if (out and target.type not in ABREAST) or not self._has_window(target, now):
            return False
        wait = self._waits.get((target, lane))
        if wait is not None and wait.until > now:
            return False
        mine = [push.number for push in _on_their_way(out) if push.lane == lane]
        if not mine:
            return True
        if len(mine) >= self._settings.abreast:
            return False
        if self._more.get("all", 0) >= self._settings.abreast_all:
            self._crowded[target] = True
            return False
        return wait is None or max(mine) <= wait.begun

    def out(self, target):
        """The Pushes that are out to it."""
        return self._busy.get(target, ())

    def runs(self, target):
        """Of each originator and lane the Pushes that are out to it, one behind the other, where it takes them."""
        runs = {}
        for push in self.out(target):
            if (target, push.lane) not in self._waits:
                runs.setdefault((push.lane, push.origin), []).append(push)
        return runs

    def before(self, target):
        """What recipients are sorted by: the room of all goes to whom least is out to, then to who took of it
        longest ago."""
        return len(_on_their_way(self.out(target))), self._took.get(target, 0)

    def unfilled(self, target):
        """The id of the message whose segments are out to this UE where it takes one more of them now, else None."""
        out = self._busy.get(target, ())
        if not out or len(out) >= min(push.window for push in out) or (target, out[0].lane) in self._waits:
            return None
        return out[0].row

    def _has_window(self, target, now):
        opens = self.windows.opens(target, now)
        if opens is not None:
            self._asleep[target] = opens
            self._touch_at(target, _WINDOW, opens)
            return False
        if self._asleep.pop(target, None) is not None:
            self._was_heard(target)
        return True

    def may_send_through(self, gateway, target, now):
        """Whether a request to this target may go out through its gateway, an Address; True where that is None."""
        self._behind.pop(target)
        if gateway is None or self._is_open(gateway, now):
            return True
        self._behind.put(target, gateway)
        return False

    def wait_for(self, gateway, target):
        """This target's gateway is not registered."""
        self._unreached.put(target, gateway)

    def behind(self, gateway, now):
        """Those that may be worth a look by now because of their gateway, one after the other."""
        for parked, has_room in ((self._unreached, self._is_reached), (self._behind, self._is_open)):
            for _ in range(parked.count(gateway)):  # each once: it may have to wait again
                target = parked.first(gateway)
                if target is None or not has_room(gateway, now):
                    break
                parked.pop(target)
                yield target

    def _is_reached(self, gateway, now):
        """Whether it has an address of its own: behind another gateway, nobody is reached through it."""
        registration = self._store.registration(gateway.id, now)
        return registration is not None and registration.via is None

    def _is_open(self, gateway, now):
        if not self._has_window(gateway, now):
            return False
        out, silent = self._through.get(gateway, 0), self._silent.get(gateway)
        return out < THROUGH if silent is None else not out and silent.until <= now

    def carries(self, target, id_):
        """Whether a request that is out to this recipient carries this message."""
        return any(push.row == id_ or id_ in push.joined for push in self.out(target))

    def is_out(self, push):
        """Whether it was not given up, and its outcome is waited for."""
        return any(each is push for each in self.out(push.target))

    def begin(self, push):
        """The Push as it goes out."""
        self._begun += 1
        push = replace(push, number=self._begun)
        self._put(push, (*self.out(push.target), push))
        return push

    def _put(self, push, out):
        """`push` begins, or has ended: these are out to its recipient now."""
        target = push.target
        more = _beyond(out, push.lane) - _beyond(self.out(target), push.lane)
        change = len(out) - len(self.out(target))
        if out:
            self._busy[target] = out
        else:
            del self._busy[target]
        if more:
            self._more["all"] = self._more.get("all", 0) + more
        if more > 0:
            self._took[target] = push.number
        if push.through is not None:
            self._through[push.through] = self._through.get(push.through, 0) + change
            if not self._through[push.through]:
                del self._through[push.through]

    def release(self, push):
        """Its outcome could not be handled: the recipient is free for others. Gives what is out to it still. Calls
        nothing that handling it does: that may be what raised."""
        out = self._busy.get(push.target, ())
        others = tuple(each for each in out if each is not push)
        if len(others) < len(out):
            self._put(push, others)
            for watched in self.watched:
                for each in (push.target, push.through or push.target, *self._crowded):
                    watched.touch(each)
        return others

    def _end(self, push):
        self._put(push, tuple(each for each in self._busy[push.target] if each is not push))
        self._has_room(push)

    def _has_room(self, push):
        """One more may go out where this one was."""
        crowded = list(self._crowded) if self._more.get("all", 0) < self._settings.abreast_all else ()
        for each in crowded:
            del self._crowded[each]
        for each in (push.target, *(() if push.through is None else (push.through,)), *crowded):
            self.touch(each)

    def touch(self, target):
        """It is worth a look what waits for this Address, or for who is behind it."""
        for each in self.watched:
            each.touch(target)

    def _touch_at(self, target, why, when):
        for each in self.watched:
            each.at(target, why, when)

    def finish(self, push, outcome, now):
        """Makes room for the next one to its recipient, and says when to try again.
        False for a Push that was not sent, or was given up when its recipient moved."""
        if not self.is_out(push):
            return False
        self._end(push)
        if outcome.verdict == UNSENT:
            return False
        key = (push.target, push.lane)
        before = self._waits.get(key)
        new = before is None or push.number > before.begun
        if outcome.verdict not in (LATER, BROKEN) and new:
            self._waits.pop(key, None)
        if push.through is not None and outcome.verdict != BROKEN:
            if outcome.verdict == LATER and not outcome.answered and not outcome.behind:
                self._gateway_was_silent(push, outcome, now)
                return True
            self._silent.pop(push.through, None)
        if outcome.verdict in (LATER, BROKEN):
            self._pause_of(push, outcome, before, new, now)
        if new and outcome.verdict == LATER and not (outcome.answered or outcome.cut):
            for hear in self.on_silent if push.target.type == "UE" else ():
                hear(push.target, now)
        return True

    def _pause_of(self, push, outcome, before, new, now):
        """Of those that were out side by side the first one counts; from the others a longer Max-Age is taken."""
        key, max_age = (push.target, push.lane), outcome.max_age or 0
        if new:
            pause, delay = self._pause(before, max_age)
            self._waits[key] = Wait(now + pause, delay, outcome.answered, self._begun)
            self._touch_at(*key, now + pause)
            self._tell(push, outcome, pause)
        elif now + min(max_age, LONGEST_WAIT) > before.until:
            self._waits[key] = replace(before, until=now + min(max_age, LONGEST_WAIT))
            self._touch_at(*key, now + min(max_age, LONGEST_WAIT))

    def is_silent(self, target):
        """Whether it did not answer last, and was not heard of since."""
        waits = (self._waits.get((target, lane)) for lane in (CONTROL, DATA))
        return any(wait is not None and not wait.answered for wait in waits)

    def _gateway_was_silent(self, push, outcome, now):
        """One pause for all behind it. Others that were out at the same time say nothing new."""
        before = self._silent.get(push.through)
        if before is None or before.until <= now:
            pause, delay = self._pause(before, 0)
            self._silent[push.through] = Wait(now + pause, delay, False)
            self._touch_at(push.through, _SILENT, now + pause)
            self._tell(push, outcome, pause, via=push.through.id)

    def _tell(self, push, outcome, pause, **more):
        reason = outcome.detail
        self._emit("retry", to=push.target.id, kind=push.kind, reason=reason, seconds=round(pause, 3), **more)

    def _pause(self, before, max_age):
        """(seconds, the least of the next one). A Max-Age that is long enough by itself does not lengthen the next
        pause."""
        settings = self._settings
        delay = min(before.delay, settings.retry_max) if before else settings.retry_min
        asked = min(max_age, LONGEST_WAIT)
        if asked > delay:
            return asked, delay
        return max(settings.retry_min, delay * self._rng.uniform(0.75, 1.25)), delay * 2

    # ---- a recipient is heard of -------------------------------------------------------------------------------------

    def on_moved(self, target, where):
        """A Push that is under way to an older address is given up, and its outcome ignored: it is sent anew to
        this one. So are those that are under way to UEs through it."""
        mine = self.out(target)
        if self._through.get(target):
            mine += tuple(push for out in self._busy.values() for push in out if push.through == target)
        for push in mine:
            if push.where != where:
                self._end(push)

    def leave(self, target):
        """Another node serves it from now on: what is out to it and through it is given up, and nothing of it is known
        any more."""
        self.on_moved(target, None)
        self.on_registered(target)
        self._asleep.pop(target, None)
        self._awake(target, _WINDOW)
        self._took.pop(target, None)
        self._crowded.pop(target, None)

    def knows(self, target):
        """Whether a pause, a window or a gateway is waited for because of it."""
        lanes = [(target, lane) for lane in (CONTROL, DATA)]
        waits = any(each in self._waits for each in lanes) or target in self._silent or target in self._asleep
        return waits or self._behind.get(target) is not None or self._unreached.get(target) is not None

    def is_through(self, gateway):
        """Whether something is out to somebody behind it."""
        return bool(self._through.get(gateway))

    def is_alive(self, target):
        """Another node has heard it."""
        self._was_heard(target)

    def on_peer_alive(self, target, now):
        """The recipient sent something: what waited because it was silent is due again, for UEs behind it as well.
        Max-Age is still obeyed. One with a schedule has a window."""
        self.windows.spoke(target, now)
        if self._asleep.pop(target, None) is not None:
            self._awake(target, _WINDOW)
        self._was_heard(target)

    def _was_heard(self, target):
        for lane in (CONTROL, DATA):
            wait = self._waits.get((target, lane))
            if wait and not wait.answered:
                del self._waits[target, lane]
                self._awake(target, lane)
        if target in self._silent:
            del self._silent[target]
            self._awake(target, _SILENT)

    def _awake(self, target, why):
        """It does not wait for that moment any more."""
        for each in self.watched:
            each.not_at(target, why)
            each.touch(target)

    def on_registered(self, target):
        """It has registered: nothing waits because of what was before."""
        for lane in (CONTROL, DATA):
            self._waits.pop((target, lane), None)
            self._awake(target, lane)
        self._silent.pop(target, None)
        self._awake(target, _SILENT)
        self._behind.pop(target)
        self._unreached.pop(target)

    # ---- time --------------------------------------------------------------------------------------------------------

    def unpark(self, target):
        """It waits for nobody else, as far as is known: what wants to be sent to it finds that out."""
        self._behind.pop(target)
        self._unreached.pop(target)
        self._crowded.pop(target, None)

    def forget(self, target, now):
        """Nothing waits for it: pauses that are over need not be known any more."""
        if not now < self._asleep.get(
            target, 0
        ):  # else who is asked for segments, and has no queue, waits for it
            self._asleep.pop(target, None)
        self._took.pop(target, None)
        for lane in (CONTROL, DATA) if target not in self._busy else ():
            wait = self._waits.get((target, lane))
            if wait is not None and wait.until <= now:
                del self._waits[target, lane]

    def forget_silence(self, gateway, now):
        """As `forget`, of the pause of a gateway: the next one is as long as it would be for some time still."""
        wait, longest = self._silent.get(gateway), self._settings.retry_max * 2
        if wait is not None and wait.until + longest <= now:
            del self._silent[gateway]
        elif wait is not None and wait.until <= now:
            self._touch_at(gateway, _SILENT, wait.until + longest)

    def deadline(self):
        """When the next moment comes that somebody waits for, or None."""
        return min((each.first() for each in self.watched if each.first() is not None), default=None)

    def unpark_all(self):
        """Everybody is looked at: who waited for its gateway, perhaps to be asked for segments and with no queue."""
        return [*self._behind.clear(), *self._unreached.clear()]

    def look_again(self):
        """Nobody knows what has changed."""
        for each in self.watched:
            each.touch_all()

    def clock_set(self, seconds):
        for wait in (*self._waits.values(), *self._silent.values()):
            wait.until += seconds
        for target in list(self._asleep):
            del self._asleep[target]
        self.windows.clock_set(seconds)
        for each in self.watched:
            each.clock_set(seconds)
        self.look_again()


def _on_their_way(out):
    """Those of them that are behind no other."""
    numbers = {push.number for push in out}
    return [push for push in out if push.behind not in numbers]


def _beyond(out, lane):
    """How many are on their way in this lane beyond the first one."""
    return max(0, sum(push.lane == lane for push in _on_their_way(out)) - 1)
