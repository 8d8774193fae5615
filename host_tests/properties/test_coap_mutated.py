# SPDX-License-Identifier: MIT
"""200,000 mutated datagrams, in ten runs that each repeat exactly."""

import gc
import tracemalloc

import pytest

import coap.blockwise.keeping  # noqa: F401  # else it is loaded while the heap is watched
from coap_mutation import Mutation
from common import Random


@pytest.mark.parametrize("seed", range(10))
def test_mutated_datagrams(seed):
    """No exception, no hang, bounded lists after each single one, nothing left at the end."""
    work = Mutation(Random(seed))
    work.run(20000)
    work.finish()
    assert work.endpoint.stats["received"] == 20001


def test_the_heap_is_flat():
    """What is allocated after 20,000 more is what was allocated before."""
    work = Mutation(Random(99))
    work.run(2000)
    work.finish()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work.run(20000)
        work.finish()
        gc.collect()  # an exception that is kept holds the frames that it came through
        assert tracemalloc.get_traced_memory()[0] - before < 20000
    finally:
        tracemalloc.stop()
