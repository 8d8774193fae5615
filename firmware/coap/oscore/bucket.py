# SPDX-License-Identifier: MIT
"""A bound on work that turns out to be in vain."""

from ..compat import ticks_diff


class Bucket:
    """Allows `rate` a second over time, and `burst` seconds' worth at once.

    Once half of that is used up, chance decides who gets a part of the rest. Otherwise a flood, which comes at
    regular times, would take each part as soon as it is there, and a true message in between would never get one.
    """

    def __init__(self, rate, burst, random):
        self._cost = 1000 // rate  # ms of refilling
        self._full = self._level = 1000 * burst
        self._random = random
        self._when = None  # when the level was right; None while it is full

    def try_consume(self, now):
        """Return the bucket, or None where it is empty."""
        if self._when is not None:
            self.poll(now)
        level = self._level
        if level < self._cost:
            return None
        if 2 * level < self._full and int.from_bytes(self._random(2), "big") >= 131072 * level // self._full:
            return None
        self._level = level - self._cost
        if self._when is None:
            self._when = now
        return self

    def give_back(self):
        """Give back what was taken, because the work was not in vain."""
        self._level += self._cost

    def poll(self, now):
        """Fill up by what time has passed, once a day at least: ticks wrap."""
        if self._when is None:
            return
        elapsed = ticks_diff(now, self._when)
        if elapsed < 0 or self._level + elapsed >= self._full:
            self._level = self._full
            self._when = None
        else:
            self._level += elapsed
            self._when = now
