# SPDX-License-Identifier: MIT
"""What somebody says, kept and waited for: lines of a process, events of the gateway, what a server was sent."""

import asyncio

from tools.programs.patience import patience


class Unseen(Exception):
    """What should have been said was not; the text is a sentence that names it."""


class Feed:
    """All that was said so far, in order, in `items`."""

    def __init__(self):
        self.items = []
        self.closed = False
        self._more = asyncio.Event()

    def add(self, item):
        self.items.append(item)
        self._wake()

    def close(self):
        """Nothing more will come: who waits is told at once."""
        self.closed = True
        self._wake()

    async def until(self, wanted, what, seconds=20, start=0):
        """The first item at or after position `start` that `wanted(item)` is true of. Raises Unseen after so many
        seconds of granted time (tools/programs/patience.py), None for never."""
        place = start

        def find():
            nonlocal place
            for item in self.items[place:]:
                if wanted(item):
                    return [item]
            place = max(start, len(self.items))
            return None

        return (await self._wait(find, what, seconds))[0]

    async def reach(self, count, what, seconds=20):
        """Waits for so many items in all. Raises Unseen."""
        await self._wait(lambda: len(self.items) >= count, f"{count} {what}", seconds)

    async def _wait(self, found, what, seconds):
        try:
            async with patience(seconds):
                while not (result := found()):
                    if self.closed:
                        raise Unseen(f"expected {what}; it ended without that")
                    await self._more.wait()
                return result
        except TimeoutError:
            raise Unseen(f"expected {what} within {seconds} s") from None

    def _wake(self):
        self._more.set()
        self._more = asyncio.Event()
