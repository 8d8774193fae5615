# SPDX-License-Identifier: MIT
"""From the outbox to the air: TS 24.538 clauses 6.4.1.1.2 (sending) and 6.5 (Message Sender)."""

from coap.compat import const

from ..rules import policy
from ..wire import bodies, payload
from .body_builder import BodyBuilder
from .scheduler import OutboxScheduler

_MAX_AGE = const(14)  # of coap.numbers
_PROGRESS = const(64)  # acknowledged segments between two writes: a restart repeats at most so many


class MessageSender(OutboxScheduler):
    """An OutboxScheduler of JSON bodies."""

    def __init__(self, client):
        super().__init__(client)
        self._client = client

    # --- what goes out ------------------------------------------------------------------------------

    def next(self, now):
        """Return the next body as (outgoing, body, confirmable), or None."""
        while self.outbox.queue:
            outgoing = self.choose(now)
            if outgoing is None:
                break
            try:
                return self._job(outgoing)
            except (OSError, ValueError) as error:  # the storage lost the payload, or damaged its text
                self.unsendable(outgoing, "storage: %s" % error, now)
        return None

    def sent(self, outgoing, exchange):
        outgoing.exchange = exchange

    def _job(self, outgoing):
        if self._cut(outgoing) is not None:
            if not outgoing.segments.missing:  # a restart came between the last of them and SEGCONFIR
                outgoing.segments.resend(((outgoing.segments.total, outgoing.segments.total),))
            outgoing.segment = outgoing.segments.next()
        outgoing.exchange = None  # the attribute must exist before anything goes out: adding one takes memory
        made = outgoing.prefetched
        outgoing.prefetched = None
        body = made[1] if made and made[0] == outgoing.segment else self.body(outgoing, outgoing.segment)
        job = outgoing, body, self.confirmable(outgoing)
        self._on(outgoing, "goes")
        return job

    def confirmable(self, outgoing):
        """Return whether its requests are. Where any message has to go again all are: a peer that does not answer must
        not be sent more (RFC 7252 section 4.7)."""
        return outgoing.report or self._backoffs or self._config.coap["confirmable"] == "all"

    def _cut(self, outgoing):
        """Return the Segments of a message, None where it goes whole."""
        if outgoing.segments is None and outgoing.segmentation is not None:
            from .segmentation import Segments  # a device that sends no large messages has no memory for it

            outgoing.segments = Segments(outgoing.source, *outgoing.segmentation, outgoing.progress)
        return outgoing.segments

    def _is_there(self, outgoing, number):
        """Return whether a segment may go out: of a message that is being copied to the storage those that are there,
        and the last one not before the message itself is, so that nobody has all of a message that `send` has not
        taken."""
        spool = outgoing.spool
        return spool is None or outgoing.segments.end(number) <= min(spool.copied, spool.size - 1)

    def body(self, outgoing, number):
        """Return MSG with the segment of this number, or with the whole payload where it is None."""
        config = self._config
        segments = outgoing.segments
        if segments is not None:
            value = segments.value(number)
        else:
            value = payload.value_of(outgoing.source) if outgoing.size or not outgoing.source.text else None
        return bodies.message(
            config.service_identifier, config.ue_service_id, outgoing, value, segments, number or 0
        )

    def prepare(self, now):
        # On a slow board making a segment takes a quarter of the time that a slow line takes to carry it.
        for outgoing in self.outbox.queue:
            if outgoing.stands != "sending" or outgoing.segments is None or outgoing.prefetched is not None:
                continue
            number = outgoing.segments.next(outgoing.segment)
            if number is not None and self._is_there(outgoing, number):
                try:
                    from .segmentation import make_next

                    return make_next(self._client, self, outgoing, number, now)
                except (OSError, ValueError, MemoryError):
                    pass  # the error comes again when its turn has come, and is reported then
            break
        return None

    def hold_back(self, now):
        for outgoing in self.outbox.queue:
            self._forget_next(outgoing, now)

    def _forget_next(self, outgoing, now):
        """Forget the segment that was made ahead: the one before it has not gone well, or nothing more goes."""
        made = outgoing.prefetched
        if made is None:
            return
        outgoing.prefetched = None
        if made[2] is not None:
            self._client.endpoint.held = None
            self._client.cancel(made[2], now)

    def _ready(self, outgoing):
        if outgoing.stands != "queued" and outgoing.stands != "sent":
            return False
        if outgoing.spool is None:
            return True
        segments = self._cut(outgoing)
        return segments is not None and self._is_there(outgoing, segments.next())

    # --- what came back -----------------------------------------------------------------------------

    def answered(self, outgoing, message, now):
        outgoing.exchange = None
        if outgoing not in self.outbox.queue:
            return  # it was accepted, or ended, another way while this was on the air
        verdict = policy.verdict(message.code, "MSG")
        if verdict == policy.DONE:
            if outgoing.segments is None:
                self.accept(outgoing, now)
                if self._backoffs:
                    self.clear_backoff(outgoing)  # not before: that may have found no memory
                return
            outgoing.segments.acknowledge(outgoing.segment)
            if outgoing.segments.missing % _PROGRESS == 0:
                self.outbox.progressed(outgoing)
            self.clear_backoff(outgoing)
            made = outgoing.prefetched
            if made is not None and made[2] is not None:  # it is on the air already
                outgoing.segment, _, outgoing.exchange = made
                outgoing.prefetched = None
                return
            self._go_on(outgoing, "back", now)
        elif verdict == policy.END:
            self.end(outgoing, "failed", bodies.failure(message), now)
        else:
            max_age = message.uint(_MAX_AGE)
            self._forget_next(outgoing, now)
            self.delay(outgoing, max_age, False, now, verdict == policy.REGISTER)

    def unanswered(self, outgoing, now, why=None, silent=True):
        exchange = outgoing.exchange
        outgoing.exchange = None
        if outgoing not in self.outbox.queue:
            return
        self._forget_next(outgoing, now)
        self.delay(outgoing, None, silent, now, exchange and not exchange.confirmable)

    def _go_on(self, outgoing, event, now):
        """Take this event where there are more segments to send; else wait for the confirmation."""
        if not outgoing.segments.missing:
            # tick until which it is "confirming", and which it has only then
            outgoing.confirm_deadline = now + int(self._config.segments["hold"] * 1000)
            event = "whole"
        self._on(outgoing, event)

    def _take_off(self, outgoing, now):
        if outgoing.prefetched is not None:
            self._forget_next(outgoing, now)
        if outgoing.exchange is not None:
            self._client.cancel(outgoing.exchange, now)
            outgoing.exchange = None

    def withdraw(self, outgoing, now):
        """Take a message off the air that goes out again in another form."""
        self._take_off(outgoing, now)
        self._on(outgoing, "back")

    # --- what the server and the recipient say (clauses 6.4.1.1.6 to .9, 6.5.1.2) ---------------------------

    def receive(self, kind, body, now):
        if kind == "IMDN":
            self.receive_report(body, now)
        else:
            self.said(kind, body, now)


def start(client):
    """Return the Sender of a Client, which has it and its builder from now on."""
    builder = BodyBuilder(
        client.config, client.storage, client.store, client.outbox, client.random, client.clock
    )
    if client.config.aggregation["wait"] or client.store.compositions:
        # by its name, as the client loads procedures: it builds on this module
        sender = __import__("msgin5g.outgoing.aggregate", None, None, ("start",)).start(client)
    else:
        sender = MessageSender(client)
    client.sender = sender
    client.builder = builder
    return sender
