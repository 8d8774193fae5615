# SPDX-License-Identifier: MIT
"""What is kept comes to its end, a little at a time: what is remembered of messages by its age, subscriptions that are
over, and what is known in memory of messages that are gone.

docs/gateway.md has all that is kept, until when, and its bounds.
"""

from tools.store.messages.seentables import MARKS

KNOWN = 2  # times `Settings.keep`: so long a msgId is known again
LEAST = 86400  # s, of that: a client tries again after an hour
PORTION = 200  # rows at a time
SOON = 1.0  # s, until the next portion


class Tidying:
    def __init__(self, store, settings, deliveries):
        self._store = store
        self._age = max(KNOWN * settings.keep, LEAST)
        self._deliveries = deliveries
        self._next = None

    def work(self, now):
        if self._next is not None and now < self._next:
            return
        more = self._store.leads and self._tidy_store(now)
        more = self._deliveries.forget_gone(PORTION) or more
        self._next = now + (SOON if more else self._age / MARKS)

    def _tidy_store(self, now):
        """Whether there is more of it."""
        last = self._store.last_mark()
        if last is None or now - last >= self._age / MARKS:
            self._store.mark_seen(now)
        self._store.forget_subscriptions(now)
        return self._store.forget_older(now - self._age, PORTION)

    def deadline(self, now):
        return self._next

    def clock_set(self, seconds):
        self._next = self._next and self._next + seconds
