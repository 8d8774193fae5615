# SPDX-License-Identifier: MIT
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

from hashlib import sha256

from .. import numbers
from ..compat import const, random_octets
from ..message import Message, MessageError
from . import ccm, hkdf
from .context import (
    Binding,
    Context,
    RefusedError,
    UnverifiedError,
    inner,
    nonce_of,
    read_option,
    seal,
)
from .state import IN_USE

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Storage

_RANDOM = const(8)  # octets of R1 and R3, and of each half of R2
_SHORTEST = const(8)  # octets of an R1 of the peer
_LONGEST = const(64)
_CHECK = const(3)
_MAX_OCTETS = const(160)  # of the file


class RenewableContext:
    """One key shared with one peer, as a Context, of which both sides must be one. It begins without a Security
    Context, and has a new one made with the first request of either side; again where the storage was lost, where the
    peer does not know the last one any more, and after `renew`.

    `storage` is as coap.oscore says. Without it each start makes a new Security Context, and nothing is written.
    Raise ValueError for parameters that cannot be, OSError for a storage that fails.
    """

    renews = True

    def __init__(
        self,
        master_secret: bytes,
        sender_id: bytes,
        recipient_id: bytes,
        storage: "Storage | None" = None,
        master_salt: bytes = b"",
        random: "Callable[[int], bytes]" = random_octets,
    ) -> None:
        self.sender_id = sender_id
        self.recipient_id = recipient_id
        self.random = random
        self.key = hkdf.extract(master_salt, master_secret)
        self._storage: "Any" = storage
        hkdf.nonce_bases(self.key, (sender_id, recipient_id), b"")  # says whether the IDs can be
        name = sha256(b"renewable row of " + sender_id + self.key).digest()[:6]
        self._name = "oscore-" + "".join(["%02x" % octet for octet in name])
        self._secret: "Any" = None  # for the HMAC in R2, while we have answered a request 1
        self._trial: "Any" = None  # of our own run: what our requests use
        self._established: "Any" = None
        octets = storage.read(self._name, 0, _MAX_OCTETS) if storage else b""
        self._written = octets, octets  # what the file may have, as far as we know
        # A damaged file is as one that was lost.
        if len(octets) > _CHECK and octets[-_CHECK:] == _check(octets[:-_CHECK]):
            end = 1 + octets[0]
            slot = _Slot(self, storage, octets[1:end], octets[end:-_CHECK])
            self._established = _Derived(self, octets[1:end], slot, False)

    def __repr__(self):
        return "<RenewableContext %s>" % (self._established or "without a key")

    @property
    def id_context(self) -> bytes | None:
        """The ID Context in use, None where there is none yet."""
        return self._established.id_context if self._established else None

    def renew(self) -> None:
        """Have the next request make a new Security Context. Until that is done, the peer's requests are taken with
        the one that there is."""
        self._trial = self._derived(self.random(_RANDOM), None)

    skip = renew  # what a Context does where the peer has seen its numbers

    def _derived(self, id_context, storage):
        """Return a new Security Context, which is kept from its first write."""
        return _Derived(self, id_context, _Slot(self, storage, id_context), True)

    def write(self, octets: bytes) -> None:
        """Replace the file. Raise OSError, StateError where somebody else has written it since."""
        found = self._storage.read(self._name, 0, _MAX_OCTETS)
        if found and found not in self._written:
            from ..errors import StateError

            raise StateError(IN_USE % self._name)
        self._written = found, octets  # a write that fails may have taken place
        self._storage.replace(self._name, octets)

    # --- as a client ------------------------------------------------------------------------------------

    def protect_request(self, message: Message) -> tuple[Message, Binding]:
        """As Context.protect_request."""
        if self._trial is None and self._established is None:
            self.renew()
        return self._own((self._trial or self._established).protect_request(message))

    def read_own(self, message: Message, binding: Binding) -> Message:
        """As Context.read_own."""
        binding.again = False
        return binding.derived.read_own(message, binding)

    def unprotect_response(self, message: Message, binding: Binding) -> Message:
        """As Context.unprotect_response. After a response 1 the same request has to go out again: then `binding.again`
        is true, and what is returned is the 4.01."""
        derived = binding.derived
        r2 = None
        try:
            if message.option(numbers.OSCORE):
                r2 = _unwrapped(read_option(message.option(numbers.OSCORE))[2])
        except ValueError:
            raise UnverifiedError
        if r2 and r2 != derived.id_context:
            return self._second(message, binding, r2)
        if not derived.shared:
            raise UnverifiedError  # nothing is answered with the first
        plain = derived.unprotect_response(message, binding)
        # Where both sides had a run under way at once, that of the greater ID counts.
        if derived.wrapped and (derived is self._trial or self.sender_id > self.recipient_id):
            self._confirm(derived)
        return plain

    def _second(self, message, binding, r2):
        """Step 3: take a response 1."""
        derived = binding.derived
        id_context = r2 + derived.id_context
        piv = read_option(message.option(numbers.OSCORE))[0]
        nonce = binding.nonce
        if piv:
            nonce = nonce_of(hkdf.nonce_bases(self.key, (self.recipient_id,), id_context)[0], piv)
        key = hkdf.derive(self.key, self.recipient_id, id_context)
        try:
            plain = inner(message, ccm.open_sealed(key, nonce, binding.aad, message.payload))
        except ValueError:
            raise UnverifiedError
        if plain.code != numbers.UNAUTHORIZED:
            raise UnverifiedError
        if derived.wrapped and derived.shared:
            # The peer forgot its R2 in between. Once for each request, or this might go on for ever.
            if derived is self._trial:
                self.renew()
            return plain
        if self._trial in (None, derived):  # else another request has got there before
            third = self._derived(r2 + self.random(_RANDOM), None)
            third.shared = True
            self._trial = third
        binding.again = True
        # It has an option, as any response that must be looked at further.
        return Message(plain.code, b"", [(numbers.MAX_AGE, b"")], message.type, message.mid, message.token)

    def _confirm(self, derived):
        """Step 5: the peer has the third, too."""
        try:
            derived.keep(self._storage)
        except OSError:
            return  # after a restart there will be another run
        self._establish(derived)

    def _establish(self, derived):
        derived.wrapped = False
        derived.kid_context = derived.id_context
        derived.shared = True
        if self._established:
            self._established.slot.storage = None  # what it still sends must not write over the new one
        self._established = derived
        self._trial = self._secret = None

    # --- as a server ------------------------------------------------------------------------------------

    def is_for(self, kid: bytes, id_context: bytes | None) -> bool:
        """As Context.is_for."""
        return kid == self.recipient_id and bool(self._that(id_context) or _said(id_context))

    def _that(self, id_context):
        """Return the Security Context that a request with this was made with, None where it is none that we have."""
        for each in (self._trial, self._established):
            if each and each.shared and each.is_that(id_context):
                return each
        return None

    def is_new(self, piv: bytes, id_context: bytes | None = None) -> bool | None:
        """As Context.is_new."""
        derived = self._that(id_context)
        return derived.is_new(piv) if derived else True

    def unprotect_request(
        self, message: Message, piv: bytes, id_context: bytes | None = None
    ) -> tuple[Message, Binding]:
        """As Context.unprotect_request."""
        derived = self._that(id_context)
        if derived:
            found = self._own(derived.unprotect_request(message, piv))
            if derived is self._trial:
                self._confirm(derived)
            return found
        said = _said(id_context)
        if self._secret and said[: 2 * _RANDOM] == self._r2(said[:_RANDOM]) and len(said) > 2 * _RANDOM:
            # step 4
            derived = self._derived(said, self._storage)
            found = self._own(derived.unprotect_request(message, piv))  # writes it as well
            self._establish(derived)
            return found
        return self._first(message, piv, said)

    def _first(self, message, piv, id_context):
        """Step 2: take a request 1, which may be any request with an ID Context that we do not know any more."""
        nonce = nonce_of(hkdf.nonce_bases(self.key, (self.recipient_id,), id_context)[0], piv)
        binding = Binding(self, self.recipient_id, piv, nonce, message.option(numbers.OBSERVE) is not None)
        key = hkdf.derive(self.key, self.recipient_id, id_context)
        try:
            plain = inner(message, ccm.open_sealed(key, nonce, binding.aad, message.payload))
        except ValueError:
            raise RefusedError(numbers.BAD_REQUEST, "Decryption failed")
        self._secret = self._secret or self.random(2 * _RANDOM)
        binding.challenge = True
        half = self.random(_RANDOM)
        # No ID Context that begins so can be taken for a byte string of CBOR.
        binding.second = self._r2(bytes((half[0] | 0x80,)) + half[1:]), id_context
        return plain, binding

    def _r2(self, half):
        return half + hkdf.hmac(self._secret, half)[:_RANDOM]

    def protect_response(self, message: Message, binding: Binding) -> Message:
        """As Context.protect_response."""
        if binding.second is None:
            return binding.derived.protect_response(message, binding)
        if not binding.second:
            raise MessageError("a request 1 has one answer")
        r2, id_context = binding.second
        key = hkdf.derive(self.key, self.sender_id, r2 + id_context)
        code = numbers.CONTENT if binding.observe else numbers.CHANGED
        r2 = hkdf.byte_string(r2)
        option = bytes((16, len(r2))) + r2  # kid context alone
        # The nonce is that of the request, and the key is new.
        protected = seal(key, message, code, option, binding.nonce, binding)
        binding.second = ()
        return protected

    @property
    def echo(self) -> bytes:
        """As Context.echo."""
        return self._established.echo

    @property
    def can_challenge(self) -> bool:
        """As Context.can_challenge."""
        return self._established.can_challenge

    def _own(self, found):
        """Give a binding of a Security Context to the whole; `found` is what its methods return."""
        binding = found[1]
        binding.derived = binding.context
        binding.context = self
        return found

    def save(self) -> "Any":
        """As Context.save."""
        both = self._established, self._trial
        return both, [each and each.save() for each in both], self._secret

    def restore(self, saved: "Any") -> None:
        """As Context.restore. Want no memory."""
        both, inside, self._secret = saved
        self._established, self._trial = both
        if both[0]:
            both[0].slot.storage = self._storage
            both[0].restore(inside[0])
        if both[1]:
            both[1].restore(inside[1])


