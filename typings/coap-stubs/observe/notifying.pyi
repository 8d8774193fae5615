# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""When a notification goes to an observer, and how: RFC 7641 sections 4.2, 4.5, 4.5.1 and 4.5.2."""
from typing import Any
from .._contracts import Tick
from ..endpoint.duplicates import Incoming
from ..endpoint.parameters import Exchange
from ..message import Message

class Observer:
    """One entry of the list: `peer`, and `message`, the request that it sent. It stands in for an Incoming when that
    request comes again.
    """
    entry: Any
    body: Any
    path: str | None
    peer: Any
    message: Message
    binding: Any
    format: bytes | bool | None
    exchange: Exchange | None
    changed: bool
    confirm: bool
    confirm_at: Tick | None
    sent: int
    asked_until: Tick | None
    ready: Tick | None
    round_trip: int | None
    mids: list
    mids_until: Tick | None
    def __init__(self, incoming: Incoming, message: Message, confirm_at: Tick) -> None: ...
    def takes(self, response: Message) -> bool:
        """Return whether a response has the Content-Format of those before it, as all must have (section 4.2). 2.03
        has none.
        """
    def began(self, exchange: Exchange | None) -> None:
        """Take note that the first response went out, and by which Exchange, where that is a separate one: it counts
        as a notification.
        """

class Notifying:
    """A base class of Observers, whose attributes these methods use."""
    deadline: Tick | None
    stats: dict[str, int]
def close(payload):
    """Close the source that a payload may be. Raise nothing."""
def without(options, *left_out):
    """Return the options but those of these numbers."""
