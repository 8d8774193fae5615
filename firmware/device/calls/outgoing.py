# SPDX-License-Identifier: MIT
"""What an application asks of a message on its way. Imported with the first question."""

import coap.aio.waiting as waiting
from coap.compat import const

from . import countdown, left

_TYPING = const(False)
if _TYPING:
    from typing import Any


class Watching:
    """Methods of device.client.Outgoing, whose attributes they use."""

    @property
    def state(self: "Any") -> str:
        """One of "queued", "sent", "accepted", "stored", "delivered", "failed", "expired"."""
        return self._core.state

    @property
    def cause(self: "Any") -> str | None:
        """Why it failed, in words, or None."""
        return self._core.cause

    @property
    def reports(self: "Any") -> dict[str, int] | None:
        """{"success": n, "failure": m} of a message to many with a report, else None."""
        return self._core.reports

    @property
    def final(self: "Any") -> bool:
        """Whether `state` is the last one."""
        return self._core.final

    async def wait(self: "Any", timeout_s: float | None = None) -> str:
        """Wait for the end of the message and return its final state: "delivered", "accepted", "stored", "failed" or
        "expired".

        Raise asyncio.TimeoutError after `timeout_s` seconds (None: never), and the message goes on all the same;
        msgin5g.StoppedError when the client is stopped before.
        """
        limit = countdown(timeout_s)
        while not self._core.final:
            self._client.check()
            await waiting.wait_for_ms(self._client.watch(self.message_id).wait(), left(limit))
        return self._core.state

    async def update(self: "Any", expires: float, timeout_s: float | None = 60) -> bool:
        """Have a message that waits, here or at the server, end in `expires` seconds (TS 23.554 V19 clause 8.3.6.1).

        Return False where it does not wait any more. Raise msgin5g.UpdateError where the server refuses, or does not
        answer within `timeout_s` seconds; ValueError, msgin5g.StorageError.
        """
        from .stored import changed

        return await changed(self._client, "update", self._core, timeout_s, expires)

    async def discard(self: "Any", timeout_s: float | None = 60) -> bool:
        """Take a message back that waits, here or at the server: `state` is "failed" then, `cause` "discarded".

        Return False where it does not wait any more. Raise as `update` does.
        """
        from .stored import changed

        return await changed(self._client, "discard", self._core, timeout_s)
