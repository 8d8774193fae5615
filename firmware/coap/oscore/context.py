# SPDX-License-Identifier: MIT
"""The Security Context, and how it protects one message: RFC 8613 sections 3 to 6 and 8.

AES-CCM-16-64-128 and HKDF with SHA-256, no others.
"""

from hashlib import sha256

from .. import numbers
from ..compat import const, random_octets
from ..message import Message, MessageError, append_content, read_content, uint_octets
from . import ccm
from .state import ReplayWindow, Sequence

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Storage

_NONCE = const(13)
_SKIP = const(1024)  # numbers to skip; four times as many each further time
_MAX_SKIPPED = const(65536)
_FLOOR_STEP = const(64)  # requests of the peer between two writes of the number up to which none is new

# Of `numbers`, and used for each message: the compiler puts the figures in their place
_OBSERVE = const(6)
_OSCORE = const(9)
_PROXY_URI = const(35)

# Class U (section 4.1, figure 5): what a proxy must see. Observe is here and inside as well; all others are inside.
_OUTER = (numbers.URI_HOST, numbers.URI_PORT, _OSCORE, _PROXY_URI, numbers.PROXY_SCHEME)


class RefusedError(Exception):
    """A request that does not verify: the response `code` of section 8.2; str() is its diagnostic payload."""

    def __init__(self, code, why):
        super().__init__(why)
        self.code = code


class UnverifiedError(Exception):
    """A response that does not verify, or is none that is protected."""


class OlderError(UnverifiedError):
    """A notification that verifies, but is not newer than the last one that came."""


class Binding:
    """What ties a response to its request (section 5.4), at either end. `context` is whose key both have."""

    # of the class, for most never have them
    again = False  # whether a follow-up of the request is due, instead of an answer
    outer: "Any" = None  # what `outer` has of the request, or of the response
    second: "Any" = None  # what `renewal` must know for its first response
    derived: "Any" = None  # which of its Security Contexts a RenewableContext used
    own: "int | None" = None  # Partial IV that is set aside for a challenge
    challenge = False  # whether that is the only answer, which this request may have had before
    last = -1  # Notification Number (section 7.4.1)

    def __init__(self, context, kid, piv, nonce, observe):
        self.context = context
        self.aad = _aad(kid, piv)
        self.nonce = nonce  # of the request; the server may use it once, for a response
        self.observe = observe  # whether the request had Observe


