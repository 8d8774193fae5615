# SPDX-License-Identifier: MIT
"""A limit on requests from one address, before any work is done for them (answered 4.29)."""


class Flood:
    """A bucket of tokens an address: `rate` a second, two seconds' worth at once."""

    def __init__(self, rate, most=1024):
        self._rate = rate
        self._most = most
        self._buckets = {}  # address: (tokens, when), the longest silent first

    def allows(self, address, now):
        full = 2 * self._rate
        tokens, when = self._buckets.pop(address, (full, now))
        tokens = min(full, tokens + (now - when) * self._rate)
        allowed = tokens >= 1
        self._buckets[address] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        return allowed
