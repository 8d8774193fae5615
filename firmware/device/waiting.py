# SPDX-License-Identifier: MIT
"""The waiting of `asyncio`, corrected: nothing that came in time is dropped, no time is too long, and Ctrl-C breaks
nothing for good.

MicroPython runs what `wait_for` waits for in a task of its own, and drops a result that is there when the time is over:
a message that was taken, and reported as delivered. Here it runs in the task that waits, as in CPython since 3.12: it
has either given its result, or it is cancelled where it waits, and then it has taken nothing.

Importing this puts it into `asyncio`, for the application's own `wait_for(client.receive(), 1)`.
"""

import asyncio
import time

from coap.compat import const

_core = getattr(asyncio, "core", None)  # CPython has none: it imports this for tests of other modules
_PIECE = const(86400000)  # ms of one sleep: ticks of a 32-bit board can be told apart within 6.2 days

_sleeper = _core and _core.SingletonGenerator()  # one for all: it is awaited at once


def sleep_ms(ms):
    """Return an awaitable that sleeps so many ms, however many."""
    if ms > _PIECE:
        return _sleep_long(ms)
    # MicroPython's asserts that this is None: after a Ctrl-C between here and the await no task could sleep any more.
    _sleeper.state = _core.ticks_add(_core.ticks(), max(0, ms))
    return _sleeper


async def _sleep_long(ms):
    while ms > 0:
        await sleep_ms(min(ms, _PIECE))
        ms -= _PIECE


def loop():
    """Return an object that identifies the present event loop, to be compared by `is`."""
    return _core._task_queue


def writer(stream):
    """Return the task that waits until the stream can be written to, or None."""
    entry = _core._io_queue.map.get(id(stream))
    return entry and entry[1]


def cancel(task, its_loop):
    """Cancel a task of the event loop that was `loop()` when it began. In another one it never runs, and the C of
    asyncio would take it for one of the present loop, and break both.
    """
    if its_loop is _core._task_queue and task is not _core.cur_task:
        task.cancel()


async def _expire(task, ms, over):
    await sleep_ms(ms)
    while True:
        last = task  # what it waits for, and so on: the one that is woken up
        while isinstance(last.data, _core.Task):
            last = last.data
        if last.data is not _core.CancelledError and not isinstance(last.data, _core.CancelledError):
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
    over = _core.CancelledError()
    timer = _core.create_task(_expire(_core.cur_task, timeout, over))
    try:
        return await awaitable
    except _core.CancelledError as error:
        if error is not over:
            raise
        if hasattr(awaitable, "done") and awaitable.done():
            try:
                return await awaitable  # a task that ended in the same moment
            except _core.CancelledError:
                pass
        raise _core.TimeoutError
    finally:
        timer.cancel()


def wait_for(awaitable, timeout, sleep=None):
    """Do the same for a time in seconds. `sleep` is there for MicroPython's own callers."""
    return wait_for_ms(awaitable, None if timeout is None else int(timeout * 1000))


def clock():
    """Return seconds since 1970, or None where the clock was never set."""
    seconds = time.time()
    year = time.gmtime(seconds)[0]
    if year < 2024:
        return None
    # some ports count from 2000
    return seconds + (946684800 if time.gmtime(0)[0] == 2000 else 0)


if _core:
    asyncio.sleep_ms = _core.sleep_ms = sleep_ms  # type: ignore[attr-defined]  # which sleep() calls
    asyncio.wait_for = wait_for
    asyncio.wait_for_ms = wait_for_ms  # type: ignore[attr-defined]
