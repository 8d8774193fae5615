# SPDX-License-Identifier: MIT
"""Long times and repeated tries, on a millisecond tick that may wrap."""

from coap.compat import const, random_octets, ticks_diff

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable

    from contracts import Tick

_DAY = const(86400000)  # well below the 3.1 days within which ticks can be compared
# s that a word of the other side may put anything off: a peer that is well again is found by then
MAX_WAIT = const(3600)
_LEAST_LIFETIME = const(10)  # s; what is granted for less is no lifetime


def jittered(value, percent, random=random_octets):
    """Return `value` changed by up to +-percent of itself, at random."""
    part = value * percent // 100
    return value - part + 2 * part * int.from_bytes(random(2), "big") // 65535


def lifetime(granted, asked=0):
    """Return seconds that something granted counts for: a day at most, or what was asked for. One that is too short
    to be meant is asked for again after a minute, not in a loop."""
    if granted < _LEAST_LIFETIME:
        return 75  # 80 % are a minute
    return min(granted, max(asked, _DAY // 1000))


class Countdown:
    """A time of any length. `advance` must be called once a day: `deadline` never lies further ahead.

    It begins at `now`, or where that is None with the first `advance`. `last` is what was left at the last one.
    """

    def __init__(self, ms: int, now: "Tick | None" = None) -> None:
        self.last = ms
        self._since = now

    def advance(self, now):
        """Take note of the time that has passed, before the tick comes round. Return what `left` does."""
        self.last = left = self.left(now)
        self._since = now
        return left

    def left(self, now):
        """Return the milliseconds that are left; 0 or less when it is over."""
        return self.last if self._since is None else self.last - ticks_diff(now, self._since)

    def deadline(self, now):
        """Return the tick to look again: when it is over, or in a day."""
        return self.waits(now) or now

    def waits(self, now):
        """Return what `deadline` does, None where it is over."""
        left = self.left(now)
        if left <= 0:
            return None
        return now + (left if left < _DAY else _DAY)


class Backoff:
    """When to try again: after `first` ms, then after `growth` ms more each time (0: after twice as long), up to
    `max_ms`; +-25 % (docs/wire-profile.md, "Answers", "Registration")."""

    def __init__(
        self, first: int, max_ms: int, random: "Callable[[int], bytes]" = random_octets, growth: int = 0
    ) -> None:
        self.max_ms = max_ms
        self._first = first
        self._growth = growth
        self._random = random
        self._delay = first
        self.deadline = None
        self._silent = False  # whether it was silence that failed, not an answer
        self._tried_early = False

    def failed(self, now, max_age=None, silent=False):
        """Set the deadline and return the wait in ms. A Max-Age (in seconds, above 0) that the peer named replaces
        the scheduled wait, within bounds: an hour at most, and an eighth of the scheduled wait at the least."""
        self._silent = silent
        if max_age:
            wait = max(max_age * 1000, self._delay // 8)
        else:
            wait = jittered(self._delay, 25, self._random)
        wait = min(wait, MAX_WAIT * 1000)
        self._delay = min(self._delay + (self._growth or self._delay), self.max_ms)
        self.deadline = now + wait
        return wait

    def poll(self, now):
        """Forget a deadline that is over, or it would lie ahead again once the tick has wrapped."""
        if self.ready(now):
            self.deadline = None

    def ready(self, now):
        """Return whether it may be tried again."""
        return self.deadline is None or ticks_diff(now, self.deadline) >= 0

    def waits(self, now):
        """Return the deadline, or None where the clock has nothing to wake: a try whose wait is over waits for
        something else, its turn or the registration."""
        return None if self.ready(now) else self.deadline

    def on_peer_alive(self):
        """Let what waits because of silence be tried at once, since the peer lives; but once only. If that early
        try meets silence too, the destination is at fault and the back-off stays."""
        if self._silent and not self._tried_early:
            self._tried_early = True
            self.deadline = None

    def reset(self):
        """Begin with the first wait again."""
        self._tried_early = False
        self._delay = self._first
        self.deadline = None
