# SPDX-License-Identifier: MIT
"""Requests to many, and from somebody who asks many: RFC 7252 section 8, RFC 7959 section 2.8. Loaded with the first of
them.

A client calls `endpoint.request(message, group, now, many=LEISURE + 2000)`, which leaves the way some time. A server's
link hands what came by multicast over as `endpoint.receive(datagram, peer, now, leisure=LEISURE)`; a link that knows
the size of its group (G), its rate (R octets a second) and the length of a response (S) gives S * G * 1000 / R in place
of it (section 8.2).
"""

from .. import numbers
from ..compat import const
from ..message import MessageError, decode
from .options import unrecognized

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Octets, Peer, Tick

    from ..message import Message
    from .duplicates import Incoming

LEISURE = const(5000)  # ms, DEFAULT_LEISURE of section 4.8
_QUIET = const(25)  # of Incoming.quiet: errors, and success that has nothing to say (section 8.2)


def check(message: "Message", binding: "Any") -> None:
    """Raise MessageError for a request that must not go to a group."""
    if message.type != numbers.NON or not numbers.is_request(message.code):
        raise MessageError(
            "what goes to a group is a request that is not confirmable: type=NON"
        )  # section 8.1
    if binding is not None:
        raise MessageError("OSCORE protects no request to a group: say that it goes in the clear")
    if (
        message.option(numbers.OBSERVE) is not None
        or message.option(numbers.BLOCK1) is not None
        or hasattr(message.payload, "read")
    ):
        raise MessageError("a group is neither observed nor sent a body in blocks")


def admits(endpoint: "Any", datagram: "Octets", peer: "Peer", incoming: "list[Incoming]") -> bool:
    """Return whether what came by multicast is a request that may be served. What is not gets neither a Reset nor an
    error: section 8.1, RFC 7959 section 2.8. `incoming` are the requests of peers that are open.

    Its answer waits for seconds, so it takes no place of the requests that come to this endpoint alone: there are half
    as many places beside those.
    """
    if len(datagram) > endpoint.max_datagram:
        return False
    try:
        message = decode(datagram)
    except MessageError:
        return False
    waiting = [each for each in incoming if each.leisure is not None]
    return (
        len(waiting) < endpoint.MAX_INCOMING + 1 >> 1
        and len([each for each in waiting if each.peer == peer]) < endpoint.MAX_INCOMING_PER_PEER + 1 >> 1
        and message.type == numbers.NON
        and numbers.is_request(message.code)
        and unrecognized(message, endpoint.max_body, endpoint.understands) is None
        and message.option(numbers.BLOCK1) is None
        and not message.uint(numbers.BLOCK2, 0) >> 4  # type: ignore[operator]
    )


def at_leisure(incoming: "Incoming", due: "Tick") -> None:
    """Have the response go out at `due`, where there is one that the group should hear."""
    incoming.leisure = due
    request = incoming.message
    if request.option(numbers.NO_RESPONSE) is None:
        incoming.quiet = _QUIET
    request.options = [each for each in request.options if each[0] != numbers.OBSERVE]
