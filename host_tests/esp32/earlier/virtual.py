# SPDX-License-Identifier: MIT
"""asyncio of MicroPython in virtual time: where it would wait, the clock is moved."""

import asyncio

from air import air

clock = [0]  # ms; a board that sleeps moves it


class _Poller:
    """Takes the place of select.poll in asyncio's IOQueue, whose streams it asks at once."""

    def __init__(self, poller):
        self._poller = poller
        self.register = poller.register
        self.unregister = poller.unregister
        self.modify = poller.modify

    def ipoll(self, wait_ms):
        ready = [(entry[0], entry[1]) for entry in self._poller.ipoll(0)]
        if not ready:
            if wait_ms < 0:
                raise AssertionError("everybody waits for something that never comes")
            clock[0] += wait_ms
        return iter(ready)


def run(coroutine):
    """Runs it to its end; what it gives."""
    clock[0] = 0
    loop = asyncio.new_event_loop()
    queue = asyncio.core._io_queue
    queue.poller = _Poller(queue.poller)
    real, asyncio.core.ticks = asyncio.core.ticks, lambda: clock[0]
    now, air.now = air.now, lambda: clock[0]
    try:
        return loop.run_until_complete(coroutine)
    finally:
        asyncio.core.ticks = real
        air.now = now
        asyncio.new_event_loop()
