# SPDX-License-Identifier: MIT
"""The replay window (RFC 8613 section 7.4) and the sequence numbers ahead (appendix B.1.1)."""

from coap.oscore import StateError
from coap.oscore.state import ReplayWindow, Sequence
from common import Random, equal, raises
from msgin5g import MemoryStorage


def window(*numbers):
    made = ReplayWindow()
    made.begin(-1)
    for number in numbers:
        assert made.is_new(number)
        made.strike(number)
    return made


def test_each_once_in_any_order():
    made = window(3, 0, 2, 1)
    equal([number for number in range(6) if made.is_new(number)], [4, 5])


def test_thirty_two_wide():
    made = window(100)
    equal([number for number in range(102) if made.is_new(number)], list(range(69, 100)) + [101])


def test_a_jump_forgets_all():
    made = window(1, 2, 1 << 39)
    equal(made.is_new((1 << 39) - 31), True)
    equal(made.is_new((1 << 39) - 32), False)
    equal(made.is_new(1 << 39), False)


def test_begins_behind_a_number():
    made = ReplayWindow()
    equal(made.known, False)
    made.begin(50)
    equal([number for number in range(53) if made.is_new(number)], [51, 52])
    made.strike(52)
    equal([number for number in range(54) if made.is_new(number)], [51, 53])


def test_against_a_set():
    # The second source is the rule itself: never seen, and less than 32 below the highest
    random = Random(7)
    made = window()
    seen = set()
    highest = -1
    for _ in range(3000):
        number = max(0, highest + random.below(60) - 40)
        expected = number not in seen and number > highest - 32
        equal(made.is_new(number), expected)
        if expected:
            made.strike(number)
            seen.add(number)
            highest = max(highest, number)


class Counting(MemoryStorage):
    writes = 0

    def replace(self, name, octets):
        self.writes += 1
        MemoryStorage.replace(self, name, octets)


def test_one_write_in_64():
    storage = Counting()
    sequence = Sequence(storage, "file")
    equal(storage.writes, 0)
    equal([sequence.next_number() for _ in range(640)], list(range(640)))
    equal(storage.writes, 10)


def test_goes_on_above_after_a_restart():
    storage = MemoryStorage()
    equal(Sequence(storage, "file").next_number(), 0)
    equal(Sequence(storage, "file").next_number(), 64)
    sequence = Sequence(storage, "file")
    equal([sequence.next_number() for _ in range(65)][-1], 192)
    equal(Sequence(storage, "file").next_number(), 256)


def test_a_damaged_row_is_not_a_new_key():
    storage = MemoryStorage()
    Sequence(storage, "file").next_number()
    octets = storage.read("file", 0, 100)
    equal(len(octets), 8)
    for position in range(8 * len(octets)):
        changed = bytearray(octets)
        changed[position // 8] ^= 1 << position % 8
        storage.replace("file", changed)
        raises(StateError, Sequence, storage, "file")
    for size in range(1, len(octets)):
        storage.replace("file", octets[:size])
        raises(StateError, Sequence, storage, "file")
    storage.replace("file", octets + b"\0")
    raises(StateError, Sequence, storage, "file")


def test_a_storage_that_fails_gives_no_number():
    class Failing(MemoryStorage):
        works = False

        def replace(self, name, octets):
            if not self.works:
                raise OSError(28)
            MemoryStorage.replace(self, name, octets)

    storage = Failing()
    sequence = Sequence(storage, "file")
    raises(OSError, sequence.next_number)
    storage.works = True
    equal(sequence.next_number(), 0)
    storage.works = False
    equal([sequence.next_number() for _ in range(63)][-1], 63)
    raises(OSError, sequence.next_number)
    storage.works = True
    equal(sequence.next_number(), 64)


def test_the_end():
    storage = MemoryStorage()
    sequence = Sequence(storage, "file")
    sequence._next = sequence._end = (1 << 40) - 66
    equal(sequence.next_number(), (1 << 40) - 66)
    for _ in range(63):
        sequence.next_number()
    raises(StateError, sequence.next_number)
    raises(StateError, Sequence(storage, "file").next_number)
