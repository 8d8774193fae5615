# SPDX-License-Identifier: MIT
"""How long to wait for a program before it counts as hung: in time that the machine gave it, not in time of the wall.

On a machine with other work a program waits for a processor, and that is no fault of the program. Linux counts that
waiting for each thread (/proc/PID/task/TID/schedstat, the second number, in ns): for this process and all that it
started it is taken off. What a hypervisor takes away (steal in /proc/stat) is taken off too. Where neither is to be
had, granted time is time of the wall.
"""

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from pathlib import Path

_LEAST = 0.05  # of the wall's time is granted at least, so that a program that hangs is found in the end
_LOOK = 1  # s between looks: what a child waited since the last one is not known once it has ended
_PROC = Path("/proc")


class GrantedTime:
    """A clock of the time that the machine gave to the tree of processes below `root`."""

    def __init__(self, root=None, wall=time.monotonic, waited=None):
        """`wall` and `waited` (seconds of each thread and of the hypervisor so far, by any key) are for tests."""
        self._wall = wall
        self._waited = waited or (lambda: _waited(root or os.getpid()))
        self._last = None
        self._before = {}
        self._granted = 0.0
        self._lock = threading.Lock()

    def __call__(self):
        """Seconds so far."""
        with self._lock:
            now, waited = self._wall(), self._waited()
            if self._last is not None:
                passed = now - self._last
                # A thread that is new since the last look did all its waiting since then.
                denied = sum(max(0, value - self._before.get(key, 0)) for key, value in waited.items())
                self._granted += max(passed - denied, passed * _LEAST)
            self._last, self._before = now, waited
            return self._granted


granted = GrantedTime()


@contextlib.asynccontextmanager
async def patience(seconds):
    """As asyncio.timeout, in granted time: raises TimeoutError out of the block. None waits for ever.

    Gives a function that begins the time anew: for a block that sees its program get on.
    """
    if seconds is None:
        yield lambda: None
        return
    loop = asyncio.get_running_loop()
    start = granted()

    def again():
        nonlocal start
        start = granted()

    async with asyncio.timeout(None) as guard:

        def look():
            nonlocal timer
            left = seconds - (granted() - start)
            if left <= 0:
                guard.reschedule(loop.time())
            else:
                timer = loop.call_later(min(left, _LOOK), look)

        timer = loop.call_later(min(seconds, _LOOK), look)
        try:
            yield again
        finally:
            timer.cancel()


async def doze(seconds, process):
    """Sleeps until the process with this number was granted so much: on a busy machine the same moment of its life."""
    clock = GrantedTime(process)
    while (left := seconds - clock()) > 0:
        await asyncio.sleep(left)


def run(coroutine, seconds=60, loop_factory=None):
    """asyncio.run with a guard: a coroutine that needs more granted time than that ends with TimeoutError."""

    async def guarded():
        async with patience(seconds):
            return await coroutine

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(guarded())


class SteadyLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while the machine gives the process none: for both sides of a protocol in
    one process, which would else find an answer late that neither could have sent.
    """

    _BEAT = 0.02  # s; it wakes at least as often
    _MAX_STEP = 0.05  # s that count between two looks at the time

    def __init__(self):
        super().__init__()
        self._looked = time.monotonic()
        self._steady = self._looked
        self._beat()

    def time(self):
        """Seconds, of which the event loop could make use."""
        now = time.monotonic()
        self._steady += min(now - self._looked, self._MAX_STEP)
        self._looked = now
        return self._steady

    def _beat(self):
        self.call_later(self._BEAT, self._beat)


def patiently(seconds):
    """A function that is true until so much time was granted: `while more(): ...` in code that does not await."""
    start = granted()
    return lambda: granted() - start < seconds


def finish(command, seconds, input=None, **options):
    """subprocess.run with a guard in granted time. Raises subprocess.TimeoutExpired, and has killed it by then."""
    if options.pop("capture_output", False):
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        options["stdin"] = subprocess.PIPE
    with subprocess.Popen(command, **options) as process:
        try:
            out, err = communicate(process, seconds, input)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def communicate(process, seconds, input=None):
    """process.communicate with a guard in granted time."""
    more = patiently(seconds)
    while True:
        try:
            return process.communicate(input, timeout=_LOOK)
        except subprocess.TimeoutExpired:
            input = None  # communicate has it, and does not take it twice
            if not more():
                raise


class Watch:
    """Calls `bite` once so much time was granted without a sign of life, which `restart` is; `stop` ends it."""

    def __init__(self, seconds, bite):
        self._seconds = seconds
        self._bite = bite
        self._start = granted()
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def restart(self):
        self._start = granted()

    def stop(self):
        self._over.set()

    def _watch(self):
        while not self._over.wait(min(self._seconds, _LOOK)):
            if granted() - self._start >= self._seconds:
                self._over.set()
                self._bite()


def _waited(root):
    """Seconds for which each thread below the process `root` was ready and had no processor, and those stolen."""
    found = {}
    with contextlib.suppress(OSError, ValueError):
        stolen = (_PROC / "stat").read_text().split(maxsplit=9)[8]
        found["stolen"] = int(stolen) / os.sysconf("SC_CLK_TCK")
    waiting = [root]
    while waiting:
        process = waiting.pop()
        try:
            threads = os.listdir(_PROC / str(process) / "task")
        except OSError:  # it ended
            continue
        for thread in threads:
            folder = _PROC / str(process) / "task" / thread
            with contextlib.suppress(OSError, ValueError, IndexError):
                found[process, thread] = int((folder / "schedstat").read_text().split()[1]) / 1e9
                waiting += (folder / "children").read_text().split()
    return found
