# SPDX-License-Identifier: MIT
"""asyncio in virtual time over real sockets: while datagrams are on their way inside this machine no time goes by, and
where none is, the time of the next timer has come.

For a program of its own, since all that asks for the time has to be told this one: `begin()` before anything else is
imported.
"""

import asyncio
import selectors
import time

EPOCH = 1_700_000_000.0  # s since 1970, when a story begins

_really, _pause = time.monotonic, time.sleep


class _Selector(selectors.DefaultSelector):
    """What is ready now; where nothing is, time goes on."""

    now = 0.0
    jumps = 0
    threads = 0  # that are at work for this loop

    def select(self, timeout=None):
        ready = super().select(0)
        if ready or timeout is not None and timeout <= 0:
            return ready
        if self.threads or timeout is None:
            return super().select(None)  # a thread or a signal ends this
        # What the kernel is about to hand over is there within this. (epoll itself counts milliseconds.)
        _pause(0.0001)
        ready = super().select(0)
        if not ready:
            self.now += timeout
            self.jumps += 1
        return ready


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock is virtual."""

    def __init__(self):
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self):
        return self._virtual.now

    def run_in_executor(self, executor, func, *args):
        self._virtual.threads += 1
        done = super().run_in_executor(executor, func, *args)
        done.add_done_callback(self._has_ended)
        return done

    def _has_ended(self, done):
        self._virtual.threads -= 1

    @property
    def jumps(self):
        """How often time went on."""
        return self._virtual.jumps


def begin():
    """The Loop; all clocks of this process are its own from now on."""
    loop = Loop()
    time.monotonic = loop.time
    time.time = lambda: EPOCH + loop.time()
    time.time_ns = lambda: int((EPOCH + loop.time()) * 1e9)
    time.monotonic_ns = lambda: int(loop.time() * 1e9)
    time.clock_gettime = lambda clock: loop.time()
    return loop


def really():
    """Seconds of the machine."""
    return _really()
