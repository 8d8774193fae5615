# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""CoAP over UDP, with the socket traps of MicroPython's ports in one place. A peer is (host, port), the host an address
in words.
"""
from collections.abc import Callable
from typing import Any
from .._contracts import Peer

class UDPSocket:
    """A socket for any number of peers."""
    dropped: int
    source: Any
    def __init__(self, max_datagram: int=1152) -> None: ...
    def bind(self, family: int, host: str | None=None, port: int=0, prepare: Callable[[Any], object] | None=None) -> None:
        """Open the socket; raise OSError when it cannot be had. `prepare(sock)`, if given, sets its options before."""
    async def receive(self) -> tuple[bytes, Peer]:
        """Return (octets, address) of the next datagram. Raise MemoryError where one is lost for want of memory."""
    def send(self, octets: bytes | bytearray, address: Peer) -> bool:
        """Put a datagram on its way; return False when the link wants it again later. Raise OSError when it is lost."""
    def close(self) -> None:
        """Close it; it may be opened again."""
def peer_of(sockaddr: Any) -> Peer:
    """Return (host, port): the unix port of MicroPython says addresses as octets of the C struct."""
