# SPDX-License-Identifier: MIT
"""A running client whose tasks begin anew, since an application asked for it again, after a Ctrl-C or in another event
loop; and one with another gateway. Imported then.
"""

import asyncio

import coap.aio.waiting as waiting
from coap.compat import const, unload

from .. import health, runner

_TYPING = const(False)
if _TYPING:
    from typing import Any


class Restarting:
    """Methods of RunningClient, whose attributes they use."""

    def again(self: "Any") -> bool:
        """Begin all tasks anew; False where the core cannot go on, and a new client must."""
        if self._ended is None and not self._inside:
            self._anew()
            runner.keep()
            if runner.Serving.fault(self) is None:
                return True
        return False

    def _anew(self: "Any") -> None:
        from ..connecting import Connecting

        # Ctrl-C in the middle of asyncio may have dropped a task out of it, and nothing shows.
        queue = waiting.loop()
        if self._queue is queue:
            tasks = list(self._tasks.values())
            self._tasks.clear()
            for task in tasks:
                task.cancel()
                asyncio.core._io_queue.remove(task)  # type: ignore[attr-defined]
        else:
            # Another event loop: what waits for these never goes on.
            self._queue = queue
            self._tasks.clear()
            self._watched.clear()
            self._arrived = asyncio.Event()
            self._kick = asyncio.Event()
            self._drained = asyncio.Event()
            self._prepared = asyncio.Event()
            for outgoing in self.core.outbox.queue[:]:
                self._within(self.core.drop, outgoing, health.now())
        self._beat = health.now()
        self._unread = self._starved[0] = self._starved[2] = None
        if self._open:
            if hasattr(self._link, "again"):
                self._link.again()
            Connecting.begin_all(self)
            unload("device.connecting")
        else:
            self._link.close()
            self._begin("link", lambda: Connecting.connect(self))

    def _use(self: "Any", peer: object) -> None:
        """Have the link use the gateway that the core has chosen."""
        self._link.use(peer)
        self._peer = peer
        health.log("gateway: %s", self.core.config.peer)
