# SPDX-License-Identifier: MIT
"""What a task waits for while a request of its is under way, and how that ends."""

import asyncio

from .. import numbers
from ..compat import const
from ..exchange import REFUSED, RESET, RESPONSE, TIMEOUT
from ..message import Message
from .response import Response
from .waiting import now

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from ..endpoint import Endpoint

_WAITING = const(16)  # calls that wait for their turn while MAX_EXCHANGES are open
_HOMES = const(
    "Context context,Response response,SerialLink serial,Site site,Request site.request,File site.files,"
    "Failure site.failure"
)


def offered(name: str) -> "Any":
    """Return what `coap.aio` offers under a name. It stands here since a device, which uses modules of that package and
    none of its names, would keep it for nothing. Raise AttributeError."""
    from ..compat import submodule

    if not name[:1].isupper():
        return submodule("coap.aio", name)
    home = "errors"
    for each in _HOMES.split(","):
        if each.startswith(name + " "):
            home = each[len(name) + 1 :]
    return getattr(submodule("coap.aio", home), name)


class Call:
    """A request that a task waits for. It is the tag of its exchange, and is called with each event of that."""

    code = 0  # of the request

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.kind = 0
        self.message: Message | None = None
        self.exchange: "Any" = None

    def __call__(self, kind: int, subject: "Any", message: Message | None) -> None:
        """Take an event of the exchange: the call has ended."""
        self.kind = kind
        self.message = message
        self.ended.set()

    def result(self, ping: bool = False, security: "Any" = None) -> Response | None:
        """Return the Response; None for the answer to a ping, and where none was wanted. Raise what else became of
        it; `security` of the endpoint says what a response means that does not verify."""
        if self.kind == RESPONSE:
            if self.message is None:
                return None  # No-Response
            return Response(self.message, self.exchange.peer)  # type: ignore[arg-type]
        if self.kind == RESET and ping:
            return None
        from . import errors

        peer = self.exchange and self.exchange.peer
        if self.kind == RESET:
            raise errors.Refused("%r answered with Reset" % (peer,))
        if self.kind == TIMEOUT:
            raise errors.NoAnswer("%r does not answer" % (peer,))
        if self.kind == REFUSED:
            raise errors.Unverified("%r: %s" % (peer, security.explain(self.message)))
        if not self.kind:
            raise errors.Closed()
        why = getattr(self.exchange.body, "failure", None) or "the body did not come whole"
        error = errors.Incomplete("%r: %s" % (peer, why))
        error.response = self.message
        raise error


class Calls:
    """A base class of Context, whose attributes these methods use: how calls begin, wait for their turn, and end."""

    if _TYPING:
        endpoint: Endpoint
        check: Callable[..., None]
        flush: Callable[..., None]
        _calls: list
        _turns: list  # events of the calls that wait until an exchange has ended

    async def wait(self, call: Call) -> "Any":
        """Wait until `call` has ended; return its result. Raise Closed where the context is closed."""
        self.check()
        self._calls.append(call)
        try:
            await call.ended.wait()
        finally:
            self._calls.remove(call)
        self.check()
        return call.result()

    async def call(self, call: Call, start: "Any", ping: bool = False) -> "Any":
        """Have `start()` begin an exchange whose tag is `call`, when there is room for one; return the result."""
        self._calls.append(call)
        try:
            call.exchange = await self.started(start)
            await call.ended.wait()
        finally:
            self._calls.remove(call)
            if not call.kind and call.exchange is not None:
                self.endpoint.cancel(call.exchange, now())
                self.flush()
            self._next_turn()
        return call.result(ping, self.endpoint.security)

    async def started(self, start: "Any") -> "Any":
        """Return what `start()` returns, called as soon as there is room for an exchange."""
        turn = None
        try:
            while True:
                self.check()
                if turn is None and self._turns or turn is not None and self._turns[0] is not turn:
                    pass  # others wait for longer
                else:
                    try:
                        exchange = start()
                        self.flush()
                        return exchange
                    except Exception as error:
                        if not _is_busy(error) or turn is None and len(self._turns) >= _WAITING:
                            raise
                if turn is None:
                    if len(self._turns) >= _WAITING:
                        from ..errors import BusyError

                        raise BusyError("%d calls wait for their turn" % _WAITING)
                    turn = asyncio.Event()
                    self._turns.append(turn)
                turn.clear()
                await turn.wait()
        finally:
            if turn is not None:
                self._turns.remove(turn)
                self._next_turn()

    def _next_turn(self):
        if self._turns:
            self._turns[0].set()

    def by(self, context: "Any", start: "Callable[[], Any]") -> "Any":
        """Return what `start()` returns, which sends requests, by this oscore.Context; None: by the rule."""
        if context is None:
            return start()
        if not hasattr(self.endpoint.security, "by"):
            raise ValueError("context: security=oscore.Keyring([...]) has several to choose from")
        return self.endpoint.security.by(context, start)  # type: ignore

    def _told_apart(self, message, peer, call):
        """Return the message, with a Request-Tag where another one of its method is under way to the same peer: if
        both are answered in blocks, nothing else tells whose next one is asked for (RFC 9175 section 3). For each block
        of a GET the server begins anew."""
        for each in self._calls:
            if (
                each is not call
                and each.code == message.code != numbers.GET
                and each.exchange is not None
                and each.exchange.peer == peer
                and message.option(numbers.REQUEST_TAG) is None
            ):
                options = list(message.options) + [(numbers.REQUEST_TAG, self.endpoint.random(4))]
                return Message(message.code, message.payload, options, message.type, 0, message.token)
        return message


def _is_busy(error):
    # MicroPython 1.25 keeps half of a module that there was no memory for, and crashes when that is imported again
    if isinstance(error, MemoryError):
        return False
    from ..errors import BusyError

    return isinstance(error, BusyError)
