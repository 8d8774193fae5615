# SPDX-License-Identifier: MIT
"""The waiting of `asyncio`, corrected: nothing that came in time is dropped, no time is too long, and Ctrl-C breaks
nothing for good. _cpython.py has what differs there.

MicroPython runs what `wait_for` waits for in a task of its own, and drops a result that is there when the time is over:
a message that was taken, and reported as delivered. Here it runs in the task that waits, as in CPython since 3.12: it
has either given its result, or it is cancelled where it waits, and then it has taken nothing.

Importing this changes nothing of `asyncio`; `mend` does.
"""

import asyncio
import time

from ..compat import const

core = getattr(asyncio, "core", None)  # MicroPython's
_PIECE = const(86400000)  # ms of one sleep: ticks of a 32-bit board can be told apart within 6.2 days
_MASK = const((1 << 29) - 1)  # the period of coap.compat.ticks_diff

_sleeper = core and core.SingletonGenerator()  # one for all: it is awaited at once


def now():
    """Return milliseconds, in the ticks that an endpoint is given."""
    return time.ticks_ms() & _MASK  # type: ignore[attr-defined]


def sleep_ms(ms):
    """Return an awaitable that sleeps so many ms, however many."""
    if ms > _PIECE:
        return _sleep_long(ms)
    # MicroPython's asserts that this is None: after a Ctrl-C between here and the await no task could sleep any more.
    _sleeper.state = core.ticks_add(core.ticks(), max(0, ms))
    return _sleeper


async def _sleep_long(ms):
    while ms > 0:
        await sleep_ms(min(ms, _PIECE))
        ms -= _PIECE


def loop():
    """Return an object that identifies the present event loop, to be compared by `is`."""
    return core._task_queue


def cancel(task, its_loop):
    """Cancel a task of the event loop that was `loop()` when it began. In another one it never runs, and the C of
    asyncio would take it for one of the present loop, and break both.
    """
    if its_loop is loop() and task is not current():
        task.cancel()


def current():
    """Return the task that runs."""
    return core.cur_task


async def _expire(task, ms, over):
    await sleep_ms(ms)
    while True:
        last = task  # what it waits for, and so on: the one that is woken up
        while isinstance(last.data, core.Task):
            last = last.data
        if last.data is not core.CancelledError and not isinstance(last.data, core.CancelledError):
            break
        await sleep_ms(1)  # it is being cancelled by somebody else, who must not be mistaken for us
    task.cancel()
    last.data = over  # until somebody else cancels it


async def wait_for_ms(awaitable, timeout):
    """Return the result of a coroutine or a task. Raise asyncio.TimeoutError after `timeout` ms (None: never),
    having cancelled it. A cancellation by somebody else in the same moment is one.
    """
    if timeout is None:
        return await awaitable
    over = core.CancelledError()
    timer = core.create_task(_expire(core.cur_task, timeout, over))
    try:
        return await awaitable
    except core.CancelledError as error:
        if error is not over:
            raise
        if hasattr(awaitable, "done") and awaitable.done():
            try:
                return await awaitable  # a task that ended in the same moment
            except core.CancelledError:
                pass
        raise core.TimeoutError
    finally:
        timer.cancel()


def wait_for(awaitable, timeout, sleep=None):
    """Do the same for a time in seconds. `sleep` is there for MicroPython's own callers."""
    return wait_for_ms(awaitable, None if timeout is None else int(timeout * 1000))


def mend():
    """Put these into MicroPython's `asyncio`, for whoever calls `asyncio.wait_for` and `asyncio.sleep`."""
    if core:
        asyncio.sleep_ms = core.sleep_ms = sleep_ms  # type: ignore[attr-defined]  # which sleep() calls
        asyncio.wait_for = wait_for
        asyncio.wait_for_ms = wait_for_ms  # type: ignore[attr-defined]


def readable(source):
    """Wait, when awaited, until a socket or the like has something to read."""
    # asyncio has no datagram calls; this is how its own streams wait
    yield core._io_queue.queue_read(source)


if core is None:
    from ._cpython import current, loop, now, readable, sleep_ms, wait_for_ms  # type: ignore  # noqa: F401, F811
