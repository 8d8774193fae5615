# SPDX-License-Identifier: MIT
"""Who comes too often: a limit on requests from one address, before any work is done for them (answered 4.29), and
devices that register again and again."""

import heapq

from tools.wire.identity import Peer

PERIOD = 0.5  # s, after which nodes tell each other what was spent
SHARE = (
    16  # what one has spent at a node in a period counts at the others from this part of what it may spend
)
MOST = 64  # sources that are told at once, the busiest


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


class SharedFlood(Flood):
    """The same for several nodes that a source may send to at once: each counts what it allows, and hears what the
    others have.

    With N nodes, a rate of R, a burst of B and news that are at most S seconds old, one source spends within T seconds
    no more at all of them together than R*T*(1 + N/SHARE) + B + (N - 1)*(B + R*S): before the first news each node
    gives what it has, and owes that from then on.
    """

    def __init__(self, rate, max_addresses=1024, burst=2):
        super().__init__(rate, max_addresses, burst)
        self._spent = {}  # address: what it has spent here in this period

    def allows(self, address, now):
        allowed = super().allows(address, now)
        if allowed:
            self._spent[address] = self._spent.get(address, 0) + 1
            if len(self._spent) > self._max_addresses:
                del self._spent[next(iter(self._spent))]
        return allowed

    def take_spent(self, seconds):
        """[(address, tokens)] of who has spent so much that the others must know, in a period of so many seconds; the
        next one begins."""
        spent, self._spent = self._spent, {}
        least = max(1, self._rate * seconds / SHARE)
        much = [(address, tokens) for address, tokens in spent.items() if tokens >= least]
        return heapq.nlargest(MOST, much, key=lambda each: each[1])

    def spent_elsewhere(self, address, tokens, now):
        """It has spent these at another node, perhaps more than there was: nothing is allowed here until that is
        paid back."""
        left, when = self._buckets.pop(address, (self._full, now))
        left = min(self._full, left + (now - when) * self._rate)
        self._buckets[address] = (left - tokens, now)
        if len(self._buckets) > self._max_addresses:
            del self._buckets[next(iter(self._buckets))]


def in_json(source):
    """A source of requests, as other nodes are told it: a key, an address, a host."""
    if isinstance(source, bytes):
        return "key:" + source.hex()  # which is no host
    return list(source) if isinstance(source, Peer) else source


def of_json(told):
    if isinstance(told, str):
        return bytes.fromhex(told[4:]) if told.startswith("key:") else told
    return Peer(*told)


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
