# SPDX-License-Identifier: MIT
"""Who a request comes from: which UE Service IDs a peer may register and speak for (TS 24.538 clause 6.3.1.2).

The originator that a body names counts only after it was checked here.
"""

from tools.wire.answers import Refusal
from tools.wire.bodies import Address


class Speakers:
    """`binding` is an `identity.Binding`."""

    def __init__(self, store, settings, binding, turns, emit):
        self._store = store
        self._settings = settings
        self._binding = binding
        self._turns = turns
        self._emit = emit

    def source(self, peer, now):
        """The name under which requests are counted: a key, a registered address, or the host for all others."""
        identity = getattr(peer, "identity", None)
        if identity is None and self._store.ues_at(peer, now):
            return peer
        return identity or peer.host

    def why_not(self, peer, ue):
        """Why this peer may not register as that UE; None where it may."""
        if not (self._settings.open or self._store.provisioned(ue)):
            return "unknown UE service ID"
        if not self._binding.may_register(peer, ue):
            return "not allowed for this identity"
        if (
            self._settings.open
            and not self._store.known(ue)
            and not self._store.forget_ues(self._settings.ues)
        ):
            return "too many UEs are registered"
        return None

    def speaks_for(self, peer, ue, now):
        """Refuses a body whose originator the peer is not; binds a registered UE to its new address."""
        here = self._binding.ues(peer, now)
        if here and ue not in here:
            raise Refusal("4.03", self._binding.FOREIGN % ue)
        registration = self._store.registration(ue, now)
        if registration is None or not (here or self._binding.same(peer, registration.peer)):
            raise Refusal("4.01", "not registered")
        if registration.peer != peer:
            self._store.rebind(ue, peer)
            self._turns.on_moved(Address("UE", ue), peer)
            self._emit("rebound", ue=ue, peer=str(peer))
        self._turns.on_peer_alive(Address("UE", ue))

    def ues(self, peer, now):
        """Who a body without an originator may come from: a set of UE Service IDs, never empty."""
        ues = {ue for ue in self._binding.ues(peer, now) if self._store.registration(ue, now)}
        if not ues:
            raise Refusal("4.01", "not registered")
        for ue in ues:
            self._turns.on_peer_alive(Address("UE", ue))
        return ues
