# SPDX-License-Identifier: MIT
"""The security context of one key (RFC 8613 section 3), with its state in the store, and what nearly all messages need
of OSCORE: requests whose number can be checked, and the first response to each. All else is left to aiocoap.
"""

import functools
import secrets

import aiocoap
from aiocoap import oscore
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from tools.store.keys.numbers import LAST
from tools.transport.keys.window import Taken, Window

_AHEAD = 64  # sequence numbers for one write (appendix B.1.1)
_JUMPS = (
    1 << 20,
    1 << 24,
    1 << 28,
    1 << 32,
)  # sequence numbers, each time that a device has seen ours before
_GROUP = 0x20  # of the first octet of an OSCORE option (RFC 8613 section 6.1)


@functools.lru_cache(64)  # asked for some times for each request
def fields_of(option):
    """(kid, ID context, partial IV) of the value of an OSCORE option. Raises DecodeError."""
    try:
        _, _, fields, _ = oscore.CanUnprotect._uncompress(option, b"")
    except (oscore.DecodeError, IndexError) as error:
        raise oscore.DecodeError("the OSCORE option is broken") from error
    kid, partial_iv = fields.get(oscore.COSE_KID), fields.get(oscore.COSE_PIV, b"")
    if kid is None or not 1 <= len(partial_iv) <= 5:
        raise oscore.DecodeError("the OSCORE option lacks a field")
    return kid, fields.get(oscore.COSE_KID_CONTEXT), partial_iv


def _bstr(octets):
    """CBOR, for fewer than 24 octets."""
    return bytes((0x40 | len(octets),)) + octets


