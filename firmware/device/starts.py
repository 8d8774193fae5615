# SPDX-License-Identifier: MIT
"""How the starts of a board ended (docs/health.md)."""

import io
import sys

from coap.compat import const, ticks_diff

from . import health
from .health import log

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


class Starts:
    """How this start and those before it ended, in the file "boot" of the board's storage.

    `boots` counts them all; `bad` is how many in a row, right before this one, ended by a fault of the program within
    GOOD seconds: an exception that nobody caught, or a reset that pulling the plug cannot have made. A deep sleep is a
    good end, for the program wants it. `words` are the last ones of a start that failed; `cause` is why the board
    started. A storage that fails is one line on the console, and no reason not to start.

    A start of the `trial` of an update neither fails nor is good here: three of them end the trial, and what ran before
    begins with none that failed.
    """

    def __init__(self, board: "Board") -> None:
        self.cause = board.reset_cause()
        self.boots = self.bad = 0
        self.words = ""
        self.safe = False
        base = sys.modules.get("base")
        self.trial = base is not None and base.on
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
        if self.trial:
            self.bad = 0
            self._write(0, 0)
            return
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
        self._note(words)

    def note(self, words):
        """Keep words for the next start, before a reset that counts as the failure."""
        self.words = words
        self._write(0 if self._began is None else self.bad, 0 if self._began is None else 1)
        self._note(words)

    def _note(self, words):
        """Have them in the reason, too, that the end of a trial has."""
        if self.trial:
            try:
                sys.modules["base"].note(words)
            except OSError as error:
                log("boot: the storage failed (%s)", error)

    def _write(self, bad, still_open):
        try:
            octets = "%d %d %d %s\n%s" % (self.boots, bad, still_open, self._more, self.words)
            self._storage.replace(_FILE, octets.encode())
        except OSError as error:
            log("boot: the storage failed (%s)", error)


def look(board: "Board") -> Starts:
    """Return the Starts of this board, which `health` has from the first look on."""
    if health.starts is None:
        health.starts = Starts(board)
    return health.starts


def _number(counts, place):
    """Return the number at this place, 0 where there is none."""
    try:
        return max(0, int(counts[place]))
    except (ValueError, IndexError):
        return 0


def traceback(error):
    """Return an exception as the REPL would print it."""
    text = io.StringIO()
    sys.print_exception(error, text)
    return text.getvalue()
