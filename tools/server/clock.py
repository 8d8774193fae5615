# SPDX-License-Identifier: MIT
"""The gateway's time: it goes on evenly, and follows the system's clock without anything ending early or late.

A machine without a battery for its clock starts with a wrong time and gets the right one later, by NTP. A
registration for an hour must last an hour all the same. So where the clock is set by more than JUMP seconds, every
time that is kept is shifted by as much; a smaller difference is followed slowly.
"""

import time

JUMP = 10.0  # s
SLOWLY = 0.005  # s a second
LONGEST_STOP = 7 * 86400  # s that a gateway may have been off; a clock that says more is not believed


def _monotonic():
    """Seconds that also pass while the machine sleeps, where it can say so."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class SteadyClock:
    """Called, it gives seconds since 1970 that never go back but by `step`."""

    def __init__(self, wall=None, monotonic=None):
        self._wall = wall or time.time
        self._monotonic = monotonic or _monotonic
        self._asked = self._monotonic()
        self._offset = self._wall() - self._asked

    def __call__(self):
        return self._monotonic() + self._offset

    def jump(self):
        """How far the system's clock was set, in seconds, where that is a jump; otherwise 0.0, and the clock is
        followed."""
        at = self._monotonic()
        passed, self._asked = at - self._asked, at
        apart = self._wall() - (at + self._offset)
        if abs(apart) > JUMP:
            return apart
        most = SLOWLY * passed
        self._offset += min(max(apart, -most), most)
        return 0.0

    def step(self, seconds):
        """After a jump, when all times that are kept have been set by as much."""
        self._offset += seconds


def away(now, last):
    """By how much the times of a store must be shifted that was last written at `last` and is opened at `now`."""
    passed = now - last
    return passed if passed < 0 or passed > LONGEST_STOP else 0.0
