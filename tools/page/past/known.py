# SPDX-License-Identifier: MIT
"""What is remembered of each device: when it was heard, its last messages and refusals, and counters."""

import collections

EACH, REFUSALS = 50, 20  # messages, refusals of one device
DEVICES = 20_000  # that something is remembered of: the one that something was put of longest ago goes
NOTED = 600  # s, from what the store knows of a device that is heard all the time to the next that it gets to know
NOTED_AT_ONCE = 1000


class Bounded(dict):
    """A dict of so many keys: the one that was put longest ago goes."""

    def __init__(self, most):
        super().__init__()
        self._most = most

    def put(self, key, value):
        self.pop(key, None)
        self[key] = value
        if len(self) > self._most:
            del self[next(iter(self))]
        return value

    def made(self, key, make):
        """What is there, or what `make()` gives."""
        found = self.get(key)
        return self.put(key, make()) if found is None else found


class Known:
    """Of devices, by their UE Service IDs. Times are seconds since 1970."""

    def __init__(self):
        self.silent = Bounded(DEVICES)  # since when it has not answered
        self.heard_at = Bounded(DEVICES)
        self._noted = Bounded(DEVICES)  # when it was heard, as the store knows it
        self._messages = Bounded(DEVICES)  # the last ones that came to it, addressed to others: keys of lives
        self._counts = Bounded(DEVICES)
        self._refusals = Bounded(DEVICES)
        self._at = Bounded(DEVICES)  # address: device

    def heard(self, ue, now):
        """It has sent something, or answered."""
        self.heard_at.put(ue, now)
        if ue in self.silent:
            del self.silent[ue]

    def is_silent(self, ue, now):
        """It has not answered."""
        self.silent.made(ue, lambda: now)
        self.count("unanswered", ue)

    def to_note(self, at_end=False):
        """[(device, when it was heard)] for the store to know: of those that it knows nothing as new of, so many at a
        time; at the end of the program of all."""
        heard, noted = self.heard_at.items(), self._noted
        if at_end:
            return [(ue, at) for ue, at in heard if at != noted.get(ue)]
        return [(ue, at) for ue, at in heard if at - noted.get(ue, -NOTED) >= NOTED][:NOTED_AT_ONCE]

    def is_noted(self, due):
        """The store has what `to_note` gave, on the disk."""
        for ue, at in due:
            self._noted.put(ue, at)

    def clock_set(self, seconds):
        """The clock was set, and with it the times in the store."""
        for times in (self.heard_at, self.silent, self._noted):
            for ue in times:
                times[ue] += seconds

    def count(self, what, ue):
        """It happened once more."""
        counts = self._counts.get(ue)
        if counts is None:
            counts = self._counts.put(ue, {})
        counts[what] = counts.get(what, 0) + 1

    def counts(self, ue):
        """{what: how often}"""
        return dict(self._counts.get(ue, ()))

    def has(self, ue, key):
        """A message for others has come to it, too."""
        self._messages.made(ue, lambda: collections.deque(maxlen=EACH)).append(key)

    def messages(self, ue):
        """Keys of the lives of the last such messages."""
        return set(self._messages.get(ue, ()))

    def is_at(self, ue, peer):
        """It is registered from this address, as events name it."""
        self._at.put(peer, ue)

    def at(self, peer):
        """Who is registered from this address, or None."""
        return self._at.get(peer)

    def refused(self, ue, peer, time, text):
        """A request was refused: of this device, or None, from this address."""
        for each in {ue or self._at.get(peer), self._at.get(peer)} - {None}:
            mine = self._refusals.made(each, lambda: collections.deque(maxlen=REFUSALS))
            mine.append({"time": time, "text": text})
            self.count("refused", each)

    def refusals(self, ue):
        """Of its last requests that were refused, the newest first."""
        return list(reversed(self._refusals.get(ue, ())))