class StoreContext(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):
    """aiocoap's security context, with its state in the store."""

    alg_aead = oscore.AES_CCM_16_64_128()
    hashfun = oscore.hashfunctions["sha256"]

    def __init__(self, store, keys):
        self._store = store
        self.digest = keys.digest
        self.sender_id = keys.sender_id
        self.recipient_id = keys.recipient_id
        self.id_context = keys.id_context
        self.derive_keys(keys.salt, keys.secret)
        self._observe = None  # inside the request that was decrypted last
        # aiocoap would make them for each message.
        self._aead = AESCCM(self.recipient_key, self.alg_aead.tag_bytes)
        self._answering = AESCCM(self.sender_key, self.alg_aead.tag_bytes)
        self._external = b"\x85\x01\x81\x0a" + _bstr(self.recipient_id)
        kid = bytes((len(self.recipient_id),)) + self.recipient_id.rjust(7, b"\0") + bytes(5)
        self._nonce = int.from_bytes(kid, "big") ^ int.from_bytes(self.common_iv, "big")
        self._echo = secrets.token_bytes(8)
        self._jumps = 0
        self.taken = Taken()
        # New keys that the device was brought are challenged before anything is believed (`Guard`): with the Echo comes
        # the proof that it has kept them. Only then are the old ones given up.
        self.is_next = store.is_next_key(self.digest)
        self._begin()

    def _begin(self):
        """Its numbers, as the store has them."""
        self.sender_sequence_number, used = self._store.sequence(self.digest)
        self._written = self.sender_sequence_number
        self.recipient_replay_window = Window(self._window_used, self._store, self.digest)
        self._fresh = not used
        if self._fresh and not self.is_next:
            self.recipient_replay_window.initialize_empty()

    def is_replay(self, partial_iv):
        window = self.recipient_replay_window
        return window.is_initialized() and not window.is_valid(int.from_bytes(partial_iv, "big"))

    def verifies(self, partial_iv, ciphertext):
        """Whether a request with this kid is of who holds the key."""
        return self._decrypted(partial_iv, ciphertext) is not None

    def _bound(self, partial_iv):
        """(nonce, additional data) of a request under this number, and of its first response: RFC 8613 sections 5.2 to
        5.4. A tenth of what it costs in aiocoap, which makes all of it anew."""
        external = self._external + _bstr(partial_iv) + b"\x40"
        nonce = (self._nonce ^ int.from_bytes(partial_iv, "big")).to_bytes(13, "big")
        return nonce, b"\x83\x68Encrypt0\x40" + _bstr(external)

    def _decrypted(self, partial_iv, ciphertext):
        """The plaintext of a request, None where it does not verify."""
        if len(ciphertext) <= self.alg_aead.tag_bytes:
            return None
        nonce, bound = self._bound(partial_iv)
        try:
            return self._aead.decrypt(nonce, ciphertext, bound)
        except InvalidTag:
            return None

    @property
    def echo_recovery(self):
        """None once the window is known: then aiocoap sees a number that was used before it decrypts anything."""
        return None if self.recipient_replay_window.is_initialized() else self._echo

    def __repr__(self):
        return "<StoreContext of sender ID %s>" % self.recipient_id.hex()

    def unprotect(self, protected_message, request_id=None):
        """As aiocoap's, but a request keeps its inner Observe, which aiocoap drops unless the outer one is 0 (RFC 8613
        section 4.1.3.5): who asks, and who ends an observation, is not told apart by what anybody may write outside."""
        if request_id is None and self.recipient_replay_window.is_initialized():
            return self._open(protected_message)
        message, request_id = super().unprotect(protected_message, request_id)
        if message.code.is_request() and (self._observe or protected_message.opt.observe == 0):
            message.opt.observe = self._observe
        return message, request_id

    def _open(self, protected):
        """`unprotect` of a request once the replay window is known, as nearly all are: RFC 8613 section 8.2."""
        option = protected.opt.oscore
        kid, id_context, partial_iv = fields_of(option)
        if kid != self.recipient_id or id_context not in (None, self.id_context):
            raise oscore.ProtectionInvalid("it is for another key")
        if option[0] & _GROUP:
            raise oscore.DecodeError("it is of a group")
        window, number = self.recipient_replay_window, int.from_bytes(partial_iv, "big")
        if not window.is_valid(number):
            raise oscore.ReplayError("Sequence number was reused")
        plaintext = self._decrypted(partial_iv, protected.payload)
        if plaintext is None:
            raise oscore.ProtectionInvalid("it does not verify")
        message = aiocoap.Message(code=plaintext[0])
        message.payload = message.opt.decode(plaintext[1:])
        message.direction = protected.direction
        identifiers = oscore.RequestIdentifiers(kid, partial_iv, True, protected.code)
        window.strike_out(number)  # last: what raises before it has used no number up
        if not message.opt.observe and protected.opt.observe != 0:
            message.opt.observe = None
        return message, identifiers

    def protect(self, message, request_id=None, **more):
        """As aiocoap's. The first response to a request has that one's nonce, and an OSCORE option that is empty (RFC
        8613 section 8.3): that is done here, without a copy of the message."""
        if request_id is None or not request_id.can_reuse_nonce or request_id.kid != self.recipient_id:
            return super().protect(message, request_id, **more)
        _, partial_iv = request_id.get_reusable_kid_and_piv()
        plaintext = bytes((message.code,)) + message.opt.encode()
        if message.payload:
            plaintext += b"\xff" + message.payload
        nonce, bound = self._bound(partial_iv)
        outer = aiocoap.Message(
            code=request_id.code_style.response,
            payload=self._answering.encrypt(nonce, plaintext, bound),
            transport_tuning=message.transport_tuning,
        )
        outer.opt.oscore = b""
        return outer, request_id

    def _post_decrypt_checks(self, aad, plaintext, protected_message, request_id):
        inner = aiocoap.Message(code=plaintext[0])
        inner.opt.decode(plaintext[1:])
        self._observe = inner.opt.observe

    def post_seqnoincrease(self):
        if self.sender_sequence_number > self._written:
            self._write()

    def _window_used(self):
        if self._fresh:
            self._write()  # a restart must know that there was a window

    def _write(self):
        ahead = self.sender_sequence_number + _AHEAD - 1
        self._store.save_sequence(self.digest, ahead)
        self._written = ahead
        self._fresh = False

    def behind(self):
        """Whether the device has seen a number of ours because another program has used newer ones; then they go on
        from there."""
        return False

    def jump(self):
        """The device has seen the number that we used: they go ahead, and no further one is used twice. How far; 0 for
        too often: somebody else may have said so, for it comes unprotected."""
        step = self._step()
        if self.sender_sequence_number + step > LAST:
            return 0
        self._jumps += 1
        self.sender_sequence_number += step
        self._write()
        return step

    def _step(self):
        return _JUMPS[self._jumps] if self._jumps < len(_JUMPS) else 0
