# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Watching a resource of a peer: the client side of RFC 7641. Imported by who wants it.

    observation = observe(endpoint, coap.Message(coap.GET, options=coap.path_options("/temperature")), peer, now)

The first response is the RESPONSE event of `observation.exchange`; whether the peer will notify then stands in
`observation.established`. Each later one is a NOTIFICATION event of the observation, to be answered with `accept` as
soon as its content is safe: until then a confirmable one is not acknowledged, and the peer sends it again.
"""
from typing import Any
from typing import Final
from .._contracts import Peer
from .._contracts import Tick
from ..endpoint import Endpoint
from ..endpoint.parameters import Exchange
from ..message import Message
MAX_OBSERVATIONS: Final = 8
OBSERVATION: tuple

class Observation:
    """One observed resource: `stands` is its state, of OBSERVATION; `tag` belongs to the caller.

    An observation ends by an error notification, by a response without Observe, by `cancel` once that has an answer
    or none comes, by `forget`. The endpoint drops it then, and nothing revives it: call `observe` again.
    """
    peer: Peer
    tag: object
    token: bytes
    stands: str
    exchange: Any
    deadline: Any
    def __init__(self, endpoint: Endpoint, peer: Peer, tag: object, stale: bool, blocks: bool=False, ordered: bool=True) -> None: ...
    @property
    def established(self) -> bool:
        """Whether the peer notifies of it, as far as we know."""
    def register(self, message: Message, now: Tick) -> Exchange:
        """Send a GET with Observe 0 and the same token as before (section 3.3.1); return its Exchange."""
    def cancel(self, message: Message, now: Tick) -> Exchange:
        """Send a GET with Observe 1 and the same token (section 3.6); return its Exchange. Notifications that come
        before the answer are still reported.
        """
    def forget(self) -> None:
        """End the observation without telling the peer. Its next notification is answered with Reset, which ends it
        there too.
        """
    def accept(self, message: Message, now: Tick) -> None:
        """Take note that the content of a notification is safe: acknowledge it, and report nothing older from now
        on.
        """
    def answered(self, kind: int, message: Message | None, now: Tick) -> None:
        """Take note that the open request has ended."""
    def on_notification(self, message: Message, now: Tick) -> bool:
        """Take a response with this token. Return False where it is no notification."""
    def poll(self, endpoint: Endpoint, now: Tick) -> None:
        """Do what is due at `deadline`."""
def observe(endpoint: Endpoint, message: Message, peer: Peer, now: Tick, tag: object=None, stale: bool=True, blocks: bool=False, ordered: bool=True) -> Observation:
    """Send `message`, a GET, with Observe 0; return its Observation.

    `stale` asks for the STALE event once Max-Age has passed since the last response, and 5 to 15 s more as section
    3.3.1 has it: time to `register` again. `blocks` takes notifications in blocks: such a one has Block2, and the first
    part alone, and `register` gives the whole. Without it they are refused. Where not `ordered`, what is older than the
    last notification is told as well: for notifications that are no states but events, which all count. OSCORE tells
    nothing older in any case (RFC 8613 section 7.4.1).
    Raise BusyError where MAX_OBSERVATIONS are kept, and as Endpoint.request does.
    """
