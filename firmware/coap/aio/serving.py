# SPDX-License-Identifier: MIT
"""The part of a Context that has a site answer the requests of peers, each in a task of its own."""

import asyncio

from .. import numbers
from ..compat import const
from ..exchange import REQUEST
from ..message import Message
from .waiting import now

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from ..endpoint import Endpoint

_HANDLERS = const(16)  # requests of peers that are being handled, those included that were given up
_BUSY = Message(numbers.SERVICE_UNAVAILABLE, options=((numbers.MAX_AGE, b"\x02"),))


class Serving:
    """The answers of a Context as a server; it is a base class of that, and uses its attributes."""

    if _TYPING:
        endpoint: Endpoint
        site: Any
        flush: Callable[..., None]
        _handlers: list  # [Incoming, task, whether it has begun] of each request that is being handled
        _open: bool
        _owed: Any  # a request that there was no memory for: it is answered as soon as there is
        _raised: Callable[..., None]

    def respond(self, incoming: "Any", message: Message, observe: bool = False) -> None:
        """Answer a request of a peer: Endpoint.respond, and what it raises; where it is about what can be observed, or
        came again for an observer, Observers.respond."""
        self._respond(incoming, message, observe)
        self.flush()

    def _respond(self, incoming, message, observe=False):
        from ..endpoint.duplicates import Incoming

        endpoint = self.endpoint
        target = endpoint.observers if observe or not isinstance(incoming, Incoming) else endpoint
        target.respond(incoming, message, now())

    def changed(self, path: str, confirmable: bool = False) -> int | None:
        """Have the observers of a resource of the site notified: see Site.changed. Return how many there are, None
        where the context is closed."""
        if not self._open:
            return None
        count = self.endpoint.observers.changed(path, now(), confirmable)
        self.flush()
        return count

    def _serve(self, incoming, message):
        from ..endpoint.duplicates import Incoming

        stream = incoming.body
        if stream and stream.tag:  # a handler reads it
            stream.tag(REQUEST, incoming, message)
        elif self.site is None:
            self.endpoint.respond(incoming, Message(numbers.NOT_FOUND), now())
        elif len(self._handlers) >= _HANDLERS and isinstance(incoming, Incoming):
            self.endpoint.respond(incoming, _BUSY, now())
        else:
            entry = [incoming, None, False]
            self._handlers.append(entry)
            try:
                entry[1] = asyncio.create_task(self._handle(entry, message))
            except MemoryError:
                self._handlers.remove(entry)
                raise

    async def _handle(self, entry, message):
        incoming = entry[0]
        entry[2] = True
        try:
            await self.site.handle(self, incoming, message)
        except Exception as error:  # CancelledError is none
            self._raised(error)
            self._fail(incoming)
        finally:
            if entry in self._handlers:
                self._handlers.remove(entry)
            if self._open and self.endpoint.is_open(incoming):
                self._fail(incoming)  # nobody cancelled it: it raised CancelledError by itself

    def _fail(self, incoming):
        try:
            self.respond(incoming, Message(numbers.INTERNAL_SERVER_ERROR))
        except Exception:
            pass  # no memory: the endpoint gives it up

    def _pay(self):
        """Answer the request that there was no memory for by 5.03, where there is some now."""
        try:
            self._respond(self._owed, _BUSY)
            self._owed = None
        except MemoryError:
            pass  # at the next flush, or it is given up by the endpoint

    def _sweep(self):
        """Cancel handlers whose request was given up: nobody waits for what they would answer."""
        index = len(self._handlers)
        while index:
            index -= 1
            incoming, task, begun = self._handlers[index]
            # one that stands for an observer is waited for while `asked_until` is set
            waited = getattr(incoming, "asked_until", None) is not None
            stream = incoming.body
            if stream:
                waited = not stream.tag  # it was told
            if not waited and not self.endpoint.is_open(stream or incoming):
                task.cancel()
                if not begun:  # and never will, so it does not leave the list itself
                    self._handlers.pop(index)
