# SPDX-License-Identifier: MIT
"""Requests that came within EXCHANGE_LIFETIME, for duplicates (RFC 7252 section 4.5), bounded for each peer and in all.

In place of aiocoap's own table, which has no bound and a timer for each entry, and takes another request under a
message ID that was used for a duplicate: a peer that was restarted chose its IDs anew, and would lose that request.
"""

import time

from aiocoap import ACK, CON, RST
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
        self._oldest_ends = 0.0
        self.duplicates = 0  # messages that came again
        self.on_duplicate = lambda remote: None
        self.datagram = None  # the octets that the message at hand was made of, where they are known
        self._of = {}  # remote: its keys, each with [when it came, content, how often], the oldest first

    def __setitem__(self, key, response):
        if key not in self:
            self._begin(key, None)
        super().__setitem__(key, response)

    def _begin(self, key, content):
        keys, now = self._of.setdefault(key[0], {}), self._clock()
        keys[key] = [now, content, 0]
        if len(keys) > self._each:
            self.pop(next(iter(keys)))
        if now >= self._oldest_ends or len(self) >= self._max_all:
            self._age(now)

    def _age(self, now):
        """Nothing is over before the oldest one is: until then nobody looks again."""
        self._oldest_ends = now + self._lifetime
        while self:
            oldest = next(iter(self))
            ends = self._of[oldest[0]][oldest][0] + self._lifetime
            if len(self) < self._max_all and ends > now:
                self._oldest_ends = ends
                return
            self.pop(oldest)

    def pop(self, key, default=None):
        keys = self._of.get(key[0])
        if keys is not None:
            keys.pop(key, None)
            if not keys:
                del self._of[key[0]]
        return super().pop(key, default)

    def add(self, key, content):
        """A request is taken: what came before under that message ID is not known any more."""
        if key in self:
            self.pop(key)
        self._begin(key, content)
        super().__setitem__(key, None)

    def came(self, key, content):
        """Whether the same came before under this message ID."""
        entry = self._of.get(key[0], {}).get(key)
        if entry is not None and self._clock() - entry[0] >= self._lifetime:
            self.pop(key)
            return False
        return entry is not None and entry[1] == content

    def again(self, key, content):
        """None for what is new; else it is counted, and False is for one that came more often than anybody repeats."""
        if not self.came(key, content):
            return None
        entry = self._of[key[0]][key]
        entry[2] += 1
        return entry[2] <= REPEATS

    def content_of(self, message):
        """What tells the message at hand from others under its message ID: `content` of its datagram."""
        if self.datagram is not None:
            return content(self.datagram)
        return hash((message.code, message.token, message.opt.encode(), message.payload))

    def attach(self, manager):
        """Takes the place of the table and of what fills it in aiocoap's MessageManager."""
        manager._recent_messages = self

        def is_duplicate(message):
            key, now = (message.remote, message.mid), self.content_of(message)
            if not self.came(key, now):
                self.add(key, now)
                return False
            self.duplicates += 1
            self.on_duplicate(message.remote)
            if message.mtype is CON and self[key] is not None:
                manager._send_initially(self[key])
            return True

        def store(message):
            key = message.remote, message.mid
            # A request of our own may have the message ID of one of the peer's, and is no answer to that.
            if message.mtype in (ACK, RST) and key in self:
                dict.__setitem__(self, key, message)

        manager._deduplicate_message = is_duplicate
        manager._store_response_for_duplicates = store


def content(octets):
    """Distinguishes a true retransmission, which is the same datagram, from another message under its message ID."""
    return hash(octets)
