# SPDX-License-Identifier: MIT
"""What follows from the transmission parameters of CoAP: RFC 7252 section 4.8.2. Imported with the first that is asked
for, by them."""

from ..compat import const

_TYPING = const(False)
if _TYPING:
    from typing import Any


class Spans:
    """Properties of coap.Parameters, whose attributes they use; all in ms."""

    MAX_LATENCY = 100000  # fixed by section 4.8.2

    @property
    def max_transmit_wait(self: "Any") -> int:
        """Return the time from the first transmission to giving up: 93 s by default."""
        return int(self.ack_timeout * (2 ** (self.max_retransmit + 1) - 1) * self.ack_random_factor)

    @property
    def processing_delay(self: "Any") -> int:
        """How long a peer may take to acknowledge (section 4.8.2)."""
        return self.ack_timeout

    @property
    def exchange_lifetime(self: "Any") -> int:
        """How long a confirmable message's ID may not be used again: 247 s by default."""
        return self.max_transmit_span + 2 * self.MAX_LATENCY + self.processing_delay

    @property
    def non_lifetime(self: "Any") -> int:
        """The same for a non-confirmable message: 145 s by default."""
        return self.max_transmit_span + self.MAX_LATENCY
