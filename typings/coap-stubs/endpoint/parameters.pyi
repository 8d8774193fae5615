# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""The transmission parameters of CoAP (RFC 7252 section 4.8; `coap.numbers` has them, too), and what an endpoint keeps
of its own messages that are under way by them.
"""
from typing import Any
from .._contracts import Peer
from .._contracts import Tick
from .spans import Spans

class Parameters(Spans):
    """Transmission parameters of RFC 7252 section 4.8, and what follows from them (section 4.8.2).

    All times are whole milliseconds. `ack_random_factor` is a number of at least 1. `nstart` counts the
    confirmable messages under way to one peer (section 4.7). A response to a non-confirmable request is expected for
    `non_timeout`, to be set by who sends it confirmable then: section 4.7 leaves it open, and 0 is NON_LIFETIME.
    """
    non_timeout: int
    ack_timeout: int
    ack_random_factor: float
    max_retransmit: int
    nstart: int
    def __init__(self, ack_timeout: int=2000, ack_random_factor: float=1.5, max_retransmit: int=4, nstart: int=1) -> None: ...
    @property
    def max_transmit_span(self) -> int:
        """Return the time from the first transmission of a confirmable message to its last: 45 s by default."""

class Exchange:
    """A message that this endpoint sent and that something is expected for.

    A request (it has a token), a ping (`token` is None and `incoming` too), or a separate confirmable
    response (`incoming` is the request that it answers). `tag` belongs to the caller and is not touched.
    """
    incoming: Any
    timeout: int
    body: Any
    binding: Any
    refusal: Any
    silence: int | None
    many: bool
    peer: Peer
    datagram: bytes | bytearray
    mid: int
    token: bytes | None
    confirmable: bool
    tag: object
    state: Any
    retransmissions: int
    deadline: Tick | None
    def __init__(self, peer: Peer, datagram: bytes | bytearray, mid: int, token: bytes | None, confirmable: bool, tag: object, incoming: Any) -> None: ...
    def poll(self, endpoint, now):
        """Do what is due at `deadline`."""
def postpone(item, now):
    """Have an item try again after a second, because there was no memory for what was due."""
