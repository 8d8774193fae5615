# SPDX-License-Identifier: MIT
"""Who comes too often: a limit on requests from one address, before any work is done for them (answered 4.29), and
devices that register again and again."""


class Flood:
    """A bucket of tokens an address: `rate` a second, two seconds' worth at once. Of the longest silent ones beyond
    `max_addresses` nothing is known any more."""

    def __init__(self, rate, max_addresses=1024, burst=2):
        self._rate = rate
        self._full = rate * burst
        self._max_addresses = max_addresses
        self._buckets = {}  # address: (tokens, when), the longest silent first

    def clock_set(self, seconds):
        self._buckets = {who: (tokens, when + seconds) for who, (tokens, when) in self._buckets.items()}

    def allows(self, address, now):
        tokens, when = self._buckets.pop(address, (self._full, now))
        tokens = min(self._full, tokens + (now - when) * self._rate)
        allowed = tokens >= 1
        self._buckets[address] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > self._max_addresses:
            del self._buckets[next(iter(self._buckets))]
        return allowed


class Again:
    """Notices a device that was granted its registration and asks for it anew: it does not take the answers."""

    SOON = 30  # s, from one to the next

    def __init__(self, max_ues=1024):
        self._max_ues = max_ues
        self._last = {}  # ue: (its address, when, how many so far), the longest silent first

    def clock_set(self, seconds):
        self._last = {ue: (peer, when + seconds, count) for ue, (peer, when, count) in self._last.items()}

    def third(self, ue, peer, now, lifetime):
        """True for the third registration in a row from one address, each long before the one granted before it
        ends."""
        address, when, count = self._last.pop(ue, (peer, now, 0))
        count = count + 1 if address == peer and now - when <= min(self.SOON, lifetime / 2) else 1
        self._last[ue] = (peer, now, count)
        if len(self._last) > self._max_ues:
            del self._last[next(iter(self._last))]
        return count == 3
