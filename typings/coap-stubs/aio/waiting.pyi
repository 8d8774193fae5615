# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The waiting of `asyncio`, corrected: nothing that came in time is dropped, no time is too long, and Ctrl-C breaks
nothing for good. _cpython.py has what differs there.

MicroPython runs what `wait_for` waits for in a task of its own, and drops a result that is there when the time is over:
a message that was taken, and reported as delivered. Here it runs in the task that waits, as in CPython since 3.12: it
has either given its result, or it is cancelled where it waits, and then it has taken nothing.

Importing this changes nothing of `asyncio`; `mend` does.
"""
from typing import Any
core: Any
def now():
    """Return milliseconds, in the ticks that an endpoint is given."""
def sleep_ms(ms):
    """Return an awaitable that sleeps so many ms, however many."""
def loop():
    """Return an object that identifies the present event loop, to be compared by `is`."""
def cancel(task, its_loop):
    """Cancel a task of the event loop that was `loop()` when it began. In another one it never runs, and the C of
    asyncio would take it for one of the present loop, and break both.
    """
def current():
    """Return the task that runs."""
async def wait_for_ms(awaitable, timeout):
    """Return the result of a coroutine or a task. Raise asyncio.TimeoutError after `timeout` ms (None: never),
    having cancelled it. A cancellation by somebody else in the same moment is one.
    """
def wait_for(awaitable, timeout, sleep=None):
    """Do the same for a time in seconds. `sleep` is there for MicroPython's own callers."""
def mend():
    """Put these into MicroPython's `asyncio`, for whoever calls `asyncio.wait_for` and `asyncio.sleep`."""
def readable(source):
    """Wait, when awaited, until a socket or the like has something to read."""
