# SPDX-License-Identifier: MIT
"""What comes before a registration: discovery, configuration (TS 24.538 clause 6.2, TS 23.554 clause 8.2.8). Loaded by
the first of them.

A step stands before the registration in the table of procedures, and holds it until `ready`.
"""

from ..timing import Countdown
from . import policy
from .requests import Source


class Step(Source):
    """A procedure that the registration waits for. A subclass has `event`, which tells the registration that it
    begins, `job(now)`, which returns what to send as `next` does, and calls `done` or `put_off` for each outcome.

    `due` is a Countdown to the next request, None where there is none; a step that is `ready` may have one, too.
    """

    registers = True
    ready = False
    event = ""

    def __init__(self, client):
        self.client = client
        self.due = None
        self.on_air = False
        self.exchange = None
        self.peer = client.peer
        self.retry = policy.backoff("REG", client.random)
        self.refusal = policy.named("refusal", client.random)

    def next(self, now):
        registration = self.client.registration
        if registration.stopping or self.on_air:
            return None
        if not self.ready:
            if self.due is None or self.peer != self.client.peer:  # another gateway is there to be asked
                self.due = Countdown(0, now)
            self.peer = self.client.peer
            if registration.state not in ("refused", "unreachable"):  # these say how the last try ended
                registration.prepared(self.event, now)
        if self.due is None or self.due.left(now) > 0:
            return None
        job = self.job(now)
        self.on_air = True  # not before: that may have found no memory
        return job

    def job(self, now):
        """Return (item, body, confirmable) of the request that is due."""

    def sent(self, item, exchange):
        self.exchange = exchange

    def done(self, now, wait=None):
        """Let the registration begin, or go on. `wait` is in ms, until it is time again; None for never."""
        self.due = None if wait is None else Countdown(wait, now)
        self.retry.reset()
        self.refusal.reset()
        if not self.ready:
            self.ready = True
            self.client.registration.prepared("ready", now)

    def put_off(self, event, cause, max_age, now, silent=False):
        """Try again when the back-off of the event, "refused" or "failed", says so."""
        backoff = self.refusal if event == "refused" else self.retry
        self.retry.deadline = None
        self.due = Countdown(backoff.failed(now, max_age, silent), now)
        if not self.ready:
            registration = self.client.registration
            registration.prepared(event, now, cause)
            if registration.gateways is not None:
                registration.gateways.turn(event, max_age, now)

    def poll(self, now):
        if self.client.registration.stopping:
            if self.on_air:
                self.on_air = False
                self.client.cancel(self.exchange, now)
            if not self.ready:
                self.due = None
        self.retry.poll(now)
        if self.due is not None:
            self.due.advance(now)

    def next_deadline(self, now):
        # one that is over waits for its turn on the air
        return None if self.due is None or self.on_air else self.due.waits(now)

    def on_peer_alive(self):
        if self.retry.deadline is not None:
            self.retry.on_peer_alive()
            if self.retry.deadline is None:
                self.due = Countdown(0)