class Context:
    """One key shared with one peer.

    `master_secret` of 16 octets or more, `sender_id` and `recipient_id` of up to 7 octets that differ, `id_context`
    and `master_salt` as in section 3.2. What `storage` must promise stands in `coap.oscore`; its file of this key must
    never be removed nor put back to what it was. `random(n)` gives n octets.
    `keys` are what hkdf.keys has derived, where that was done before.
    Raise ValueError for parameters that cannot be, StateError or OSError for storage that cannot be relied on.
    """

    renews = False  # whether a new one is made where this can't be used any more

    def __init__(
        self,
        master_secret: bytes,
        sender_id: bytes,
        recipient_id: bytes,
        storage: "Storage",
        master_salt: bytes = b"",
        id_context: bytes | None = None,
        random: "Callable[[int], bytes]" = random_octets,
        keys: "tuple | None" = None,
    ) -> None:
        self.sender_id = sender_id
        self.recipient_id = recipient_id
        self.id_context = id_context
        self.random = random
        self.kid_context = id_context  # what a request says of it
        if keys is None:
            from ..compat import unload
            from . import hkdf

            key = hkdf.extract(master_salt, master_secret)
            keys = hkdf.keys(key, sender_id, recipient_id, id_context)
            unload("coap.oscore.hkdf")  # its work is done
        self._sender_key, self._recipient_key, self._sender_nonce, self._recipient_nonce = keys
        # The name is another one for each key, and reveals nothing of the key.
        name = sha256(b"row of " + self._sender_key).digest()[:6]
        self._sequence = Sequence(storage, "oscore-" + "".join(["%02x" % octet for octet in name]))
        self._window = ReplayWindow()
        self._skip = _SKIP
        self._new = not self._sequence.stored  # as far as we know, this key was never used
        if self._new:
            self._window.begin(-1)
        self._echo = random(8)
        self._challenged = -1  # the highest Partial IV that was, since our restart
        self._challenge: "Any" = None  # what it was given, protected

    def __repr__(self):
        return "<Context sender %s, recipient %s>" % (_hex(self.sender_id), _hex(self.recipient_id))

    # --- as a client ------------------------------------------------------------------------------------

    def protect_request(self, message: Message) -> tuple[Message, Binding]:
        """Return (the protected Message, its Binding): section 8.1. Raise StateError, OSError, MessageError."""
        piv = _piv(self._sequence.next_number())
        observe = message.option(_OBSERVE) is not None
        binding = Binding(self, self.sender_id, piv, nonce_of(self._sender_nonce, piv), observe)
        flags = 8 | len(piv)  # with kid
        if self.kid_context is not None:
            flags |= 16
            piv += len(self.kid_context).to_bytes(1, "big") + self.kid_context
        option = flags.to_bytes(1, "big") + piv + self.sender_id
        code = numbers.FETCH if observe else numbers.POST
        return seal(self._sender_key, message, code, option, binding.nonce, binding), binding

    def skip(self) -> None:
        """Skip some of our own numbers, after the peer said that it had seen one before. Raise as
        `protect_request`."""
        if self._new:
            # The key was used before after all, so recorded requests may be from that time.
            self._new = False
            self._window = ReplayWindow()
            self._challenged = -1
            self._echo = self.random(8)
        self._sequence.skip(self._skip)
        self._skip = min(4 * self._skip, _MAX_SKIPPED)

    def read_own(self, message: Message, binding: Binding) -> Message:
        """Return the plain request in what `protect_request` gave before."""
        text = ccm.read_own(self._sender_key, binding.nonce, message.payload)
        return inner(message, text)

    def unprotect_response(self, message: Message, binding: Binding) -> Message:
        """Return the plain Message: section 8.4. Raise UnverifiedError, OlderError."""
        value = message.option(_OSCORE)
        if value is None:
            raise UnverifiedError  # not protected
        try:
            piv = b""
            if value:
                piv, kid, id_context = read_option(value)
                if kid not in (None, self.recipient_id) or id_context not in (None, self.id_context):
                    raise ValueError  # another context
            nonce = nonce_of(self._recipient_nonce, piv) if piv else binding.nonce
            text = ccm.open_sealed(self._recipient_key, nonce, binding.aad, message.payload)
            plain = inner(message, text)
            if plain.code < 32:
                raise ValueError  # a request, or empty
        except ValueError:
            raise UnverifiedError
        if plain.options:
            self._order_notification(plain, message, piv, binding)
        return plain

    def _order_notification(self, plain, message, piv, binding):
        """Section 4.1.3.5.2: a notification has Observe inside and outside; the Partial IV says what is newer."""
        inside = plain.option(_OBSERVE)
        if inside is None:
            return
        plain.options = [option for option in plain.options if option[0] != _OBSERVE]
        if message.option(_OBSERVE) is None or not binding.observe:
            return
        number = int.from_bytes(piv, "big")
        if piv:
            if number <= binding.last:
                raise OlderError
            binding.last = number
        elif binding.last >= 0:
            raise UnverifiedError  # only the first notification may lack a Partial IV
        plain.options.append((_OBSERVE, uint_octets(number & 0xFFFFFF)))

    # --- as a server ------------------------------------------------------------------------------------

    def is_for(self, kid: bytes, id_context: bytes | None) -> bool:
        """Return whether a request with these is made with this key."""
        return kid == self.recipient_id and id_context in (None, self.id_context)

    def unprotect_request(
        self, message: Message, piv: bytes, id_context: bytes | None = None
    ) -> tuple[Message, Binding]:
        """Return (the plain Message, its Binding): section 8.2, where `piv` and `id_context` are what the option said.

        Raise RefusedError; OSError where the storage fails, and then the request counts as never seen. Where
        `binding.challenge` is set, the request may be a replay, and a challenge is the only thing to answer.
        """
        number = int.from_bytes(piv, "big")
        if not self.is_new(piv):
            raise RefusedError(numbers.UNAUTHORIZED, "Replay detected")
        observe = message.option(_OBSERVE)
        nonce = nonce_of(self._recipient_nonce, piv)
        binding = Binding(self, self.recipient_id, piv, nonce, observe is not None)
        try:
            text = ccm.open_sealed(self._recipient_key, binding.nonce, binding.aad, message.payload)
        except ValueError:
            raise RefusedError(numbers.BAD_REQUEST, "Decryption failed")
        try:
            plain = inner(message, text)
            if not numbers.is_request(plain.code):
                raise ValueError  # not a request
        except ValueError:
            raise RefusedError(numbers.BAD_OPTION, "Failed to decode COSE")
        if not self._window.known:
            if plain.option(numbers.ECHO) != self._echo:
                # It may be a replay, and its nonce may have served for a response already: the challenge uses a
                # number of our own. A recorded request must not cost a number each time, so the same one gets the
                # same challenge again.
                if number != self._challenged:
                    binding.own = self._sequence.next_number()
                    self._challenged = number
                    self._challenge = None
                binding.nonce = None
                binding.challenge = True
                return plain, binding
            self._window.begin(number)  # it was made after our restart: all before it may be replays
            self._challenge = None
        else:
            if not self._sequence.stored:
                # From now on a restart must know that there was a window.
                self._sequence.reserve()
            self._window.strike(number)
        self._raise_floor()
        if plain.option(_OBSERVE) != observe:  # section 4.1.3.5.1: a proxy took it away
            plain.options = [option for option in plain.options if option[0] != _OBSERVE]
        return plain, binding

    def is_new(self, piv: bytes, id_context: bytes | None = None) -> bool | None:
        """Return whether a request with this Partial IV may be new; None where nobody can tell after a restart of
        ours, and it is not the highest so far. Only the highest is challenged, since the peer goes on from
        there."""
        number = int.from_bytes(piv, "big")
        if self._window.known:
            return self._window.is_new(number)
        if number <= self._sequence.floor:
            return False
        return number >= self._challenged or None

    def _raise_floor(self):
        """Write now and then the number up to which no request can be new, so that few are in doubt after a
        restart."""
        floor = self._window.lowest - 1
        if floor >= self._sequence.floor + _FLOOR_STEP:
            try:
                self._sequence.reserve(floor)
            except OSError:
                if self._sequence.shared:
                    raise  # what one program takes, a recording may bring to the other
                # the only loss: more requests are challenged after a restart

    def save(self) -> "Any":
        """Return what `unprotect_request` changes, but for numbers that are used up."""
        window = self._window
        return window.highest, window.seen, self._challenged, self._challenge

    def restore(self, saved: "Any") -> None:
        """Put back what `save` gave."""
        window = self._window
        window.highest, window.seen, self._challenged, self._challenge = saved

    @property
    def echo(self) -> bytes:
        """The value of a challenge: a request that has it was made after this program began (appendix B.1.2)."""
        return self._echo

    def protect_response(self, message: Message, binding: Binding) -> Message:
        """Return the protected Message: section 8.3. The first has the request's nonce, others a Partial IV of our
        own.

        Raise MessageError, and where a Partial IV is needed StateError and OSError.
        """
        if binding.challenge and binding.own is None:
            sealed = self._challenge
            return Message(
                sealed.code, sealed.payload, sealed.options, message.type, message.mid, message.token
            )
        nonce = binding.nonce
        option = b""
        if nonce is None:
            number = self._sequence.next_number() if binding.own is None else binding.own
            binding.own = None
            piv = _piv(number)
            nonce = nonce_of(self._sender_nonce, piv)
            option = bytes((len(piv),)) + piv
        binding.nonce = None
        code = numbers.CONTENT if binding.observe else numbers.CHANGED
        sealed = seal(self._sender_key, message, code, option, nonce, binding)
        if binding.challenge:
            self._challenge = sealed
        return sealed

    @property
    def can_challenge(self) -> bool:
        """Whether a request that comes again can be challenged: not where its first challenge could not be made."""
        return self._challenge is not None


