# SPDX-License-Identifier: MIT
"""Who is speaking, and for which UE Service IDs.

A Peer is what the transport knows of a sender, a Speaker one that has proved who it is. A Binding says what that is
worth: by address here, by the key that the request was protected with in `security`.
"""

from typing import NamedTuple, Protocol


class Peer(NamedTuple):
    """Where a request came from: the address that answers and pushes go to."""

    host: str
    port: int

    def __str__(self):
        return "%s:%d" % (("[%s]" if ":" in self.host else "%s") % self.host, self.port)


class Speaker(Peer):
    """A Peer that proved who it is: `identity` is the digest of its key. `strike`: the number of the request that it
    speaks with, where that is to be noted with what the request does (`transport.keys.shared`)."""

    identity = None
    strike = None


def peer_at(host, port, identity=None):
    """The Peer at an address; a Speaker where it has an identity."""
    if identity is None:
        return Peer(host, port)
    made = Speaker(host, port)
    made.identity = identity
    return made


def plain(address):
    """The Peer at an address of a socket that takes both IPv4 and IPv6."""
    return Peer(address[0].removeprefix("::ffff:"), address[1])


class Binding(Protocol):
    FOREIGN: str  # why a UE Service ID is refused that is another's

    def may_register(self, peer: Peer, ue: str) -> bool:
        """Whether the peer may register this UE Service ID."""

    def ues(self, peer: Peer, now: float) -> set:
        """The UE Service IDs that the peer is known to speak for, if they are registered."""

    def same(self, peer: Peer, registered: Peer) -> bool:
        """Whether a peer that is not known is the one that registered, at another address perhaps."""


class AddressBinding:
    """Security mode none: whoever asks may register, and the IP address stands for the device; its port may change."""

    FOREIGN = "%s is not registered from this address"

    def __init__(self, store):
        self._store = store

    def may_register(self, peer, ue):
        return True

    def ues(self, peer, now):
        return self._store.ues_at(peer, now)

    def same(self, peer, registered):
        return peer.host == registered.host
