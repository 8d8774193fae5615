# SPDX-License-Identifier: MIT
"""host_tests/device/memory/test_heaps.py on MicroPython, in heaps smaller than a board's."""

from pathlib import Path

import pytest

from host_tests.interpreters import MicroPython

FILE = Path(__file__).parents[1] / "device/memory/test_heaps.py"
NAMES = [
    "test_bodies",
    "test_bodies_without_a_threshold",
    "test_bodies_where_no_two_pieces_lie_side_by_side",
    "test_bodies_where_no_two_pieces_lie_side_by_side_without_a_threshold",
    "test_a_heap_that_is_used_up",
    "test_a_heap_that_is_used_up_without_a_threshold",
]


# A pointer has 8 octets here: the smallest one holds what 64 KB of a board do.
@pytest.mark.parametrize("heap", ["112k", "128k", "192k"])
def test_small_heaps(heap):
    results = MicroPython(heap=heap).run(FILE, NAMES)
    assert list(results) == NAMES
    for name, result in results.items():
        assert result.outcome == "passed", f"{name}: {result.output} {result.reason}"
