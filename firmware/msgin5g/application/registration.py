# SPDX-License-Identifier: MIT
"""Registration of an application with the gateway: MSGin5G-5, TS 24.538 clause 6.3.2."""

from coap.compat import ticks_diff

from ..timing import Backoff
from ..wire import causes


class ApplicationRegistration:
    """As registration.Registration, for an Application ID: `state`, `cause`, `registered`; it has no lifetime."""

    def __init__(self, config, random):
        self.registered = False
        self.state = "stopped"
        self.cause = None
        self.registration_id = None
        self.stopping = False
        self._config = config
        self._retry = Backoff(2000, 300000, random)
        self._refusal = Backoff(60000, 3600000, random)
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

    def required(self, why, now):
        """The gateway holds no registration of ours: register at once."""
        if self.registered and not self.stopping:
            self.registered = False
            self.state = "registering"
            self.cause = why
            self._due = now

    def next(self, now, free):
        """ "REG" or "DEREG" where it is time to send it and the wire is free for it, else None."""
        if self._busy or self._due is None or ticks_diff(now, self._due) < 0:
            return None
        step = "DEREG" if self.stopping else "REG"
        if not free(step, None):
            return None
        self._busy = True
        return step

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
            later = answer.cause in causes.LATER or answer.cause == causes.CONNECTION_GONE
            self.state, self.cause = "unreachable" if later else "refused", answer.why
            backoff = self._retry if later else self._refusal
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
