# SPDX-License-Identifier: MIT
"""The transmission parameters of CoAP: RFC 7252 section 4.8. `coap.numbers` has them, too."""


class Parameters:
    """Transmission parameters of RFC 7252 section 4.8, and what follows from them (section 4.8.2).

    All times are whole milliseconds. `ack_random_factor` is a number of at least 1. `nstart` counts the
    confirmable messages under way to one peer (section 4.7).
    """

    MAX_LATENCY = 100000  # fixed by section 4.8.2

    def __init__(
        self,
        ack_timeout: int = 2000,
        ack_random_factor: float = 1.5,
        max_retransmit: int = 4,
        nstart: int = 1,
    ) -> None:
        self.ack_timeout = ack_timeout
        self.ack_random_factor = ack_random_factor
        self.max_retransmit = max_retransmit
        self.nstart = nstart

    @property
    def max_transmit_span(self) -> int:
        """Return the time from the first transmission of a confirmable message to its last: 45 s by default."""
        return int(self.ack_timeout * (2**self.max_retransmit - 1) * self.ack_random_factor)

    @property
    def max_transmit_wait(self) -> int:
        """Return the time from the first transmission to giving up: 93 s by default."""
        return int(self.ack_timeout * (2 ** (self.max_retransmit + 1) - 1) * self.ack_random_factor)

    @property
    def processing_delay(self) -> int:
        """How long a peer may take to acknowledge (section 4.8.2)."""
        return self.ack_timeout

    @property
    def exchange_lifetime(self) -> int:
        """How long a confirmable message's ID may not be used again: 247 s by default."""
        return self.max_transmit_span + 2 * self.MAX_LATENCY + self.processing_delay

    @property
    def non_lifetime(self) -> int:
        """The same for a non-confirmable message: 145 s by default."""
        return self.max_transmit_span + self.MAX_LATENCY
