# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The Security Context, and how it protects one message: RFC 8613 sections 3 to 6 and 8.

AES-CCM-16-64-128 and HKDF with SHA-256, no others.
"""
from collections.abc import Callable
from typing import Any
from .._contracts import Storage
from ..message import Message

class RefusedError(Exception):
    """A request that does not verify: the response `code` of section 8.2; str() is its diagnostic payload."""
    code: Any
    def __init__(self, code, why): ...

class UnverifiedError(Exception):
    """A response that does not verify, or is none that is protected."""

class OlderError(UnverifiedError):
    """A notification that verifies, but is not newer than the last one that came."""

class Binding:
    """What ties a response to its request (section 5.4), at either end. `context` is whose key both have."""
    again: bool
    outer: Any
    second: Any
    derived: Any
    own: int | None
    challenge: bool
    last: Any
    context: Any
    aad: Any
    nonce: Any
    observe: Any
    def __init__(self, context, kid, piv, nonce, observe): ...

class Context:
    """One key shared with one peer.

    `master_secret` of 16 octets or more, `sender_id` and `recipient_id` of up to 7 octets that differ, `id_context`
    and `master_salt` as in section 3.2. What `storage` must promise stands in `coap.oscore`; its file of this key must
    never be removed nor put back to what it was. `random(n)` gives n octets.
    `keys` are what hkdf.keys has derived, where that was done before.
    Raise ValueError for parameters that cannot be, StateError or OSError for storage that cannot be relied on.
    """
    renews: bool
    sender_id: bytes
    recipient_id: bytes
    id_context: bytes | None
    random: Callable[[int], bytes]
    kid_context: bytes | None
    def __init__(self, master_secret: bytes, sender_id: bytes, recipient_id: bytes, storage: Storage, master_salt: bytes=b'', id_context: bytes | None=None, random: Callable[[int], bytes]=..., keys: tuple | None=None) -> None: ...
    def __repr__(self): ...
    def protect_request(self, message: Message) -> tuple[Message, Binding]:
        """Return (the protected Message, its Binding): section 8.1. Raise StateError, OSError, MessageError."""
    def skip(self) -> None:
        """Skip some of our own numbers, after the peer said that it had seen one before. Raise as
        `protect_request`.
        """
    def read_own(self, message: Message, binding: Binding) -> Message:
        """Return the plain request in what `protect_request` gave before."""
    def unprotect_response(self, message: Message, binding: Binding) -> Message:
        """Return the plain Message: section 8.4. Raise UnverifiedError, OlderError."""
    def is_for(self, kid: bytes, id_context: bytes | None) -> bool:
        """Return whether a request with these is made with this key."""
    def unprotect_request(self, message: Message, piv: bytes, id_context: bytes | None=None) -> tuple[Message, Binding]:
        """Return (the plain Message, its Binding): section 8.2, where `piv` and `id_context` are what the option said.

        Raise RefusedError; OSError where the storage fails, and then the request counts as never seen. Where
        `binding.challenge` is set, the request may be a replay, and a challenge is the only thing to answer.
        """
    def is_new(self, piv: bytes, id_context: bytes | None=None) -> bool | None:
        """Return whether a request with this Partial IV may be new; None where nobody can tell after a restart of
        ours, and it is not the highest so far. Only the highest is challenged, since the peer goes on from
        there.
        """
    def save(self) -> Any:
        """Return what `unprotect_request` changes, but for numbers that are used up."""
    def restore(self, saved: Any) -> None:
        """Put back what `save` gave."""
    @property
    def echo(self) -> bytes:
        """The value of a challenge: a request that has it was made after this program began (appendix B.1.2)."""
    def protect_response(self, message: Message, binding: Binding) -> Message:
        """Return the protected Message: section 8.3. The first has the request's nonce, others a Partial IV of our
        own.

        Raise MessageError, and where a Partial IV is needed StateError and OSError.
        """
    @property
    def can_challenge(self) -> bool:
        """Whether a request that comes again can be challenged: not where its first challenge could not be made."""
def seal(key, message, code, option, nonce, binding):
    """Return the protected Message: sections 4.1, 4.2 and 5.3."""
def read_request_option(message):
    """Return (Partial IV, kid, kid context or None) of a request: section 6.1. Raise RefusedError."""
def read_option(value):
    """Return (Partial IV or b"", kid or None, kid context or None). Raise ValueError."""
def inner(message, text):
    """Return the plain Message of a decrypted text: inner options, and what is outside by its class. Raise
    ValueError.
    """
def nonce_of(base, piv):
    """Return the nonce of a Partial IV (section 5.2); `base` is that of 0."""
