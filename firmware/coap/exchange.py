# SPDX-License-Identifier: MIT
"""What the endpoint keeps of its own messages under way, and the kinds of its events."""

from .compat import const, drop_half_modules

_TYPING = const(False)
if _TYPING:
    from contracts import Peer, Tick

    from .endpoint.duplicates import Incoming

# Kinds of event, and what comes with each
REQUEST = 1  # (REQUEST, incoming, message): answer it with respond(), now or later
RESPONSE = (
    2  # (RESPONSE, exchange, message); with None, silence is what was asked for, or the end of many responses
)
RESET = 3  # (RESET, exchange, None): the peer refused the message; the good end of a ping
TIMEOUT = 4  # (TIMEOUT, exchange, None): nothing came
INCOMPLETE = 5  # (INCOMPLETE, exchange, message): the body changed under way, or is longer than max_body
REFUSED = 6  # (REFUSED, exchange, message): nothing came but a response that does not verify (RFC 8613)
NOTIFICATION = 7  # (NOTIFICATION, observation, message): `observation.accept` it once it is safe
STALE = 8  # (STALE, observation, None): Max-Age is over; `observation.register` again
PIECE = (
    9  # (PIECE, incoming, message): a block of a stream; (PIECE, stream, None): given up; blockwise.streams
)

_SECOND = const(1000)

# States of an exchange
QUEUED = const(0)  # waits for its turn under NSTART
SENT = const(1)  # on the air; a confirmable message is repeated until something comes back
ACKNOWLEDGED = const(2)  # a request whose response comes separately (RFC 7252 section 5.2.2)


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
        incoming: "Incoming | None" = None,
    ) -> None:
        self.peer = peer
        self.datagram = datagram
        self.mid = mid
        self.token = token
        self.confirmable = confirmable
        self.tag = tag
        if incoming:
            self.incoming = incoming
        self.state = QUEUED
        self.retransmissions = 0
        self.deadline: "Tick | None" = None

    def poll(self, endpoint, now):
        """Do what is due at `deadline`."""
        endpoint.expire(self, now)


def postpone(item, now):
    """Have an item try again after a second, because there was no memory for what was due."""
    drop_half_modules()
    item.deadline = now  # where there is no memory for a number either
    item.deadline = now + _SECOND
