# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""A key that both sides make anew where one has lost its state: RFC 8613 appendix B.2.

Sender and recipient IDs, Master Secret and Master Salt stay; each new Security Context has another ID Context, of
random octets of both sides. Who asks first begins:

    request 1   protected with ID Context R1, and says R1
    response 1  4.01, protected with R2 || R1, and says R2
    request 2   the same request, protected with R2 || R3, and says that
    response 2  its response; from now on both use R2 || R3

R2 is a random number with its HMAC, by a key that is forgotten when a run is over (appendix B.2.1), so nothing is kept
of a request 1, and a recorded request 2 is worth nothing.
"""
from collections.abc import Callable
from typing import Any
from .._contracts import Storage
from ..message import Message
from .context import Binding

class RenewableContext:
    """One key shared with one peer, as a Context, of which both sides must be one. It begins without a Security
    Context, and has a new one made with the first request of either side; again where the storage was lost, where the
    peer does not know the last one any more, and after `renew`.

    `storage` is as coap.oscore says. Without it each start makes a new Security Context, and nothing is written.
    Raise ValueError for parameters that cannot be, OSError for a storage that fails.
    """
    renews: bool
    skip: Any
    sender_id: bytes
    recipient_id: bytes
    random: Callable[[int], bytes]
    key: Any
    def __init__(self, master_secret: bytes, sender_id: bytes, recipient_id: bytes, storage: Storage | None=None, master_salt: bytes=b'', random: Callable[[int], bytes]=...) -> None: ...
    def __repr__(self): ...
    @property
    def id_context(self) -> bytes | None:
        """The ID Context in use, None where there is none yet."""
    def renew(self) -> None:
        """Have the next request make a new Security Context. Until that is done, the peer's requests are taken with
        the one that there is.
        """
    def write(self, octets: bytes) -> None:
        """Replace the file. Raise OSError, StateError where somebody else has written it since."""
    def protect_request(self, message: Message) -> tuple[Message, Binding]:
        """As Context.protect_request."""
    def read_own(self, message: Message, binding: Binding) -> Message:
        """As Context.read_own."""
    def unprotect_response(self, message: Message, binding: Binding) -> Message:
        """As Context.unprotect_response. After a response 1 the same request has to go out again: then `binding.again`
        is true, and what is returned is the 4.01.
        """
    def is_for(self, kid: bytes, id_context: bytes | None) -> bool:
        """As Context.is_for."""
    def is_new(self, piv: bytes, id_context: bytes | None=None) -> bool | None:
        """As Context.is_new."""
    def unprotect_request(self, message: Message, piv: bytes, id_context: bytes | None=None) -> tuple[Message, Binding]:
        """As Context.unprotect_request."""
    def protect_response(self, message: Message, binding: Binding) -> Message:
        """As Context.protect_response."""
    @property
    def echo(self) -> bytes:
        """As Context.echo."""
    @property
    def can_challenge(self) -> bool:
        """As Context.can_challenge."""
    def save(self) -> Any:
        """As Context.save."""
    def restore(self, saved: Any) -> None:
        """As Context.restore. Want no memory."""
