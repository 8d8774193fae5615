# SPDX-License-Identifier: MIT
"""Watching a resource of a peer (RFC 7641), as an asynchronous iterator. Imported with the first `Context.observe`."""

import asyncio

from .. import numbers
from ..compat import const, ticks_diff
from ..exchange import NOTIFICATION, RESPONSE, STALE
from ..message import Message
from ..observe import MAX_OBSERVATIONS, Observation, observe
from .call import Call
from .response import Response
from .waiting import now, wait_for_ms

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer, Source

_UNTAKEN = const(16)  # changes that nobody takes, until the observation is dropped: somebody left the loop
_DEFAULT_MAX_AGE = const(60)  # s, RFC 7252 section 5.10.5
_DAY = const(86400)
_PIECE = const(512)  # octets of a file that are read at once


class Changes:
    """What a resource is, and becomes: `async for change in changes`, each a Response, the first one at once.

    It is about states, not about each of them: a consumer that is slow gets the newest, and `skipped` counts the
    others. What comes in blocks is fetched whole. When the last one is stale (Max-Age, RFC 7641 section 3.3.1) the
    resource is asked for again, and so it is, with growing pauses, where nothing comes any more; where the peer answers
    and does not notify, whenever Max-Age is over. `established` says whether it notifies.

    A response with an error, 4.xx or 5.xx, is the last one: StopAsyncIteration follows. Where nothing ever came, what
    `Context.request` raises is raised.

    Within `async with` the observation ends with the block, by Observe 1 (section 3.6); `cancel` does the same. Where
    a loop is left without either, it ends by Reset once 16 changes were not taken, and by Observe 1 once the last one
    is stale; who goes on with it hears what the resource is then.
    """

    PAUSE = 5000  # ms until it is tried again where nothing came, twice as many each time
    LONGEST_PAUSE = 300000

    def __init__(self, context: "Any", to: "str | Peer", message: Message, key: "Any" = None) -> None:
        self.skipped = 0
        self._context = context
        self._to = to
        self._message = message
        self._key = key  # the oscore.Context, None: by the rule
        self._asked = message  # with the options of the URI
        self._observation: "Any" = None
        self._newest: "Any" = None  # that nobody has taken yet
        self._untaken = 0
        self._ask = True  # whether it must be asked for
        self._not_before: "Any" = None  # the tick until which that waits
        self._pause = self.PAUSE
        self._heard = False  # whether anything ever came
        self._error: "Any" = None  # to be raised
        self._ended = False
        self._event: "Any" = None  # what waits for the next one

    @property
    def established(self) -> bool:
        """Whether the peer notifies, as far as we know."""
        return self._observation is not None and self._observation.established

    def __aiter__(self) -> "Changes":
        return self

    async def __aenter__(self) -> "Changes":
        return self

    async def __aexit__(self, *error: "Any") -> None:
        self.cancel()

    async def __anext__(self) -> Response:
        while True:
            newest = self._newest
            if newest is not None:
                self._newest = None
                self._untaken = 0
                return newest
            error = self._error
            if error is not None:
                self._error = None
                self._ask = True  # by who goes on
                raise error
            if self._ended:
                raise StopAsyncIteration
            if not self._ask or self._pending():
                await self._wait(None)
            elif self._not_before is None:
                await self._register()
            else:
                await self._wait(ticks_diff(self._not_before, now()))

    def cancel(self) -> None:
        """End it, and the loop over it: tell the peer by Observe 1, or by Reset to its next notification where that
        cannot be sent. Raise nothing."""
        self._ended = True
        self._newest = self._error = None
        self._leave()
        self._wake()

    # --- what __anext__ does ------------------------------------------------------------------------------

    def _pending(self):
        """Return whether it has been asked for and nothing came of that yet."""
        observation = self._observation
        return observation is not None and self._context.endpoint.is_open(observation.exchange)

    async def _wait(self, ms):
        """Wait for an event, so many ms at most; None: however long."""
        if ms is None or ms > 0:
            self._event = _Event()
            try:
                await wait_for_ms(self._context.wait(self._event), ms)
            except asyncio.TimeoutError:  # noqa: UP041
                pass
            finally:
                self._event = None
        if self._not_before is not None and ticks_diff(now(), self._not_before) >= 0:
            self._not_before = None

    async def _register(self):
        """Ask for it, with Observe 0; what comes of that is an event. Raise what asking again can't put right."""
        try:
            peer, options = await self._context.resolve(self._to)
            if self._observation is not None and self._observation.peer != peer:
                self._drop()
            if options:
                message = self._message
                self._asked = Message(
                    message.code, message.payload, options + list(message.options), message.type
                )
            if self._observation is None:
                observations = self._context.endpoint.observations
                if len([each for each in observations if isinstance(each, Observation)]) >= MAX_OBSERVATIONS:
                    from ..errors import BusyError

                    raise BusyError(
                        "%d resources are observed: leave each loop by `async with`, or cancel()"
                        % MAX_OBSERVATIONS
                    )
            if not self._ended:
                await self._context.started(lambda: self._context.by(self._key, lambda: self._start(peer)))
        except OSError as error:  # of a name that is not known now, or of a storage
            self._context.check()
            if not self._heard:
                raise
            self._failed(error)

    def _start(self, peer):
        if self._ended:
            return
        if self._observation is None:
            self._observation = observe(
                self._context.endpoint, self._asked, peer, now(), self._on, True, True
            )
        else:
            self._observation.register(self._asked, now())
        self._ask = False

    # --- events -------------------------------------------------------------------------------------------

    def _on(self, kind, subject, message):
        """Take an event of the observation or of its exchange. Raise MemoryError: a notification comes again, if it is
        confirmable; what else is lost is asked for again."""
        if self._ended:
            return
        try:
            if kind == STALE:
                self._ask = True
                if self._event is None:
                    self._leave()  # nobody waits: somebody may have left the loop
            elif kind != RESPONSE and kind != NOTIFICATION:
                self._exchange_failed(kind, subject, message)
            elif kind == NOTIFICATION and (message.uint(numbers.BLOCK2) or 0) & 8:
                self._ask = True  # for the whole of it
            else:
                self._take(Response(message, subject.peer))
        except MemoryError:
            if kind != NOTIFICATION:
                self._again(self.PAUSE)
                self._wake()
            raise
        if kind == NOTIFICATION:
            subject.accept(message, now())
        self._wake()

    def _take(self, response):
        """Take what the resource is now."""
        if self._newest is not None:
            self.skipped += 1
            self._untaken += 1
        self._newest = response
        self._heard = True
        self._ask = False
        self._pause = self.PAUSE
        self._not_before = None
        if not response.ok:
            self._ended = True
            self._observation = None
        elif not self.established:  # the peer does not notify, or does so no more
            self._observation = None
            age = min(response.uint(numbers.MAX_AGE, _DEFAULT_MAX_AGE), _DAY)
            self._again(1000 * age + 2 * self.PAUSE)
        elif self._untaken >= _UNTAKEN:
            self._drop()
            self._ask = True

    def _exchange_failed(self, kind, exchange, message):
        call = Call()
        call(kind, exchange, message)
        call.exchange = exchange
        if not self.established:
            self._observation = None
        try:
            call.result(False, self._context.endpoint.security)
        except Exception as error:
            self._failed(error)

    def _failed(self, error):
        """Try again after a pause; raise it where nothing ever came."""
        if not self._heard:
            self._error = error
            return
        self._again(self._pause)
        self._pause = min(2 * self._pause, self.LONGEST_PAUSE)

    def _again(self, ms):
        self._ask = True
        self._not_before = now() + ms

    def _leave(self):
        observation = self._observation
        self._observation = None
        if observation is None:
            return
        observation.tag = _accept  # what it is told from now on is for nobody
        try:
            if observation.established:
                self._context.by(self._key, lambda: observation.cancel(self._asked, now()))
            else:
                observation.forget()
                self._context.endpoint.cancel(observation.exchange, now())
            self._context.flush()
        except Exception:  # too many requests are open, or no memory
            observation.forget()

    def _drop(self):
        self._observation.forget()
        self._observation = None

    def _wake(self):
        if self._event is not None:
            self._event.ended.set()


def read_whole(source: "Source") -> bytes:
    """Return what a file gives, since it is asked with more than once."""
    whole = b""
    while True:
        octets = source.read(_PIECE)
        if not octets:
            return whole
        whole += octets


def _accept(kind, subject, message):
    if kind == NOTIFICATION:
        subject.accept(message, now())


class _Event(Call):
    """What `Context.wait` waits for: it has no result."""

    def result(self, ping=False):
        """Return nothing."""
