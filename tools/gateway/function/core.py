# SPDX-License-Identifier: MIT
"""What all procedures of the Gateway UE share: the store, the settings, who may speak as whom, what is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.gateway.function.settings import FunctionSettings
from tools.server.delivery.turns import Turns
from tools.server.isolation import Isolation
from tools.store.server.configtables import UeConfiguration
from tools.wire.answers import Refusal
from tools.wire.bodies import Address
from tools.wire.identity import Binding

if TYPE_CHECKING:
    from tools.store.store import Store

_OWN = "it is the gateway's own UE service ID"


@dataclass(frozen=True)
class Core:
    store: "Store"
    settings: FunctionSettings
    isolation: Isolation
    binding: Binding
    turns: Turns  # one request at a time to a UE
    emit_refused: Callable  # (peer, now, **fields): the event of a request that was not taken

    def why_not(self, peer, ue):
        """Why this peer is not believed to be that UE when it registers; None where it is."""
        if ue == self.settings.ue:
            return _OWN
        if not (self.settings.open or self.store.provisioned(ue)):
            return "unknown UE service ID"
        if not self.binding.may_register(peer, ue):
            return "not allowed for this identity"
        return None

    def source(self, peer, now):
        """The name under which requests are counted: a key, a registered address, or the host for all others."""
        identity = getattr(peer, "identity", None)
        if identity is None and self.store.ways_from(peer, now):
            return peer
        return identity or peer.host

    def ues(self, peer, now):
        """The UE Service IDs that the peer is known to speak for."""
        if getattr(peer, "identity", None) is None and self.settings.apart:
            return self.store.ways_from(peer, now)
        return self.binding.ues(peer, now)

    def registered(self, peer, now):
        """The UEs that are registered at this peer, which has sent something. Refuses a peer without one."""
        here = {ue for ue in self.ues(peer, now) if self.where(ue, now) is not None}
        if not here:
            raise Refusal("4.01", "not registered")
        for ue in here:
            self.turns.on_peer_alive(Address("UE", ue), now)
        return here

    def where(self, ue, now):
        """The Peer that the UE is registered at, or None."""
        if self.settings.apart:
            return self.store.way(ue, now)
        registration = self.store.registration(ue, now)
        return registration and registration.peer

    def speaks_for(self, peer, ue, now):
        """Refuses a body whose originator the peer is not: 4.03 where it is another, 4.01 where it is nobody."""
        here = self.ues(peer, now)
        if here and ue not in here:
            raise Refusal("4.03", self.binding.FOREIGN % ue)
        at = self.where(ue, now)
        if at is None or not (here or self.binding.same(peer, at)):
            raise Refusal("4.01", "not registered")
        if at != peer and self.settings.apart:
            self.store.move_way(ue, peer)
            self.turns.on_moved(Address("UE", ue), peer)
            self.isolation.emit("rebound", ue=ue, peer=str(peer))

    def configures(self, peer, ue_id):
        """Refuses (4.03) a peer that may not have what belongs to a MSGin5G UE ID."""
        cause = self.why_not_configured(peer, ue_id)
        if cause:
            raise Refusal("4.03", cause)

    def why_not_configured(self, peer, ue_id):
        """Why the peer may not have what belongs to a MSGin5G UE ID; None where it may."""
        if ue_id is None:
            return "which UE? ue-uri must name it"
        identity = getattr(peer, "identity", None)
        if identity is None:
            return None if self.settings.open else "configurations are given to whoever asks only with --open"
        if ue_id not in self.store.ue_ids_of_keys(identity):
            return "%s is not provisioned for this key" % ue_id
        return None

    def learn(self, peer, ue_id, ue):
        """The server has configured this UE ID as that UE. Its device proved here that the UE ID is its own: the key
        that it did that with is that of the UE from now on."""
        identity = getattr(peer, "identity", None)
        before = self.store.configuration(ue_id)
        if identity is None or identity != self.store.key_of_ue_id(ue_id) or (before and before.ue == ue):
            return
        own = ue == self.settings.ue
        cause = _OWN if own else self.store.put_configuration(UeConfiguration(ue_id, ue))
        if cause:
            fields = {"kind": "configuration", "code": "2.05", "reason": cause}
            self.isolation.emit("refused", peer=str(peer), **fields)
        else:
            self.isolation.emit("configured", ue_id=ue_id, ue=ue, peer=str(peer))
