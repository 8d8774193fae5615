# SPDX-License-Identifier: MIT
"""The helpers of the device tests themselves."""

from common import Random, equal, raises


def test_random_repeats_for_a_seed():
    first, second = Random(7), Random(7)
    equal(first.bytes(40), second.bytes(40))
    equal([first.below(1000) for _ in range(20)], [second.below(1000) for _ in range(20)])
    assert Random(7).bytes(16) != Random(8).bytes(16)


def test_random_is_the_same_on_every_interpreter():
    # xorshift32 (Marsaglia 2003, shifts 13, 17, 5) from 1 gives 270369, 67634689, 2647435461.
    random = Random(0)
    random._state = 1
    equal([random.below(1 << 32) for _ in range(3)], [270369, 67634689, 2647435461])


def test_random_spreads():
    random = Random(3)
    counts = [0] * 8
    for _ in range(4000):
        counts[random.below(8)] += 1
    # 500 are expected in each; 4 standard deviations of a binomial are 4 * sqrt(4000 * 1/8 * 7/8) = 84.
    assert all(416 < count < 584 for count in counts), counts


def test_equal_shows_both():
    error = raises(AssertionError, equal, b"\x01\xff", b"\x01\xfe")
    assert "01ff" in str(error) and "01fe" in str(error), error


def test_raises_fails_without_an_error():
    error = raises(AssertionError, raises, ValueError, int, "7")
    assert "ValueError was not raised" in str(error), error


def test_raises_lets_another_error_through():
    raises(ValueError, raises, KeyError, int, "seven")
