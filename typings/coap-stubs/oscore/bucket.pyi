# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""A bound on work that turns out to be in vain."""

class Bucket:
    """Allows `rate` a second over time, and `burst` seconds' worth at once.

    Once half of that is used up, chance decides who gets a part of the rest. Otherwise a flood, which comes at
    regular times, would take each part as soon as it is there, and a true message in between would never get one.
    """
    def __init__(self, rate, burst, random): ...
    def try_consume(self, now):
        """Return the bucket, or None where it is empty."""
    def give_back(self):
        """Give back what was taken, because the work was not in vain."""
    def poll(self, now):
        """Fill up by what time has passed, once a day at least: ticks wrap."""
