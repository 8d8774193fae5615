# SPDX-License-Identifier: MIT
# heap: 512k, the flash of the board and the server lie in it too
"""The power goes at a write of a device's life, before it, within it and after it: no promise may break."""

import sys

from common import Random
from life import AFTER, BEFORE, TORN, Life

# CPython cuts at every single write, MicroPython at a sample.
_CPYTHON = sys.implementation.name == "cpython"
_STEPS = 50
_STRIDE = 1 if _CPYTHON else 11


def _writes():
    life = Life(_STEPS)
    life.run()
    life.check()
    assert len(life.sent) == len(life.taken) == _STEPS // 2
    return life.storage.writes


def _cut_each(how):
    for at in range(0, _writes(), _STRIDE):
        life = Life(_STEPS)
        life.storage.plan(at, how)
        life.run()
        assert life.restarts == 1, at
        try:
            life.check()
        except AssertionError as error:
            raise AssertionError("cut at write %d: %s" % (at, error))


def test_a_cut_before_each_write():
    """Nothing of the write is there after the restart."""
    _cut_each(BEFORE)


def test_a_cut_within_each_write():
    """Half of the write is there after the restart."""
    _cut_each(TORN)


def test_a_cut_after_each_write():
    """All of the write is there, and nothing that the program would have done after it."""
    _cut_each(AFTER)


def test_many_cuts_in_one_life():
    """The power goes again and again, also while the device recovers from the cut before."""
    restarts = sum([_often_cut(seed) for seed in range(0, 60, _STRIDE)])
    assert restarts > 60 // _STRIDE * 5, restarts


def _often_cut(seed):
    random = Random(seed)
    life = Life(_STEPS, seed)
    life.next_cut = lambda writes: (writes + random.below(25), random.below(3))
    life.storage.plan(*life.next_cut(0))
    life.run()
    life.storage.at = None
    life.settle()
    life.check()
    return life.restarts
