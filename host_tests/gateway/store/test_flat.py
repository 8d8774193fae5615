# SPDX-License-Identifier: MIT
"""What a message costs the server does not grow with what is there besides: exact counts, of which none is a time."""

import pytest

from tools.bench import limits
from tools.bench.server import flat
from tools.bench.server.flat import FEW, LOADS, MANY, World
from tools.store.messages.quotatables import SETS
from tools.store.tables import DATA


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """(steps of SQLite's machine, calls of Python functions) of a message with few devices."""
    counts = World(tmp_path_factory.mktemp("few") / "store", FEW).counts()
    assert min(counts) > 100
    return counts


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("loaded") / "store", FEW, LOADS)
    assert world.store.load(SETS)[0] == 1000 and world.store.load(DATA)[0] == 19_000 + 5_000
    return world


def grown(world, few):
    return max(count / before for count, before in zip(world.counts(), few, strict=True))


def test_with_many_devices(tmp_path, few):
    assert limits.of("flat.registered").keeps(grown(World(tmp_path / "store", MANY), few))


def test_with_many_in_back_off_many_sets_and_many_messages(loaded, few):
    assert limits.of("flat.loaded").keeps(grown(loaded, few))


def test_one_that_walks_through_all_of_them_is_noticed(loaded, few, monkeypatch):
    work = loaded.server.work
    monkeypatch.setattr(flat, "COUNTED", 1)
    monkeypatch.setattr(loaded.server, "work", lambda now: (loaded.server.changed(), work(now))[1])
    assert not limits.of("flat.loaded").keeps(grown(loaded, few))
