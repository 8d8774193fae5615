# SPDX-License-Identifier: MIT
# heap: 512k, the flash of the board, the server and the counts lie in it too
"""A device's days in virtual time (soak.py): in `make test` a few, in `make soak` a month."""

import gc
import os
import sys

from common import equal
from soak import Soak

_CPYTHON = sys.implementation.name == "cpython"
_DAYS = int(os.getenv("SOAK_DAYS") or 0) if hasattr(os, "getenv") else 0


def test_nothing_is_lost_or_doubled_and_nothing_grows():
    """All promises hold over loss, outages, reboots and power cuts; the journal and the heap stay flat."""
    days = _DAYS or 7
    if not _CPYTHON:
        days = (days + 9) // 10  # ten times slower
    soak = Soak(days, seed=days)
    heap = []

    def watch(minute):
        gc.collect()
        # in an outage it holds what waits: 64 messages are 64 KB here
        if hasattr(gc, "mem_alloc") and not soak.device.outbox.queue:
            heap.append(gc.mem_alloc())

    soak.run(watch)
    soak.check()
    print(
        "%d days: %d messages out, %d in, %d min of outages, %d restarts (%d power cuts), %d times OutboxFull"
        % (days, soak.minutes, soak.minutes // 10, soak.outage, soak.restarts, soak.cuts, soak.refused)
    )
    print("journal: at most %d octets; heap at the start of each day: %s" % (soak.most_octets, heap[-5:]))
    assert soak.restarts >= days and soak.cuts >= 1
    # 64 messages may wait, and old log segments go once twice of what lives is filled
    assert soak.most_octets < 100000, soak.most_octets
    equal(len([name for name in soak.storage.names() if name[:4] != "log-"]), 0)
    if heap and days > 1:
        assert len(heap) > 2
        assert max(heap[1:]) - min(heap[1:]) < 16384, heap