class _Derived(Context):
    """One Security Context of the several that a RenewableContext comes by."""

    def __init__(self, whole, id_context, slot, wrapped):
        sender_id, recipient_id = whole.sender_id, whole.recipient_id
        keys = hkdf.keys(whole.key, sender_id, recipient_id, id_context)
        Context.__init__(self, b"", sender_id, recipient_id, slot, b"", id_context, whole.random, keys)
        # Whether the peer may not know it yet, so that requests say it as a byte string of CBOR
        self.wrapped = wrapped
        if wrapped:
            self.kid_context = hkdf.byte_string(id_context)
        self.shared = not wrapped  # whether the peer can have it: not the first one
        self.slot = slot

    def is_that(self, id_context):
        """Return whether a request that says this means this Security Context."""
        return id_context in (None, self.id_context, hkdf.byte_string(self.id_context))

    def keep(self, storage):
        """Have it in the storage from now on. Raise OSError, MemoryError: then it is not."""
        self.slot.storage = storage
        try:
            self._sequence.reserve()
        except Exception:
            self.slot.storage = None
            raise


class _Slot:
    """The storage of the numbers of one Security Context: its ID Context lies in the same file, so that both are
    replaced at once. The file has the length of the ID Context (1), that, what `state` writes, and the first 3 octets
    of SHA-256 over all before them. Without a storage they are in the heap alone."""

    def __init__(self, whole, storage, id_context, octets=b""):
        self.storage = storage
        self._whole = whole
        self._id_context = id_context
        self._octets = octets

    def read(self, name, offset, size):
        """Return the numbers."""
        return self._octets[offset : offset + size]

    def replace(self, name, octets):
        """Write the numbers."""
        if self.storage:
            file = bytes((len(self._id_context),)) + self._id_context + octets
            self._whole.write(file + _check(file))
        self._octets = octets


def _check(octets):
    return sha256(octets).digest()[:_CHECK]


def _said(octets):
    """Return the ID Context that a request says, as B.2 writes it or as any other; None where it is too short."""
    found = _unwrapped(octets) or octets
    return found if found and _SHORTEST <= len(found) <= _LONGEST else None


def _unwrapped(octets):
    """Return what is in a CBOR byte string, as B.2 writes kid context; None for anything else."""
    if not octets:
        return None
    head = 2 if octets[0] == 0x58 else 1
    inside = octets[head:]
    if not _SHORTEST <= len(inside) <= _LONGEST or hkdf.byte_string(inside) != octets:
        return None
    return inside
