# SPDX-License-Identifier: MIT
"""OSCORE at the gateway (RFC 8613), by aiocoap: who may speak, and for which UE Service IDs.

What somebody without a key can cost: for each datagram one look into the store and one tag that is verified, some
twenty microseconds; an answer now and then that is not larger than what it is about; and nothing that is kept. Only
verifying shows who holds a key, so each request is verified, even in a flood.
"""

import collections
import logging
import time

import aiocoap
from aiocoap import interfaces, oscore
from aiocoap.transports.oscore import OSCOREAddress

from tools.server.flood import Flood
from tools.store.faults import DATABASE_ERRORS
from tools.transport.arrival.recent import REPEATS, Recent, content
from tools.transport.keys.contexts import StoreContext, fields_of
from tools.transport.keys.window import WentBack
from tools.transport.requests import response
from tools.transport.site import message_of
from tools.wire.answers import Refusal
from tools.wire.identity import Speaker, peer_at

_BURST = 5  # s
_CHALLENGED = 4096
_KNOWN, _KIDS = 0.02, 8192  # s; sender IDs kept in memory, unknown ones too
_CLEAR = "not protected: the device uses security.mode none"
_UNKNOWN = "no device was added with this security.sender_id"
_REPLAY = "seen before, or the device lost its sequence numbers (its flash was erased or put back, or two have one key)"
_ANOTHER_KEY = "does not verify: %s has another key"
_CAUSES = {_CLEAR: "not protected", _UNKNOWN: "unknown key", _REPLAY: "replay", _ANOTHER_KEY: "another key"}
_MALFORMED = "malformed"
_TOLD = 1  # refusals a second that are told, each reason by itself; all are counted


def speaker(address, context, strike=None):
    """`strike`: that of the request it speaks with, or None."""
    made = peer_at(*address, context.digest)
    if strike is not None:
        made.strike = strike
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


