# SPDX-License-Identifier: MIT
"""Registration of an application with the gateway: MSGin5G-5, TS 24.538 clause 6.3.2."""

from coap.compat import ticks_diff

from ..rules import policy
from ..rules.requests import Source
from ..wire import causes
from ..wire.answer import Answer


class ApplicationRegistration(Source):
    """As registration.Registration, for an Application ID: `state`, `cause`, `registered`; it has no lifetime."""

    registers = True

    def __init__(self, config, random, wire):
        self.registered = False
        self.state = "stopped"
        self.cause = None
        self.registration_id = None
        self.stopping = False
        self._config = config
        self._wire = wire
        self._retry = policy.backoff("REG", random)
        self._refusal = policy.named("refusal", random)
        self._due = None  # tick of the next try
        self._busy = False

    def start(self, now):
        self.stopping = False
        self.state = "registering"
        self._due = now

    def stop(self, now):
        self.stopping = True
        if not self._busy:
            self._stop(now)

    def hasten(self, now):
        """Tries at once what silence put off."""
        if self.state == "unreachable" and not self._busy and not self.stopping:
            self._due = now

    def required(self, now, why):
        """The gateway holds no registration of ours: register at once."""
        if self.registered and not self.stopping:
            self.registered = False
            self.state = "registering"
            self.cause = why
            self._due = now

    def next(self, now):
        """REG or DEREG where it is time to send it and the wire is free for it, else None."""
        if self._busy or self._due is None or ticks_diff(now, self._due) < 0:
            return None
        step = "DEREG" if self.stopping else "REG"
        if not self._wire.free((self, step)):
            return None
        subject = self.registration_id if self.stopping else self._config.application
        self._busy = True
        return step, (step, subject), True

    def unanswered(self, what, now, why=None):
        self.answered(what, None, now)

    def unsendable(self, what, why, now):
        self.answered(what, Answer(False, causes.PROTOCOL_ERROR, why), now)

    def answered(self, what, answer, now):
        self._busy = False
        self._due = None
        if what == "DEREG":
            self.registered = False
        elif answer is not None and answer.accepted:
            self.registered = True
            self.registration_id = answer.registration_id
            self.cause = None
            self.state = "registered"
            self._retry.reset()
            self._refusal.reset()
        if self.stopping:
            self._stop(now)
        elif what == "REG" and not self.registered:
            self._failed(answer, now)

    def _failed(self, answer, now):
        if answer is None:
            self.state, self.cause = "unreachable", "no answer from %s" % self._config.peer
            backoff = self._retry
        else:
            refused = policy.verdict(answer.code, "REG") == policy.REFUSED
            self.state, self.cause = "refused" if refused else "unreachable", answer.why
            backoff = self._refusal if refused else self._retry
        backoff.failed(now, answer.max_age if answer else None)
        self._due = backoff.deadline

    def _stop(self, now):
        if self.registered:
            self._due = now
            return
        self.state = "stopped"
        self._due = None

    def next_deadline(self, now):
        # one that is over waits for its turn
        if self._due is not None and not self._busy and ticks_diff(self._due, now) > 0:
            return self._due
        return None
