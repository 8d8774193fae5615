# SPDX-License-Identifier: MIT
"""The end of a program that others go on for: it begins nothing new, and what is under way comes to its end.

Until it is over, requests are taken as ever, as some come until everybody has heard that it goes: none of them is
refused. What they leave to do is done at another node, or at the next start.
"""

import asyncio

SECONDS = 10.0  # of --drain: what has no end by then is tried again by who goes on
_LOOK = 0.05  # s
_WORKS = 1.0  # s of the pause between two tries of work, from which on the store takes nothing


class Draining:
    """`program` is a Running. `under_way`: the tasks of Pushes that have begun."""

    def __init__(self, program):
        self._program = program
        self.begun = False
        self.under_way = set()

    def follow(self, task):
        """The task of a Push."""
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    def begin(self):
        """At once: nobody is to send anything here any more, and no Push begins."""
        self.begun = True
        self._program.http.drain()
        self._program.store.drain()

    @property
    def left(self):
        """How much is still under way: Pushes and their outcomes, requests over HTTP."""
        return len(self.under_way) + len(self._program.unrecorded) + self._program.http.connections.busy

    async def over(self, seconds):
        """Returns once nothing is under way any more, or after so many seconds: how much was left."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self.left and loop.time() < end:
            await asyncio.sleep(_LOOK)
        return self.left


def why_not(program):
    """A sentence on why a program should be sent nothing now; None where it serves."""
    if program.draining.begun:
        return "it is being stopped, and ends when what is under way is done"
    if not program.listens:
        return "it is starting, and does not listen yet"
    reason = program.store.out_of_reach()
    if reason is not None:
        return "the store cannot be reached: %s" % reason
    if program.brake >= _WORKS:
        return "the store takes nothing"
    return None
