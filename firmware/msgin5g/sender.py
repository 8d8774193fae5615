# SPDX-License-Identifier: MIT
"""From the outbox to the air: TS 24.538 clauses 6.4.1.1.2 (sending) and 6.5 (Message Sender).

Order is kept for each destination, and only messages to the same destination wait for a delayed one.
"""

from coap import numbers
from coap.compat import const, earliest, random_octets, ticks_diff

from . import bodies
from .segmentation import Segments, value_of
from .timing import Backoff, Countdown

# To be sent again; every other failure is final (profile section 4).
_AGAIN = (
    numbers.UNAUTHORIZED,
    numbers.REQUEST_ENTITY_INCOMPLETE,
    numbers.TOO_MANY_REQUESTS,
    numbers.INTERNAL_SERVER_ERROR,
    numbers.BAD_GATEWAY,
    numbers.SERVICE_UNAVAILABLE,
    numbers.GATEWAY_TIMEOUT,
)

_PROGRESS = const(16)  # acknowledged segments between two writes: a restart repeats at most so many


class Sender:
    """Chooses what goes out next and brings each Outgoing to its one final state.

    `changed(outgoing, new)` is called after each change, with whether the state is another one,
    `cancel(exchange, now)` takes a message off the air.
    """

    def __init__(self, config, outbox, changed, cancel, random=random_octets):
        self.outbox = outbox
        self._config = config
        self._changed = changed
        self._cancel = cancel
        self._random = random
        self._backoffs = {}  # by destination; only those that wait
        self._turn = 0
        for outgoing in outbox.waiting:  # from before a restart
            outgoing.state = "accepted"
            outgoing.expires = Countdown(config.report_timeout * 1000)

    # --- what goes out ------------------------------------------------------------------------------

    def next(self, now):
        """The next body as (outgoing, body, confirmable), or None."""
        while True:
            outgoing = self._choose(now)
            if outgoing is None:
                return None
            try:
                return self._job(outgoing)
            except OSError as error:  # the storage lost it
                self._end(outgoing, "failed", "storage: %s" % error, now)

    def impossible(self, outgoing, why, now):
        """It does not fit a datagram."""
        self._end(outgoing, "failed", why, now)

    def _job(self, outgoing):
        self._turn += 1
        outgoing.turn = self._turn
        config = self._config
        segment = None
        if outgoing.segments is None and outgoing.cut is not None:
            outgoing.segments = Segments(outgoing.source, *outgoing.cut, outgoing.progress)
            if not outgoing.segments.missing:  # a restart came between the last of them and SEGCONFIR
                outgoing.segments.resend(((outgoing.segments.total, outgoing.segments.total),))
        segments = outgoing.segments
        if segments is None:
            value = value_of(outgoing.source) if outgoing.size or not outgoing.source.text else None
        else:
            outgoing.segment = segments.next()
            segment = bodies.segment(segments.set_id, outgoing.segment, segments.total)
            value = segments.value(outgoing.segment)
        body = bodies.message(
            config.service_identifier, config.ue_service_id, outgoing, value, segment, outgoing.expire_time
        )
        if outgoing.state == "queued":
            self._set(outgoing, "sent")
        return outgoing, body, outgoing.report or config.coap["confirmable"] == "all"

    def _choose(self, now):
        """Of the first messages to each destination that may go now: the most urgent, then the longest unserved."""
        best = best_rank = None
        seen = []
        for outgoing in self.outbox.queue:
            destination = (outgoing.to_type, outgoing.to)
            if destination in seen:
                continue
            seen.append(destination)
            if outgoing.exchange is not None or outgoing.hold is not None:
                continue
            backoff = self._backoffs.get(destination)
            if backoff is not None and not backoff.ready(now):
                continue
            rank = (bodies.PRIORITIES.index(outgoing.priority), outgoing.turn)
            if best is None or rank < best_rank:
                best, best_rank = outgoing, rank
        return best

    # --- what came back -----------------------------------------------------------------------------

    def answered(self, outgoing, message, now):
        outgoing.exchange = None
        code = message.code
        if code >> 5 == 2:
            self._backoffs.pop((outgoing.to_type, outgoing.to), None)
            self._sent(outgoing, now)
        elif code not in _AGAIN:
            self._end(outgoing, "failed", bodies.failure(message), now)
        elif code != numbers.UNAUTHORIZED:  # after which it goes again as soon as the registration stands
            self._delay(outgoing, message.uint(numbers.MAX_AGE), False, now)

    def unanswered(self, outgoing, now):
        outgoing.exchange = None
        self._delay(outgoing, None, True, now)

    def heard(self):
        """The peer lives: what waited because of its silence need not wait any longer."""
        for backoff in self._backoffs.values():
            backoff.heard()

    def _delay(self, outgoing, max_age, silent, now):
        destination = (outgoing.to_type, outgoing.to)
        backoff = self._backoffs.get(destination)
        if backoff is None:
            backoff = self._backoffs[destination] = Backoff(5000, 300000, self._random)
        backoff.failed(now, max_age, silent)

    def _sent(self, outgoing, now):
        segments = outgoing.segments
        if segments is None:
            self._accept(outgoing, now)
            return
        segments.acknowledge(outgoing.segment)
        if segments.missing % _PROGRESS == 0:
            self.outbox.progressed(outgoing)
        if not segments.missing:
            outgoing.hold = now + int(self._config.segments["hold"] * 1000)

    def _accept(self, outgoing, now, state="accepted"):
        if not outgoing.report:
            self._end(outgoing, state, None, now)
            return
        self._take_off(outgoing, now)
        outgoing.expires = Countdown(self._config.report_timeout * 1000, now)
        crowded_out = self.outbox.accepted(outgoing)
        self._next_in_line(outgoing)
        self._set(outgoing, state)
        if crowded_out is not None:
            self._end(crowded_out, crowded_out.state, "too many others wait for a report", now)

    def _end(self, outgoing, state, cause, now):
        self._take_off(outgoing, now)
        new = outgoing.state != state
        outgoing.final = True
        outgoing.state = state
        if cause is not None:
            outgoing.cause = cause
        self.outbox.ended(outgoing)
        self._next_in_line(outgoing)
        self._changed(outgoing, new)

    def _next_in_line(self, outgoing):
        """One less for its destination: the next there takes over its turn, the last one its back-off."""
        for other in self.outbox.queue:
            if other.to == outgoing.to and other.to_type == outgoing.to_type:
                other.turn = max(other.turn, outgoing.turn)
                return
        self._backoffs.pop((outgoing.to_type, outgoing.to), None)

    def _take_off(self, outgoing, now):
        if outgoing.hold is not None:
            outgoing.hold = None
        if outgoing.exchange is not None:
            self._cancel(outgoing.exchange, now)
            outgoing.exchange = None

    def _set(self, outgoing, state):
        new = outgoing.state != state
        outgoing.state = state
        self._changed(outgoing, new)

    # --- what the server and the recipient say (clauses 6.4.1.1.6 to .9, 6.5.1.2) ---------------------------

    def report(self, sender, message_id, status, cause, now):
        """IMDN: the recipient's word. False where no message waits for it."""
        outgoing = self.outbox.find(message_id)
        if outgoing is None or (outgoing.to_type in ("UE", "AS") and outgoing.to != sender):
            return False
        if status == bodies.SUCCESS:
            self._end(outgoing, "delivered", None, now)
        else:
            self._end(outgoing, "failed", cause or "the recipient reported a failure", now)
        return True

    def response(self, message_id, status, cause, now):
        """MSGRESP: the server's word. False where no message waits for it."""
        outgoing = self.outbox.find(message_id)
        if outgoing is None:
            return False
        if status == bodies.STORED:
            if outgoing in self.outbox.queue:
                self._accept(outgoing, now, "stored")  # who stores a message has accepted it
            else:
                self._set(outgoing, "stored")
        elif status == bodies.FAILURE:
            self._end(outgoing, "failed", cause or "the server reported a failure", now)
        return True

    def recovery(self, set_id, ranges, now):
        """SEGREC: these segments are missing on the other side. False where nothing is held of the set."""
        outgoing = self._of_set(set_id)
        if outgoing is None:
            return False
        outgoing.segments.resend(ranges)
        outgoing.hold = None if outgoing.segments.missing else now + int(self._config.segments["hold"] * 1000)
        return True

    def confirmation(self, set_id, result, now):
        """SEGCONFIR: the other side has the whole message, or gave up. False where nothing is held of the set."""
        outgoing = self._of_set(set_id)
        if outgoing is None:
            return False
        if result:
            self._accept(outgoing, now)
        else:
            self._end(outgoing, "failed", "the receiver gave up waiting for segments", now)
        return True

    def _of_set(self, set_id):
        for outgoing in self.outbox.queue:
            if outgoing.segments is not None and outgoing.segments.set_id == set_id:
                return outgoing
        return None

    # --- time ---------------------------------------------------------------------------------------

    def poll(self, now):
        # backwards, for each may leave its list
        for outgoing in reversed(self.outbox.queue):
            if outgoing.expires is not None and outgoing.expires.left(now) <= 0:
                self._end(outgoing, "expired", "not accepted in time", now)
            elif outgoing.hold is not None and ticks_diff(now, outgoing.hold) >= 0:
                self._accept(outgoing, now)
        for outgoing in reversed(self.outbox.waiting):
            if outgoing.expires.left(now) <= 0:
                self._end(outgoing, outgoing.state, "no report came", now)

    def next_deadline(self, now):
        """When poll() or next() has something to do by the clock."""
        deadline = None
        for outgoing in self.outbox.queue:
            deadline = earliest(deadline, outgoing.hold)
            if outgoing.expires is not None:
                deadline = earliest(deadline, outgoing.expires.deadline(now))
        for outgoing in self.outbox.waiting:
            deadline = earliest(deadline, outgoing.expires.deadline(now))
        for backoff in self._backoffs.values():
            # one that is over waits for something else: its turn, or the registration
            if not backoff.ready(now):
                deadline = earliest(deadline, backoff.deadline)
        return deadline