def seal(key, message, code, option, nonce, binding):
    """Return the protected Message: sections 4.1, 4.2 and 5.3."""
    inside = []
    outside = [(_OSCORE, option)]
    for number, value in message.options:
        if number in _OUTER:
            if number == _PROXY_URI:
                # section 4.1.3.3: path and query in it would be seen
                raise MessageError("Proxy-Uri goes in parts: Proxy-Scheme, Uri-Host, Uri-Path and their like")
            outside.append((number, value))
            continue
        if number == _OBSERVE:
            outside.append((number, value))
            if not numbers.is_request(message.code):
                value = b""
        inside.append((number, value))
    text = bytearray((message.code,))
    append_content(text, inside, message.payload)
    payload = ccm.seal(key, nonce, binding.aad, text)
    return Message(code, payload, outside, message.type, message.mid, message.token)


def read_request_option(message):
    """Return (Partial IV, kid, kid context or None) of a request: section 6.1. Raise RefusedError."""
    try:
        piv, kid, id_context = read_option(message.option(_OSCORE))
        if not piv or kid is None:
            raise ValueError
    except ValueError:
        raise RefusedError(numbers.BAD_OPTION, "Failed to decode COSE")
    return piv, kid, id_context


def read_option(value):
    """Return (Partial IV or b"", kid or None, kid context or None). Raise ValueError."""
    if not value:
        return b"", None, None
    flags = value[0]
    position = 1 + (flags & 7)
    if flags & 0xE0 or flags & 7 > 5:
        raise ValueError  # reserved flags
    piv = value[1:position]
    id_context = None
    if flags & 16:
        length = value[position] if position < len(value) else 256
        position += 1
        id_context = value[position : position + length]
        position += length
    kid = value[position:]
    if position > len(value) or kid and not flags & 8:
        raise ValueError  # lengths do not fit
    return piv, kid if flags & 8 else None, id_context


