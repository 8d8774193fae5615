# SPDX-License-Identifier: MIT
"""What a request of ours was answered with."""

from .. import numbers
from ..compat import const, json_value
from ..message import Message

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer


class Response(Message):
    """A response: a Message, and whom it came from (`peer`). Its code may be an error, 4.xx or 5.xx.

    `length` is how many octets its body has, which may have gone elsewhere.
    """

    def __init__(self, message: Message, peer: "Peer") -> None:
        super().__init__(
            message.code, message.payload, message.options, message.type, message.mid, message.token
        )
        self.peer = peer
        self.length = len(message.payload)

    @property
    def ok(self) -> bool:
        """Whether the code is of class 2, Success (RFC 7252 section 5.2)."""
        return numbers.is_success(self.code)

    @property
    def text(self) -> str:
        """The payload as UTF-8. Raise UnicodeError where it is none."""
        return str(bytes(self.payload), "utf-8")

    def json(self) -> "Any":
        """Return what the payload means as JSON. Raise ValueError where it is none."""
        return json_value(self.payload)

    @property
    def content_format(self) -> int | None:
        """The Content-Format (RFC 7252 section 5.10.3); None where nothing is said."""
        return self.uint(numbers.CONTENT_FORMAT)

    @property
    def etag(self) -> bytes | None:
        """The ETag (RFC 7252 section 5.10.6); None where there is none."""
        return self.option(numbers.ETAG)

    @property
    def location(self) -> str | None:
        """Where the resource is that was created, "/a/b?c=1" (RFC 7252 section 5.10.7); None where nothing is said."""
        from ..uri.whole import location

        return location(self)
