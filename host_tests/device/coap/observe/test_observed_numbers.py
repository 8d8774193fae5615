# SPDX-License-Identifier: MIT
"""Where a Site has the numbers of its notifications from: the clock, a file, or nothing (RFC 7641 section 4.4)."""

import binascii
import os

from coap.aio.site import observing
from coap.observe.sequence import Clock, Stored
from common import equal

sequence_of = observing._sequence


class Time:
    """A clock that says this year, and these seconds."""

    def __init__(self, year, seconds):
        self.year = year
        self.seconds = seconds

    def gmtime(self):
        return (self.year, 1, 1, 0, 0, 0, 0, 1)

    def time(self):
        return self.seconds


def at(clock, act):
    """Calls `act` in an empty folder, which goes away, while the clock is that."""
    before, here = observing.time, os.getcwd()
    folder = "/tmp/coap-test-" + str(binascii.hexlify(os.urandom(6)), "ascii")
    os.mkdir(folder)
    os.chdir(folder)
    observing.time = clock
    try:
        act()
    finally:
        observing.time = before
        for name in os.listdir("."):
            os.rmdir(name) if name == "coap-observe.new" and os.stat(name)[0] & 0x4000 else os.remove(name)
        os.chdir(here)
        os.rmdir(folder)


def test_a_clock_that_is_set():
    def act():
        sequence = sequence_of()
        equal(type(sequence), Clock)
        # 2e9 s are 2e12 ms; 119,209 times 2**24 is 1,999,995,142,144, and 4,857,856 is left
        equal(sequence.next_number(), 4857856)
        equal(os.listdir("."), [])

    at(Time(2033, 2000000000), act)


def test_without_a_clock_a_file():
    def act():
        first = sequence_of()
        equal(type(first), Stored)
        equal((os.listdir("."), os.stat("coap-observe")[6]), (["coap-observe"], 6))
        numbers = [first.next_number() for _ in range(3)]
        second = sequence_of()
        assert second.known and second.next_number() > max(numbers)
        # a power cut between the two steps that a file system may need
        os.rename("coap-observe", "coap-observe.new")
        assert sequence_of().next_number() > 65536

    at(Time(2000, 5), act)


def test_who_began_with_a_file_goes_on_with_it():
    # A board whose clock is set now and then, by a computer or a server
    def act():
        observing.time = Time(2000, 5)
        sequence_of()
        numbers = []
        for year, seconds in ((2033, 2000000000), (2000, 9), (2033, 2000000099)):
            observing.time = Time(year, seconds)
            numbers.append(sequence_of().next_number())
        # one more than the first of 65,536 that a start takes
        equal(numbers, [65537, 131073, 196609])

    at(None, act)


def test_an_empty_file_is_damaged():
    def act():
        open("coap-observe", "wb").close()
        sequence = sequence_of()
        equal((type(sequence), sequence.known), (Stored, False))

    at(Time(2000, 5), act)


def test_where_nothing_can_be_written_there_is_none():
    def act():
        os.mkdir("coap-observe.new")  # in the way of the file
        equal(sequence_of(), None)

    at(Time(2021, 5), act)