class Guard:
    """Decides about each request before anything is kept of it. `peer_of(remote)` makes a Peer of aiocoap's address."""

    def __init__(self, store, emit, peer_of, clock=time.monotonic, note=None):
        self._store = store
        self._note = (
            note  # of a store that `shares_keys`: brings a Strike to the disk, as Running.note_strike
        )
        self._shared = None
        if store.shares_keys:
            from tools.transport.keys import shared  # by who shares them

            self._shared = shared
            store.hear_keys()
        self.emit = emit
        self._peer_of = peer_of
        self._clock = clock
        self._contexts = {}
        self._by_kid, self._version, self._look_again = {}, None, 0
        self._told = Flood(_TOLD, burst=_BURST)
        self._challenged = {}  # of datagrams that verified while the window was unknown: how often each came
        self.refusals = collections.Counter(dict.fromkeys((*_CAUSES.values(), _MALFORMED), 0))  # by cause
        self.log = logging.getLogger(__name__)

    def context(self, keys):
        if keys is None:
            return None
        if keys.digest not in self._contexts:
            kind = self._shared.SharedContext if self._shared else StoreContext
            self._contexts[keys.digest] = kind(self._store, keys)
        return self._contexts[keys.digest]

    def context_of_kid(self, kid, id_context):
        return self.context(self._store.keys_of_kid(kid, id_context))

    def context_of_ue(self, ue):
        return self.context(self._store.keys_of_ue(ue))

    def ues_of(self, context):
        """Whose key it is: UE Service IDs, or UE IDs that have none yet."""
        return self._store.ues_of_keys(context.digest) or self._store.ue_ids_of_keys(context.digest)

    def _context_of(self, kid, id_context):
        """From memory, where it is not older than _KNOWN seconds or the last change of keys: a flood looks into the
        store once. What goes on is looked up anew (`_open`)."""
        now = self._clock()
        if now >= self._look_again:
            self._look_again = now + _KNOWN
            version = self._store.keys_version()
            if version != self._version or len(self._by_kid) > _KIDS:
                self._version = version
                self._by_kid.clear()
        key = kid, id_context
        if key not in self._by_kid:
            self._by_kid[key] = self.context_of_kid(kid, id_context)
        return self._by_kid[key]

    # ---- before anything is made of a datagram -----------------------------------------------------------------------

    def judge(self, remote, datagram, recent):
        """(whose turn it is, None) for a request that verifies, or one that did and is sent again; else (None, what
        to give Datagram.answer, or None). There is no budget here that somebody without a key could use up: looking
        costs less than receiving does, and is done for each. `recent`: a Recent, of what came over this interface."""
        if datagram.oscore is None:
            self.emit_refused(remote, "4.01", _CLEAR)
            return None, (aiocoap.UNAUTHORIZED,)
        try:
            kid, id_context, partial_iv = fields_of(datagram.oscore)
        except oscore.DecodeError as error:
            self.emit_refused(remote, "4.02", str(error))
            return None, (aiocoap.BAD_OPTION, 0)
        context = self._context_of(kid, id_context)
        if context is None:
            self.emit_refused(remote, "4.01", _UNKNOWN)
            return None, (aiocoap.UNAUTHORIZED, 0)
        again = recent.again((remote, datagram.mid), content(datagram.octets))
        if again is not None:
            return (context.digest if again else None), None
        if context.is_replay(partial_iv):
            self._look_twice(remote, context, partial_iv, datagram.payload)
            self.emit_refused(remote, "4.01", _REPLAY)
            return None, (aiocoap.UNAUTHORIZED, 0, b"Replay detected")
        if not context.verifies(partial_iv, datagram.payload):
            self.emit_refused(remote, "4.00", _ANOTHER_KEY, context)
            return None, (aiocoap.BAD_REQUEST, 0, b"Decryption failed")
        if context.echo_recovery is not None and not self._may_challenge(datagram):
            return None, None
        return context.digest, None

    def _may_challenge(self, datagram):
        """Each costs a number of ours, and recordings may come by the thousand: one datagram gets as many as a device
        repeats it, whatever address and message ID it comes with."""
        key = hash((datagram.oscore, datagram.payload))
        times = self._challenged.pop(key, 0) + 1
        self._challenged[key] = times
        if len(self._challenged) > _CHALLENGED:
            del self._challenged[next(iter(self._challenged))]
        return times <= REPEATS

    # ---- before the message layer ------------------------------------------------------------------------------------

    def attach(self, manager):
        """Stands before aiocoap's MessageManager, which keeps something of each message ID and token that it sees: of
        what does not verify, nothing is kept, and nothing of it meets what a device's own requests left there.
        The Recent that it uses from now on."""
        dispatch = manager.dispatch_message
        recent = Recent()
        recent.attach(manager)

        def guarded(message):
            if not message.code.is_request():
                dispatch(message)
                return
            if recent.came((message.remote, message.mid), recent.content_of(message)):
                dispatch(message)  # the same answer again
                return
            # Another one under that ID may be a forgery, and smaller than the answer that it would fetch.
            answer = self._open(message)
            if answer is None:
                dispatch(message)
            elif message.mtype is aiocoap.CON:
                answer.mtype, answer.mid, answer.token = aiocoap.ACK, message.mid, message.token
                answer.remote = message.remote.as_response_address()
                manager.message_interface.send(answer)

        manager.dispatch_message = guarded
        return recent

    def _open(self, request):
        """None, and `request.opened` is (context, plain request, what its response is bound to, its Strike or None);
        else the answer that nothing is kept of. RFC 8613 section 8.2."""
        remote = request.remote
        if request.opt.oscore is None:
            self.emit_refused(remote, "4.01", _CLEAR)
            return aiocoap.Message(code=aiocoap.UNAUTHORIZED)
        try:
            kid, id_context, partial_iv = fields_of(request.opt.oscore)
        except oscore.DecodeError as error:
            self.emit_refused(remote, "4.02", str(error))
            return aiocoap.Message(code=aiocoap.BAD_OPTION, max_age=0)
        self._look_again = 0  # not 20 ms ago: now
        context = self._context_of(kid, id_context)
        if context is None:
            self.emit_refused(remote, "4.01", _UNKNOWN)
            return aiocoap.Message(code=aiocoap.UNAUTHORIZED, max_age=0)
        try:
            number = int.from_bytes(partial_iv, "big")
            request.opened = self._unprotected(context, request, number)
            context.taken.note(number, request.payload, remote)
            return None
        except oscore.ReplayErrorWithEcho as error:
            return self._sealed(error.to_message)
        except oscore.ReplayError as error:
            if isinstance(error, WentBack):
                self._emit_reused(remote, context, partial_iv, "an earlier request")
            else:
                self._look_twice(remote, context, partial_iv, request.payload)
            self.emit_refused(remote, "4.01", _REPLAY)
            return _fitting(request, aiocoap.UNAUTHORIZED, b"Replay detected")
        except oscore.ProtectionInvalid:
            self.emit_refused(remote, "4.00", _ANOTHER_KEY, context)
            return _fitting(request, aiocoap.BAD_REQUEST, b"Decryption failed")
        except (
            DATABASE_ERRORS
        ):  # the number could not be noted: the request was not taken, and may come again
            return _fitting(request, aiocoap.SERVICE_UNAVAILABLE, b"")
        except Exception:  # it verified, but what is inside is not CoAP
            return _fitting(request, aiocoap.BAD_OPTION, b"")

    def _unprotected(self, context, request, number):
        plain, identifiers = context.unprotect(request)
        strike = None
        if self._shared:
            echoed = plain.opt.echo is not None
            strike = self._shared.Strike(context, number, context.proved, echoed, self._keys_taken)
        elif context.is_next:
            # It has used its new keys, and answered an Echo with them: they are its keys now.
            with self._store.part():
                taken = self._store.take_next_key(context.digest)
            context.is_next = False
            self._keys_taken(*taken)
        return context, plain, identifiers, strike

    def _keys_taken(self, names, old):
        self._contexts.pop(old, None)
        for name in names:
            self.emit("keys-changed", ue=name)

    # ---- responses ---------------------------------------------------------------------------------------------------

    async def settle(self, strike, remote):
        """Uses the number of a request up, where nothing has done so. None, or the response to it instead of that."""
        if strike is None or strike.settled:
            return None
        try:
            return await self._note(self._peer_of(remote))
        except Refusal as refusal:
            return response(refusal.answer)

    def protect(self, message, opened):
        """What goes out as a response to a request: in the clear where there is no number for it. `opened`: as `_open`
        has it."""
        context, _, identifiers, strike = opened
        if strike is not None and not strike.settled:
            identifiers.can_reuse_nonce = False  # another node may have used it, or may still do so
            if strike.refused is not None:
                self.refusals[_CAUSES[_REPLAY]] += 1
                if strike.echoed:
                    return aiocoap.Message(code=aiocoap.UNAUTHORIZED, max_age=0, payload=b"Replay detected")
                # It may be the device itself, which did not hear the answer, and now has come here with its request.
                message = aiocoap.Message(code=aiocoap.UNAUTHORIZED, echo=context.echo)
        return self._sealed(lambda: context.protect(message, identifiers)[0])

    def _sealed(self, protect):
        try:
            return protect()
        except DATABASE_ERRORS:
            return aiocoap.Message(code=aiocoap.SERVICE_UNAVAILABLE, max_age=0)
        except Exception as failure:  # there is no number for it
            return message_of(failure, self.log)

    def _look_twice(self, remote, context, partial_iv, ciphertext):
        """A replay has the recorded text. Another text under the same number comes from a holder of the key."""
        other = context.taken.other(int.from_bytes(partial_iv, "big"), ciphertext)
        if other is not None and context.verifies(partial_iv, ciphertext):
            self._emit_reused(remote, context, partial_iv, str(self._peer_of(other)))

    def _emit_reused(self, remote, context, partial_iv, other):
        if self._told.allows(("reused", context.digest), self._clock()):
            ues = ", ".join(sorted(self.ues_of(context)))
            number = int.from_bytes(partial_iv, "big")
            self.emit("key-reused", ue=ues, peer=str(self._peer_of(remote)), other=other, number=number)

    def jumped(self, ue, context):
        """A device says that it has seen the number of a request of ours before. False where that is not believed."""
        if context.behind():
            return True
        ahead = context.jump()
        if ahead:
            self.emit("numbers-jumped", ue=ue or ", ".join(sorted(self.ues_of(context))), ahead=ahead)
        return bool(ahead)

    def emit_refused(self, remote, code, reason, context=None):
        """`context`: whose UE Service IDs go into the sentence."""
        self.refusals[_CAUSES.get(reason, _MALFORMED)] += 1
        if self._told.allows((reason, context and context.digest), self._clock()):
            if context:
                reason %= ", ".join(sorted(self.ues_of(context)))
            self.emit("refused", peer=str(self._peer_of(remote)), kind="request", code=code, reason=reason)


