# SPDX-License-Identifier: MIT
"""OSCORE for an Endpoint: `Endpoint(security=Security(context))` protects all that it sends to its one peer and lets
in only what the peer protected, wherever it comes from.

What somebody without the key can cost: a few comparisons for each datagram, verifying 30 of them a second at most,
one answer that is not larger than what it is about, and nothing that is kept.
"""

from .. import numbers
from ..compat import const, ticks_diff
from ..message import Message
from .context import Refused, Unverified, read_request_option

# In vain, a second. What verifies is not counted, so that a peer may be as quick as it likes.
_STRANGERS = const(10)  # requests from addresses that no request verified from
_PEER = const(10)  # requests from the address that the last one verified from, which may be forged
_RESPONSES = const(10)  # these need the token of a request that is open
_CHALLENGES = const(1)  # each takes a number of ours, and one in 64 a write to the storage
_BURST = const(8)  # s


class _Bucket:
    """Allows `rate` a second over time, and _BURST seconds' worth at once."""

    def __init__(self, rate):
        self._cost = 1000 // rate
        self._full = self._level = 1000 * _BURST
        self._when = None

    def take(self, now):
        if self._when is not None:
            elapsed = ticks_diff(now, self._when)
            self._level = self._full if elapsed < 0 else min(self._full, self._level + elapsed)
        self._when = now
        if self._level < self._cost:
            return False
        self._level -= self._cost
        return True

    def give_back(self):
        self._level += self._cost


class Security:
    """See the module. `context` is a Context. `trouble` says in words what was refused last, until
    whoever tells it sets it to None."""

    def __init__(self, context):
        self.context = context
        self.trouble = None
        self.stats = {
            "unprotected": 0,  # requests and responses without OSCORE
            "unknown": 0,  # requests with a kid or kid context that is not ours
            "unverified": 0,  # that no key of ours made, or that were changed on the way
            "replayed": 0,
            "challenged": 0,  # requests that must come again with Echo, after our restart
            "limited": 0,  # not looked at: too many before them did not verify
        }
        self._peer = None
        self._strangers = _Bucket(_STRANGERS)
        self._from_peer = _Bucket(_PEER)
        self._responses = _Bucket(_RESPONSES)
        self._challenges = _Bucket(_CHALLENGES)

    def protect_request(self, message):
        """(protected Message, Binding). Raises StateError, OSError."""
        return self.context.protect_request(message)

    def read_own(self, message, binding):
        """The plain Message that a protected request of ours was made of."""
        return self.context.read_own(message, binding)

    def unprotect_response(self, message, binding, now):
        """The plain Message, or None where it does not verify."""
        if not self._responses.take(now):
            self.stats["limited"] += 1
            return None
        try:
            plain = self.context.unprotect_response(message, binding)
        except Unverified:
            if message.option(numbers.OSCORE) is None:
                self.stats["unprotected"] += 1
            else:
                self.stats["unverified"] += 1
            self.trouble = self.explain(message)
            return None
        self._responses.give_back()
        return plain

    def explain(self, message):
        """What a response that does not verify means to the person who has to put it right."""
        if message.option(numbers.OSCORE) is None:
            # Nobody vouches for it, but where a key is wrong it is all that can be known.
            meaning = _ANSWERS.get(message.code, "(it does not use OSCORE)")
            return "the peer answers unprotected: %s %s" % (numbers.code_text(message.code), meaning)
        return "answers do not verify: keys, recipient_id or id_context differ from the peer's"

    def unprotect_request(self, message, peer, now):
        """(plain Message, Binding, None); with an answer instead of None that must be given at once, protected; or
        (None, None, the bare answer or None for silence)."""
        if message.option(numbers.OSCORE) is None:
            self.stats["unprotected"] += 1
            self.trouble = "refused a request that is not protected"
            return None, None, Message(numbers.UNAUTHORIZED)
        try:
            piv, kid, id_context = read_request_option(message)
        except Refused as refused:
            return self._refuse(refused, "unverified", "a request with a broken OSCORE option")
        if not self.context.is_for(kid, id_context):
            self.stats["unknown"] += 1
            self.trouble = "refused a request: its sender is not security.recipient_id in security.id_context"
            return None, None, Message(numbers.UNAUTHORIZED, options=[(numbers.MAX_AGE, b"")])
        bucket = self._from_peer if peer == self._peer else self._strangers
        if not bucket.take(now):
            self.stats["limited"] += 1
            return None, None, None
        try:
            plain, binding = self.context.unprotect_request(message, piv)
        except Refused as refused:
            if refused.code == numbers.UNAUTHORIZED:
                bucket.give_back()  # seen before anything was decrypted
                return self._refuse(refused, "replayed", "a request that came before, or was made before it")
            return self._refuse(refused, "unverified", "a request that this key did not make")
        except Exception as error:
            # The storage: without it the number could not be struck out. It was not taken, and may come again.
            self.trouble = "refused a request: %s" % error
            return None, None, Message(numbers.SERVICE_UNAVAILABLE)
        bucket.give_back()
        if binding.own is None:
            self._peer = peer
            return plain, binding, None
        if not self._challenges.take(now):
            self.stats["limited"] += 1
            return None, None, None
        self.stats["challenged"] += 1
        return plain, binding, Message(numbers.UNAUTHORIZED, options=[(numbers.ECHO, self.context.echo)])

    def protect_response(self, message, binding):
        """The protected Message. Raises StateError, OSError where it needs a number of our own."""
        return self.context.protect_response(message, binding)

    def _refuse(self, refused, counter, what):
        self.stats[counter] += 1
        self.trouble = "refused " + what
        return None, None, Message(refused.code, str(refused).encode(), [(numbers.MAX_AGE, b"")])


# What the answers of section 8.2 mean
_ANSWERS = {
    numbers.BAD_REQUEST: "(it has another key for this sender_id)",
    numbers.UNAUTHORIZED: "(it does not know this sender_id, or has seen these sequence numbers: provision a new key)",
}
