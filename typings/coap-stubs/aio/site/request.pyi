# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What a handler is given: the request, and short ways to what is in it."""
from typing import Any
from ..._contracts import Peer
from ...message import Message

class Request(Message):
    """A request of `peer` to a Site. It is a Message, so `options`, `option()`, `uint()`, `payload`, `path` are there.

    `arguments` is what the pattern of the route has captured, {name: str or int}. `context` is the oscore.Context that
    it came by, which says who asks; None for a request that came unprotected.

    With `stream=True` at its route, `async for piece in request` gives the body in pieces (bytes) as they come, and
    `payload` has none of it; `offset` is how many octets were sent before, where a broken upload is resumed.
    """
    peer: Peer
    context: Any
    arguments: dict[str, Any]
    offset: int
    def __init__(self, message: Message, peer: Peer, context: Any=None, reading: Any=None, incoming: Any=None) -> None: ...
    def __aiter__(self) -> Any: ...
    @property
    def multicast(self) -> bool:
        """Whether it came by multicast (RFC 7252 section 8.2)."""
    @property
    def quiet(self) -> int:
        """Which responses are not sent: the sum of 2 for 2.xx, 8 for 4.xx, 16 for 5.xx, as No-Response says (RFC 7967),
        and 1 for 2.xx without payload. 25 for a request by multicast that does not say. A handler may change it.
        """
    @quiet.setter
    def quiet(self, classes: int) -> None: ...
    @property
    def query(self) -> dict[str, str]:
        """The Uri-Query options as {name: value}: "a=1" is "a": "1", and one without "=" has "". Of those that come
        twice the last one counts; all of them are among `options`. What is not UTF-8 is refused with 4.00.
        """
    @property
    def text(self) -> str:
        """The payload as text; what is not UTF-8 is refused with 4.00."""
    def json(self) -> Any:
        """Return what the JSON in the payload means; what is no JSON is refused with 4.00."""
    @property
    def content_format(self) -> int | None:
        """The number of the payload's Content-Format (RFC 7252 section 12.3), None where it does not say."""
    @property
    def accept(self) -> int | None:
        """The number of the one Content-Format that the client takes, None where it takes any."""
