# SPDX-License-Identifier: MIT
"""Where a registration stands, in either role: TS 24.538 clause 6.3."""

from . import states
from .requests import Source


class Registering(Source):
    """What the registrations of both roles have in common: where they stand.

    `state` is one of "stopped", "registering", "waiting" (the gateway bulks it and will answer by itself),
    "registered", "refused" (`cause` says why), "unreachable" (`cause` says how the last try ended). `registered` stays
    true while a refresh is under way.
    """

    registers = True

    def __init__(self):
        self.cause = None
        self._stands = "stopped"  # of states.REGISTRATION

    @property
    def state(self):
        """The word for where it stands."""
        return states.word(states.REGISTRATION, self._stands)

    @property
    def registered(self):
        """Whether the other side knows us."""
        return self._stands in ("registered", "de-registering")

    @property
    def stopping(self):
        """Whether nothing but DEREG may go out."""
        return self._stands in ("stopped", "leaving", "de-registering")

    def _on(self, event, cause=None):
        """Take an event. Return whether it has changed the state; then the cause has changed too."""
        stands = states.after(states.REGISTRATION, self._stands, event)
        if stands is None:
            return False
        self._stands = stands
        self.cause = cause
        return True
