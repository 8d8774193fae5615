# SPDX-License-Identifier: MIT
"""OSCORE at the gateway (RFC 8613), by aiocoap: who may speak, and for which UE Service IDs.

What somebody without a key can cost: one look into the store for each datagram, verifying 20 of them a second, an
answer that is not larger than what it is about, and nothing that is kept.
"""

import logging
import secrets
import sqlite3
import time

import aiocoap
import aiocoap.pipe
from aiocoap import interfaces, oscore
from aiocoap.transports.oscore import OSCOREAddress

from tools.gateway.identity import Peer

_AHEAD = 64  # sequence numbers for one write (appendix B.1.1)
_WINDOW = 32
_FAILURES = (
    20  # a second that may be verified in vain: of all strangers together, and of each registered address
)
_BURST = 5  # s
SILENCE = object()
_TOLD = 1  # refusals a second that are told, each reason by itself; all are counted


class Speaker(Peer):
    """A Peer that proved who it is: `identity` is the digest of its key."""

    identity = None


def speaker(address, context):
    made = Speaker(*address)
    made.identity = context.digest
    return made


class ContextBinding:
    """Security mode oscore: a key speaks for the UE Service IDs that it was provisioned for, from wherever it comes.

    A peer that is no Speaker is an application of the gateway's own, which has checked its credential.
    """

    FOREIGN = "%s is not of this device"

    def __init__(self, store):
        self._store = store

    def may_register(self, peer, ue):
        return not isinstance(peer, Speaker) or ue in self.ues(peer, None)

    def ues(self, peer, now):
        if isinstance(peer, Speaker):
            return self._store.ues_of_keys(peer.identity)
        return self._store.ues_at(peer, now)

    def same(self, peer, registered):
        return peer == registered


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
        self._echo = secrets.token_bytes(8)
        self.sender_sequence_number, used = store.sequence(self.digest)
        self._written = self.sender_sequence_number
        self.recipient_replay_window = oscore.ReplayWindow(_WINDOW, self._window_used)
        self._fresh = not used
        if self._fresh:
            self.recipient_replay_window.initialize_empty()

    @property
    def echo_recovery(self):
        """None once the window is known: then aiocoap sees a number that was used before it decrypts anything."""
        return None if self.recipient_replay_window.is_initialized() else self._echo

    def __repr__(self):
        return "<StoreContext of sender ID %s>" % self.recipient_id.hex()

    def unprotect(self, protected_message, request_id=None):
        """As aiocoap's, but a request keeps its inner Observe, which aiocoap drops unless the outer one is 0 (RFC 8613
        section 4.1.3.5): who asks, and who ends an observation, is not told apart by what anybody may write outside."""
        message, request_id = super().unprotect(protected_message, request_id)
        if message.code.is_request() and (self._observe or protected_message.opt.observe == 0):
            message.opt.observe = self._observe
        return message, request_id

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


class _Budget:
    """Tokens that only failures cost."""

    def __init__(self, rate, burst):
        self._rate, self._full = rate, rate * burst
        self._spent = {}  # key: (how much, when)

    def _left(self, key, now):
        spent, when = self._spent.get(key, (0, now))
        return max(0, spent - (now - when) * self._rate)

    def allows(self, key, now):
        return self._left(key, now) + 1 <= self._full

    def spend(self, key, now):
        spent = self._left(key, now) + 1
        self._spent = {k: v for k, v in self._spent.items() if self._left(k, now) > 0}
        self._spent[key] = (spent, now)