class SecureSite(interfaces.Resource):
    """Hands the opened request to the site behind it, and protects its responses: RFC 8613 section 8.3."""

    def __init__(self, site, guard):
        self._site = site
        self._guard = guard

    async def render(self, request):
        raise NotImplementedError("render_to_pipe is what aiocoap calls")

    needs_blockwise_assembly = render

    async def render_to_pipe(self, pipe):
        opened = pipe.request.opened
        context, plain, identifiers, strike = opened
        plain.remote = OSCOREAddress(context, pipe.request.remote)
        plain.remote.strike = strike
        plain.token, plain.remote.bound = pipe.request.token, identifiers  # for `late`
        inner = _Inner(pipe, opened, self._guard)
        try:
            instead = await self._guard.settle(strike, plain.remote)
            if instead is not None:
                inner.add_response(instead, is_last=True)
            else:
                await self._site.render_to_pipe(inner)
        except Exception as failure:
            inner.add_response(message_of(failure, self._guard.log), is_last=True)


class _Inner:
    """What the site behind takes for the Pipe of an opened request: its responses are protected."""

    def __init__(self, pipe, opened, guard):
        self.request = opened[1]
        self.on_interest_end = pipe.on_interest_end
        self._pipe, self._opened, self._guard = pipe, opened, guard

    def add_response(self, message, is_last=False):
        outer = self._guard.protect(message, self._opened)
        if outer.opt.oscore is None:
            self._pipe.add_response(outer, is_last=True)
            return
        outer.opt.observe = message.opt.observe  # section 4.1.3.5.2: outside as well
        outer.opt.no_response = message.opt.no_response  # for aiocoap, which takes it off
        outer.acknowledged = getattr(message, "acknowledged", None)
        self._pipe.add_response(outer, is_last=is_last)


def _fitting(request, code, diagnostic):
    """An answer in the clear that is not larger than the request."""
    answer = aiocoap.Message(code=code, max_age=0, payload=diagnostic)
    if 3 + len(diagnostic) > len(request.opt.encode()) + 1 + len(request.payload):
        answer.payload = b""
    return answer
