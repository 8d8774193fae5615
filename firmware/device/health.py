# SPDX-License-Identifier: MIT
"""How the device fares: a watchdog that is fed after a look at each part, and how its starts ended (docs/health.md)."""

import asyncio
import io
import sys
import time

import msgin5g
from coap.aio.waiting import cancel, loop, now
from coap.compat import const, ticks_diff

from .log import log

_TYPING = const(False)
if _TYPING:
    from contracts import Board

_FILE = const("boot")
GOOD = const(60)  # seconds after which a start was a good one
_SAFE = const(3)  # starts in a row that failed before that: then a safe boot
_FAULTS = const(("watchdog", "soft"))  # causes of a reset that no plug pulled and no button pressed can have
_WORDS = const(400)  # octets of last words
_COUNTS = const(64)  # octets of the line above them
_VERSION = const("1")
_LOOK = const(2000)  # ms between looks at the parts, at most
_ATTEND = const(1000)  # ms between the timer's feeds, while somebody is at the REPL

_TURN = const(5)  # ms in which every task has had its turn
_FAULTY = const(60000)  # ms that a fault may last where no watchdog waits for its end

starts = None  # the Starts of this board, once somebody has looked
unattended = False  # main.py runs the application: nobody is at the REPL
watching = False  # the task below feeds the watchdog
_watchdog = None  # nothing stops it once it runs
_board = None
_task = _queue = None
_period = _LOOK  # ms between looks
begun = False  # a client was started where main.py runs the application
_timer = None


def clock():
    """Return seconds since 1970, or None where the clock was never set."""
    seconds = time.time()
    year = time.gmtime(seconds)[0]
    if year < 2024:
        return None
    # some ports count from 2000
    return seconds + (946684800 if time.gmtime(0)[0] == 2000 else 0)


class Starts:
    """How this start and those before it ended, in the file "boot" of the board's storage.

    `boots` counts them all; `bad` is how many in a row, right before this one, ended by a fault of the program within
    GOOD seconds: an exception that nobody caught, or a reset that pulling the plug cannot have made. A deep sleep is a
    good end, for the program wants it. `words` are the last ones of a start that failed; `cause` is why the board
    started. A storage that fails is one line on the console, and no reason not to start.
    """

    def __init__(self, board: "Board") -> None:
        self.cause = board.reset_cause()
        self.boots = self.bad = 0
        self.words = ""
        self.safe = False
        self._storage = board.storage
        self._began = None  # the tick of a start that is not known to be good yet
        self._open = False  # whether that of the file was not
        self._more = _VERSION  # the version, and what newer firmware keeps behind it
        try:
            self._read(self._storage.read(_FILE, 0, _WORDS + _COUNTS))
        except OSError as error:
            log("boot: the storage failed (%s)", error)

    def _read(self, octets):
        """Read what can be read of the line "boots bad open version" and of the last words below it
        (docs/flash-format.md)."""
        counts, _, words = octets.partition(b"\n")
        counts = counts[:_COUNTS].split()
        self.boots, self.bad, still_open = [_number(counts, place) for place in range(3)]
        self._open = still_open == 1
        if self.bad > _SAFE:
            self.bad = 0
        try:
            self._more = b" ".join(counts[3:]).decode() or _VERSION
            self.words = words.decode()
        except ValueError:
            pass  # no text

    def begin(self, now):
        """Count this start, and the one before as failed or, where the program ended it by a deep sleep, as good."""
        if self._open and self.cause in _FAULTS:
            self.bad += 1
        elif self._open and self.cause == "deep-sleep":
            self.bad = 0
        self.boots += 1
        self.safe = self.bad >= _SAFE
        if self.safe:
            self._write(_SAFE - 1, 0)  # out of a safe boot the application gets one more try
        else:
            self._began = now  # before it is written: Ctrl-C may come meanwhile
            self._write(self.bad, 1)

    def tell(self):
        """Say why the board started, and how it went before."""
        failed = "; %d before it failed within %d s" % (self.bad, GOOD) if self.bad else ""
        log("start %d, reset cause %s%s", self.boots, self.cause, failed)
        if self.words:
            log("last words: %s", self.words.strip().split("\n")[-1])

    def due(self, now):
        """Return milliseconds until this start is a good one; None when that is settled."""
        if self._began is None:
            return None
        return max(0, GOOD * 1000 - ticks_diff(now, self._began))

    def good(self):
        """Take note that it lasted, or ended in order."""
        if self._began is not None:
            self._began = None
            self.words = ""
            self._write(0, 0)

    def failed(self, words, now):
        """Keep last words for the next start; a start that lasted stays a good one."""
        bad = 0 if self.due(now) in (None, 0) else self.bad + 1
        self._began = None
        self.words = words[-_WORDS:]
        while len(self.words.encode()) > _WORDS:
            self.words = self.words[1:]
        self._write(_SAFE - 1 if self.safe else bad, 0)

    def note(self, words):
        """Keep words for the next start, before a reset that counts as the failure."""
        self.words = words
        self._write(0 if self._began is None else self.bad, 0 if self._began is None else 1)

    def _write(self, bad, still_open):
        try:
            octets = "%d %d %d %s\n%s" % (self.boots, bad, still_open, self._more, self.words)
            self._storage.replace(_FILE, octets.encode())
        except OSError as error:
            log("boot: the storage failed (%s)", error)


