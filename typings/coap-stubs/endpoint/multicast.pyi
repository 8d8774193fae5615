# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Requests to many, and from somebody who asks many: RFC 7252 section 8, RFC 7959 section 2.8. Loaded with the first of
them.

A client calls `endpoint.request(message, group, now, many=LEISURE + 2000)`, which leaves the way some time. A server's
link hands what came by multicast over as `endpoint.receive(datagram, peer, now, leisure=LEISURE)`; a link that knows
the size of its group (G), its rate (R octets a second) and the length of a response (S) gives S * G * 1000 / R in place
of it (section 8.2).
"""
from typing import Any
from typing import Final
from .._contracts import Octets
from .._contracts import Peer
from .._contracts import Tick
from ..message import Message
from .duplicates import Incoming
LEISURE: Final = 5000
def check(message: Message, binding: Any) -> None:
    """Raise MessageError for a request that must not go to a group."""
def admits(endpoint: Any, datagram: Octets, peer: Peer, incoming: list[Incoming]) -> bool:
    """Return whether what came by multicast is a request that may be served. What is not gets neither a Reset nor an
    error: section 8.1, RFC 7959 section 2.8. `incoming` are the requests of peers that are open.

    Its answer waits for seconds, so it takes no place of the requests that come to this endpoint alone: there are half
    as many places beside those.
    """
def at_leisure(incoming: Incoming, due: Tick) -> None:
    """Have the response go out at `due`, where there is one that the group should hear."""
