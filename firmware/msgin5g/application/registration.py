# SPDX-License-Identifier: MIT
"""Registration of an application with the gateway: MSGin5G-5, TS 24.538 clause 6.3.2."""

from coap.compat import ticks_diff

from ..rules import policy
from ..rules.requests import Registering
from ..wire import causes
from ..wire.answer import Answer


class ApplicationRegistration(Registering):
    """The registration of an Application ID; it has no lifetime."""

    def __init__(self, config, random, wire):
        super().__init__()
        self.registration_id = None
        self._config = config
        self._wire = wire
        self._retry = policy.backoff("REG", random)
        self._refusal = policy.named("refusal", random)
        self._due = None  # tick of the next try
        self._busy = False

    def start(self, now):
        if self._on("start"):
            self._due = now

    def stop(self, now, urgent=True):
        if self._on("stop", self.cause) and not self._busy:
            self._leave(now)

    def retry_now(self, now):
        """Try at once what silence put off."""
        if self.stands == "unreachable" and not self._busy:
            self._due = now

    def on_unregistered(self, now, why):
        """Take note that the gateway holds no registration of ours: register at once."""
        if self._on("required", why):
            self._due = now

    def next(self, now):
        """Return REG or DEREG where it is time to send it and the wire is free for it, else None."""
        if self._busy or self._due is None or ticks_diff(now, self._due) < 0:
            return None
        step = "DEREG" if self.stopping else "REG"
        if not self._wire.free((self, step)):
            return None
        subject = self.registration_id if self.stopping else self._config.application
        job = step, (step, subject), True
        self._busy = True  # not before: that may have found no memory
        return job

    def unanswered(self, what, now, why=None, silent=True):
        self.answered(what, None, now)

    def unsendable(self, what, why, now):
        self.answered(what, Answer(False, causes.PROTOCOL_ERROR, why), now)

    def answered(self, what, answer, now):
        self._busy = False
        self._due = None
        if what == "DEREG":
            if not self._on("left", self.cause):
                self._due = now  # started again meanwhile
        elif answer is not None and answer.accepted:
            self._on("granted")
            self.registration_id = answer.registration_id
            self._retry.reset()
            self._refusal.reset()
            if self.stopping:
                self._leave(now)
        elif self.stopping:
            self._leave(now)
        else:
            self._failed(answer, now)

    def _failed(self, answer, now):
        refused = answer is not None and policy.verdict(answer.code, "REG") == policy.REFUSED
        why = "no answer from %s" % self._config.peer if answer is None else answer.why
        self._on("refused" if refused else "failed", why)
        backoff = self._refusal if refused else self._retry
        backoff.failed(now, answer.max_age if answer else None)
        self._due = backoff.deadline

    def _leave(self, now):
        """Nothing is on the air: DEREG goes out, or there is nothing to de-register."""
        if self.registered:
            self._due = now
        else:
            self._on("left", self.cause)
            self._due = None

    def next_deadline(self, now):
        # one that is over waits for its turn
        if self._due is not None and not self._busy and ticks_diff(self._due, now) > 0:
            return self._due
        return None
