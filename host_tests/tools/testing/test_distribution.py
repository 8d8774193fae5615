# SPDX-License-Identifier: MIT
"""On how many workers the tests run, and in which order: none may be left with nothing but waiting, or alone."""

import os
from types import SimpleNamespace

import pytest

from host_tests import conftest

HERE = conftest.ROOT / "host_tests"


@pytest.mark.parametrize("processors, workers", [(1, 2), (2, 5), (4, 8), (16, 20)])
def test_five_for_two_processors_and_four_more_than_there_are_at_most(processors, workers, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda of: set(range(processors)), raising=False)
    assert conftest.pytest_xdist_auto_num_workers() == workers


def distributed(*files, slow=()):
    """The files in their order, of two tests each."""
    items = [
        SimpleNamespace(
            path=HERE / file, name=name, get_closest_marker=lambda mark, file=file: file in slow or None
        )
        for file in files
        for name in "ab"
    ]
    conftest.pytest_collection_modifyitems(items)
    assert [item.name for item in items] == list("ab") * len(files)  # a file's tests stay together
    return [str(item.path.relative_to(HERE)) for item in items[::2]]


def test_files_that_wait_are_spread_among_those_that_compute():
    waiting = ["gateway/device/test_%d.py" % n for n in range(20)] + [
        "interop/test_%d.py" % n for n in range(10)
    ]
    computing = ["device/coap/test_%d.py" % n for n in range(60)] + [
        "tools/test_%d.py" % n for n in range(30)
    ]
    order = distributed(*computing[:60], *waiting, *computing[60:])
    assert [file for file in order if file in waiting] == waiting
    assert [file for file in order if file in computing] == computing
    for begin in range(0, 120, 12):  # a quarter of them
        assert 2 <= len(set(order[begin : begin + 12]) & set(waiting)) <= 4


def test_slow_files_begin_in_the_first_third():
    files = ["device/test_%d.py" % n for n in range(60)] + ["gateway/test_%d.py" % n for n in range(30)]
    slow = {"device/test_59.py", "gateway/test_28.py", "gateway/test_29.py"}
    order = distributed(*files, slow=slow)
    assert sorted(order) == sorted(files)
    assert max(order.index(file) for file in slow) < 30
