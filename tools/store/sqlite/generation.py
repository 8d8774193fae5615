# SPDX-License-Identifier: MIT
"""Notices a store that was put back from an older copy, before a sequence number of it is used a second time.

The store counts how often it took sequence numbers for the gateway (RFC 8613 appendix B.1.1), and a file beside it has
the same count, written after the store's. A copy of the store alone has a lower count than the file. A copy of both has
a file whose time of change (ctime, which no program can set) is not the one that was written into it. The time is known
only when the file was written, so what is written is near it. Therefore the file is not written again before a copy of
what it says would be told by its time: nobody can be too quick. Only where a file system counts whole seconds, a copy
that is made while the gateway serves, and put back within 2 s, is taken for ours.

Not noticed is the machine as a whole put back, a snapshot of it: for that, remove the file. Without it nothing is taken
for granted (docs/security.md).
"""

import contextlib
import os
import secrets
import time
from dataclasses import dataclass

from tools import held
from tools.store.keys.numbers import AHEAD, LAST, far_ahead

SCHEMA = """
CREATE TABLE IF NOT EXISTS generation (one INTEGER PRIMARY KEY CHECK (one=1), name TEXT, count INTEGER, top INTEGER,
  noted REAL);
"""
# ns between what is written and what the file system then says. What it takes at the first tries is narrow; a clock
# that goes by ticks, one that is some ms behind, and one that counts seconds need more. The file says which it was.
_TICK = 10_000_000
_NEAR = 50_000_000
_COARSE = 2_000_000_000
_WITHIN = (100_000, 100_000, 100_000, _TICK, _TICK, _NEAR, _NEAR, _NEAR)
_TRIES = 20


def _near(changed):
    return _NEAR if changed % 1_000_000 else _COARSE


@dataclass(frozen=True)
class Record:
    """What the file says: of which store, its count, the end of the numbers that were taken with any key of it, and
    whether the file itself was put where it is by us."""

    name: str
    count: int
    top: int
    ours: bool


