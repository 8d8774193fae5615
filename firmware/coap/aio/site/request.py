# SPDX-License-Identifier: MIT
"""What a handler is given: the request, and short ways to what is in it."""

from ... import numbers
from ...compat import const, json_value
from ...message import Message
from .failure import Failure

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer


class Request(Message):
    """A request of `peer` to a Site. It is a Message, so `options`, `option()`, `uint()`, `payload`, `path` are there.

    `arguments` is what the pattern of the route has captured, {name: str or int}. `context` is the oscore.Context that
    it came by, which says who asks; None for a request that came unprotected.

    With `stream=True` at its route, `async for piece in request` gives the body in pieces (bytes) as they come, and
    `payload` has none of it; `offset` is how many octets were sent before, where a broken upload is resumed.
    """

    def __init__(
        self,
        message: Message,
        peer: "Peer",
        context: "Any" = None,
        reading: "Any" = None,
        incoming: "Any" = None,
    ) -> None:
        super().__init__(
            message.code,
            b"" if reading else message.payload,
            message.options,
            message.type,
            message.mid,
            message.token,
        )
        self.peer = peer
        self.context = context
        self.arguments: dict[str, Any] = {}
        self._reading = reading
        self._incoming = incoming
        # octets before the body that this request has or begins: 0, but for a stream that resumes a broken one
        self.offset: int = reading.offset if reading else 0

    def __aiter__(self) -> "Any":
        if self._reading is None:
            from .streaming import Whole

            self._reading = Whole(self.payload)
        return self._reading

    @property
    def multicast(self) -> bool:
        """Whether it came by multicast (RFC 7252 section 8.2)."""
        return getattr(self._incoming, "leisure", None) is not None

    @property
    def quiet(self) -> int:
        """Which responses are not sent: the sum of 2 for 2.xx, 8 for 4.xx, 16 for 5.xx, as No-Response says (RFC 7967),
        and 1 for 2.xx without payload. 25 for a request by multicast that does not say. A handler may change it."""
        return getattr(self._incoming, "quiet", 0)

    @quiet.setter
    def quiet(self, classes: int) -> None:
        if self._incoming is not None:
            self._incoming.quiet = classes

    @property
    def query(self) -> dict[str, str]:
        """The Uri-Query options as {name: value}: "a=1" is "a": "1", and one without "=" has "". Of those that come
        twice the last one counts; all of them are among `options`. What is not UTF-8 is refused with 4.00."""
        found = {}
        for number, value in self.options:
            if number == numbers.URI_QUERY:
                name, _, text = _text(value).partition("=")
                found[name] = text
        return found

    @property
    def text(self) -> str:
        """The payload as text; what is not UTF-8 is refused with 4.00."""
        return _text(self.payload)

    def json(self) -> "Any":
        """Return what the JSON in the payload means; what is no JSON is refused with 4.00."""
        try:
            return json_value(self.payload)
        except ValueError:
            raise Failure(numbers.BAD_REQUEST, "no JSON")

    @property
    def content_format(self) -> int | None:
        """The number of the payload's Content-Format (RFC 7252 section 12.3), None where it does not say."""
        return self.uint(numbers.CONTENT_FORMAT)

    @property
    def accept(self) -> int | None:
        """The number of the one Content-Format that the client takes, None where it takes any."""
        return self.uint(numbers.ACCEPT)


def _text(octets):
    try:
        return str(bytes(octets), "utf-8")
    except UnicodeError:
        raise Failure(numbers.BAD_REQUEST, "not UTF-8")
