# SPDX-License-Identifier: MIT
"""Messages that went out as one, and what each of them has to do with the others: TS 24.538 clause 6.4.1.1.3. Who
joins them is `aggregate`."""

from coap.compat import const

from ..timing import Countdown

_DAY = const(86400000)


class Aggregate:
    """Messages that went out as one. bodies.message takes it for a message: what is not said here, each of them says
    for itself.

    `elements` are those that have not ended; `taken` says whether the other side has accepted them, `broken` whether
    one of them left before: then the others do not go out as this one again.
    """

    app_id = prefetched = None
    report = plain = False
    priority = "NORMAL"

    def __init__(self, message_id, elements):
        first = elements[0]
        self.message_id = message_id
        self.to = first.to
        self.to_type = first.to_type
        self.store_forward = first.store_forward
        self.expire_time = first.expire_time
        self.elements = elements
        self.orders = [each.order for each in elements]
        self.exchange = None
        self.ref = None
        self.taken = self.broken = self.dissolved = False

    def composition(self):
        """Return the fields of record J."""
        return [self.message_id, self.orders, self.dissolved]


class Share:
    """What a message has to do with others: `octets` as an element, None where it is none, `wait` until it goes out
    all the same. `alone`: it went out singly, and goes on so. `room` is that for elements after a first like this."""

    room = None

    def __init__(self, wait, now, octets):
        self.wait = Countdown(wait, now)
        self.octets = octets
        self.alone = False
        self.aggregate = None

    @property
    def free(self):
        return self.octets is not None and not self.alone and self.aggregate is None


class Held:
    """In place of the Countdown of a message that went out with others. It does not leave them after that, so it
    expires with the last of them."""

    def __init__(self, own, aggregate):
        self.own = own
        self._aggregate = aggregate

    @property
    def last(self):
        return self.own.last

    def advance(self, now):
        self.own.advance(now)
        return self.left(now)

    def left(self, now):
        longest = self.own.left(now)
        for each in self._aggregate.elements:
            held = each.expires
            longest = max(longest, held.own.left(now) if isinstance(held, Held) else _DAY)
        return longest

    def deadline(self, now):
        return now + max(0, min(self.left(now), _DAY))
