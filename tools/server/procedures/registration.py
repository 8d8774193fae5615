# SPDX-License-Identifier: MIT
"""Registration at the server, and its end: TS 24.538 clause 6.3.1.2.

A REG or DEREG may come through a Gateway UE (clause 6.3.4.3.1 a), which the UE is reached through then. The gateway
service (clause 6.3.5) is that one's own.
"""

import json

from tools.server.delivery import availability
from tools.server.delivery.fitting import window as window_of
from tools.server.flood import Again
from tools.server.procedures import bulk
from tools.server.procedures.procedure import Procedure
from tools.server.procedures.reach import triinfo
from tools.server.settings import LARGEST_PAYLOAD, LARGEST_PROFILE
from tools.store.states import REGISTRATION
from tools.wire import bodies
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Address, Malformed


class Registration(Procedure):
    """Each registration is a unit of `isolation` when it is over."""

    of_leader = True

    def __init__(self, core):
        super().__init__(core)
        self._again = Again()
        self._on = {"REG": self._reg, "DEREG": self._dereg}

    def receive(self, kind, peer, body, now):
        if kind == "GWREG":
            raise Refusal("5.01", "the gateway service is a Gateway UE's, and this is a server")
        if bulk.listed(kind, body):
            return self._core.procedures["bulk"].receive(kind, peer, body, now)
        return self._on[kind](peer, body, now)

    def one(self, kind, peer, body, gateway, now):
        """The body of the answer to one REG or DEREG of a list. It came from this gateway; None: it counts
        as if the UE had sent it by itself. Raises as `receive`."""
        return self._on[kind](peer, body, now, gateway).body

    def _reg(self, peer, body, now, via=None):
        """`via`: the gateway that has sent it in a list; a REG by itself may come from one as well."""
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        profile = bodies.record(body, "cliProfile")
        if len(bodies.encode(profile)) > LARGEST_PROFILE:
            raise Malformed("cliProfile", "larger than %d octets" % LARGEST_PROFILE)
        max_segment = bodies.number(profile, "maxSegSize", 1, 2**31)
        window = window_of(profile)
        if "segWindow" in profile:  # kept as a number, or not at all
            profile = {name: value for name, value in profile.items() if name != "segWindow"}
            profile |= {} if window is None else {"segWindow": window}
        schedule, triggers = availability.read(profile), triinfo.read(profile)
        asked = bodies.number(body, "regExpTime", 1, 2**31)
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        kind = "REG" if via is None else "bulk REG"
        via = via or self._speakers.gateway(peer, ue, now)
        cause = self._refused(peer, ue, kind, now, via)
        if cause:
            return Answer("2.04", head | {"result": False, "cause": cause})
        self._keep_triggers(peer, ue, triggers, via)
        granted = self._granted(asked)
        former = self._deliveries.served.node_of(ue, now)
        self._store.register(ue, peer, now, now + granted, max_segment, profile, via)
        self._deliveries.turns.windows.registered(ue, schedule, now)
        self._deliveries.ends.on_available(Address("UE", ue), peer)
        self._deliveries.served.came(ue, former)
        limit = min(max_segment or LARGEST_PAYLOAD, LARGEST_PAYLOAD)
        more = {} if via is None else {"via": via}
        self._emit("registered", ue=ue, peer=str(peer), lifetime=granted, maxSegSize=limit, **more)
        if self._again.third(ue, peer, now, granted):
            self._emit("registers-again", ue=ue, peer=str(peer))
        return Answer("2.04", head | {"result": True, "regExpTime": granted})

    def _keep_triggers(self, peer, ue, triggers, via):
        """How it may be triggered, which outlives the registration. Refuses the UE ID of another."""
        if triggers is None:
            self._store.drop_trigger_info(ue)
            return
        found, key = self._store.configuration(triggers.ue_id), self._store.key_of_ue_id(triggers.ue_id)
        identity = getattr(peer, "identity", None)
        if (found and found.ue != ue) or (via is None and identity and key not in (None, identity)):
            raise Refusal("4.03", "triInfo.ueId: is the UE ID of another UE")
        self._store.put_trigger_info(ue, triggers.ue_id, json.dumps(triggers.ports))

    def _refused(self, peer, ue, kind, now, via=None):
        """The cause of a refusal, which is told, or None."""
        cause = self._speakers.why_not(peer, ue, via)
        if cause:
            self._core.emit_refused(peer, now, kind=kind, ue=ue, code="2.04", reason=cause)
        return cause

    def _granted(self, asked):
        """Seconds."""
        return int(min(asked or self._settings.lifetime, self._settings.lifetime))

    def _dereg(self, peer, body, now, via=None):
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        registration = self._store.registration(ue, now)
        if registration is None:
            return Answer("2.04", head | {"result": False, "cause": "not registered"})
        if via is None:
            self._speakers.speaks_for(peer, ue, now)
        elif registration.via != via:
            raise Refusal("4.03", "not registered through this gateway")
        self._store.end_registration(ue)
        self._emit("deregistered", ue=ue, **({"via": registration.via} if registration.via else {}))
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
