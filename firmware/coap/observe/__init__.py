# SPDX-License-Identifier: MIT
"""Watching a resource of a peer: the client side of RFC 7641. Imported by who wants it.

    observation = observe(endpoint, coap.Message(coap.GET, options=coap.path_options("/temperature")), peer, now)

The first response is the RESPONSE event of `observation.exchange`; whether the peer will notify then stands in
`observation.established`. Each later one is a NOTIFICATION event of the observation, to be answered with `accept` as
soon as its content is safe: until then a confirmable one is not acknowledged, and the peer sends it again.
"""

from .. import numbers
from ..compat import after, const, earliest, ticks_diff
from ..endpoint.options import unrecognized
from ..exchange import NOTIFICATION, QUEUED, RESPONSE, STALE
from ..message import Message, empty

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer, Tick

    from ..endpoint import Endpoint
    from ..endpoint.parameters import Exchange

MAX_OBSERVATIONS = const(8)  # observations of an endpoint
_NEWER = const(1 << 23)  # half the period of the sequence numbers (section 3.4)
_REORDERED = const(128000)  # ms after which whatever comes is newer (section 3.4)
_DEFAULT_MAX_AGE = const(60)  # s, RFC 7252 section 5.10.5
_DAY = const(86400)
_AFTER = const(
    5000
)  # ms after Max-Age until it is asked for again, and up to as much as _SPREAD more (section 3.3.1)
_SPREAD = const(10000)
_OLDER = const(4)  # requests before the newest one that notifications may still belong to

# "withdrawing": cancelled before the peer said that it will notify. A renewal without an answer changes nothing; a
# cancellation ends the observation, whatever answer it gets. docs/states.md is drawn from this table.
OBSERVATION = (
    ("registering", "observed", "renewing", "cancelling", "withdrawing", "ended"),
    b"",
    "register cancel granted refused failed ended",
    b"aebfff"  # registering
    b"cd...f"  # observed
    b"cdbfbf"  # renewing
    b"cdffff"  # cancelling
    b"aeffff"  # withdrawing
    b"......",  # ended
)


def observe(
    endpoint: "Endpoint",
    message: Message,
    peer: "Peer",
    now: "Tick",
    tag: object = None,
    stale: bool = True,
    blocks: bool = False,
    ordered: bool = True,
) -> "Observation":
    """Send `message`, a GET, with Observe 0; return its Observation.

    `stale` asks for the STALE event once Max-Age has passed since the last response, and 5 to 15 s more as section
    3.3.1 has it: time to `register` again. `blocks` takes notifications in blocks: such a one has Block2, and the first
    part alone, and `register` gives the whole. Without it they are refused. Where not `ordered`, what is older than the
    last notification is told as well: for notifications that are no states but events, which all count. OSCORE tells
    nothing older in any case (RFC 8613 section 7.4.1).
    Raise BusyError where MAX_OBSERVATIONS are kept, and as Endpoint.request does.
    """
    if len([each for each in endpoint.observations if isinstance(each, Observation)]) >= MAX_OBSERVATIONS:
        from ..errors import BusyError

        raise BusyError("%d resources are observed" % MAX_OBSERVATIONS)
    observation = Observation(endpoint, peer, tag, stale, blocks, ordered)
    if not endpoint.observations:
        endpoint.observations = []
    endpoint.observations.append(observation)
    try:
        observation.register(message, now)
    except Exception:
        endpoint.observations.remove(observation)
        raise
    return observation


