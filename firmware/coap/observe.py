# SPDX-License-Identifier: MIT
"""Watching a resource of a peer: the client side of RFC 7641. Imported by who wants it.

    observation = observe(endpoint, coap.Message(coap.GET, options=coap.path_options("/temperature")), peer, now)

The first response is the RESPONSE event of `observation.exchange`; whether the peer will notify then stands in
`observation.established`. Each later one is a NOTIFICATION event of the observation, to be answered with `accept` as
soon as its content is safe: until then a confirmable one is not acknowledged, and the peer sends it again.
"""

from . import numbers
from .compat import const, ticks_diff
from .endpoint import Busy
from .exchange import ACKNOWLEDGED, NOTIFICATION, RESPONSE, STALE
from .message import unrecognized

MOST = const(8)  # observations of an endpoint
_NEWER = const(1 << 23)  # half the period of the sequence numbers (section 3.4)
_REORDERED = const(128000)  # ms after which whatever comes is newer (section 3.4)
_MAX_AGE = const(60)  # s, RFC 7252 section 5.10.5
_DAY = const(86400)


def observe(endpoint, message, peer, now, tag=None, stale=True):
    """Sends `message`, a GET, with Observe 0; gives its Observation.

    `stale` asks for the STALE event once Max-Age has passed since the last response: time to `register` again.
    Raises Busy where MOST are kept, and as Endpoint.request does.
    """
    if len(endpoint.observations) >= MOST:
        raise Busy("%d resources are observed" % MOST)
    observation = Observation(endpoint, peer, tag, stale)
    observation.register(message, now)
    if not endpoint.observations:
        endpoint.observations = []
    endpoint.observations.append(observation)
    return observation


class Observation:
    """One observed resource. `established` says whether the peer notifies of it; `tag` belongs to the caller.

    The endpoint drops one that ends: by an error notification, by a response without Observe, by `cancel` once that
    has an answer or none comes, by `forget`.
    """

    def __init__(self, endpoint, peer, tag, stale):
        self.peer = peer
        self.tag = tag
        self.token = b""
        self.established = False
        self.exchange = None  # of the request that is open
        self.deadline = None  # when the last response is stale
        self._stale = stale
        self._endpoint = endpoint
        self._cancelled = False
        self._binding = None
        self._newest = -1  # Partial IV of the notification that waits to be accepted
        self._number = 0  # of the newest notification
        self._since = 0  # when it came

    def register(self, message, now):
        """Sends a GET with Observe 0 and the same token as before (section 3.3.1); gives its Exchange."""
        self._cancelled = False
        self.deadline = None
        return self._request(message, b"", now)

    def cancel(self, message, now):
        """Sends a GET with Observe 1 and the same token (section 3.6); gives its Exchange. What the peer notifies
        until it answers is still told."""
        self._cancelled = True
        return self._request(message, b"\x01", now)

    def forget(self):
        """Ends it without a word. The peer's next notification is answered with Reset, which ends it there."""
        self.established = False
        if self in self._endpoint.observations:
            self._endpoint.observations.remove(self)

    def accept(self, message, now):
        """The content of a notification is safe: it is acknowledged, and nothing older will be told."""
        self._number = message.uint(numbers.OBSERVE, 0)
        self._since = now
        self._refresh(message, now)
        if self._binding:
            self._binding.last = self._newest
            self._binding.failures = 0
        if message.type == numbers.CON:
            self._endpoint._accept(message, self.peer, now)

    def _request(self, message, value, now):
        message.options = list(message.options) + [(numbers.OBSERVE, value)]
        message.token = self.token
        self.exchange = self._endpoint.request(message, self.peer, now, self.tag)
        self.token = self.exchange.token
        return self.exchange

    # --- what the endpoint calls ----------------------------------------------------------------------

    def answered(self, kind, message, now):
        """The open request has ended."""
        exchange = self.exchange
        self.exchange = None
        if kind == RESPONSE and not self._cancelled and _good(message):
            self.established = True
            self.token = exchange.token  # not that of before where the peer asked for an Echo
            self._binding = exchange.binding
            self._number = message.uint(numbers.OBSERVE)
            self._since = now
            self._refresh(message, now)
        elif kind == RESPONSE or self._cancelled or not self.established:
            self.forget()

    def take(self, message, now):
        """A response with this token: False where it is none of the notifications."""
        notifies = message.option(numbers.OBSERVE) is not None
        pending = self.exchange in self._endpoint._exchanges
        if not self.established or message.type == numbers.ACK:
            return False
        if pending and (not notifies or self.exchange.state == ACKNOWLEDGED):
            return False  # the response to the open request, which comes separately
        plain = message
        if self._binding:
            plain = self._verified(message, now)
            if plain is None:
                if pending:
                    return False
                self._endpoint.stats["unmatched"] += 1
                return True
        elif notifies and not self._is_newer(message.uint(numbers.OBSERVE), now):
            if message.type == numbers.CON:
                self._endpoint._accept(message, self.peer, now)
            return True
        if unrecognized(plain, 0) is not None:  # among them notifications in blocks
            self.forget()
            return False
        if not _good(plain):  # section 4.2: an error, or a last response
            self.forget()
        self._endpoint._events.append((NOTIFICATION, self, plain))
        return True

    def _verified(self, message, now):
        """The plain notification, or None. RFC 8613 sections 4.1.3.5.2 and 7.4.1: the Partial IV says what is newer."""
        value = message.option(numbers.OSCORE)
        if not value or not value[0] & 7:
            return None  # the first response is the only one without a Partial IV
        before = self._binding.last
        plain = self._endpoint.security.unprotect_response(message, self._binding, now)
        self._newest = self._binding.last
        self._binding.last = before  # until it is accepted it may come again
        return plain

    def poll(self, now):
        if self.deadline is not None and ticks_diff(now, self.deadline) >= 0:
            self.deadline = None
            self._endpoint._events.append((STALE, self, None))

    def _is_newer(self, number, now):
        """Section 3.4."""
        ahead = (number - self._number) & 0xFFFFFF
        return 0 < ahead < _NEWER or ticks_diff(now, self._since) > _REORDERED

    def _refresh(self, message, now):
        if self._stale and self.established:
            self.deadline = now + 1000 * min(message.uint(numbers.MAX_AGE, _MAX_AGE), _DAY)


def _good(message):
    return message.code >> 5 == 2 and message.option(numbers.OBSERVE) is not None
