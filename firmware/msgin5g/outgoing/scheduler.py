# SPDX-License-Identifier: MIT
"""The outbox of either role on its way out: whose turn it is, when it is tried again, and how each message ends.

Order is kept for each destination, and only messages to the same destination wait for a delayed one (profile of the
wire, docs/wire-profile.md).
"""

from coap.compat import const, earliest, later, ticks_diff, whole

from ..rules import states
from ..rules.requests import Source
from ..timing import Countdown
from ..wire.identifiers import PRIORITIES

# What a scheduler needs whose messages meet more than their acceptance
_PARTS = const(
    "msgin5g.outgoing.outcomes Outcomes delay drop emit reported\n"
    "msgin5g.outgoing.answered Answered confirmation receive_report recovery report response response_of_one said"
)


class OutboxScheduler(Source):
    """Chooses what goes out next and brings each Outgoing to its one final state.

    `client.changed(outgoing)` is called for each change that an application sees. A subclass has `_ready`, which
    says whether a message may go out, and `_take_off`, which takes one off the air.
    """

    def __init__(self, client):
        config, outbox = client.config, client.outbox
        self.outbox = outbox
        self._stats = client.stats
        self._config = config
        self._changed = client.changed
        self._random = client.random
        self._backoffs = {}  # by destination; only those that wait
        self._turn = 0
        for outgoing in outbox.waiting:  # from before a restart
            outgoing.expires = Countdown(config.report_timeout * 1000)

    def __getattr__(self, name):
        later(OutboxScheduler, name, _PARTS)
        return getattr(self, name)

    def choose(self, now):
        """Return the message whose turn it is, or None: of the first ones to each destination that may go now the
        most urgent, then the longest unserved."""
        best = None
        seen = []
        for outgoing in self.outbox.queue:
            destination = (outgoing.to_type, outgoing.to)
            if destination in seen:
                continue
            seen.append(destination)
            backoff = self._backoffs.get(destination)
            if not self._ready(outgoing) or (backoff is not None and not backoff.ready(now)):
                continue
            if best is not None:
                rank = PRIORITIES.index(outgoing.priority), outgoing.turn
                if rank >= (PRIORITIES.index(best.priority), best.turn):
                    continue
            best = outgoing
        if best is not None:
            self._turn += 1
            best.turn = self._turn
        return best

    def prepare(self, now):
        """Work ahead as BaseClient.prepare does."""

    def hold_back(self, now):
        """Take note that nothing more may go out."""

    def on_peer_alive(self):
        """Take note that the peer lives: what waited because of its silence need not wait any longer."""
        for backoff in self._backoffs.values():
            backoff.on_peer_alive()

    def clear_backoff(self, outgoing):
        """Take note that the peer took the message, or a part of it: drop the back-off of its destination."""
        self._backoffs.pop((outgoing.to_type, outgoing.to), None)

    def accept(self, outgoing, now, event="accepted"):
        """Take note that the other side has it ("accepted", or "stored"): the end, unless a report was asked for."""
        if outgoing.spool is not None:
            return  # nobody has it: its last segment is still here
        if not outgoing.report:
            self.end(outgoing, "closed" if event == "accepted" else "shelved", None, now)
            return
        stands = states.after(states.OUTGOING, outgoing.stands, event)
        if stands is None:
            return
        self._changed(outgoing)  # this and the next want memory: nothing is changed before they have it
        before = outgoing.state
        expires = outgoing.expires
        outgoing.expires = Countdown(self._config.report_timeout * 1000, now)
        try:
            crowded_out = self.outbox.accepted(outgoing, stands)
        except Exception:
            outgoing.expires = expires
            raise
        self._count(outgoing.state, before)
        self._next_in_line(outgoing)
        self._take_off(outgoing, now)
        if crowded_out is not None:
            self.end(crowded_out, "closed", "too many others wait for a report", now)

    def unsendable(self, outgoing, why, now):
        self.end(outgoing, "failed", why, now)

    def end(self, outgoing, event, cause, now, counting=False):
        """End a message by this event, which leads to a state that is final."""
        stands = states.after(states.OUTGOING, outgoing.stands, event)
        if stands is None:
            return
        self._changed(outgoing)  # this and the next want memory: nothing is changed before they have it
        if cause is not None:
            outgoing.cause = outgoing.cause  # an attribute that is new wants memory, too
        before = states.word(states.OUTGOING, outgoing.stands)
        state = states.word(states.OUTGOING, stands)
        self.outbox.ended(outgoing, state, cause, counting)
        if cause is not None:
            outgoing.cause = cause
        outgoing.stands = stands
        self._count(state, before)
        self._next_in_line(outgoing)
        self._take_off(outgoing, now)

    def _next_in_line(self, outgoing):
        """Pass on the turn of a message that left the queue to the next one to that destination; drop its back-off
        where none is left."""
        for other in self.outbox.queue:
            if other.to == outgoing.to and other.to_type == outgoing.to_type:
                try:
                    other.turn = max(other.turn, outgoing.turn)
                except MemoryError:
                    pass  # an attribute that is new: the message has its turn sooner
                return
        if self._backoffs:
            self.clear_backoff(outgoing)

    def _on(self, outgoing, event):
        """Take an event that is neither its acceptance nor its end: such lead to nothing that is counted."""
        stands = states.after(states.OUTGOING, outgoing.stands, event)
        if stands is not None:
            if states.word(states.OUTGOING, stands) != states.word(states.OUTGOING, outgoing.stands):
                self._changed(outgoing)  # it wants memory: nothing is changed before it has that
            # the last step: what raises behind it would leave on the air what is not
            outgoing.stands = stands

    def _count(self, state, before):
        """Count what a message has become, as an application sees it, where that is not what it was before."""
        if state != before and state in ("accepted", "delivered", "failed", "expired"):
            self._stats[state] += 1

    def poll(self, now):
        if self._backoffs:
            for backoff in self._backoffs.values():
                backoff.poll(now)
        queue = self.outbox.queue
        at = len(queue)
        while at:  # backwards, for each may leave its list
            at -= 1
            outgoing = queue[at]
            if outgoing.expires is not None and outgoing.expires.advance(now) <= 0:
                self.end(outgoing, "expired", "not accepted in time", now)
            elif outgoing.stands == "confirming" and ticks_diff(now, outgoing.confirm_deadline) >= 0:
                self.accept(outgoing, now)
        waiting = self.outbox.waiting
        for outgoing in reversed(waiting) if waiting else ():
            if outgoing.expires.advance(now) > 0:
                continue
            if outgoing.final:
                waiting.remove(outgoing)  # it was only kept to count reports
            elif outgoing.reports and outgoing.reports["failure"]:
                self.end(outgoing, "failed", None, now)  # `cause` is the last one that was told
            else:
                self.end(outgoing, "closed", "no report came", now)

    def next_deadline(self, now):
        """Return the tick when poll() or choose() has something to do, or None."""
        deadline = None
        outbox = self.outbox
        for outgoing in outbox.queue:
            if outgoing.expires is not None:
                deadline = earliest(deadline, outgoing.expires.deadline(now))
            if outgoing.stands == "confirming":
                deadline = earliest(deadline, outgoing.confirm_deadline)
        for outgoing in outbox.waiting:
            deadline = earliest(deadline, outgoing.expires.deadline(now))
        if self._backoffs:
            for backoff in self._backoffs.values():
                deadline = earliest(deadline, backoff.waits(now))
        return deadline


whole(OutboxScheduler, _PARTS)
