# SPDX-License-Identifier: MIT
"""The place that keeps messages on their way out until they end."""

import msgin5g
from coap.compat import const

_MAX_WAITING = const(64)


class Outbox:
    """The messages that are not accepted yet, in order, and those that wait for a report.

    What `add` took is on flash, and found there again after a restart; but volatile ones live in the heap only.
    """

    def __init__(self, store, messages, octets):
        self.queue = store.queue
        self.waiting = store.waiting
        self.octets = sum([outgoing.size for outgoing in self.queue])
        self._store = store
        self._max_messages = messages
        self._max_octets = octets

    def check(self, size):
        """Raise ValueError where a body of `size` octets never fits, OutboxFull where it does not fit now."""
        if size > self._max_octets:
            raise ValueError("%d octets: outbox.bytes allows %d for all messages" % (size, self._max_octets))
        if len(self.queue) >= self._max_messages:
            raise msgin5g.OutboxFull("messages that wait: %d (outbox.messages)" % len(self.queue))
        if self.octets + size > self._max_octets:
            raise msgin5g.OutboxFull(
                "%d of %d octets are taken (outbox.bytes)" % (self.octets, self._max_octets)
            )

    def add(self, outgoing, octets):
        """`octets` is a payload that goes into the record itself, None for one that lies elsewhere.
        Raise StorageError; the message was not taken then."""
        self.queue.append(outgoing)
        try:
            if outgoing.spool is not None:
                self._store.number(outgoing)
            elif not outgoing.volatile:
                self._keep(outgoing, octets)
        except Exception:
            self.queue.remove(outgoing)
            raise
        self.octets += outgoing.size

    def spooled(self, outgoing):
        """Take note that the payload of a message is in the storage: so is the message when this returns. Raise
        StorageError."""
        self._keep(outgoing, None)
        outgoing.spool = None

    def _keep(self, outgoing, octets):
        try:
            self._store.sent(outgoing, octets)
        except OSError as error:
            raise msgin5g.StorageError(error)

    def drop(self, outgoing):
        """Take out a message that was not taken after all, since its payload could not be kept."""
        self._leave_queue(outgoing, True)

    def progressed(self, outgoing):
        if outgoing.ref is not None:
            self._store.progress(outgoing)

    def accepted(self, outgoing, stands):
        """Drop the body of an accepted message, which waits for its report in the state `stands`. Return a message
        that had to make room for it, or None."""
        before = outgoing.stands
        self.waiting.append(outgoing)
        outgoing.stands = stands  # the next line may write its record again, and that must have the new state
        try:
            safe = outgoing.volatile or self._store.accepted(outgoing)
        except Exception:
            outgoing.stands = before
            self.waiting.remove(outgoing)
            raise
        self._leave_queue(outgoing, safe)
        if len(self.waiting) <= _MAX_WAITING:
            return None
        for other in self.waiting:
            if other.final:  # it has ended, and is only kept to count reports
                self.waiting.remove(other)
                return None
        return self.waiting[0]  # `ended` takes it out, where there is memory for that

    def ended(self, outgoing, state, cause, counting):
        """Take a message that ended out of the outbox. With `counting` it stays among those that wait, where there
        is room, so that more reports of it are counted."""
        if counting and outgoing in self.queue and len(self.waiting) < _MAX_WAITING:
            self.waiting.append(outgoing)
        safe = self._store.ended(outgoing, state, cause or outgoing.cause)
        if outgoing in self.queue:
            self._leave_queue(outgoing, safe)
        elif not counting and outgoing in self.waiting:
            self.waiting.remove(outgoing)

    def counted(self, outgoing):
        """Take note that a recipient of many reported a failure, which ends nothing yet."""
        if outgoing.ref is not None:
            self._store.counted(outgoing)

    def find(self, message_id):
        message_id = message_id.lower()  # RFC 4122 section 3: read in either case, written in lower
        for messages in (self.queue, self.waiting):
            for outgoing in messages:
                if outgoing.message_id == message_id:
                    return outgoing
        return None

    def history(self):
        """Return (message ID, to, to_type, state, cause) of the last messages that ended, oldest first."""
        return self._store.history

    def _leave_queue(self, outgoing, safe):
        source = outgoing.source
        self.queue.remove(outgoing)
        self.octets -= outgoing.size
        outgoing.source = None
        if outgoing.spool is not None:
            outgoing.spool = None
        if outgoing.segments is not None:  # else it is an attribute that is new, and wants memory
            outgoing.segments = None
        if safe:  # else a restart would find the message without its body
            source.remove()
