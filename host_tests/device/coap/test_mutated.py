# SPDX-License-Identifier: MIT
"""Seeded mutated datagrams: no exception, no hang, no growth. `host_tests/properties` has many more of them."""

import gc

import coap
from coap_mutation import Mutation
from common import Random


def allocated():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def test_20000_mutated_datagrams_leave_the_endpoint_as_it_was():
    if hasattr(gc, "threshold"):
        # As the firmware does. Collected only when it is full, a heap breaks into pieces: what lives for minutes then
        # lies anywhere in it, and 4 KB in a row may be missing while 130 KB are free.
        gc.threshold(16384)
    work = Mutation(Random(7959))
    work.run(6000)  # until what is loaded on first use is there
    work.finish()
    before = allocated()
    most = 0
    for _ in range(7):
        work.run(2000)
        most = max(most, allocated() - before)
    work.finish()
    growth = allocated() - before
    assert growth < 600, growth  # a table that takes a step, no more
    assert most < 40000, most  # open: eight requests each way, two bodies, 4 KB of answers
    # they reached deep: each kind of event came, and each counter moved
    stats = work.endpoint.stats
    for name in ("malformed", "unmatched", "refused", "duplicates", "timeouts", "retransmitted", "abandoned"):
        assert stats[name] > 20, stats
    for kind in (
        coap.REQUEST,
        coap.RESPONSE,
        coap.RESET,
        coap.TIMEOUT,
        coap.INCOMPLETE,
        "busy",
        "joined",
        "silence",
    ):
        assert work.kinds.get(kind, 0) > 2, work.kinds
