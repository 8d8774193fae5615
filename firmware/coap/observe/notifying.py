# SPDX-License-Identifier: MIT
"""When a notification goes to an observer, and how: RFC 7641 sections 4.2, 4.5, 4.5.1 and 4.5.2."""

from .. import numbers
from ..compat import const, earliest, ticks_diff
from ..exchange import QUEUED, REQUEST
from ..message import Message, MessageError, uint_octets

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Tick

    from ..endpoint import Endpoint
    from ..endpoint.duplicates import Incoming
    from ..endpoint.parameters import Exchange

_SPACING = const(
    3000
)  # ms between two non-confirmable notifications while the round trip is not known (4.5.1)
_MIDS = const(4)  # message IDs of non-confirmable notifications that a Reset may still be about


class Observer:
    """One entry of the list: `peer`, and `message`, the request that it sent. It stands in for an Incoming when that
    request comes again."""

    entry = None  # as of an Incoming: of no duplicate
    body = None  # the same: it is no block of a stream
    path: "str | None" = None

    def __init__(self, incoming: "Incoming", message: Message, confirm_at: "Tick") -> None:
        self.peer = incoming.peer
        self.message = message
        self.binding = incoming.binding
        self.path = message.path
        # Content-Format of the first response; False until there was one that has a representation
        self.format: "bytes | bool | None" = False
        self.exchange: "Exchange | None" = None  # of a confirmable notification that is not acknowledged yet
        self.changed = False  # whether it must hear of a change
        self.confirm = True  # whether the next notification must be confirmable: the first one is
        self.confirm_at: "Tick | None" = confirm_at  # when the next one must be
        self.sent = 0  # non-confirmable ones since the last that was acknowledged
        self.asked_until: "Tick | None" = None  # while the application makes a notification
        self.ready: "Tick | None" = None  # before that no non-confirmable one goes
        self.round_trip: int | None = None  # ms, as estimated; None: not known
        self.mids: list = []
        self.mids_until: "Tick | None" = None

    def takes(self, response: Message) -> bool:
        """Return whether a response has the Content-Format of those before it, as all must have (section 4.2). 2.03
        has none."""
        if response.code == numbers.VALID:
            return True
        format = response.option(numbers.CONTENT_FORMAT)
        if self.format is False:
            self.format = format
        return self.format == format

    def began(self, exchange: "Exchange | None") -> None:
        """Take note that the first response went out, and by which Exchange, where that is a separate one: it counts
        as a notification."""
        self.exchange = exchange
        if self.binding and self.binding.outer:
            self.binding.outer = None  # an outer Block1 is of the first response alone


