# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What follows from the transmission parameters of CoAP: RFC 7252 section 4.8.2. Imported with the first that is asked
for, by them.
"""
from typing import Any

class Spans:
    """Properties of coap.Parameters, whose attributes they use; all in ms."""
    MAX_LATENCY: int
    @property
    def max_transmit_wait(self: Any) -> int:
        """Return the time from the first transmission to giving up: 93 s by default."""
    @property
    def processing_delay(self: Any) -> int:
        """How long a peer may take to acknowledge (section 4.8.2)."""
    @property
    def exchange_lifetime(self: Any) -> int:
        """How long a confirmable message's ID may not be used again: 247 s by default."""
    @property
    def non_lifetime(self: Any) -> int:
        """The same for a non-confirmable message: 145 s by default."""
