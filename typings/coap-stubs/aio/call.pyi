# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What a task waits for while a request of its is under way, and how that ends."""
from typing import Any
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
def offered(name: str) -> Any:
    """Return what `coap.aio` offers under a name. It stands here since a device, which uses modules of that package and
    none of its names, would keep it for nothing. Raise AttributeError.
    """
