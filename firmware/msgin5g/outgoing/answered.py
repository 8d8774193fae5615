# SPDX-License-Identifier: MIT
"""The part of a sender for what the server and the recipient say about a message (clauses 6.4.1.1.6 to .9, 6.5.1.2).
Imported by the sender with the first such word.
"""

from coap import numbers

from ..rules.refusals import Refusal, expect_own
from ..wire.identifiers import MANY
from ..wire.reading import FAILURE, STORED, SUCCESS, read_ranges


class Answered:
    """Methods of OutboxScheduler as a sender of JSON bodies, whose attributes they use."""

    def said(self, kind, body, now):
        """Do what `receive` of a source does, for all but reports."""
        if kind == "MSGRESP":
            self._receive_response(body, now)
        elif kind == "SEGREC":
            ranges = read_ranges(body.text("segNoList", longest=1024))
            if not self.recovery(body.text("segId"), ranges, now):
                raise Refusal(numbers.NOT_FOUND, "segId: nothing is held of this message")
        else:
            self._client.expected(self.confirmation(body.text("segId"), body.flag("result"), now))

    def receive_report(self, body, now):
        sender = body.originator()[1]
        expect_own(body, "destAddr", self._config)
        # an aggregated report, clause 6.4.1.1.9, is taken whole or not at all
        elements = body.elements() if "msgList" in body else (body,)
        for message_id, (status, cause) in [(each.message_id(), each.status()) for each in elements]:
            self._client.expected(self.report(sender, message_id, status, cause, now))

    def _receive_response(self, body, now):
        expect_own(body, "oriAddr", self._config)
        status, cause = body.status(None)
        if status is None and cause is not None:
            status = FAILURE
        if cause is not None and "not registered" in cause.lower():
            self._client.registration.on_unregistered(now)
        self._client.expected(self.response(body.message_id(), status, cause, now))

    def report(self, sender, message_id, status, cause, now):
        """Take the recipient's word (IMDN). Return whether a message waited for it."""
        outgoing = self.outbox.find(message_id)
        if outgoing is None or (outgoing.to_type not in MANY and outgoing.to != sender):
            return False
        if outgoing.spool is not None:
            return False  # nobody has it: its last segment is still here
        if status == STORED:  # neither a value of clause 7.3.4.2 nor a failure
            return self.response(message_id, status, cause, now)
        self.reported(outgoing, sender, status == SUCCESS, cause, now)
        return True

    def response(self, message_id, status, cause, now):
        """Take the server's word (MSGRESP). Return whether a message waited for it."""
        return self.response_of_one(message_id, status, cause, now)

    def response_of_one(self, message_id, status, cause, now):
        """Do the same where no other message goes by this ID."""
        outgoing = self.outbox.find(message_id)
        if outgoing is None:
            return False
        if outgoing.final:
            return True  # delivered to one of many already
        if status == STORED:
            if outgoing in self.outbox.queue:
                self.accept(outgoing, now, "stored")  # who stores a message has accepted it
            else:
                self._on(outgoing, "stored")
        elif status == FAILURE:
            self.end(outgoing, "failed", cause or "the server reported a failure", now)
        return True

    def recovery(self, set_id, ranges, now):
        """Send these segments again, which the other side misses (SEGREC). Return whether the set is held."""
        outgoing = self._of_set(set_id)
        if outgoing is None:
            return False
        segments = outgoing.segments
        segments.resend(ranges)
        if outgoing.exchange is not None:
            # The one on the air is lost where it is named, and its answer where only later ones are. What lies behind
            # all that are named may be under way: a long list is cut.
            number = outgoing.segment
            named = any([first <= number <= last for first, last in ranges])
            if not named and number < max([last for _, last in ranges]):
                segments.acknowledge(number)
                named = True
            if named:
                self.withdraw(outgoing, now)
        self._go_on(outgoing, "asked", now)
        return True

    def confirmation(self, set_id, result, now):
        """Take note that the other side has the whole message, or gave up (SEGCONFIR). Return whether the set is
        held."""
        outgoing = self._of_set(set_id)
        if outgoing is None:
            return False
        if result:
            self.accept(outgoing, now)
        else:
            self.end(outgoing, "failed", "the receiver gave up waiting for segments", now)
        return True

    def _of_set(self, set_id):
        for outgoing in self.outbox.queue:
            if outgoing.segments is not None and outgoing.segments.set_id == set_id:
                return outgoing
        return None
