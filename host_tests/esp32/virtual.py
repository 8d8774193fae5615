# SPDX-License-Identifier: MIT
"""asyncio of MicroPython in the virtual time of `idf`, which is its clock: where it would wait, that time is moved."""

import asyncio

import idf

_WRITABLE = 4  # select.POLLOUT


class _Poller:
    """Takes the place of select.poll in asyncio's IOQueue, whose streams it asks at once."""

    def __init__(self, poller):
        self._poller = poller
        self.register = poller.register
        self.unregister = poller.unregister
        self.modify = poller.modify

    def ipoll(self, wait_ms):
        while True:
            ready = [(entry[0], entry[1]) for entry in self._poller.ipoll(0)]
            if ready and wait_ms and all(events == _WRITABLE for _, events in ready):
                # espnow_stream_ioctl() calls ESP-NOW writable, asked or not, while a frame is on its way: asyncio does
                # not sleep then, and time goes on by that.
                idf.advance(1)
            if ready or wait_ms == 0:
                return iter(ready)
            if wait_ms < 0:
                raise AssertionError("everybody waits for something that never comes")
            wait_ms -= idf.advance(wait_ms)  # no further than to the next thing that happens


def run(coroutine):
    """Runs it to its end; what it gives."""
    loop = asyncio.new_event_loop()
    queue = asyncio.core._io_queue
    queue.poller = _Poller(queue.poller)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        asyncio.new_event_loop()


async def opening(scene, act, *arguments):
    """While `scene.link` opens, in the task `scene.opening`, awaits `act(scene, *arguments)`; closes the link."""
    scene.opening = asyncio.create_task(scene.link.open())
    try:
        await act(scene, *arguments)
    finally:
        scene.opening.cancel()
        scene.link.close()
