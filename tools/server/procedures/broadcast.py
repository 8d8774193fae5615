# SPDX-License-Identifier: MIT
"""Messages to a broadcast area: TS 24.538 clause 6.4.1.2.6 d 5.

A real area is the business of a Broadcast Message Gateway (MSGin5G-7), which gets the message by MSGG_BGDelivery of
TS 29.538. An area that the server was told the UEs of is broadcast to here: each that is registered gets a MSG of
its own, which is for the area (TS 23.554 table 8.3.3-1 has no recipient then). Who is away misses it, as it would in a
cell: nothing is stored.
"""

from dataclasses import replace
from types import MappingProxyType

from tools.server.elsewhere import Way
from tools.server.procedures.procedure import Procedure
from tools.store.messages.messagetables import octets_of
from tools.store.states import FAILED, QUEUED
from tools.wire import bodies, rest
from tools.wire.answers import Refusal
from tools.wire.bodies import Address

LIFE = 300  # s: a UE or a gateway that has not taken it by then was away
TRIES = 3  # posts to a Broadcast Message Gateway
_PATHS = MappingProxyType({"MSG": "/msgg-bgdelivery/v1/deliver-message"})


class Broadcast(Procedure):
    def __init__(self, core):
        super().__init__(core)
        self._gateways = dict(core.settings.broadcast_gateways)
        core.elsewhere.targets["BC"] = self._way

    def _way(self, area):
        uri = self._gateways.get(area)
        return uri and Way(Address("BMG", uri), uri, _PATHS, rest.broadcast_message, tries=TRIES)

    def recipients(self, target, now):
        return 1 if target.id in self._gateways else len(self._store.registered_in(target.id, now))

    def route(self, item, now):
        """The originator hears where nobody gets it, and of a gateway that did not take it; not about single UEs."""
        origin, area = item.origin, item.target.id
        if not self._may(origin):
            who = "UE" if origin.type == "UE" else "application server"
            return FAILED, "this %s may not broadcast" % who
        item = replace(item, store_forward=False, expires=min(now + LIFE, item.expires or now + LIFE))
        if area in self._gateways:
            return self._core.routing.singly(replace(item, head=item.head | {"priority": item.priority}), now)
        if self._store.area(area) is None:
            return FAILED, "unknown broadcast area"
        ues = [ue for ue in self._store.registered_in(area, now) if Address("UE", ue) != origin]
        if not ues:
            return FAILED, "no other UE of this broadcast area is registered"
        quotas = self._deliveries.quotas
        try:  # of one in segments the size is known only now
            quotas.refuse_copies(item.target, origin, octets_of(item.head, item.parts), now)
        except Refusal as refusal:
            return FAILED, refusal.answer.diagnostic
        if not quotas.has_room(len(ues), item):
            return FAILED, "too many messages wait; try again later"
        taken = [ue for ue in ues if self._copy(item, Address("UE", ue), now)]
        return (QUEUED, "") if taken else (FAILED, "no UE of this broadcast area takes more messages")

    def _may(self, origin):
        """UEs that were allowed to, and Application Servers that are registered here; not those of other servers."""
        if origin.type == "UE":
            return self._store.is_broadcaster(origin.id)
        return self._store.application_server(origin.id) is not None

    def _copy(self, item, target, now):
        """It names the UE beside the area: a Gateway UE finds it by that. `delivery.queues` takes the name away from
        what goes to a UE by itself."""
        if self._store.pending(target) >= self._settings.pending_each:
            cause = "too many messages wait for it"
            self._emit("discarded", kind="MSG", msgId=item.head["msgId"], to=target.id, cause=cause)
            return False
        head = item.head | {
            "destAddr": bodies.destination(target),
            "oriDestAddr": bodies.destination(item.target),
        }
        self._core.routing.queue(replace(item, target=target, head=head), QUEUED, False, now)
        return True
