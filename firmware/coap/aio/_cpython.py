# SPDX-License-Identifier: MIT
"""What waiting.py has, in CPython's `asyncio`: a module of its own, for no board has a use for it."""

import asyncio
import time

_MASK = (1 << 29) - 1  # the period of coap.compat.ticks_diff


def now():
    """Return milliseconds, in the ticks that an endpoint is given."""
    return int(time.monotonic() * 1000) & _MASK


def sleep_ms(ms):
    """Return an awaitable that sleeps so many ms."""
    return asyncio.sleep(ms / 1000)


def loop():
    """Return an object that identifies the present event loop, to be compared by `is`."""
    return asyncio.get_running_loop()


def current():
    """Return the task that runs."""
    return asyncio.current_task()


async def wait_for_ms(awaitable, timeout):
    """Return the result of a coroutine or a task. Raise asyncio.TimeoutError after `timeout` ms (None: never)."""
    return await asyncio.wait_for(awaitable, None if timeout is None else timeout / 1000)


def readable(source):
    """Return an awaitable that waits until a socket or the like has something to read."""
    running = asyncio.get_running_loop()
    return _ready(source, running.add_reader, running.remove_reader)


def writable(sink):
    """Return an awaitable that waits until a line or the like can be written to."""
    running = asyncio.get_running_loop()
    return _ready(sink, running.add_writer, running.remove_writer)


async def _ready(source, add, remove):
    event = asyncio.Event()
    add(source, event.set)
    try:
        await event.wait()
    finally:
        remove(source)
