# SPDX-License-Identifier: MIT
"""Who is speaking, and for which UE Service IDs.

A Peer is what the transport knows of a sender. A Binding says what that is worth: by address now; an OSCORE context
will be another Binding with the same two questions, and its identity will be the context's.
"""

from typing import NamedTuple, Protocol


class Peer(NamedTuple):
    """Where a request came from: the address that answers and pushes go to."""

    host: str
    port: int

    def __str__(self):
        return "%s:%d" % (("[%s]" if ":" in self.host else "%s") % self.host, self.port)


class Binding(Protocol):
    def may_register(self, peer: Peer, ue: str) -> bool:
        """Whether the peer may register this UE Service ID."""

    def same(self, peer: Peer, registered: Peer) -> bool:
        """Whether the peer is the one that registered, at another address perhaps."""


class AddressBinding:
    """Security mode none: whoever asks may register, and the IP address stands for the device; its port may change."""

    def may_register(self, peer, ue):
        return True

    def same(self, peer, registered):
        return peer.host == registered.host
