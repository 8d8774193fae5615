# SPDX-License-Identifier: MIT
"""Turns: what waits to be handled, one of each source after the other, so that who sends much waits behind itself."""

import collections


class Turns:
    """`each` items of one source and `max_all` in all; what is beyond is lost, and counted in `lost`."""

    def __init__(self, each, max_all):
        self._each = each
        self._max_all = max_all
        self._queues = {}  # source: what waits of it; the next one to be served first
        self._size = 0
        self.lost = 0

    def __len__(self):
        return self._size

    def put(self, source, item):
        """False where there is no room. In all: the source with the longest queue makes room for one with none."""
        queue = self._queues.get(source)
        if queue is not None and len(queue) >= self._each:
            self.lost += 1
            return False
        if self._size >= self._max_all:
            self.lost += 1
            longest = max(self._queues.values(), key=len)
            if queue is not None or len(longest) < 2:
                return False
            longest.pop()
            self._size -= 1
        if queue is None:
            queue = self._queues[source] = collections.deque()
        queue.append(item)
        self._size += 1
        return True

    def pop(self):
        """The next item, or None."""
        if not self._queues:
            return None
        source = next(iter(self._queues))
        queue = self._queues.pop(source)
        item = queue.popleft()
        self._size -= 1
        if queue:
            self._queues[source] = queue  # behind all others
        return item