class Notifying:
    """A base class of Observers, whose attributes these methods use."""

    if _TYPING:
        deadline: Tick | None
        stats: dict[str, int]
        _endpoint: Endpoint
        _entries: list
        _hold: Tick | None
        _sequence: Any
        _unconfirmed: int
        _remove: Callable[..., None]
        _put_last: Callable[..., None]

    def _next_number(self):
        return uint_octets(self._sequence.next_number() & 0xFFFFFF)

    def _step(self, observer, now):
        if observer.asked_until is not None:
            if ticks_diff(now, observer.asked_until) >= 0:
                self._give_up(observer, now)
            return
        if observer.mids_until is not None and ticks_diff(now, observer.mids_until) >= 0:
            observer.mids_until = None
            observer.mids = []
        if observer.ready is not None and ticks_diff(now, observer.ready) >= 0:
            observer.ready = None
        if observer.confirm_at is not None and ticks_diff(now, observer.confirm_at) >= 0:
            observer.confirm_at = None
            observer.changed = observer.confirm = True
        if observer.changed and self._may_go(observer):
            self._ask(observer, now)

    def _may_go(self, observer):
        exchange = observer.exchange
        if self._hold is not None or exchange and exchange.state != QUEUED:
            return False
        return observer.ready is None or observer.confirm

    def _ask(self, observer, now):
        """Have the request come again."""
        until = now + self._endpoint.parameters.exchange_lifetime
        self._endpoint.emit((REQUEST, observer, observer.message))
        observer.asked_until = until
        observer.changed = False

    def _give_up(self, observer, now):
        """End it with 5.00: the application has not answered, and may never do so."""
        self._endpoint.stats["abandoned"] += 1
        try:
            self._notify(observer, Message(numbers.INTERNAL_SERVER_ERROR), now)
        except (MemoryError, MessageError, OSError):
            self._endpoint.stats["dropped"] += 1
            self._remove(observer)

    def _notify(self, observer, message, now):
        exchange = observer.exchange
        if exchange and exchange.state != QUEUED and exchange.deadline is not None:
            # It went on the air meanwhile, and has its time to be acknowledged before anything follows.
            observer.asked_until = None
            observer.changed = True
            close(message.payload)
            return
        payload = message.payload
        message, last = self._notification(observer, message)
        confirmable = last or observer.confirm or observer.sent >= self._unconfirmed
        plain, source = self._endpoint.shaped(observer, message, now)
        token = observer.message.token
        if exchange and exchange.state == QUEUED:
            exchange.datagram = self._endpoint.encoded(plain, numbers.CON, exchange.mid, token)
        elif exchange:
            self._replace(exchange, plain, token, now)
        elif confirmable:
            observer.exchange = self._endpoint.start(
                observer.peer, plain, numbers.CON, token, now, None, observer, None
            )
            observer.confirm = False  # unless that is asked for meanwhile
        else:
            self._send(observer, plain, token, now)
        # Where there is no source to close, it is kept until the peer has the rest of it
        close(source if message.payload is payload else payload)
        observer.asked_until = None
        self.stats["notified"] += 1
        if last:
            self.stats["failed"] += 1
            self._remove(observer)
        else:
            self._put_last(observer)

    def _notification(self, observer, message):
        """Return the notification, and whether it is the last one."""
        options = without(message.options, numbers.OBSERVE)
        if not numbers.is_success(message.code):
            return Message(message.code, message.payload, options), True
        if not observer.takes(message):
            return Message(numbers.NOT_ACCEPTABLE), True
        options.append((numbers.OBSERVE, self._next_number()))
        return Message(message.code, message.payload, options), False

    def _replace(self, exchange, message, token, now):
        """Send a newer notification in place of one that was not acknowledged, as its next retransmission. It has a
        message ID of its own (section 4.5.2)."""
        mid = self._endpoint.next_mid()
        datagram = self._endpoint.encoded(message, numbers.CON, mid, token)
        timeout = 2 * exchange.timeout
        exchange.deadline = now + timeout
        exchange.timeout = timeout
        exchange.mid = mid
        exchange.datagram = datagram
        exchange.retransmissions += 1
        self._endpoint.stats["retransmitted"] += 1
        self._endpoint.put(datagram, exchange.peer)

    def _send(self, observer, message, token, now):
        """Send a non-confirmable notification. The next one to this peer waits for a round trip, on average."""
        mid = self._endpoint.next_mid()
        datagram = self._endpoint.encoded(message, numbers.NON, mid, token)
        ready = now + (_SPACING if observer.round_trip is None else observer.round_trip)
        until = now + self._endpoint.parameters.non_lifetime
        observer.mids.append(mid)
        if len(observer.mids) > _MIDS:
            observer.mids.pop(0)
        observer.mids_until = until
        observer.sent += 1
        for each in self._entries:
            if each.peer == observer.peer:
                each.ready = ready
        self._endpoint.put(datagram, observer.peer)

    def _measured(self, observer, time):
        """Take a round trip into the estimate for a peer, by an eighth, as TCP does."""
        before = observer.round_trip
        estimate = time if before is None else (7 * before + time) // 8
        for each in self._entries:
            if each.peer == observer.peer:
                each.round_trip = estimate

    def _arm(self, now):
        """Set `deadline`. Raise nothing."""
        self.deadline = now
        try:
            deadline = self._hold
            for observer in self._entries:
                deadline = earliest(deadline, self._due(observer, now))
            self.deadline = deadline
        except MemoryError:
            pass  # of CPython; at the next poll

    def _due(self, observer, now):
        """Return when something is to be done about an observer, or None."""
        if observer.asked_until is not None:
            return observer.asked_until
        if observer.changed and self._may_go(observer):
            return now
        due = earliest(observer.confirm_at, observer.mids_until)
        return earliest(due, observer.ready)


def close(payload):
    """Close the source that a payload may be. Raise nothing."""
    if hasattr(payload, "close"):
        from ..blockwise import parts

        parts.close(payload)


def without(options, *left_out):
    """Return the options but those of these numbers."""
    return [option for option in options if option[0] not in left_out]
