# SPDX-License-Identifier: MIT
"""Where events are written to: a reader that ended or sleeps, or a disk that is full, holds nobody up.

What cannot be written now is kept, up to a bound, and goes out when it can; what is beyond that is counted as lost.
"""

import collections
import os
import select
import sys

from tools.words import in_words

BACKLOG = 1 << 20  # octets kept for a sink that takes nothing
_ATOMIC = 4096  # PIPE_BUF: what a pipe that says it is ready takes without waiting


def say(text):
    """A line on stdout for whoever may still be there."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        give_up_stdout()


def give_up_stdout():
    """Nobody reads it any more, and the interpreter shall not complain about that at its end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass


class Sink:
    """Lines to a file, a pipe or a stream. `failing` says why nothing goes out now, or is empty."""

    def __init__(self, name, stream):
        self.name = name
        self.failing = ""
        self.lost = 0
        self._stream = stream
        self._backlog = collections.deque()  # octets of lines; the first may be the rest of one
        self._octets = 0
        self._begins = getattr(stream, "begins", None)  # of a file that is bounded: called before each line
        self._begun = False  # the first one has
        self._piece = min(_ATOMIC, getattr(stream, "piece", _ATOMIC))  # octets of several lines at once
        try:
            self._descriptor = stream.fileno()
            self._ready = select.poll()
            self._ready.register(self._descriptor, select.POLLOUT)
        except (AttributeError, OSError, ValueError):
            self._descriptor = None

    @property
    def dropped(self):
        """Octets of what was written and made room."""
        return getattr(self._stream, "dropped", 0)

    @property
    def waiting(self):
        """Lines that are kept; those that go out in one piece count as one."""
        return len(self._backlog)

    def write(self, line):
        """Writes the line, or keeps it, or counts it. It raises nothing."""
        self.keep(line)
        self.flush()

    def keep(self, line):
        """As `write`, without writing yet where that could wait."""
        try:
            if self._descriptor is None:
                self._stream.write(line + "\n")
                self._stream.flush()
                self.failing = ""
                return
            octets = (line + "\n").encode(getattr(self._stream, "encoding", None) or "utf-8", "replace")
        except Exception as error:  # of a stream that somebody else made, too
            self.lost += 1
            self.failing = _why(error)
            return
        if self._octets + len(octets) > BACKLOG:
            self.flush()
        if self._octets + len(octets) > BACKLOG:
            self.lost += 1
            self.failing = self.failing or "nobody reads it"
        else:
            self._backlog.append(octets)
            self._octets += len(octets)

    def _joined(self):
        """The first of the lines that are kept, with as many behind it as go out in one piece."""
        first = self._backlog[0]
        if self._begun or len(self._backlog) == 1 or len(first) + len(self._backlog[1]) > self._piece:
            return first
        lines, size = [], 0
        while self._backlog and size + len(self._backlog[0]) <= self._piece:
            lines.append(self._backlog.popleft())
            size += len(lines[-1])
        self._backlog.appendleft(b"".join(lines))
        return self._backlog[0]

    def flush(self):
        """Writes of what is kept as much as goes without waiting."""
        if not self._backlog:
            return
        try:
            while self._backlog and self._ready.poll(0):
                octets = self._joined()
                if self._begins and not self._begun:
                    self._begins(len(octets))
                    self._begun = True
                written = os.write(self._descriptor, octets[:_ATOMIC])
                self._octets -= written
                if written < len(octets):
                    self._backlog[0] = octets[written:]
                else:
                    self._backlog.popleft()
                    self._begun = False
        except Exception as error:
            self.failing = _why(error)
        else:
            if not self._backlog:
                self.failing = ""


def _why(error):
    return in_words(error) if isinstance(error, OSError) else "%s: %s" % (type(error).__name__, error)
