# SPDX-License-Identifier: MIT
"""How starts are counted, and what each costs in writes to flash."""

import sys

from common import equal
from device import health
from device.starts import Starts
from msgin5g import MemoryStorage, Unsupported


class Board:
    """A board whose storage counts what is written, and may fail."""

    def __init__(self):
        self.storage = self
        self.cause = "power-on"
        self.writes = 0
        self.broken = False
        self._rows = MemoryStorage()

    def reset_cause(self):
        return self.cause

    def read(self, name, offset, size):
        if self.broken:
            raise OSError(5)
        return self._rows.read(name, offset, size)

    def replace(self, name, octets):
        if self.broken:
            raise OSError(28)
        self.writes += 1
        self._rows.replace(name, octets)


def start(board, cause):
    """A start at tick 0."""
    board.cause = cause
    starts = Starts(board)
    starts.begin(0)
    return starts


def test_three_watchdog_resets_in_a_row_lead_to_a_safe_boot():
    board = Board()
    equal(
        [start(board, cause).safe for cause in ("power-on", "watchdog", "watchdog", "watchdog")], [0, 0, 0, 1]
    )
    # A reset out of it gives the application one more try, which fails or not.
    equal([start(board, "soft").safe, start(board, "watchdog").safe], [0, 1])
    start(board, "power-on").good()
    again = start(board, "watchdog")
    equal((again.safe, again.bad, again.boots), (False, 0, 8))


class Trial:
    """The module `base` in a start of a trial."""

    on = True

    def __init__(self):
        self.words = []
        self.broken = False

    def note(self, words):
        if self.broken:
            raise OSError(28)
        self.words.append(words)


def test_a_start_of_a_trial_counts_for_no_safe_boot():
    """It has its own three, and what was before begins with none that failed."""
    board, kept = Board(), sys.modules.get("base")
    for _ in range(3):
        start(board, "watchdog").failed("x", 1)
    trial = sys.modules["base"] = Trial()
    try:
        for number in range(4, 8):
            starts = start(board, "watchdog")
            equal((starts.boots, starts.safe, starts.bad, starts.due(0)), (number, False, 0, None))
            starts.note("the reader task ended")
            starts.failed("ValueError: %d" % number, 1)
        equal(trial.words[-2:], ["the reader task ended", "ValueError: 7"])
        trial.broken = True
        starts.failed("words", 1)
        start(board, "watchdog")  # it hangs
    finally:
        del sys.modules["base"]
        if kept is not None:
            sys.modules["base"] = kept
    equal([start(board, "watchdog").bad for _ in range(3)], [0, 1, 2])


def test_the_power_is_nobodys_fault():
    board = Board()
    for cause in ("power-on", "hard", "deep-sleep", "unknown") * 3:
        equal(start(board, cause).bad, 0)
    # and pardons nothing
    start(board, "watchdog")
    for cause in ("power-on", "hard", "unknown"):
        equal(start(board, cause).bad, 1)
    equal(start(board, "watchdog").bad, 2)


def test_a_deep_sleep_is_a_good_end():
    """A device that wakes for some seconds each hour never lasts for a minute; it is the program that ends it."""
    board = Board()
    for _ in range(4):
        equal([start(board, cause).bad for cause in ("power-on", "watchdog", "deep-sleep")], [0, 1, 0])
    # A start that has ended is not judged again: its exception was counted.
    start(board, "power-on").failed("Traceback", 1)
    equal(start(board, "deep-sleep").bad, 1)


def test_a_board_without_a_timer_goes_on():
    """Nothing feeds its watchdog at the REPL, and somebody is told so."""

    class Timerless:
        def every(self, number, ms, call):
            raise Unsupported("no timers here")

    said, log = [], health.log
    health.watchdog, health.log = object(), lambda *words: said.append(words[0] % words[1:])
    try:
        health.attend(Timerless())
        equal((said, health.timer), (["the watchdog will reset the board: no timers here"], None))
    finally:
        health.watchdog, health.log = None, log


def test_ctrl_c_while_a_start_is_counted():
    """Tools press it as soon as the board is there. On an ESP32 the Ctrl-D that comes next is a "soft" reset."""
    board = Board()
    replace = board.replace

    def interrupted(name, octets):
        replace(name, octets)
        raise KeyboardInterrupt

    for _ in range(4):
        starts = Starts(board)
        board.replace = interrupted
        try:
            starts.begin(0)
        except KeyboardInterrupt:
            board.replace = replace
            starts.good()  # as boot.py does
        board.cause = "soft"
        equal((starts.safe, starts.bad), (False, 0))


def test_an_exception_counts_whatever_starts_the_board_then():
    board = Board()
    for count in range(3):
        starts = start(board, "power-on")
        equal((starts.bad, starts.safe), (count, False))
        starts.failed("Traceback:\nValueError: too cold\n", 59999)
    starts = start(board, "power-on")
    equal((starts.safe, starts.words), (True, "Traceback:\nValueError: too cold\n"))


def test_an_exception_after_a_minute_leaves_a_good_start():
    board = Board()
    for _ in range(5):
        starts = start(board, "soft")
        equal((starts.bad, starts.due(59000)), (0, 1000))
        starts.failed("ValueError: too old", 60000)
    equal(start(board, "power-on").words, "ValueError: too old")


def test_what_ends_in_order_is_good():
    board = Board()
    for _ in range(5):
        starts = start(board, "watchdog")
        equal((starts.bad, starts.safe), (0, False))
        starts.good()


def test_words_are_bounded_and_their_end_is_kept():
    board = Board()
    start(board, "power-on").failed("é" * 1000 + "end", 1)
    words = start(board, "power-on").words
    equal((words, len(words.encode())), ("é" * 198 + "end", 399))  # of 400 octets, two a letter


def test_a_start_writes_twice():
    board = Board()
    starts = start(board, "power-on")
    equal(board.writes, 1)
    starts.good()
    starts.good()
    equal(board.writes, 2)


def test_a_storage_that_fails_or_is_damaged_keeps_no_device_from_starting():
    board = Board()
    board.broken = True
    starts = start(board, "watchdog")
    starts.failed("words", 1)
    equal((starts.boots, starts.safe), (1, False))
    board.broken = False
    for row in (b"\xff\xfe", b"x y z", b"1 2", b"", b"9 9 1\n\xff"):
        board.replace("boot", row)
        equal(start(board, "power-on").safe, False)
