# SPDX-License-Identifier: MIT
"""Units in units of a transaction: what raises is undone, in the store and in memory beside it, and nothing else is; a
unit that writes nothing costs no statement."""

import random

import pytest

from tools.store.opening import open_store


class Undone(Exception):
    pass


@pytest.fixture
def store(request):
    where = request.getfixturevalue("database") if request.param == "postgres" else ":memory:"
    made = open_store(where)
    yield made
    made.close()


def played(store, kept, model, rng, depth):
    """A unit with others in it, which does something by chance: `model` is what the store and `kept` are to hold
    then."""
    before = dict(model)
    try:
        with store.savepoint():
            for _ in range(rng.randrange(5)):
                what = rng.random()
                if what < 0.4:
                    name = "ue:%d" % rng.randrange(6)
                    if name in model and rng.random() < 0.5:
                        store.remove_device(name)
                        del model[name], kept[name]
                    elif name not in model:
                        store.add_device(name)
                        model[name] = kept[name] = True
                elif what < 0.6:
                    assert store.devices() == sorted(model)
                elif depth:
                    played(store, kept, model, rng, depth - 1)
            if rng.random() < 0.3:
                raise Undone
    except Undone:
        model.clear()
        model.update(before)
    assert store.devices() == sorted(model) == sorted(kept)


@pytest.mark.parametrize(
    ("store", "seed"),
    [*(("sqlite", seed) for seed in range(60)), *(("postgres", seed) for seed in range(8))],
    indirect=["store"],
)
def test_what_raises_is_undone_and_nothing_else(store, seed):
    rng, kept, model = random.Random(seed), store.kept(), {}
    for _ in range(4):
        before = dict(model)
        try:
            with store.transaction():
                for _ in range(4):
                    played(store, kept, model, rng, 3)
                if rng.random() < 0.2:
                    raise Undone
        except Undone:
            model = before
        assert not store.in_transaction
        assert store.devices() == sorted(model) == sorted(kept)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_units_that_read_cost_nothing_and_those_around_one_that_writes_are_one_savepoint(store):
    seen = []
    with store.transaction():
        store._db.set_trace_callback(seen.append)
        with store.savepoint(), store.savepoint():
            store.devices()
        assert [each.split()[0] for each in seen] == ["SELECT"]
        seen.clear()
        with store.savepoint():
            with store.savepoint(), store.savepoint():
                store.mark_seen(1)
            with store.savepoint():
                store.devices()
        store._db.set_trace_callback(None)
        assert [each.split()[0] for each in seen] == ["SAVEPOINT", "INSERT", "SELECT", "RELEASE"]
