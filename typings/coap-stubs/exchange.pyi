# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""What the endpoint keeps of its own messages under way, and the kinds of its events."""
from typing import Any
from typing import Final
from ._contracts import Peer
from ._contracts import Tick
from .endpoint.duplicates import Incoming
REQUEST: Final = 1
RESPONSE: Final = 2
RESET: Final = 3
TIMEOUT: Final = 4
INCOMPLETE: Final = 5
REFUSED: Final = 6
NOTIFICATION: Final = 7
STALE: Final = 8
PIECE: Final = 9
QUEUED: Final = 0
SENT: Final = 1
ACKNOWLEDGED: Final = 2

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
    def __init__(self, peer: Peer, datagram: bytes | bytearray, mid: int, token: bytes | None, confirmable: bool, tag: object, incoming: Incoming | None=None) -> None: ...
    def poll(self, endpoint, now):
        """Do what is due at `deadline`."""
def postpone(item, now):
    """Have an item try again after a second, because there was no memory for what was due."""
