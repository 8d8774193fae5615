# SPDX-License-Identifier: MIT
"""Requests that came within EXCHANGE_LIFETIME, for duplicates (RFC 7252 section 4.5), bounded for each peer and in all.

In place of aiocoap's own table, which has no bound and a timer for each entry.
"""

import time

from aiocoap import CON
from aiocoap.numbers.constants import TransportTuning

_EACH = 1024  # of one peer: a device has one request out at a time, and repeats it for 93 s at most
_ALL = 16384
REPEATS = 8  # answered of one datagram; MAX_RETRANSMIT is 4


class Recent(dict):
    """(remote, message ID): the response or None, in the order in which they came."""

    def __init__(self, each=_EACH, max_all=_ALL, clock=time.monotonic):
        super().__init__()
        self._each, self._max_all, self._clock = each, max_all, clock
        self._lifetime = TransportTuning().EXCHANGE_LIFETIME
        self._of = {}  # remote: its keys, each with [when it came, content, how often], the oldest first

    def __setitem__(self, key, response):
        if key not in self:
            keys = self._of.setdefault(key[0], {})
            keys[key] = [self._clock(), None, 0]
            if len(keys) > self._each:
                self.pop(next(iter(keys)))
            self._age()
        super().__setitem__(key, response)

    def _age(self):
        while self:
            oldest = next(iter(self))
            if len(self) < self._max_all and self._since(oldest) + self._lifetime > self._clock():
                return
            self.pop(oldest)

    def _since(self, key):
        return self._of[key[0]][key][0]

    def pop(self, key, default=None):
        keys = self._of.get(key[0])
        if keys is not None:
            keys.pop(key, None)
            if not keys:
                del self._of[key[0]]
        return super().pop(key, default)

    def note(self, key, content):
        """What came under that message ID."""
        entry = self._of.get(key[0], {}).get(key)
        if entry is not None:
            entry[1] = content

    def same(self, key, content):
        """None for what is new; else whether the same came before under this message ID."""
        entry = self._of.get(key[0], {}).get(key)
        if entry is None or self._clock() - entry[0] >= self._lifetime:
            self.pop(key)
            return None
        return entry[1] == content

    def again(self, key, content):
        """As `same`, and counts: False also for one that came more often than anybody repeats."""
        same = self.same(key, content)
        if same:
            entry = self._of[key[0]][key]
            entry[2] += 1
            return entry[2] <= REPEATS
        return same

    def attach(self, manager):
        """Takes the place of the table and of what fills it in aiocoap's MessageManager."""
        manager._recent_messages = self

        def is_duplicate(message):
            key = message.remote, message.mid
            if key not in self:
                self[key] = None
                return False
            if message.mtype is CON and self[key] is not None:
                manager._send_initially(self[key])
            return True

        manager._deduplicate_message = is_duplicate
