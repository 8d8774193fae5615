# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What waiting.py has, in CPython's `asyncio`: a module of its own, for no board has a use for it."""
def now():
    """Return milliseconds, in the ticks that an endpoint is given."""
def sleep_ms(ms):
    """Return an awaitable that sleeps so many ms."""
def loop():
    """Return an object that identifies the present event loop, to be compared by `is`."""
def current():
    """Return the task that runs."""
async def wait_for_ms(awaitable, timeout):
    """Return the result of a coroutine or a task. Raise asyncio.TimeoutError after `timeout` ms (None: never)."""
def readable(source):
    """Return an awaitable that waits until a socket or the like has something to read."""
def writable(sink):
    """Return an awaitable that waits until a line or the like can be written to."""
