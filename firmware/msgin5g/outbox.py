# SPDX-License-Identifier: MIT
"""Messages on their way out: what the application sees of one, and the place that keeps them until they end."""

from .errors import OutboxFull

FINAL = ("delivered", "failed", "expired")


class Outgoing:
    """A message that `send` took.

    `state` is "queued", "sent" (on the air), "accepted" (the server has it), "stored" (it waits there for the
    recipient), "delivered", "failed" (`cause` says why) or "expired"; `final` tells that it will not change.
    """

    # Here what most messages never change, or only while they are sent: 64 of them may wait for reports.
    cause = None
    final = False
    segmented = False  # too large for one datagram
    expires = None  # Countdown to the end of `expires`, later to that of the wait for a report
    expire_time = None  # the same as a date, for sfParam
    segments = None  # once the first segment went out
    segment = None  # number on the air
    exchange = None  # on the air
    hold = None  # tick until which SEGCONFIR is waited for
    turn = 0  # when it was last on the air, for a fair order among destinations

    def __init__(self, message_id, to, to_type, source, app_id, report, priority, store_forward, volatile):
        self.message_id = message_id
        self.to = to
        self.to_type = to_type
        self.state = "queued"
        self.app_id = app_id
        self.report = report
        self.priority = priority
        self.store_forward = store_forward
        self.volatile = volatile
        self.source = source
        self.size = source.size

    def __repr__(self):
        return "<Outgoing %s to %s: %s%s>" % (
            self.message_id,
            self.to,
            self.state,
            ", " + self.cause if self.cause else "",
        )


class Outbox:
    """The messages that are not accepted yet, in order, and those that wait for a report. Kept in the heap.

    A journal on flash takes this class's place behind the same calls: `add` before `send` returns, `accepted`
    when the body is not needed any more, `ended` when nothing is.
    """

    MOST_WAITING = 64

    def __init__(self, messages, octets):
        self._most_messages = messages
        self._most_octets = octets
        self.queue = []
        self.waiting = []
        self.octets = 0

    def check(self, size):
        """Raises ValueError where a body of `size` octets never fits, OutboxFull where it does not fit now."""
        if size > self._most_octets:
            raise ValueError("%d octets: outbox.bytes allows %d for all messages" % (size, self._most_octets))
        if len(self.queue) >= self._most_messages:
            raise OutboxFull("%d messages wait already (outbox.messages)" % len(self.queue))
        if self.octets + size > self._most_octets:
            raise OutboxFull("%d of %d octets are taken (outbox.bytes)" % (self.octets, self._most_octets))

    def add(self, outgoing):
        self.queue.append(outgoing)
        self.octets += outgoing.size

    def accepted(self, outgoing):
        """Its body can go; the record waits for a report. Gives a record that had to make room, or None."""
        self._drop_body(outgoing)
        self.waiting.append(outgoing)
        return self.waiting.pop(0) if len(self.waiting) > self.MOST_WAITING else None

    def ended(self, outgoing):
        if outgoing in self.queue:
            self._drop_body(outgoing)
        elif outgoing in self.waiting:
            self.waiting.remove(outgoing)

    def find(self, message_id):
        for rows in (self.queue, self.waiting):
            for outgoing in rows:
                if outgoing.message_id == message_id:
                    return outgoing
        return None

    def _drop_body(self, outgoing):
        self.queue.remove(outgoing)
        self.octets -= outgoing.size
        outgoing.source.remove()
        outgoing.source = None
        if outgoing.segmented:
            outgoing.segments = None