def look(path):
    """The Record of the file, None where there is none; nothing is locked or changed. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _read(descriptor)[0]
    finally:
        os.close(descriptor)


def _read(descriptor):
    """(Record or None, ns when it was written, ns that the file's time may be off)"""
    text = os.pread(descriptor, 200, 0).decode("ascii", "replace")
    changed = os.fstat(descriptor).st_ctime_ns
    try:
        name, count, top, when, *within = text.split()
        # An earlier version wrote four fields.
        within = min(int(within[0]), _COARSE) if within else _near(changed)
        return Record(name, int(count), int(top), abs(changed - int(when)) <= within), int(when), within
    except ValueError:
        return None, 0, 0


class GenerationFile:
    """Held while a gateway serves, so that a second one is noticed also where the store itself was replaced."""

    def __init__(self, path):
        """Raises held.Held, OSError."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if os.fstat(self._descriptor).st_mode & 0o777 != 0o600:  # else its ctime would change
                os.fchmod(self._descriptor, 0o600)
            held.hold(self._descriptor)
        except BaseException:
            self.close()
            raise
        self._clock = 0  # ns that the file system's clock is ahead of ours: it may be another machine's
        # ns, by its clock: so long a copy of what is in the file now, put back, would fit.
        self._until = self._within = 0

    def read(self):
        """The Record, None where there is none."""
        record, when, within = _read(self._descriptor)
        if record and record.ours:
            self._until, self._within = when + within, within
        return record

    def write(self, name, count, top, longest=2 * _NEAR):
        """To be called before the first of the numbers is used. Returns when a copy of what was in the file before
        would no longer fit if it was put back from now on; where that takes more than `longest` ns, without waiting
        for it. Raises OSError."""
        tries = waited = 0
        whole = False
        for _ in range(_TRIES):
            if tries < len(_WITHIN):
                within = _WITHIN[tries]
            elif whole:
                within = _COARSE
            now = time.time_ns() + self._clock
            line = b"%s %020d %020d %020d %020d\n" % (name.encode(), count, top, now, within)
            os.pwrite(self._descriptor, line, 0)
            changed = os.fstat(self._descriptor).st_ctime_ns
            left = self._until - changed
            if 0 <= left <= min(longest - waited, 2 * self._within):  # else the clock was set back
                pause = left + _TICK + waited
                time.sleep(pause / 1e9)
                waited += pause
                continue
            whole = _near(changed) == _COARSE
            if abs(changed - now) <= within // 2:
                break
            # This process had to wait just in between; or, where it is always so, the clocks differ.
            if tries > 1 and abs(changed - now) > _near(changed) // 2:
                self._clock += changed - now
            tries += 1
        self._until, self._within = now + within, within

    def close(self):
        os.close(self._descriptor)


class GenerationTables:
    """For Store."""

    generation = None  # the GenerationFile of who serves

    def begin_generation(self):
        """For a new store: no number was taken."""
        self._db.execute(
            "INSERT OR IGNORE INTO generation VALUES (1,?,0,0,?)", (secrets.token_hex(8), time.time())
        )

    def open_generation(self, path):
        """Compares the store with the file at `path`, and lets the numbers of all keys jump ahead where it is not the
        newest. Gives the fields of an event, or None. Raises held.Held, OSError."""
        self.generation = GenerationFile(path)
        record = self.generation.read()
        found = self._db.execute("SELECT name, count, top, noted FROM generation").fetchone()
        why = doubt(found, record, path)
        name, count, top, noted = found or (secrets.token_hex(8), 0, 0, None)
        known = record if record and record.name == name else None
        now = time.time()
        told = None
        with self.transaction():
            keys = self._one("SELECT count(*) FROM security_context")
            if record is None and found is None and not self._one("SELECT max(used) FROM security_context"):
                why = None  # of an earlier version, and never served
            if why and keys:
                if known and known.ours:  # the file tells the highest number
                    first, ahead = known.top, AHEAD
                else:
                    first, ahead = 0, far_ahead(max(0, now - noted) if noted is not None else 0)
                # A key that was never used by the time of the copy may have been used since.
                self._db.execute(
                    "UPDATE security_context SET used=1, next=min(max(next, ?)+?, ?)", (first, ahead, LAST)
                )
                told = {"reason": why, "keys": keys, "ahead": ahead}
            count = max(count, known.count if known else 0) + 1
            top = max(top, self._one("SELECT max(next) FROM security_context") or 0)
            self._db.execute("INSERT OR REPLACE INTO generation VALUES (1,?,?,?,?)", (name, count, top, now))
        self.generation.write(name, count, top, longest=2 * _COARSE)
        return told

    def count_generation(self, number):
        """Numbers below this one were taken: to be called in the same transaction."""
        values = (number, time.time())
        self._db.execute("UPDATE generation SET count=count+1, top=max(top, ?), noted=?", values)

    def note_generation(self):
        """After that transaction."""
        if self.generation is not None:
            found = self._db.execute("SELECT name, count, top FROM generation").fetchone()
            if found:
                with contextlib.suppress(
                    OSError
                ):  # a full disk; the store is ahead of the file then, which is safe
                    self.generation.write(*found)

    def close_generation(self):
        if self.generation is not None:
            self.generation.close()
            self.generation = None


def doubt(found, record, path):
    """Why the store may be an older copy, or None. `found`: (name, count, ...) of its table; `record`: of the file."""
    if found is None:
        return "it was last served by an earlier version, or copied then" if record is None else _OLDER
    name, count = found[:2]
    if not count and (record is None or record.name != name):
        return None  # made by a command, and never served
    if record is None or record.name != name:
        return "there is no record of it in %s" % path
    if count < record.count:
        return _OLDER
    return None if record.ours else "%s was put back or copied with it" % path


_OLDER = "numbers were taken since then that it does not know of"
