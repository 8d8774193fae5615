# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The transmission parameters of CoAP: RFC 7252 section 4.8. `coap.numbers` has them, too."""

class Parameters:
    """Transmission parameters of RFC 7252 section 4.8, and what follows from them (section 4.8.2).

    All times are whole milliseconds. `ack_random_factor` is a number of at least 1. `nstart` counts the
    confirmable messages under way to one peer (section 4.7).
    """
    MAX_LATENCY: int
    ack_timeout: int
    ack_random_factor: float
    max_retransmit: int
    nstart: int
    def __init__(self, ack_timeout: int=2000, ack_random_factor: float=1.5, max_retransmit: int=4, nstart: int=1) -> None: ...
    @property
    def max_transmit_span(self) -> int:
        """Return the time from the first transmission of a confirmable message to its last: 45 s by default."""
    @property
    def max_transmit_wait(self) -> int:
        """Return the time from the first transmission to giving up: 93 s by default."""
    @property
    def processing_delay(self) -> int:
        """How long a peer may take to acknowledge (section 4.8.2)."""
    @property
    def exchange_lifetime(self) -> int:
        """How long a confirmable message's ID may not be used again: 247 s by default."""
    @property
    def non_lifetime(self) -> int:
        """The same for a non-confirmable message: 145 s by default."""
