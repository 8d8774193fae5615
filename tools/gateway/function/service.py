# SPDX-License-Identifier: MIT
"""The gateway service: who is registered to it (TS 24.538 clauses 6.3.5 and 7.3.3.3).

It is the gateway's own business: it is answered here, whether the server can be reached or not. Nothing ends it but its
time; a UE asks anew before that.
"""

from tools.server.procedures.bulk import LISTS
from tools.wire import bodies
from tools.wire.answers import Answer
from tools.wire.bodies import Address, Malformed


class Service:
    def __init__(self, core):
        self._core = core
        self._store = core.store
        self._settings = core.settings
        self._emit = core.isolation.emit

    def receive(self, kind, peer, body, now):
        """The Answer to a GWREG. Raises Malformed."""
        if LISTS & body.keys():
            raise Malformed(min(LISTS & body.keys()), "does not belong into a GWREG, which is for one UE")
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        ue_id = bodies.address(body, "oriUEAddr", ("UE",), "oriAddrType").id if "oriUEAddr" in body else ""
        asked = bodies.number(body, "expiredTime", 1, 2**31)
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        cause = self._why_not(peer, ue, ue_id, now)
        if cause:
            self._core.emit_refused(peer, now, kind=kind, ue=ue, code="2.04", reason=cause)
            return Answer("2.04", head | {"result": False, "failure reason": cause})
        granted = int(min(asked or self._settings.lifetime, self._settings.lifetime))
        self._store.serve(ue, ue_id, peer, now + granted)
        self._emit("gateway-registered", ue=ue, peer=str(peer), lifetime=granted)
        return Answer("2.04", head | {"result": True, "acceptedTime": granted})

    def _why_not(self, peer, ue, ue_id, now):
        cause = self._core.why_not(peer, ue)
        if cause:
            return cause
        if (
            self._store.served(ue, now) is None
            and self._store.count_served(now) >= self._settings.gateway_ues
        ):
            return "too many UEs are registered to the gateway service"
        return None

    def serves(self, ue, now):
        """Whether the UE is registered to the gateway service now."""
        return self._store.served(ue, now) is not None

    def serves_id(self, peer, ue_id, now):
        """The UE Service ID of a MSGin5G UE ID where that UE is registered to the gateway service now, by its UE ID or
        as who asks; else None."""
        found = self._store.served_by_id(ue_id, now)
        if found is not None:
            return found
        known = getattr(peer, "identity", None) is not None
        ues = self._core.binding.ues(peer, now) if known else self._store.served_from(peer, now)
        return next((ue for ue in sorted(ues) if self.serves(ue, now)), None)

    def work(self, now, out):
        for ue in self._store.forget_served(now):
            self._emit("gateway-expired", ue=ue)

    def deadline(self, now):
        return self._store.service_deadline()
