# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What a task waits for while a request of its is under way, and how that ends."""
from collections.abc import Callable
from typing import Any
from ..endpoint import Endpoint
from ..message import Message
from .response import Response

class Call:
    """A request that a task waits for. It is the tag of its exchange, and is called with each event of that."""
    code: int
    ended: Any
    kind: int
    message: Message | None
    exchange: Any
    def __init__(self) -> None: ...
    def __call__(self, kind: int, subject: Any, message: Message | None) -> None:
        """Take an event of the exchange: the call has ended."""
    def result(self, ping: bool=False, security: Any=None) -> Response | None:
        """Return the Response; None for the answer to a ping, and where none was wanted. Raise what else became of
        it; `security` of the endpoint says what a response means that does not verify.
        """

class Calls:
    """A base class of Context, whose attributes these methods use: how calls begin, wait for their turn, and end."""
    endpoint: Endpoint
    check: Callable[..., None]
    flush: Callable[..., None]
    async def wait(self, call: Call) -> Any:
        """Wait until `call` has ended; return its result. Raise Closed where the context is closed."""
    async def call(self, call: Call, start: Any, ping: bool=False) -> Any:
        """Have `start()` begin an exchange whose tag is `call`, when there is room for one; return the result."""
    async def started(self, start: Any) -> Any:
        """Return what `start()` returns, called as soon as there is room for an exchange."""
    def by(self, context: Any, start: Callable[[], Any]) -> Any:
        """Return what `start()` returns, which sends requests, by this oscore.Context; None: by the rule."""
def offered(name: str) -> Any:
    """Return what `coap.aio` offers under a name. It stands here since a device, which uses modules of that package and
    none of its names, would keep it for nothing. Raise AttributeError.
    """
