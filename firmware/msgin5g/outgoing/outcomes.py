# SPDX-License-Identifier: MIT
"""The part of a scheduler for what becomes of a message beside its acceptance: put off, reported, taken back. Imported
with the first of them, by the scheduler."""

from ..rules import policy


class Outcomes:
    """Methods of OutboxScheduler, whose attributes they use."""

    def delay(self, outgoing, max_age, silent, now, denied=False):
        """Put off a message that has to be sent again, and its destination; arguments as those of Backoff.failed.

        `denied`: it was refused for want of a registration, or was lost and not confirmable, as it will be; the first
        time it does not wait for the back-off.
        """
        self._on(outgoing, "back")
        destination = (outgoing.to_type, outgoing.to)
        backoff = self._backoffs.get(destination)
        if backoff is None:
            backoff = self._backoffs[destination] = policy.backoff("MSG", self._random)
            if denied:
                return
        backoff.failed(now, max_age, silent)

    def reported(self, outgoing, reporter, success, cause, now):
        """Take the report of the recipient, or of one of many; `reporter` is None where the wire does not name
        it."""
        if outgoing.reports is not None:
            from .many import count  # here, so that its memory is only spent where it is needed

            count(self, outgoing, reporter, success, cause, self._config.report_timeout * 1000, now)
        elif success:
            self.end(outgoing, "delivered", None, now)
        else:
            self.end(outgoing, "failed", cause or "the recipient reported a failure", now)

    def drop(self, outgoing, now):
        """Take back a message that was not taken after all: its payload could not be kept. What went out of it is no
        message, and its receiver gives it up (clause 6.5.3)."""
        self._take_off(outgoing, now)
        self.outbox.drop(outgoing)
        self._next_in_line(outgoing)

    def emit(self, outgoing, reporter, success, cause):
        """Emit the report of one of many."""
        self._changed(outgoing, (reporter, success, cause))
