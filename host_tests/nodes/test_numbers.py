# SPDX-License-Identifier: MIT
"""The numbers of a key that several nodes answer with: each is used once, whoever asks the database, and when."""

import random

import pytest

from tools.store.faults import again
from tools.store.keys.sectables import Keys
from tools.store.keys.windows import RANGE, SIZE, Struck
from tools.store.opening import open_store

KEYS = Keys(b"device", b"\x00", b"s" * 16)
DIGEST = KEYS.digest
TRIES = 20


@pytest.fixture
def nodes(database):
    opened = [open_store(database) for _ in range(3)]
    for name, store in zip("abc", opened, strict=True):
        store.node = name
    with opened[0].transaction():
        opened[0].know_context(KEYS)
    yield opened
    for store in opened:
        store.close()


def struck(store, number, fresh=False):
    """As a node does: once more, where another one was quicker."""
    for _ in range(TRIES):
        try:
            with store.transaction():
                return store.strike(DIGEST, number, fresh)
        except Exception as error:
            if not again(error):
                raise
    raise AssertionError("always in conflict")


def test_ranges_never_overlap(nodes):
    firsts = [nodes[turn % 3].draw(DIGEST) for turn in range(12)]
    numbers = [first + step for first in firsts for step in range(RANGE)]
    assert len(set(numbers)) == 12 * RANGE
    assert firsts == sorted(firsts)


def test_a_range_is_on_the_disk_though_the_transaction_at_hand_is_undone(nodes):
    with pytest.raises(ZeroDivisionError), nodes[0].transaction():
        first = nodes[0].draw(DIGEST)
        raise ZeroDivisionError
    assert nodes[1].draw(DIGEST) == first + RANGE


def test_what_is_left_out_is_never_drawn(nodes):
    first = nodes[0].draw(DIGEST)
    assert nodes[1].draw(DIGEST, 1000) == first + RANGE + 1000
    assert nodes[0].drawn_since(DIGEST, first + RANGE)
    assert not nodes[0].drawn_since(DIGEST, first + RANGE + 1000 + RANGE)


def test_there_is_an_end_of_the_numbers(nodes):
    assert nodes[0].draw(DIGEST, (1 << 40) - 1 - RANGE) == (1 << 40) - 1 - RANGE
    assert nodes[1].draw(DIGEST) is None


def test_each_number_is_used_once_wherever_it_comes(nodes):
    """Against a set of the numbers that were used, and the rule of RFC 8613 section 7.4: none below the window."""
    rng = random.Random(18)
    used, top = set(), None
    for turn in range(600):
        near = 0 if top is None else top
        number = max(
            0, near + rng.choice((-40, -33, -32, -31, -30, -5, -2, -1, 0, 1, 1, 1, 2, 3, 31, 32, 33))
        )
        said = struck(rng.choice(nodes), number)
        free = number not in used and (top is None or number > top - SIZE)
        assert (said in (Struck.NEW, Struck.MOVED)) == free, (turn, number, top, said)
        if free:
            used.add(number)
            top = number if top is None else max(top, number)


def test_who_comes_from_another_node_is_told(nodes):
    a, b, _ = nodes
    assert struck(a, 5) is Struck.MOVED  # nobody knows of an earlier one
    assert [struck(a, 6), struck(b, 7), struck(b, 8), struck(a, 9)] == [
        Struck.NEW,
        Struck.MOVED,
        Struck.NEW,
        Struck.MOVED,
    ]
    assert [struck(b, 4), struck(b, 4), struck(a, 9)] == [Struck.MOVED, Struck.USED, Struck.USED]


def test_of_two_that_take_one_number_at_once_one_is_undone(nodes):
    a, b, _ = nodes
    struck(a, 1)
    with pytest.raises(Exception) as raised:  # noqa: PT011
        with a.transaction():
            a._db.execute("SELECT 1 FROM security_window").fetchone()  # its view of things begins here
            struck(b, 2)
            a.strike(DIGEST, 2)
    assert again(raised.value)
    assert struck(a, 2) is Struck.USED


def test_a_key_that_was_used_and_has_no_window_is_not_believed(nodes):
    a, b, _ = nodes
    a.draw(DIGEST)
    assert struck(b, 50) is Struck.UNKNOWN
    assert struck(b, 50, fresh=True) is Struck.MOVED
    assert [struck(a, 49), struck(a, 20), struck(a, 51)] == [Struck.USED, Struck.USED, Struck.MOVED]
