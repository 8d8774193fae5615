# SPDX-License-Identifier: MIT
"""Being watched by peers: the server side of RFC 7641. Imported by who has something to be observed.

    observers = Observers(endpoint, now)

From then on what can be observed is answered with `observers.respond(incoming, message, now)` in place of
`endpoint.respond`: who asks for it with Observe 0 is kept in the list. When it has changed, `observers.changed(path,
now)` says so. Each observer's request then comes again as a REQUEST event, as soon as a notification may go to it; its
answer, again by `observers.respond`, is the notification. So whoever answers requests has nothing more to do, and what
goes out is what the resource is at that time: states in between are skipped (sections 1.3 and 4.5.2).
"""

from .. import numbers
from ..compat import const, ticks_diff
from ..exchange import RESET, RESPONSE
from ..message import Message
from .notifying import Notifying, Observer, close, without
from .sequence import Unknown

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer, Tick

    from ..endpoint import Endpoint
    from ..endpoint.duplicates import Incoming
    from ..endpoint.parameters import Exchange

_DAY = const(86400000)  # ms within which an observer must have acknowledged something (section 4.5)
_REORDERED = const(128000)  # ms after which whatever comes is newer (section 3.4)
_FINAL = const(1)  # Observe of a request that ends it (section 2)


class Observers(Notifying):
    """The list of observers of an endpoint, which has it as `endpoint.observers`.

    `most` are kept, `most_each` of one peer, under OSCORE of one key; beyond that a request is answered as if it had
    not asked (section 4.1), and those in the list that were not heard from for MAX_TRANSMIT_WAIT get a confirmable
    notification, so that who went away makes room.

    After `unconfirmed` notifications in non-confirmable messages comes one in a confirmable message, the first one is
    confirmable too, and one is sent after a day in any case, so that who went away does not stay in the list
    (section 4.5). With 0 all are confirmable.

    `sequence.next_number()` gives the sequence numbers, newer ones over a restart as well (section 4.4): see
    coap.observe.sequence. Without it nobody knows which numbers were given before the restart. Then, for the first 128
    seconds, no notification is sent, and after that whatever comes is newer (section 3.4): who registered meanwhile is
    notified once.
    """

    # The endpoint keeps it among its observations, to be polled; no response is for it
    token = None
    peer = None
    exchange = None

    def __init__(
        self,
        endpoint: "Endpoint",
        now: "Tick",
        sequence: "Any" = None,
        most: int = 16,
        most_each: int = 8,
        unconfirmed: int = 5,
    ) -> None:
        self.deadline: "Tick | None" = None
        self.stats = {
            "registered": 0,  # observers that were added
            "full": 0,  # requests answered without Observe, because there was no room
            "notified": 0,  # notifications
            "skipped": 0,  # changes that another change replaced before it was told
            "reset": 0,  # observers that answered with Reset
            "silent": 0,  # observers that did not acknowledge
            "failed": 0,  # observers that were told an error as the last thing
        }
        self._endpoint = endpoint
        self._most = most
        self._most_each = most_each
        self._unconfirmed = unconfirmed
        self._sequence = sequence or Unknown(endpoint.random)
        self._hold = None if self._sequence.known else now + _REORDERED + 1
        self._entries: list = []
        if not endpoint.observations:
            endpoint.observations = []
        endpoint.observations.append(self)
        endpoint.observers = self

    def __len__(self):
        return len(self._entries)

    # --- what the application calls ---------------------------------------------------------------------

    def respond(self, incoming: "Incoming | Observer", message: Message, now: "Tick") -> None:
        """Answer a request as Endpoint.respond does, and let its peer observe the resource from now on where it asks
        for that and the answer is a success; or, for a request that came again, send the notification.

        An error as a notification is the last one (section 4.2), and so is one in another Content-Format than the
        first response had, which goes out as 4.06. Raise as Endpoint.respond does, and then all is as before; but who
        asks for no more, by Observe 1, is out of the list in any case.
        """
        if isinstance(incoming, Observer):
            if incoming in self._entries and incoming.asked_until is not None:
                self._notify(incoming, message, now)
                self._arm(now)
            else:
                close(message.payload)
            return
        observe = self._asks(incoming)
        if observe is None:
            self._endpoint.respond(incoming, message, now)
            return
        before = self._find(incoming)
        if observe == 0 and numbers.is_success(message.code) and self._has_room(incoming, before, now):
            self._register(incoming, message, before, now)
        else:
            # It observes no more, whatever becomes of this answer.
            if before:
                self._remove(before)
                self._supersede(before, now)
            self._endpoint.respond(incoming, message, now)
        self._arm(now)

    def changed(self, path: "str | None", now: "Tick", confirmable: bool = False) -> int:
        """Take note that the resource at `path` has changed, in the form of Message.path; None: all of them. Return
        how many observers will be told, in confirmable messages where that is asked for. Raise nothing.

        Where it was deleted, the answers to the requests that come again say so, with 4.04.
        """
        count = index = 0
        while index < len(self._entries):  # by index: an iterator takes memory on CPython
            observer = self._entries[index]
            index += 1
            if path is None or observer.path == path:
                count += 1
                if observer.changed:
                    self.stats["skipped"] += 1
                observer.changed = True
                if confirmable:
                    observer.confirm = True
        if count:
            self.deadline = now
            try:
                self.poll(self._endpoint, now)
            except MemoryError:
                pass  # at the deadline
        return count

    # --- what the endpoint calls ------------------------------------------------------------------------

    def poll(self, endpoint: "Endpoint", now: "Tick") -> None:
        """Do what is due at `deadline`. Raise MemoryError: the rest is still due."""
        if self._hold is not None and ticks_diff(now, self._hold) >= 0:
            self._hold = None
        for observer in list(self._entries):
            self._step(observer, now)
        self._arm(now)

    def renew(self, exchange: "Exchange", now: "Tick") -> bool:
        """Return whether a newer notification is to take the place of the one that was not acknowledged in time
        (section 4.5.2): it goes out with the retransmissions that are left."""
        observer = self._of(exchange)
        if observer is None or not observer.changed and observer.asked_until is None:
            return False
        if observer.asked_until is None:
            self._ask(observer, now)
        exchange.deadline = None  # until the application has made it
        return True

    def ended(self, exchange: "Exchange", kind: int, now: "Tick") -> None:
        """Take note that a separate response or a confirmable notification was acknowledged, reset or timed out. Raise
        nothing."""
        observer = self._of(exchange)
        if observer is None:
            return
        observer.exchange = None
        if kind != RESPONSE:
            self.stats["reset" if kind == RESET else "silent"] += 1
            self._remove(observer)
            self._arm(now)
            return
        observer.sent = 0
        self.deadline = now  # for what has changed meanwhile
        try:
            observer.confirm_at = now + _DAY
            if not exchange.retransmissions and exchange.deadline is not None:
                self._measured(observer, ticks_diff(now, exchange.deadline) + exchange.timeout)
        except MemoryError:
            pass  # of CPython, where numbers take memory

    def rejected(self, mid: int, peer: "Peer", now: "Tick") -> bool:
        """Return whether this Reset was about a non-confirmable notification, which ends its observation."""
        for observer in self._entries:
            if mid in observer.mids and observer.peer == peer:
                self.stats["reset"] += 1
                self._remove(observer)
                self._arm(now)
                return True
        return False

    # --- the list ---------------------------------------------------------------------------------------

    def _asks(self, incoming):
        """Return the Observe of a request that registers or ends something (section 2), None for any other."""
        request = incoming.message
        observe = request.uint(numbers.OBSERVE)
        if observe is None or observe > _FINAL or request.code not in (numbers.GET, numbers.FETCH):
            return None
        if (request.uint(numbers.BLOCK2) or 0) >> 4 or not self._endpoint.is_open(incoming):
            return None  # RFC 7959 section 2.6: the rest of a representation, which Observe is not for
        return observe

    def _find(self, incoming):
        """Return the entry of this peer and token, or None (section 4.1). What came unprotected, or under another key,
        says nothing about an observation under OSCORE."""
        for observer in self._entries:
            if (
                observer.message.token == incoming.message.token
                and observer.peer == incoming.peer
                and _principal(observer) == _principal(incoming)
            ):
                return observer
        return None

    def _has_room(self, incoming, before, now):
        if len(incoming.message.payload) <= self._endpoint.max_datagram:
            if before:
                return True
            whose = _principal(incoming) or incoming.peer  # a key has its share, from however many ports
            mine = [each for each in self._entries if (_principal(each) or each.peer) == whose]
            if len(mine) >= self._most_each:
                self._ask_after(mine, now)
            elif len(self._entries) >= self._most:
                self._ask_after(self._entries, now)
            else:
                return True
        self.stats["full"] += 1
        return False

    def _ask_after(self, observers, now):
        """Have those notified in confirmable messages that were not heard from for a while. A client that began anew
        has another token or port, and of what never changes it would stay in the list for a day."""
        wait = _DAY - self._endpoint.parameters.max_transmit_wait
        for observer in observers:
            if observer.confirm_at is not None and ticks_diff(observer.confirm_at, now) <= wait:
                observer.confirm_at = None  # until it was heard
                observer.changed = observer.confirm = True

    def _entry(self, incoming, response, now):
        request = incoming.message
        options = without(request.options, numbers.OBSERVE, numbers.BLOCK1)
        # A copy, which keeps no datagram in memory
        kept = Message(
            request.code, bytes(request.payload), options, numbers.NON, request.mid, bytes(request.token)
        )
        entry = Observer(incoming, kept, now + _DAY)
        entry.takes(response)
        # It may have known a higher number before our restart: see the class
        entry.changed = self._hold is not None
        return entry

    def _register(self, incoming, response, before, now):
        """Answer a request that registers; `before` is its entry, where it has one already. Raise as `respond`."""
        entry = self._entry(incoming, response, now)
        options = without(response.options, numbers.OBSERVE)
        options.append((numbers.OBSERVE, self._next_number()))
        if not before:
            self._entries.append(entry)  # first, since it may need memory
        try:
            self._endpoint.respond(incoming, Message(response.code, response.payload, options), now)
        except Exception:
            if not before:
                self._entries.remove(entry)
            raise
        if before:
            self._entries[self._entries.index(before)] = entry
            self._supersede(before, now)
        entry.began(incoming.response)
        self.stats["registered"] += 1

    def _supersede(self, observer, now):
        """Take back what is on its way by an entry that is no more: it is old now."""
        observer.asked_until = None
        if observer.exchange:
            self._endpoint.cancel(observer.exchange, now)

    def _remove(self, observer):
        observer.asked_until = None
        if observer in self._entries:
            self._entries.remove(observer)

    def _put_last(self, observer):
        """Put it at the end, so that each gets its turn where they share what one peer may be sent. Want no memory."""
        index = self._entries.index(observer)
        while index < len(self._entries) - 1:
            self._entries[index] = self._entries[index + 1]
            index += 1
        self._entries[index] = observer

    def _of(self, exchange):
        """Return the entry whose notification this is, or None. Want no memory."""
        index = len(self._entries)
        while index:
            index -= 1
            if self._entries[index].exchange is exchange:
                return self._entries[index]
        return None


def _principal(item):
    """Return who is behind a request: the key that it was protected with, None where it was not."""
    return item.binding and item.binding.context
