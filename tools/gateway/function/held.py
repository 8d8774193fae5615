# SPDX-License-Identifier: MIT
"""Registrations and de-registrations that may wait (TS 24.538 clauses 6.3.4.3.1 and 6.3.4.3.4).

What is urgent, or says nothing of it, goes on at once and waits for nobody. The rest is stored before it is answered,
and goes with others: `bulk`.
"""

import math

from tools.gateway.function.bulk import envelope
from tools.server.procedures.bulk import LISTS
from tools.wire import bodies
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Address, Malformed

MARGIN = 5  # s, for the server's answer and its way to the UE
GIVEN_UP = 300  # s, for a request without a limit of its own
_OF_THE_GATEWAY = {"urgentTag", "reqExpTime"}  # members that end here


class Holding:
    """`service`: who may have it held; `fanout`: responses that are owed."""

    def __init__(self, core, service, fanout):
        self._core = core
        self._store = core.store
        self._settings = core.settings
        self._emit = core.isolation.emit
        self._service = service
        self._fanout = fanout

    def receive(self, kind, peer, body, now):
        """The Answer to a REG or DEREG that is held; None for one that goes on. Raises Malformed, Refusal."""
        if body.get("urgentTag") is None:
            return None
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        urgent = bodies.flag(body, "urgentTag")
        served = self._service.serves(ue, now)
        if kind == "REG" and not served:
            raise Refusal("4.01", "not registered to the gateway service")
        if urgent or not served:
            return None
        if LISTS & body.keys():
            raise Malformed(min(LISTS & body.keys()), "not in the request of a device")
        return self._hold(kind, peer, ue, body, now)

    def _hold(self, kind, peer, ue, body, now):
        limit = bodies.number(body, "reqExpTime", 1, 2**31)
        head = {"oriAddr": bodies.origin(Address("UE", ue))}
        cause = self._core.why_not(peer, ue)
        if cause:
            self._core.emit_refused(peer, now, kind=kind, ue=ue, code="2.04", reason=cause)
            return Answer("2.04", head | {"result": False, "cause": cause})
        if kind == "DEREG":
            self._core.speaks_for(peer, ue, now)
        held = {name: value for name, value in body.items() if name not in _OF_THE_GATEWAY}
        if len(bodies.encode(held)) > self._settings.room - envelope(self._settings):
            return None  # it fits no list
        interval = self._settings.bulk_interval
        wait = interval if limit is None else max(0, min(limit - MARGIN, interval))
        expected = math.ceil(wait + MARGIN if limit is None else min(wait + MARGIN, limit))
        self.supersede(ue)
        until = now + (limit or max(GIVEN_UP, interval + MARGIN))
        self._store.hold(ue, kind, held, peer, now + wait, until)
        self._emit("held", ue=ue, kind=kind, seconds=round(wait, 3))
        return Answer("2.04", head | {"expectedTime": expected})

    def supersede(self, ue):
        """The UE says something newer about its registration: that counts, and nothing before it is answered now."""
        self._store.forget_held(ue)

    def work(self, now, out):
        """Gives up what waited too long: the UE is told."""
        for id_, ue, kind, peer in self._store.held_over(now):
            self._store.drop_held(id_)
            cause = "registration timed out" if kind == "REG" else "de-registration timed out"
            self._fanout.add(kind + "RESP", ue, peer, now, False, cause)
            self._emit("held-over", ue=ue, kind=kind, cause=cause)

    def deadline(self, now):
        return self._store.held_deadline()
