# SPDX-License-Identifier: MIT
"""OSCORE for an Endpoint: `Endpoint(security=Security(context))` protects all that it sends to its one peer and lets
in only what the peer protected, wherever it comes from. `Keyring` is for several peers.

What somebody without the key can cost: a few comparisons for each datagram, verifying 230 of them a second at most
(and 300 more at once), ten answers a second that are not larger than what they are about, and nothing that is kept.
Only what does not verify is counted, so that the peer may be as quick as it likes; and it is counted against the
address that it says it comes from, so that strangers cannot use up what is meant for the peer. Addresses can be
forged: what comes as the peer's is verified up to 200 times a second in vain, and beyond that each is as likely to be
looked at as any other. What that is of a processor's time stands in docs/security.md.
"""

from .. import numbers
from ..compat import const
from ..message import Message
from .bucket import Bucket
from .context import OlderError, RefusedError, UnverifiedError, read_request_option

_TYPING = const(False)
if _TYPING:
    from collections.abc import Sequence
    from typing import Any

    from contracts import Peer, Tick

    from .context import Binding, Context


class Security:
    """See the module. `context` is a Context. `peer` is the address that the last request of ours went to.
    `trouble` says in words what was refused last; whoever reports it sets it to None.

    `max_unfragmented` is MAX_UNFRAGMENTED_SIZE of section 4.1.3.4.2: the octets of the longest protected message that
    may come in pieces, as a proxy makes them; with 0 none may. It bounds what anybody can make us keep of them."""

    def __init__(self, context: "Context", max_unfragmented: int = 4096) -> None:
        self.context = context
        self.max_unfragmented = max_unfragmented
        self.bodies: "Any" = ()  # of requests in outer blocks; a list as soon as there is one
        self.peer = None
        self.trouble: str | None = None
        self.stats = {
            "unprotected": 0,  # requests and responses without OSCORE
            "unknown": 0,  # requests with a kid or kid context that is not ours
            "unverified": 0,  # that no key of ours made, or that were changed on the way
            "replayed": 0,
            "challenged": 0,  # requests that must come again with Echo, after our restart
            "limited": 0,  # not looked at: too many before them did not verify
        }
        self.heard = None  # the address that the last request verified from
        # Verifications in vain, a second, and for how many seconds they may come at once
        random = context.random
        self._strangers = Bucket(10, 8, random)  # requests from other addresses than the peer's
        self._requests = Bucket(100, 1, random)  # requests from the peer's
        self._responses = Bucket(20, 1, random)  # these need the token of a request that is open
        self._shared = Bucket(100, 1, random)  # for the two before, where their own is used up
        self._answers = Bucket(10, 8, random)  # bare refusals: no verifications, but octets on the link

    def poll(self, now: "Tick") -> None:
        """Once a day at least, as Endpoint.poll."""
        for bucket in (self._strangers, self._requests, self._responses, self._shared, self._answers):
            bucket.poll(now)
        if self.bodies:
            from .outer import expire

            expire(self.bodies, now)

    def protect_request(
        self, message: Message, peer: "Peer", like: "Binding | None" = None
    ) -> "tuple[Message, Binding | None]":
        """Return (protected Message, Binding) of a request to `peer`; `like` is the binding of the request that it
        follows up, if any. Raise StateError, OSError."""
        if like and message.option(numbers.OSCORE) is not None:  # for the next outer block, from `read_own`
            return message, like
        protected = self.context.protect_request(message)
        self.peer = peer
        return protected

    def read_own(self, message: Message, binding: "Binding") -> Message:
        """Return the plain Message that a protected request of ours was made of; or the protected one that asks for
        the next outer block, where that is due."""
        if binding.outer:
            if binding.again:
                from .outer import next_request

                return next_request(message, binding)
            message.payload = binding.outer.sealed
        return self.context.read_own(message, binding)

    def unprotect_response(self, message: Message, binding: "Binding", now: "Tick") -> Message | None:
        """Return the plain Message, or None where it does not verify. Where `binding.again` is true afterwards, it is
        only a sign that what `read_own` gives must follow."""
        if self.max_unfragmented and message.option(numbers.BLOCK2) is not None:
            from .outer import add_response

            whole = add_response(binding, message, self.max_unfragmented)
            if whole is None:
                self.stats["unverified"] += 1
                self.trouble = "a response in outer blocks is too long, or they do not fit together"
            if whole is None or binding.again:
                return whole
            message = whole
        plain, _ = self.unprotect_notification(message, (binding,), now, True)
        return plain

    def unprotect_notification(
        self, message: Message, bindings: "Sequence[Binding]", now: "Tick", first: bool = False
    ) -> tuple[Message | None, int | None]:
        """Return (plain Message, its number) where it verifies as a response to one of the requests of these
        bindings, or (None, its number) where it is not newer than `binding.last`, else (None, None).

        `binding.last` stays as it is, but for the `first` response. All others have a Partial IV.
        """
        value = message.option(numbers.OSCORE)
        if not first and not (value and value[0] & 7):
            bindings = ()
        for binding in bindings:
            last = binding.last
            bucket = self._responses.try_consume(now) or self._shared.try_consume(now)
            if bucket is None:
                self.stats["limited"] += 1
                return None, None
            try:
                plain = self.context.unprotect_response(message, binding)
            except OlderError:
                bucket.give_back()
                self.stats["replayed"] += 1
                return None, last
            except UnverifiedError:
                continue
            bucket.give_back()
            newest = binding.last
            if not first:
                binding.last = last  # until it is accepted it may come again
            return plain, newest
        self.stats["unprotected" if value is None else "unverified"] += 1
        self.trouble = self.explain(message)
        return None, None

    def ended(self, message: Message, binding: "Binding") -> None:
        """Take note that the request of this binding ended with this response, which did not verify.

        Where it says that our number was seen before, our storage was lost or is an old copy, and our next messages
        would use old numbers for other texts: so some are skipped. Anyone on the path can forge such a response,
        once for each request; that costs us numbers, of which there are enough.
        """
        if _seen_before(message) or (
            self.context.renews
            and message.option(numbers.OSCORE) is None
            and message.code in (numbers.BAD_REQUEST, numbers.UNAUTHORIZED)
        ):
            try:
                self.context.skip()
            except OSError as error:
                self.trouble = "the sequence numbers can't go ahead: %s" % error

    def explain(self, message: Message) -> str:
        """Return what a response that does not verify means to the person who has to put it right."""
        if _seen_before(message):
            return (
                "the peer answers unprotected: 4.01 Replay detected (it has seen this sequence number before: the"
                " storage was lost, or put back from an older copy, or another board has this key; the numbers go"
                " ahead: provision a new key)"
            )
        if message.option(numbers.OSCORE) is None:
            # The text is not authenticated, but where a key is wrong there is no other clue. Section 8.2 has the codes.
            if message.code == numbers.BAD_REQUEST:
                meaning = "(it has another key for this sender_id)"
            elif message.code == numbers.UNAUTHORIZED:
                meaning = "(it does not know this sender_id, or has seen these sequence numbers: provision a new key)"
            else:
                meaning = "(it does not use OSCORE)"
            return "the peer answers unprotected: %s %s" % (numbers.code_text(message.code), meaning)
        return "answers do not verify: keys, recipient_id or id_context differ from the peer's"

    def unprotect_request(
        self, message: Message, peer: "Peer", now: "Tick"
    ) -> "tuple[Message | None, Binding | None, Message | None]":
        """Return (plain Message, Binding, None); with an answer instead of None that must be given at once,
        protected; or (None, None, the bare answer or None for silence)."""
        piv, id_context, refusal = self._judge(message, now)
        known = peer in (self.peer, self.heard)
        outer = None
        if not refusal and self.max_unfragmented and message.option(numbers.BLOCK1) is not None:
            from .outer import collect

            outer, refusal = collect(self, message, peer, known, now)
        if refusal:
            return refusal
        if known and id_context in (None, self.context.id_context):
            bucket = self._requests.try_consume(now) or self._shared.try_consume(now)
        else:
            bucket = self._strangers.try_consume(now)
        if bucket is None:
            return self.refuse("limited")
        try:
            plain, binding = self.context.unprotect_request(message, piv, id_context)
        except RefusedError as refused:
            why = "a request that this key did not make"
            return self.refuse("unverified", why, refused.code, now, text=refused)
        except MemoryError:
            raise  # no answer: the peer sends it again
        except Exception as error:
            # The storage failed, so the number could not be marked as used. The request was not taken, and may come
            # again.
            self.trouble = "refused a request: %s" % error
            return None, None, Message(numbers.SERVICE_UNAVAILABLE)
        if outer:
            binding.outer = outer
        if binding.challenge:
            return self._challenge(plain, binding, bucket, now)
        bucket.give_back()
        self.heard = peer
        return plain, binding, None

    def _challenge(self, plain, binding, bucket, now):
        if binding.own is not None:
            bucket.give_back()  # each is the first of its number
        elif not (binding.second or self.context.can_challenge) or not self._answers.try_consume(now):
            return self.refuse("limited")
        self.stats["challenged"] += 1
        options = () if binding.second else ((numbers.ECHO, self.context.echo),)
        return plain, binding, Message(numbers.UNAUTHORIZED, b"", options)

    def _judge(self, message, now):
        """Return what shows before anything is decrypted: (Partial IV, ID Context or None, None), or (None, None, what
        `unprotect_request` gives)."""
        if message.option(numbers.OSCORE) is None:
            what = "a request that is not protected"
            return None, None, self.refuse("unprotected", what, numbers.UNAUTHORIZED, now, ())
        try:
            piv, kid, id_context = read_request_option(message)
        except RefusedError as refused:
            what = "a request with a broken OSCORE option"
            return None, None, self.refuse("unverified", what, refused.code, now)
        if not self.context.is_for(kid, id_context):
            what = "a request: its sender is not security.recipient_id in security.id_context"
            return None, None, self.refuse("unknown", what, numbers.UNAUTHORIZED, now)
        new = self.context.is_new(piv, id_context)
        if new is None:
            return None, None, self.refuse("limited")
        if not new:
            what = "a request that came before, or was made before it"
            return (
                None,
                None,
                self.refuse("replayed", what, numbers.UNAUTHORIZED, now, text="Replay detected"),
            )
        return piv, id_context, None

    def save(self) -> object:
        """Return what `unprotect_request` changes where it lets a request in, for `restore`."""
        return self.context.save()

    def restore(self, saved: object) -> None:
        """Put back what `save` gave, because the request was neither handled nor answered: it may come again."""
        self.context.restore(saved)

    def protect_response(self, message: Message, binding: "Binding") -> Message:
        """Return the protected Message. Raise StateError, OSError where it needs a number of our own."""
        protected = self.context.protect_response(message, binding)
        if binding.outer:
            protected.options = list(protected.options) + [(numbers.BLOCK1, binding.outer.option)]
            self.bodies = [body for body in self.bodies if body is not binding.outer]
        return protected

    def refuse(
        self,
        counter: str,
        what: str | None = None,
        code: int = 0,
        now: "Tick | None" = None,
        options: "Sequence[tuple[int, bytes]]" = ((numbers.MAX_AGE, b""),),
        text: object = "",
    ) -> "tuple[None, None, Message | None]":
        """Return what `unprotect_request` returns for it: silence where nothing more is known than the counter.
        Section 8.2 wants Max-Age 0 in the answers that it has."""
        self.stats[counter] += 1
        if what is not None:
            self.trouble = "refused " + what
        if what is None or not self._answers.try_consume(now):
            return None, None, None
        return None, None, Message(code, str(text).encode(), options)


def _seen_before(message):
    return (
        message.option(numbers.OSCORE) is None
        and message.code == numbers.UNAUTHORIZED
        and bytes(message.payload).startswith(b"Replay")  # "Replay detected", section 8.2
    )
