# SPDX-License-Identifier: MIT
"""What a task waits for while a request of its is under way, and how that ends."""

import asyncio

from ..compat import const
from ..exchange import REFUSED, RESET, RESPONSE, TIMEOUT
from ..message import Message
from .response import Response

_TYPING = const(False)
if _TYPING:
    from typing import Any

_HOMES = const(
    "Context context,Response response,SerialLink serial,Site site,Request site.request,File site.files,"
    "Failure site.failure"
)


def offered(name: str) -> "Any":
    """Return what `coap.aio` offers under a name. It stands here since a device, which uses modules of that package and
    none of its names, would keep it for nothing. Raise AttributeError."""
    from ..submodule import submodule

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