class Guard:
    """Decides about each request before anything is kept of it. `is_registered(peer)` says whether it is a UE's
    address, `peer_of(remote)` makes a Peer of aiocoap's address."""

    def __init__(self, store, tell, is_registered, peer_of, clock=time.monotonic):
        self._store = store
        self._tell = tell
        self._is_registered = is_registered
        self._peer_of = peer_of
        self._clock = clock
        self._contexts = {}
        self._failures = _Budget(_FAILURES, _BURST)
        self._told = _Budget(_TOLD, _BURST)
        self.refused = 0
        self.log = logging.getLogger(__name__)

    def context(self, keys):
        if keys is None:
            return None
        if keys.digest not in self._contexts:
            self._contexts[keys.digest] = StoreContext(self._store, keys)
        return self._contexts[keys.digest]

    def context_of_ue(self, ue):
        return self.context(self._store.keys_of_ue(ue))

    def ues_of(self, context):
        return self._store.ues_of_keys(context.digest)

    def find(self, request):
        """The context of a protected request, or None. Raises DecodeError."""
        try:
            fields = oscore.verify_start(request)
        except (oscore.DecodeError, IndexError) as error:
            raise oscore.DecodeError("the OSCORE option is broken") from error
        kid = fields.get(oscore.COSE_KID)
        if kid is None or not 1 <= len(fields.get(oscore.COSE_PIV, b"")) <= 5:
            raise oscore.DecodeError("the OSCORE option lacks a field")
        return self.context(self._store.keys_of_kid(kid, fields.get(oscore.COSE_KID_CONTEXT)))

    # ---- before the message layer ------------------------------------------------------------------------------------

    def attach(self, manager):
        """Stands before aiocoap's MessageManager, which keeps something of each message ID and token that it sees: of
        what does not verify, nothing is kept, and nothing of it meets what a device's own requests left there."""
        dispatch = manager.dispatch_message
        taken = {}  # of the message IDs that the manager knows: what came under them

        def guarded(message):
            if not message.code.is_request():
                dispatch(message)
                return
            key = (message.remote, message.mid)
            content = hash((message.token, message.opt.oscore, message.payload))
            if key in manager._recent_messages:
                # Sent again it gets the same answer again. Another one under that ID may be a forgery, and smaller
                # than the answer that it would fetch.
                if taken.get(key) == content:
                    dispatch(message)
                return
            answer = self._open(message)
            if answer is None:
                if len(taken) > 2 * len(manager._recent_messages) + 64:
                    for old in taken.keys() - manager._recent_messages.keys():
                        del taken[old]
                taken[key] = content
                dispatch(message)
            elif answer is not SILENCE and message.mtype is aiocoap.CON:
                answer.mtype, answer.mid, answer.token = aiocoap.ACK, message.mid, message.token
                answer.remote = message.remote.as_response_address()
                manager.message_interface.send(answer)

        manager.dispatch_message = guarded

    def _open(self, request):
        """None, and `request.opened` is (context, plain request, what its response is bound to); else the answer that
        nothing is kept of, or SILENCE. RFC 8613 section 8.2."""
        if request.opt.oscore is None:
            self.tell_refused(request, "4.01", "not protected: the device uses security.mode none")
            return aiocoap.Message(code=aiocoap.UNAUTHORIZED)
        try:
            context = self.find(request)
        except oscore.DecodeError as error:
            self.tell_refused(request, "4.02", str(error))
            return aiocoap.Message(code=aiocoap.BAD_OPTION, max_age=0)
        if context is None:
            self.tell_refused(request, "4.01", "no device was added with this security.sender_id")
            return aiocoap.Message(code=aiocoap.UNAUTHORIZED, max_age=0)
        if not self._failures.allows(self._account(request), self._clock()):
            self.tell_refused(request, "", "too many that did not verify: not looked at")
            return SILENCE
        try:
            request.opened = (context, *context.unprotect(request))
            return None
        except oscore.ReplayErrorWithEcho as error:
            self.failed(request)  # it takes a number of ours, and recordings may come by the thousand
            return error.to_message()
        except oscore.ReplayError:
            self.tell_refused(request, "4.01", "seen before, or the device lost its sequence numbers")
            return _fitting(request, aiocoap.UNAUTHORIZED, b"Replay detected")
        except oscore.ProtectionInvalid:
            self.failed(request)
            ues = ", ".join(sorted(self.ues_of(context)))
            self.tell_refused(request, "4.00", "does not verify: %s has another key" % ues)
            return _fitting(request, aiocoap.BAD_REQUEST, b"Decryption failed")
        except sqlite3.Error:  # the number could not be noted: the request was not taken, and may come again
            return _fitting(request, aiocoap.SERVICE_UNAVAILABLE, b"")
        except Exception:  # it verified, and what is inside is no CoAP
            return _fitting(request, aiocoap.BAD_OPTION, b"")

    def _account(self, request):
        peer = self._peer_of(request.remote)
        return peer if self._is_registered(peer) else None

    def failed(self, request):
        self._failures.spend(self._account(request), self._clock())

    def tell_refused(self, request, code, reason):
        self.refused += 1
        now = self._clock()
        if self._told.allows(reason, now):
            self._told.spend(reason, now)
            peer = str(self._peer_of(request.remote))
            self._tell("refused", peer=peer, kind="request", code=code, reason=reason)


class SecureSite(interfaces.Resource):
    """Hands the opened request to the site behind it, and protects its responses: RFC 8613 section 8.3."""

    def __init__(self, site, guard):
        self._site = site
        self._guard = guard

    async def render(self, request):
        raise NotImplementedError("render_to_pipe is what aiocoap calls")

    needs_blockwise_assembly = render

    async def render_to_pipe(self, pipe):
        context, plain, identifiers = pipe.request.opened
        plain.remote = OSCOREAddress(context, pipe.request.remote)
        inner = aiocoap.pipe.IterablePipe(plain)
        aiocoap.pipe.run_driving_pipe(
            aiocoap.pipe.error_to_message(inner, self._guard.log), self._site.render_to_pipe(inner)
        )
        async for event in inner:
            message = event.message or aiocoap.Message(code=aiocoap.INTERNAL_SERVER_ERROR)
            last = event.is_last or event.message is None
            outer, _ = context.protect(message, identifiers)
            outer.opt.observe = message.opt.observe  # section 4.1.3.5.2: outside as well
            outer.acknowledged = getattr(message, "acknowledged", None)
            pipe.add_response(outer, is_last=last)
            if last:
                break


class Unguarded:
    """Security mode none: a device that protects its requests is told of at this end too."""

    def __init__(self, tell, peer_of, clock=time.monotonic):
        self._tell = tell
        self._peer_of = peer_of
        self._clock = clock
        self._told = _Budget(_TOLD, _BURST)

    def attach(self, manager):
        dispatch = manager.dispatch_message

        def guarded(message):
            if message.code.is_request() and message.opt.oscore is not None:
                self._refused(message.remote)
            dispatch(message)

        manager.dispatch_message = guarded

    def _refused(self, remote):
        now = self._clock()
        if self._told.allows(None, now):
            self._told.spend(None, now)
            reason = "protected, and this gateway runs with --security none"
            self._tell("refused", peer=str(self._peer_of(remote)), kind="request", code="", reason=reason)


def _fitting(request, code, diagnostic):
    """An answer in the clear that is not larger than the request."""
    answer = aiocoap.Message(code=code, max_age=0, payload=diagnostic)
    if 3 + len(diagnostic) > len(request.opt.encode()) + 1 + len(request.payload):
        answer.payload = b""
    return answer
