# SPDX-License-Identifier: MIT
"""The transmission parameters of CoAP (RFC 7252 section 4.8; `coap.numbers` has them, too), and what an endpoint keeps
of its own messages that are under way by them."""

from ..compat import const, drop_half_modules, later, whole

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Peer, Tick

    from .spans import Spans
else:
    Spans = object  # these properties come with the first that is asked for

_SPANS = const("coap.endpoint.spans Spans")
_SECOND = const(1000)
_QUEUED = const(0)  # of coap.exchange


class Parameters(Spans):
    """Transmission parameters of RFC 7252 section 4.8, and what follows from them (section 4.8.2).

    All times are whole milliseconds. `ack_random_factor` is a number of at least 1. `nstart` counts the
    confirmable messages under way to one peer (section 4.7). A response to a non-confirmable request is expected for
    `non_timeout`, to be set by who sends it confirmable then: section 4.7 leaves it open, and 0 is NON_LIFETIME.
    """

    non_timeout = 0

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

    # Here, since MicroPython takes no first property of a class that somebody has derived from already.
    @property
    def max_transmit_span(self) -> int:
        """Return the time from the first transmission of a confirmable message to its last: 45 s by default."""
        return int(self.ack_timeout * (2**self.max_retransmit - 1) * self.ack_random_factor)

    def __getattr__(self, name):
        later(Parameters, name, _SPANS)
        return getattr(self, name)


whole(Parameters, _SPANS)


class Exchange:
    """A message that this endpoint sent and that something is expected for.

    A request (it has a token), a ping (`token` is None and `incoming` too), or a separate confirmable
    response (`incoming` is the request that it answers). `tag` belongs to the caller and is not touched.
    """

    # Defaults in the class, for what most exchanges never set. Setting an attribute for the first time takes
    # memory, so those that change later are set in __init__. Only `timeout` and `body` are not: each is set as the
    # first thing in its step, where a MemoryError has changed nothing yet.
    incoming = None
    timeout = 0  # ms until the next retransmission, once it is on the air
    body = (
        None  # of `blockwise`, where the request or its response has blocks; False: they are not put together
    )
    binding = None  # what `oscore` must know to verify the response
    refusal = None  # with a binding: the last response that did not verify, or a Reset, which can't
    silence: "int | None" = (
        None  # ms after which silence is a good end: No-Response asked for it, or many have answered
    )
    many = False  # whether anybody may answer, as often as they like

    def __init__(
        self,
        peer: "Peer",
        datagram: bytes | bytearray,
        mid: int,
        token: bytes | None,
        confirmable: bool,
        tag: object,
        incoming: "Any",  # endpoint.duplicates.Incoming, or None
    ) -> None:
        self.peer = peer
        self.datagram = datagram
        self.mid = mid
        self.token = token
        self.confirmable = confirmable
        self.tag = tag
        if incoming:
            self.incoming = incoming
        self.state = _QUEUED
        self.retransmissions = 0
        self.deadline: "Tick | None" = None

    def poll(self, endpoint, now):
        """Do what is due at `deadline`."""
        endpoint.expire(self, now)


def postpone(item, now):
    """Have an item try again after a second, because there was no memory for what was due."""
    item.deadline = now  # where there is no memory for a number either
    item.deadline = now + _SECOND
    drop_half_modules()
