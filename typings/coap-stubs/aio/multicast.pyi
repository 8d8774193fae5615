# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""Requests to many, and the sockets of a server that is one of them: RFC 7252 section 8. Loaded when it is used."""
from typing import Any
from .._contracts import Peer
from ..message import Message
from .response import Response
from .udp import UDPLink

class Answers:
    """What many answer: an asynchronous iterator of Responses, each with its `peer`.

    `dropped` counts those that were not taken in time, and those in blocks whose rest did not come, for which it waits
    for MAX_TRANSMIT_WAIT longer in all, 93 s (RFC 7252 section 4.8.2).
    """
    dropped: int
    def __init__(self, context: Any, message: Message, uri: str | Peer, wait: int) -> None: ...
    def __aiter__(self) -> Answers: ...
    async def __anext__(self) -> Response: ...
    def close(self) -> None:
        """Wait for no more answers."""
    def take(self, answer: Response) -> None:
        """Take the answer of one. The first block of one is put aside until the rest has come, so that nobody else
        waits for that.
        """
def join(context: Any, group: str, host: str | None, port: int) -> UDPLink:
    """Return a socket for what is sent to `group` (an address in words), on the interface with the address `host`.
    Raise OSError, ValueError for what is no group.

    It is bound to the group's address, which tells what came by multicast: recvfrom does not say where a datagram went.
    """
