# SPDX-License-Identifier: MIT
"""Registration at the server, its end, and the gateway service: TS 24.538 clauses 6.3.1.2 and 6.3.5.

Bulk registration (clause 6.3.4.3) is to come, and is refused until then.
"""

from tools.server.flood import Again
from tools.server.procedures.procedure import Procedure
from tools.server.settings import LARGEST_PAYLOAD, LARGEST_PROFILE
from tools.store.states import REGISTRATION
from tools.wire import bodies
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Address, Malformed

_LISTS = {
    "regList",
    "deregList",
    "totalRegCount",
    "totalDeregCount",
}  # clause 6.3.4.3: of a gateway's bulk requests


class Registration(Procedure):
    """Each registration is a unit of `isolation` when it is over."""

    def __init__(self, core):
        super().__init__(core)
        self._again = Again()
        self._on = {"REG": self._reg, "DEREG": self._dereg, "GWREG": self._gwreg}

    def receive(self, kind, peer, body, now):
        if kind == "GWREG" and not self._settings.gateway_service:
            raise Refusal("5.01", "the gateway service is a Gateway UE's, and this is a server")
        if kind not in self._on or kind != "GWREG" and _LISTS & body.keys():
            raise Refusal("5.01", "bulk registration is not supported by this server yet")
        return self._on[kind](peer, body, now)

    def _reg(self, peer, body, now):
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        profile = bodies.record(body, "cliProfile")
        if len(bodies.encode(profile)) > LARGEST_PROFILE:
            raise Malformed("cliProfile", "larger than %d octets" % LARGEST_PROFILE)
        max_segment = bodies.number(profile, "maxSegSize", 1, 2**31)
        asked = bodies.number(body, "regExpTime", 1, 2**31)
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        cause = self._refused(peer, ue, "REG", now)
        if cause:
            return Answer("2.04", head | {"result": False, "cause": cause})
        granted = self._granted(asked)
        self._store.register(ue, peer, now, now + granted, max_segment, profile)
        self._deliveries.ends.on_available(Address("UE", ue), peer)
        limit = min(max_segment or LARGEST_PAYLOAD, LARGEST_PAYLOAD)
        self._emit("registered", ue=ue, peer=str(peer), lifetime=granted, maxSegSize=limit)
        if self._again.third(ue, peer, now, granted):
            self._emit("registers-again", ue=ue, peer=str(peer))
        return Answer("2.04", head | {"result": True, "regExpTime": granted})

    def _refused(self, peer, ue, kind, now):
        """The cause of a refusal, which is told, or None."""
        cause = self._speakers.why_not(peer, ue)
        if cause:
            self._core.emit_refused(peer, now, kind=kind, ue=ue, code="2.04", reason=cause)
        return cause

    def _granted(self, asked):
        """Seconds."""
        return int(min(asked or self._settings.lifetime, self._settings.lifetime))

    def _gwreg(self, peer, body, now):
        """Gateway service: the answer is all there is to it until bulk registration comes (clause 6.3.4)."""
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        asked = bodies.number(body, "expiredTime", 1, 2**31)
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        cause = self._refused(peer, ue, "GWREG", now)
        if cause:
            return Answer("2.04", head | {"result": False, "failure reason": cause})
        granted = self._granted(asked)
        self._emit("gateway-registered", ue=ue, peer=str(peer), lifetime=granted)
        return Answer("2.04", head | {"result": True, "acceptedTime": granted})

    def _dereg(self, peer, body, now):
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        if self._store.registration(ue, now) is None:
            return Answer("2.04", head | {"result": False, "cause": "not registered"})
        self._speakers.speaks_for(peer, ue, now)
        self._store.end_registration(ue)
        self._emit("deregistered", ue=ue)
        self._deliveries.ends.on_unavailable(Address("UE", ue), now, "the recipient has de-registered")
        return Answer("2.04", head | {"result": True})

    def work(self, now, pushes):
        for ue in self._store.expired_registrations(now):
            self._isolation.run(REGISTRATION, ue, now, self._expired, ue, now)

    def _expired(self, ue, now):
        self._store.end_registration(ue)
        self._emit("expired", ue=ue)
        cause = "the recipient's registration has expired"
        self._deliveries.ends.on_unavailable(Address("UE", ue), now, cause)

    def clock_set(self, seconds):
        self._again.clock_set(seconds)