class Observation:
    """One observed resource: `stands` is its state, of OBSERVATION; `tag` belongs to the caller.

    An observation ends by an error notification, by a response without Observe, by `cancel` once that has an answer
    or none comes, by `forget`. The endpoint drops it then, and nothing revives it: call `observe` again.
    """

    def __init__(
        self,
        endpoint: "Endpoint",
        peer: "Peer",
        tag: object,
        stale: bool,
        blocks: bool = False,
        ordered: bool = True,
    ) -> None:
        self.peer = peer
        self.tag = tag
        self.token = b""
        self.stands = "registering"
        self.exchange: "Any" = None  # of the last request, None once that has ended
        self.deadline = None  # when `poll` is needed
        self._stale = stale
        self._blocks = blocks
        self._all = not ordered  # whether older ones are told too
        self._stale_at = None  # when the last response is stale
        self._endpoint = endpoint
        self._bindings: list = []  # of OSCORE: of the newest request that was answered, and of those before it
        self._until: list = []  # when the last of those before it is forgotten, then the one before that, ...
        self._newest = -1  # Partial IV of the notification that waits to be accepted
        self._number = 0  # of the newest notification
        self._ordered = (
            None  # until when numbers are compared: a tick must not be kept for longer, since it wraps
        )

    @property
    def established(self) -> bool:
        """Whether the peer notifies of it, as far as we know."""
        return self.stands in ("observed", "renewing", "cancelling")

    def register(self, message: Message, now: "Tick") -> "Exchange":
        """Send a GET with Observe 0 and the same token as before (section 3.3.1); return its Exchange."""
        exchange = self._request(message, b"", now)
        self._on("register")
        self._stale_at = None
        self._arm()
        return exchange

    def cancel(self, message: Message, now: "Tick") -> "Exchange":
        """Send a GET with Observe 1 and the same token (section 3.6); return its Exchange. Notifications that come
        before the answer are still reported."""
        exchange = self._request(message, b"\x01", now)
        self._on("cancel")
        return exchange

    def forget(self) -> None:
        """End the observation without telling the peer. Its next notification is answered with Reset, which ends it
        there too."""
        self._on("ended")
        if self in self._endpoint.observations:
            self._endpoint.observations.remove(self)

    def accept(self, message: Message, now: "Tick") -> None:
        """Take note that the content of a notification is safe: acknowledge it, and report nothing older from now
        on."""
        for binding in self._bindings:
            binding.last = max(binding.last, self._newest)
        try:
            self._told(message, now)
        except MemoryError:
            pass  # at worst it counts as stale too early, or is reported twice
        self._acknowledge(message, now)

    def _on(self, event):
        """Take an event of OBSERVATION. Want no memory."""
        self.stands = after(OBSERVATION, self.stands, event) or self.stands

    def _request(self, message, value, now):
        options = list(message.options) + [(numbers.OBSERVE, value)]
        request = Message(message.code, message.payload, options, message.type, 0, self.token)
        self.exchange = self._endpoint.request(request, self.peer, now, self.tag)
        self.token = self.exchange.token
        return self.exchange

    # --- what the endpoint calls ----------------------------------------------------------------------

    def answered(self, kind: int, message: Message | None, now: "Tick") -> None:
        """Take note that the open request has ended."""
        exchange = self.exchange
        self.exchange = None
        event = "failed" if kind != RESPONSE else "granted" if _good(message) else "refused"
        self._on(event)
        if self.stands == "ended":
            self.forget()
        elif event == "granted":
            self.token = exchange.token  # a new one, where the peer asked for an Echo
            binding = exchange.binding
            if exchange.body and exchange.body.observed:
                # the response came in blocks, and the request for the first of them is the one that observes
                _, self.token, binding = exchange.body.observed
            if binding:
                self._bind(binding, now)
            self._told(message, now)

    def on_notification(self, message: Message, now: "Tick") -> bool:
        """Take a response with this token. Return False where it is no notification."""
        notifies = message.option(numbers.OBSERVE) is not None
        pending = self._endpoint.is_open(self.exchange)
        if pending and self._in_blocks() and message.type != numbers.ACK and not self.established:
            return True  # what is observed comes in blocks, and has changed: the peer repeats this
        if not self.established or message.type == numbers.ACK or pending and not notifies:
            return False
        plain = message
        if self._bindings:
            plain, number = self._endpoint.security.unprotect_notification(message, self._bindings, now)
            if plain is None:
                return self._refuse(message, number, pending)
            self._newest = number
        elif (
            pending
            and self.stands == "renewing"
            and self.exchange.state != QUEUED
            and self.exchange.token == message.token
        ):
            # A message that matches the open request is its response, also where its acknowledgement was lost (RFC
            # 7252 section 5.2.2). Only the response to a cancellation has no Observe.
            return False
        elif notifies and not self._all and not self._is_newer(message.uint(numbers.OBSERVE), now):
            self._acknowledge(message, now)
            return True
        if unrecognized(plain, self._blocks) is not None:
            self.forget()
            return False
        self._endpoint.emit((NOTIFICATION, self, plain))
        if not _good(plain):  # section 4.2: an error, or a last response
            self.forget()
        return True

    def _refuse(self, message, number, pending):
        """Return the result of `on_notification` for a message that does not verify (`number` is None), or is older
        than what was reported."""
        if number is not None:
            # The peer may hold back all else that it has for us until this is acknowledged. Nothing is kept of it,
            # so that replayed recordings push out no entry of the duplicates.
            if message.type == numbers.CON:
                self._endpoint.put(empty(numbers.ACK, message.mid), self.peer)
        elif pending:
            # The response to the open request has a binding of its own; and so have, where that comes in blocks, the
            # notifications behind its first one, which the peer repeats.
            return self._in_blocks()
        else:
            self._endpoint.stats["unmatched"] += 1
        return True

    def poll(self, endpoint: "Endpoint", now: "Tick") -> None:
        """Do what is due at `deadline`."""
        if self._ordered is not None and ticks_diff(now, self._ordered) >= 0:
            self._ordered = None
        while self._until and ticks_diff(now, self._until[0]) >= 0:
            self._until.pop(0)
            self._bindings.pop()
        if self._stale_at is not None and ticks_diff(now, self._stale_at) >= 0:
            endpoint.emit((STALE, self, None))
            self._stale_at = None
        self._arm()

    def _bind(self, binding, now):
        """Take notifications as belonging to this request from now on. The peer still repeats those that it sent
        before this request came, so earlier bindings are kept for a while."""
        if self._bindings and self._bindings[0].derived is not binding.derived:
            self._bindings.clear()  # of a key that was made anew, whose numbers begin anew
            self._until.clear()
        if self._bindings:
            binding.last = max(binding.last, self._bindings[0].last)
            self._until.append(now + self._endpoint.parameters.max_transmit_wait)
        self._bindings.insert(0, binding)
        if len(self._bindings) > 1 + _OLDER:
            self._until.pop(0)
            self._bindings.pop()

    def _told(self, message, now):
        """Take note that this notification is the newest now."""
        self._number = message.uint(numbers.OBSERVE, 0)
        if not self._bindings:
            self._ordered = now + _REORDERED + 1
        if self._stale and self.established:
            spread = _SPREAD * int.from_bytes(self._endpoint.random(2), "big") // 65535
            self._stale_at = (
                now + 1000 * min(message.uint(numbers.MAX_AGE, _DEFAULT_MAX_AGE), _DAY) + _AFTER + spread
            )
        self._arm()

    def _acknowledge(self, message, now):
        if message.type == numbers.CON:
            self._endpoint.accept(message, self.peer, now)

    def _in_blocks(self):
        """Return whether the response to the open request comes in blocks, and the first of them has come."""
        body = self.exchange.body
        return bool(body and body.observed)

    def _arm(self):
        self.deadline = earliest(self._stale_at, self._ordered)
        if self._until:
            self.deadline = earliest(self.deadline, self._until[0])

    def _is_newer(self, number, now):
        """Section 3.4."""
        ahead = (number - self._number) & 0xFFFFFF
        return 0 < ahead < _NEWER or self._ordered is None or ticks_diff(now, self._ordered) >= 0


def _good(message):
    return numbers.is_success(message.code) and message.option(numbers.OBSERVE) is not None
