# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Being watched by peers: the server side of RFC 7641. Imported by who has something to be observed.

    observers = Observers(endpoint, now)

From then on what can be observed is answered with `observers.respond(incoming, message, now)` in place of
`endpoint.respond`: who asks for it with Observe 0 is kept in the list. When it has changed, `observers.changed(path,
now)` says so. Each observer's request then comes again as a REQUEST event, as soon as a notification may go to it; its
answer, again by `observers.respond`, is the notification. So whoever answers requests has nothing more to do, and what
goes out is what the resource is at that time: states in between are skipped (sections 1.3 and 4.5.2).
"""
from typing import Any
from .._contracts import Peer
from .._contracts import Tick
from ..endpoint import Endpoint
from ..endpoint.duplicates import Incoming
from ..endpoint.parameters import Exchange
from ..message import Message
from .notifying import Notifying
from .notifying import Observer

class Observers(Notifying):
    """The list of observers of an endpoint, which has it as `endpoint.observers`.

    `most` are kept, `most_each` of one peer, under OSCORE of one key; beyond that a request is answered as if it had
    not asked (section 4.1), and those in the list that were not heard from for MAX_TRANSMIT_WAIT get a confirmable
    notification, so that who went away makes room.

    After `unconfirmed` notifications in non-confirmable messages comes one in a confirmable message, the first one is
    confirmable too, and one is sent after a day in any case, so that who went away does not stay in the list
    (section 4.5). With 0 all are confirmable.

    `sequence.next_number()` gives the sequence numbers, newer ones over a restart as well (section 4.4): see
    coap.observe.sequence. Without it nobody knows which numbers were given before the restart. Then, for the first 128
    seconds, no notification is sent, and after that whatever comes is newer (section 3.4): who registered meanwhile is
    notified once.
    """
    token: Any
    peer: Any
    exchange: Any
    deadline: Tick | None
    stats: dict
    def __init__(self, endpoint: Endpoint, now: Tick, sequence: Any=None, most: int=16, most_each: int=8, unconfirmed: int=5) -> None: ...
    def __len__(self): ...
    def respond(self, incoming: Incoming | Observer, message: Message, now: Tick) -> None:
        """Answer a request as Endpoint.respond does, and let its peer observe the resource from now on where it asks
        for that and the answer is a success; or, for a request that came again, send the notification.

        An error as a notification is the last one (section 4.2), and so is one in another Content-Format than the
        first response had, which goes out as 4.06. Raise as Endpoint.respond does, and then all is as before; but who
        asks for no more, by Observe 1, is out of the list in any case.
        """
    def changed(self, path: str | None, now: Tick, confirmable: bool=False) -> int:
        """Take note that the resource at `path` has changed, in the form of Message.path; None: all of them. Return
        how many observers will be told, in confirmable messages where that is asked for. Raise nothing.

        Where it was deleted, the answers to the requests that come again say so, with 4.04.
        """
    def poll(self, endpoint: Endpoint, now: Tick) -> None:
        """Do what is due at `deadline`. Raise MemoryError: the rest is still due."""
    def renew(self, exchange: Exchange, now: Tick) -> bool:
        """Return whether a newer notification is to take the place of the one that was not acknowledged in time
        (section 4.5.2): it goes out with the retransmissions that are left.
        """
    def ended(self, exchange: Exchange, kind: int, now: Tick) -> None:
        """Take note that a separate response or a confirmable notification was acknowledged, reset or timed out. Raise
        nothing.
        """
    def rejected(self, mid: int, peer: Peer, now: Tick) -> bool:
        """Return whether this Reset was about a non-confirmable notification, which ends its observation."""
