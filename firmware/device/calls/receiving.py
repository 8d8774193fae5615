# SPDX-License-Identifier: MIT
"""How an application gets its messages. Imported with the first call that waits for one."""

import asyncio

import coap.aio.waiting as waiting
from coap.compat import const

from .. import health, runner
from . import countdown, left

_TYPING = const(False)
if _TYPING:
    from collections.abc import AsyncIterator
    from typing import Any

    from msgin5g.store.message import Message


class _Messages:
    """What `async for` goes through; MicroPython has no asynchronous generators."""

    def __init__(self, client, inbox):
        self._client = client
        self._inbox = inbox  # the client, or one of its applications

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return await self._inbox.receive()
        except EOFError:  # StoppedError is one
            if self._client.fault() != runner.STOPPED:
                raise
            raise StopAsyncIteration


class Receiving:
    """Methods of RunningClient, whose attributes they use."""

    async def receive(self: "Any", timeout_s: float | None = None) -> "Message":
        """Wait for the next received Message and return it, each one once. A large one can be read until the next
        is taken.

        Raise asyncio.TimeoutError when none came within `timeout_s` seconds (None: for ever), and then none was taken;
        msgin5g.StoppedError when the client is stopped.
        """
        return await self.next_message(runner, None, timeout_s)

    async def next_message(
        self: "Any", holder: "Any", application: str | None, timeout_s: float | None
    ) -> "Message":
        """Do what `receive` does for one of several applications; `holder.lent` is its message that is on its way."""
        limit = countdown(timeout_s)
        core = self.core
        while True:
            # Taking is the last step, and nothing is awaited after it: who is cancelled has taken nothing.
            self.check()
            if holder.lent is not None and holder.lent.is_in(core.inbox):
                holder.lent = None
            if holder.lent is None:
                holder.lent = core.first(application)
                if holder.lent is not None:
                    of = () if application is None else (application,)
                    holder.lent = self._call(core.take, health.now(), *of)
            message = holder.lent
            if message is not None:
                # Ctrl-C comes before these two lines, and then the next call gives the message, or after them.
                holder.lent = None
                return message
            self._arrived.clear()
            try:
                await waiting.wait_for_ms(self._arrived.wait(), left(limit))
            except asyncio.TimeoutError:
                if core.first(application) is None:
                    raise

    def messages(self: "Any", inbox: "Any" = None) -> "AsyncIterator[Message]":
        """Return what `async for message in client.messages()` goes through; it ends when the client is stopped.
        `inbox` is one of several applications, None for the client's own."""
        return _Messages(self, inbox or self)