def _number(counts, place):
    """Return the number at this place, 0 where there is none."""
    try:
        return max(0, int(counts[place]))
    except (ValueError, IndexError):
        return 0


def look(board):
    """Return the Starts of this board."""
    global starts
    if starts is None:
        starts = Starts(board)
    return starts


def traceback(error):
    """Return an exception as the REPL would print it."""
    text = io.StringIO()
    sys.print_exception(error, text)
    return text.getvalue()


def watch(board, seconds, fault):
    """Begin to look at the parts: `fault()` says in words what is wrong with one, or gives None.

    With `seconds` the board's watchdog is started, but only where main.py runs the application: nothing stops it, and
    a person at the REPL would be reset under their hands. Raise ConfigError for a time that the board does not have.
    """
    global _board, _period, _watchdog, begun, watching
    if unattended and not begun:
        starts.tell()
    _board = board
    if seconds and unattended:
        try:
            _watchdog = board.watchdog(int(seconds * 1000))
            watching = True
            _period = min(_LOOK, int(seconds * 250))
            _release()
        except ValueError as error:
            raise msgin5g.ConfigError("watchdog", "the board refuses %s s: %s" % (seconds, error))
        except msgin5g.Unsupported as error:
            log("no watchdog: %s", error)
    begun = unattended  # not before: where the time is refused, the configuration is at fault
    keep(fault)


def keep(fault):
    """Begin the task that looks, anew where there was one: an interrupt may have dropped it out of the event loop."""
    global _queue, _task
    if _task is not None:
        cancel(_task, _queue)
    _queue = loop()
    _task = asyncio.create_task(_keep(fault))


async def _keep(fault):
    told = began = None
    while True:
        try:
            # Tasks that are due, or have something to read, run first: otherwise they would all look late after an
            # application that computed for long.
            await asyncio.sleep_ms(_TURN)
            if starts.due(now()) == 0:
                starts.good()
            why = fault()
            if why is None:
                began = None
                feed()
            elif why != told:
                log("the watchdog is not fed any more: %s" if watching else "fault: %s", why)
                if unattended:
                    starts.note(why)
            told = why
            if why is not None and unattended and not watching:
                # There is no watchdog to do it.
                began = now() if began is None else began
                if ticks_diff(now(), began) > _FAULTY:
                    _board.reset()
        except MemoryError:
            pass  # the application has taken all memory
        due = starts.due(now())  # in time: an application may reset the board each minute
        await asyncio.sleep_ms(_period if due is None else min(_period, due))


def feed():
    """Feed the watchdog before something that blocks for seconds, so that it has the watchdog's whole time."""
    if watching:
        _watchdog.feed()


def attend(board):
    """Have a timer feed the watchdog at a REPL with somebody at it, where no task runs, if it was started."""
    global _timer, unattended, watching
    unattended = watching = False
    if _watchdog is not None and _timer is None:
        try:
            _timer = board.every(0, _ATTEND, lambda _: _watchdog.feed())
        except msgin5g.Unsupported as error:
            log("the watchdog will reset the board: %s", error)


def _release():
    global _timer
    if _timer is not None:
        _timer.deinit()
        _timer = None
