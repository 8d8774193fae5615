# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""CoAP over UDP, with the socket traps of MicroPython's ports in one place. A peer is (host, port), the host an address
in words.
"""
from collections.abc import Callable
from typing import Any
from .._contracts import Peer

class UDPLink:
    """A socket for any number of peers. With `host` it has one in particular, `peer`, whose name `open` looks up,
    and again where minutes pass without an answer: it may stand for another address then.
    """
    dropped: int
    source: Any
    peer: Peer
    on_back: Callable[[], object] | None
    def __init__(self, max_datagram: int=1152, host: str | None=None, port: int=0) -> None: ...
    async def open(self) -> None:
        """Bring the link up; raise OSError when it cannot be had now."""
    def use(self, address: Peer) -> None:
        """Send to and hear from this address from now on; where it is what the name of the configuration stood for,
        that name is looked up again. What is sent to one that cannot be had is lost.
        """
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