def inner(message, text):
    """Return the plain Message of a decrypted text: inner options, and what is outside by its class. Raise
    ValueError."""
    if not text:
        raise MessageError("no code")
    options, payload = read_content(text, 1)
    if options:
        options = [option for option in options if option[0] not in _OUTER]
    for option in message.options:
        if option[0] in _OUTER and option[0] != _OSCORE:
            options.append(option)
    return Message(text[0], payload, options, message.type, message.mid, message.token)


def _aad(kid, piv):
    """Enc_structure of RFC 9052 section 5.3 with the external_aad of RFC 8613 section 5.4:
    ["Encrypt0", h'', << [1, [10], kid, piv, h''] >>]."""
    # Both are short: the whole has less than 24 octets, and one octet tells its length (RFC 8949 section 3.1).
    size = len(kid)
    length = len(piv)
    return b"".join(
        (
            b"\x83\x68Encrypt0\x40",
            (0x40 | 7 + size + length).to_bytes(1, "big"),
            b"\x85\x01\x81\x0a",
            (0x40 | size).to_bytes(1, "big"),
            kid,
            (0x40 | length).to_bytes(1, "big"),
            piv,
            b"\x40",
        )
    )


def nonce_of(base, piv):
    """Return the nonce of a Partial IV (section 5.2); `base` is that of 0."""
    return (base ^ int.from_bytes(piv, "big")).to_bytes(_NONCE, "big")


def _piv(number):
    """Return a Partial IV: the fewest octets, but one for 0 (section 5)."""
    return number.to_bytes(1, "big") if number < 256 else uint_octets(number)


def _hex(octets):
    return "".join(["%02x" % octet for octet in octets]) or "(empty)"
