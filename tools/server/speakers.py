# SPDX-License-Identifier: MIT
"""Who a request comes from: which UE Service IDs a peer may register and speak for (TS 24.538 clause 6.3.1.2).

The originator that a body names counts only after it was checked here. A Gateway UE, which is known as any other UE is,
speaks for those that are registered through it (clause 6.3.4; TS 23.554 clause 8.2.7: it has authenticated them).
"""

from tools.server.elsewhere import home_domain
from tools.wire.answers import Refusal
from tools.wire.bodies import Address


def must_be_registered(store, origin, now, caller):
    """Raises Refusal for who is no registered Application Server, or not this Caller; else it is in use."""
    caller.must_be(origin.id)
    if store.application_server(origin.id) is None:
        words = "%s is not registered: POST /msgs-asregistration/v1/registrations first"
        raise Refusal("4.03", words % origin.id)
    store.use_as(origin.id, now)


class Speakers:
    """`binding` is an `identity.Binding`."""

    def __init__(self, store, settings, binding, turns, served, emit):
        self._store = store
        self._settings = settings
        self._binding = binding
        self._turns = turns
        self._served = served
        self._emit = emit

    def source(self, peer, now):
        """The name under which requests are counted: a key, a registered address, or the host for all others."""
        identity = getattr(peer, "identity", None)
        if identity is None and self._store.ues_at(peer, now):
            return peer
        return identity or peer.host

    def is_registered(self, peer, now):
        """Whether a UE that this peer may be is registered: all that can be said before a body is there."""
        if getattr(peer, "identity", None) is None:
            return bool(self._store.ues_at(peer, now))
        return any(self._store.registration(ue, now) for ue in self._binding.ues(peer, now))

    # ---- registering -------------------------------------------------------------------------------------------------

    def why_not(self, peer, ue, via=None):
        """Why this peer, or the gateway `via` that it is, may not register that UE; None where it may."""
        if not (self._settings.open or self._store.provisioned(ue)):
            return "unknown UE service ID"
        if not self._store.provisioned(ue) and self._store.message_gateway_of(ue, home_domain(ue)):
            return "a UE behind a message gateway"  # on an open server anybody could take its messages
        if via is not None and not self._may_register(via, ue):
            return "not a UE of this gateway"
        if via is None and not self._binding.may_register(peer, ue):
            return "not allowed for this identity"
        if (
            self._settings.open
            and not self._store.known(ue)
            and not self._store.forget_ues(self._settings.ues)
        ):
            return "too many UEs are registered"
        return None

    def _may_register(self, gateway, ue):
        """UEs that were added for it; on an open server without keys any that was added for no other."""
        if self._store.is_gateway(ue):
            return False
        behind = self._store.gateway_of(ue)
        return behind == gateway or (behind is None and self._settings.open and not self._settings.protected)

    def expect_gateway(self, ue):
        """Refuses a UE that is no gateway. On an open server any may be, and is one from now on."""
        if self._settings.open:
            self._store.add_gateway(ue)
        elif not self._store.is_gateway(ue):
            raise Refusal("4.03", "%s is no gateway: device add %s --gateway" % (ue, ue))

    def gateway(self, peer, ue, now):
        """The gateway that a REG comes from, None where it comes from the UE itself. Refuses a gateway that has not
        registered."""
        here = self._binding.ues(peer, now)
        gateways = sorted(each for each in here if self._store.is_gateway(each))
        for gateway in gateways:
            if self._may_register(gateway, ue):
                self._bind_gateway(peer, here, gateway, ue, now)
                return gateway
        return gateways[0] if gateways and ue not in here and not self._store.is_gateway(ue) else None

    # ---- speaking ----------------------------------------------------------------------------------------------------

    def speaks_for(self, peer, ue, now):
        """Refuses a body whose originator the peer is not, nor its gateway; binds a registered UE to its new address.
        Gives the gateway that the UE is registered through, None without one."""
        here = self._binding.ues(peer, now)
        registration = self._store.registration(ue, now)
        via = registration.via if registration else None
        if registration is None and ue not in here and self._is_behind(here, ue):
            raise Refusal("4.01", "not registered")
        if via is not None and (via in here or ue not in here):
            self._bind_gateway(peer, here, via, ue, now)
        else:
            self._bind(peer, here, ue, registration, ue, now)
        return via

    def _bind_gateway(self, peer, here, gateway, ue, now):
        """Finds the gateway of a UE at this peer, instead of the UE."""
        registration = self._store.registration(gateway, now)
        if registration is None and (not here or gateway in here):
            raise Refusal("4.01", "its gateway %s is not registered" % gateway)
        self._bind(peer, here, gateway, registration, ue, now)
        self._turns.on_peer_alive(Address("UE", ue), now)

    def _bind(self, peer, here, who, registration, ue, now):
        """Finds a registered UE at this peer; `ue`: whom the body names."""
        if here and who not in here:
            raise Refusal("4.03", self._binding.FOREIGN % ue)
        if registration is None or not (here or self._binding.same(peer, registration.peer)):
            raise Refusal("4.01", "not registered")
        if registration.via is None:
            self._is_at(peer, who, registration)
        self._turns.on_peer_alive(Address("UE", who), now)

    def _is_at(self, peer, ue, registration):
        """It is reached at this peer, by this node."""
        moved = registration.peer != peer
        if moved or self._served.is_elsewhere(registration):
            self._store.rebind(ue, peer)
            self._turns.on_moved(Address("UE", ue), peer)
            self._served.came(ue, registration.node)
        if moved:
            self._emit("rebound", ue=ue, peer=str(peer))

    def _is_behind(self, here, ue):
        """Whether one of these is a gateway that may register that UE."""
        return any(self._store.is_gateway(each) and self._may_register(each, ue) for each in here)

    def ues(self, peer, now):
        """Who a body without an originator may come from: UE Service IDs, to be asked for with `in`."""
        return _Here(self.registered(peer, now), self._store, now)

    def registered(self, peer, now):
        """The UEs that are registered at this peer, which has sent something. Refuses a peer without one."""
        here = self._here(peer, now)
        if not here:
            raise Refusal("4.01", "not registered")
        self._are_there(peer, here, now)
        return here

    def heard(self, peer, now):
        """A request came that names nobody: whoever is registered at this peer is there."""
        self._are_there(peer, self._here(peer, now), now)

    def _are_there(self, peer, here, now):
        """These UEs, one of which has sent something. Where another node has heard one of them before, it is reached
        here from now on: at its address, or where it is the only one that this peer can be."""
        for ue in here:
            registration = self._store.registration(ue, now)
            if self._served.is_elsewhere(registration) and registration.via is None:
                if registration.peer == peer or len(here) == 1:
                    self._is_at(peer, ue, registration)
            self._turns.on_peer_alive(Address("UE", ue), now)

    def _here(self, peer, now):
        return {ue for ue in self._binding.ues(peer, now) if self._store.registration(ue, now)}

    def sleeps(self, peer, now):
        """Seconds until one of the UEs at this peer has a window, `math.inf` where only they can say; None where one
        can be reached now, or nobody is known there."""
        opens = [self._turns.windows.opens(Address("UE", ue), now) for ue in self._here(peer, now)]
        return None if not opens or None in opens else min(opens) - now

    def asks(self, peer, named, now, again=False):
        """(the UEs that a request without a body of clause 7.3 may come from; the gateway of the one that it names).

        `named`: a UE Service ID that may be its sender, or None. Where the peer may not speak for it, whoever is
        registered at the peer asks; of a Gateway UE that is the gateway alone. `again`: nothing came from the peer,
        it is asked for once more what it observes.
        """
        here = self._here(peer, now)
        if again:
            here = {named} & here or here
        elif named is not None:
            try:
                return {named}, self.speaks_for(peer, named, now)
            except Refusal:
                if not here:
                    raise
        if not here:
            raise Refusal("4.01", "not registered")
        if not again:
            self._are_there(peer, here, now)
        return here, None

    # ---- Gateway UEs -------------------------------------------------------------------------------------------------

    def gateways(self, peer, now):
        """Those that this peer is, registered or not."""
        return sorted(ue for ue in self._binding.ues(peer, now) if self._store.is_gateway(ue))

    def registered_gateway(self, peer, now):
        """The one that this peer is. Refuses a peer that is none; on an open server any UE that is registered is one
        from now on."""
        here = sorted(self._here(peer, now))
        if not here:
            raise Refusal("4.03", "only a registered Gateway UE may ask for many")
        gateway = next((ue for ue in here if self._store.is_gateway(ue)), here[0])
        self.expect_gateway(gateway)
        return gateway

    def is_behind(self, peer, ue, now):
        """Whether the peer is a Gateway UE that may register that UE, registered itself or not."""
        return self._is_behind(self._binding.ues(peer, now), ue)


class _Here:
    """UEs at one peer, and those that are registered through one of them, of which there may be many."""

    def __init__(self, ues, store, now):
        self._ues = ues
        self._store = store
        self._now = now

    def __contains__(self, ue):
        if ue in self._ues:
            return True
        registration = self._store.registration(ue, self._now)
        return registration is not None and registration.via in self._ues
