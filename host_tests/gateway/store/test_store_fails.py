# SPDX-License-Identifier: MIT
"""The store takes nothing for a while: a full disk, another writer. Nothing is delivered twice, nobody waits."""

import contextlib
import resource
import sqlite3

import pytest

from host_tests.gateway.rig import Rig

A, B, C = "ue:a", "ue:b", "ue:c"


@pytest.fixture
def rig(tmp_path):
    made = Rig(str(tmp_path / "g.db"))
    for name in (A, B, C):
        made.register(name)
    yield made
    made.gateway.store.close()


@contextlib.contextmanager
def no_more_octets(rig):
    """The disk is full: no file of this process grows beyond what it is."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def read_only(rig):
    execute = rig.gateway.store._db.execute
    execute("PRAGMA query_only=ON")
    try:
        yield
    finally:
        execute("PRAGMA query_only=OFF")


@contextlib.contextmanager
def another_writer(rig):
    other = sqlite3.connect(rig.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


FAILURES = [no_more_octets, read_only, another_writer]


@pytest.mark.parametrize("failure", FAILURES)
def test_what_was_delivered_is_not_delivered_again(rig, failure):
    for text in "123":
        rig.send(A, rig.msg(A, B, text))
    (push,) = rig.pushes()
    with failure(rig):
        rig.takes(push)
        for _ in range(600):
            rig.pump()
            rig.now += 1
    assert [text for _, _, text in rig.heard[B]] == ["1"]  # in ten minutes
    # Trying grows rarer: 0.1 s doubled up to a minute, while the work itself has nothing to write.
    assert len(rig.events("store-error")) <= 600 + 30
    assert rig.tries <= 25
    rig.settle(100)
    assert [text for _, _, text in rig.heard[B]] == ["1", "2", "3"]
    assert len(rig.events("delivered")) == 3 and rig.waiting() == []
    assert not rig.events("quarantined")


@pytest.mark.parametrize("failure", FAILURES)
def test_a_request_is_answered_at_once_and_nothing_is_half_done(rig, failure):
    msg = rig.msg(A, B, "later")
    with failure(rig):
        answer = rig.ask(A, msg)
        assert (answer.code, answer.max_age) == ("5.03", 1 if failure is another_writer else 10)
        assert rig.pushes() == []
    assert rig.gateway.store._one("PRAGMA busy_timeout") == 0  # the one thread waits for nobody
    rig.send(A, msg)
    rig.settle()
    assert [text for _, _, text in rig.heard[B]] == ["later"]


def test_memory_goes_back_with_the_store(rig):
    store = rig.gateway.store
    kept = store.kept()
    kept["before"] = 1
    with pytest.raises(ZeroDivisionError), store.transaction():
        kept["before"], kept["new"] = 2, 3
        with contextlib.suppress(KeyError), store.savepoint():
            del kept["before"]
            kept.pop("new")
            raise KeyError
        assert kept == {"before": 2, "new": 3}
        with store.savepoint():
            kept.pop("new")
        assert kept == {"before": 2}
        raise ZeroDivisionError
    assert kept == {"before": 1}
    with another_writer(rig), pytest.raises(sqlite3.OperationalError), store.transaction():
        kept["before"] = 4
    with store.transaction():
        kept["before"] = 5
    assert kept == {"before": 5}
    for change in (kept.clear, kept.popitem, lambda: kept.update(a=1), lambda: kept.setdefault("a", 1)):
        with pytest.raises(TypeError):
            change()
