# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What a request of ours was answered with."""
from typing import Any
from .._contracts import Peer
from ..message import Message

class Response(Message):
    """A response: a Message, and whom it came from (`peer`). Its code may be an error, 4.xx or 5.xx.

    `length` is how many octets its body has, which may have gone elsewhere.
    """
    peer: Peer
    length: Any
    def __init__(self, message: Message, peer: Peer) -> None: ...
    @property
    def ok(self) -> bool:
        """Whether the code is of class 2, Success (RFC 7252 section 5.2)."""
    @property
    def text(self) -> str:
        """The payload as UTF-8. Raise UnicodeError where it is none."""
    def json(self) -> Any:
        """Return what the payload means as JSON. Raise ValueError where it is none."""
    @property
    def content_format(self) -> int | None:
        """The Content-Format (RFC 7252 section 5.10.3); None where nothing is said."""
    @property
    def etag(self) -> bytes | None:
        """The ETag (RFC 7252 section 5.10.6); None where there is none."""
    @property
    def location(self) -> str | None:
        """Where the resource is that was created, "/a/b?c=1" (RFC 7252 section 5.10.7); None where nothing is said."""
