# SPDX-License-Identifier: MIT
"""What a program has done since its start, in numbers for `metrics`. How many numbers there are does not grow with the
devices, the messages or what a peer writes."""

import bisect
import collections

# Message types (TS 24.538 clause 7.3), and what the queues have beside them. What a peer makes up is "other".
TYPES = frozenset(
    "MSG IMDN MSGRESP MSGUPD REG DEREG GWREG REGRESP DEREGRESP BREG BDEREG SEGREC SEGCONFIR PUSH".split()
)
COUNTED = ("accepted", "stored", "delivered", "failed", "discarded", "retry")  # events, counted by type
_DISK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)  # s
_NETWORK = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    100.0,
)  # s; an exchange lasts 93 at most


class Spread:
    """How often something took how long. `bounds`: seconds, ascending; `counts`: how many took no longer than each of
    them and longer than the one before, and behind these how many took longer than all; `sum`: seconds in all."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds):
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def note(self, seconds):
        self.counts[bisect.bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds

    def buckets(self):
        """(upper bound as text, how many took no longer) each."""
        total = 0
        made = []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            made.append((bound, total))
        return made


class Tallies:
    """`hear` is a callback of `Events`. `types`: by (event, type); `commits`: the Spread of COMMITs that wrote,
    `rounds`: of rounds of decisions with their COMMIT;
    `deliveries`: by (to, outcome), and `times`, by to, the Spread of each; `to` is one of a few words."""

    def __init__(self):
        self.types = collections.Counter()
        self.commits = Spread(_DISK)
        self.rounds = Spread(_DISK)
        self.deliveries = collections.Counter()
        self.times = {}

    def hear(self, record):
        event = record["event"]
        if event in COUNTED:
            kind = record.get("kind")
            self.types[event, kind if kind in TYPES else "other"] += 1

    def delivered(self, to, outcome, seconds):
        """A delivery has ended so."""
        self.deliveries[to, outcome] += 1
        if to not in self.times:
            self.times[to] = Spread(_NETWORK)
        self.times[to].note(seconds)
