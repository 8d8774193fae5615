# SPDX-License-Identifier: MIT
"""Whose turn it is: one request at a time to a recipient, and a pause after each that was not taken, which grows.

The pause is doubled each time, with jitter, or it is Max-Age where that is longer. Each lane of a recipient has its
own, so that a full inbox keeps back no report. All of it is in memory, and is undone together with a transaction of
the store.
"""

from dataclasses import dataclass

from tools.server.delivery.pushes import BROKEN, LATER
from tools.store.tables import CONTROL, DATA

LONGEST_WAIT = 3600  # a Max-Age beyond it is not obeyed to the end


@dataclass
class Wait:
    until: float
    delay: float  # the least of the next one
    answered: bool  # False: it was silent, and any sign of life ends the wait
    gateway: str | None = None  # the one that was silent in its place


class Turns:
    """`rng` has `uniform(least, most)`, for the jitter."""

    def __init__(self, store, settings, emit, rng):
        self._settings = settings
        self._emit = emit
        self._rng = rng
        self._busy = store.kept()  # target: the Push that is out
        self._waits = store.kept()  # (target, lane): Wait
        self._silent = store.kept()  # gateway: the keys of such waits, that it may end by a sign of life

    def is_busy(self, target):
        return target in self._busy

    def may_send(self, target, lane, now):
        wait = self._waits.get((target, lane))
        return target not in self._busy and (wait is None or wait.until <= now)

    def begin(self, push):
        self._busy[push.target] = push
        return push

    def release(self, push):
        """Its outcome could not be handled: the recipient is free for others."""
        if self._busy.get(push.target) is push:
            del self._busy[push.target]

    def finish(self, push, outcome, now):
        """Frees the recipient and says when to try again.
        False for a Push that was given up when its recipient moved."""
        if self._busy.get(push.target) is not push:
            return False
        del self._busy[push.target]
        key = (push.target, push.lane)
        if outcome.verdict not in (LATER, BROKEN):
            self._waits.pop(key, None)
            return True
        pause, delay = self._pause(self._waits.get(key), outcome.max_age or 0)
        gateway = None if outcome.answered or outcome.behind else push.via
        self._waits[key] = Wait(now + pause, delay, outcome.answered, gateway)
        if gateway:
            self._silent[gateway] = self._silent.get(gateway, frozenset()) | {key}
        self._emit("retry", to=push.target.id, kind=push.kind, reason=outcome.detail, seconds=round(pause, 3))
        return True

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
        through = [each for each, push in self._busy.items() if push.via and push.via == target.id]
        for each in (target, *through):
            if each in self._busy and self._busy[each].where != where:
                del self._busy[each]

    def on_peer_alive(self, target):
        """The recipient sent something: what waited because it was silent is due again, for UEs behind it as well.
        Max-Age is still obeyed."""
        for lane in (CONTROL, DATA):
            wait = self._waits.get((target, lane))
            if wait and not wait.answered:
                del self._waits[target, lane]
        self._on_gateway_alive(target.id)

    def _on_gateway_alive(self, gateway):
        for key in self._silent.pop(gateway, ()):
            wait = self._waits.get(key)
            if wait and wait.gateway == gateway:
                del self._waits[key]

    def on_registered(self, target):
        """It has registered: nothing waits because of what was before."""
        for lane in (CONTROL, DATA):
            self._waits.pop((target, lane), None)
        self._on_gateway_alive(target.id)

    # ---- time --------------------------------------------------------------------------------------------------------

    def forget_over(self, waiting, now):
        """Pauses that are over, of recipients that nothing waits for."""
        waiting = set(waiting) | set(self._busy)
        over = [key for key, wait in self._waits.items() if key[0] not in waiting and wait.until <= now]
        for key in over:
            gateway = self._waits.pop(key).gateway
            if gateway in self._silent:
                self._silent[gateway] -= {key}

    def deadline(self, now):
        """When the next pause is over, or None."""
        times = [
            wait.until for key, wait in self._waits.items() if key[0] not in self._busy and wait.until > now
        ]
        return min(times, default=None)

    def clock_set(self, seconds):
        for wait in self._waits.values():
            wait.until += seconds
