# SPDX-License-Identifier: MIT
"""Sequence numbers of notifications over a restart: RFC 7641 sections 3.4 and 4.4."""

from coap.observe.sequence import Clock, Stored, Unknown
from common import Random, equal, raises
from msgin5g import MemoryStorage


def is_newer(number, before):
    """Section 3.4, within 128 seconds: V2 is newer than V1."""
    return before < number and number - before < 1 << 23 or before > number and before - number > 1 << 23


def test_numbers_rise_and_wrap():
    for sequence in (Unknown(Random(1).bytes), Clock(lambda: 0xFFFFF0), Stored(MemoryStorage())):
        before = sequence.next_number()
        for _ in range(100):
            number = sequence.next_number()
            equal((0 <= number < 1 << 24, is_newer(number, before)), (True, True))
            before = number


def test_a_clock_is_newer_after_a_restart():
    random = Random(7)
    time = [1790000000000]  # ms; a restart each second to minute, some numbers each time
    before = None
    for _ in range(500):
        sequence = Clock(lambda: time[0])
        for _ in range(1 + random.below(20)):
            number = sequence.next_number()
            assert before is None or is_newer(number, before), (before, number)
            before = number
        time[0] += 1000 + random.below(127000)


def test_a_clock_that_stands_still_or_is_set_back_gives_newer_ones():
    times = [5, 5, 5, 3, 100]
    sequence = Clock(lambda: times.pop(0))
    equal([sequence.next_number() for _ in range(5)], [5, 6, 7, 8, 100])


def test_a_clock_that_is_set_ahead_gives_newer_ones():
    # as when a board hears the time some hours after its last shutdown; numbers of 24 bits go round in 4.7 hours
    for hours in range(1, 30):
        time = [1790000000000]
        sequence = Clock(lambda time=time: time[0])
        before = sequence.next_number()
        time[0] += 3600000 * hours
        for _ in range(10):
            number = sequence.next_number()
            assert is_newer(number, before), (hours, before, number)
            before = number
            time[0] += 1000
        equal(number, time[0] - 1000 & 0xFFFFFF)  # the time again, soon


def test_stored_numbers_are_newer_after_a_restart():
    random = Random(3)
    storage = MemoryStorage()
    before = None
    writes = storage.replace
    count = []
    storage.replace = lambda name, octets: (count.append(1), writes(name, octets))
    for _ in range(600):  # more than 2**24 / 2**16: around the circle
        sequence = Stored(storage)
        equal(sequence.known, True)
        for _ in range(random.below(30)):
            number = sequence.next_number()
            assert before is None or is_newer(number, before), (before, number)
            before = number
    assert len(count) <= 600, len(count)  # one a start


def test_stored_numbers_are_written_once_in_65536():
    storage = MemoryStorage()
    written = []
    replace = storage.replace
    storage.replace = lambda name, octets: (written.append(bytes(octets)), replace(name, octets))
    sequence = Stored(storage)
    equal(written, [])
    for _ in range(65536):
        sequence.next_number()
    equal(written, [bytes.fromhex("010000010000")])
    equal(sequence.next_number(), 65536)
    equal(written[1:], [bytes.fromhex("020000020000")])


def test_a_damaged_file_is_not_known():
    for octets in (b"\x01", b"\x01\0\0\x01\0", b"\x01\0\0\x02\0\0"):
        storage = MemoryStorage()
        storage.replace("observe", octets)
        equal(Stored(storage).known, False)


def test_storage_that_fails_gives_no_number():
    class Full(MemoryStorage):
        def replace(self, name, octets):
            raise OSError(28)

    sequence = Stored(Full())
    raises(OSError, sequence.next_number)
    raises(OSError, sequence.next_number)
