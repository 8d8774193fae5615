# SPDX-License-Identifier: MIT
"""Device triggering: TS 23.554 clause 8.9.3, TS 24.538 clause 6.4.1.2.6 c 1.

A UE that is away, or silent, and that said how it can be triggered is told so while messages are stored for it: at
once, at half of a message's life, and when that is over, once more before it fails. By the exposure function (TS 29.122
clause 5.7); without one by a datagram to where the UE was last, which stands for the network's own way.

3GPP leaves open what a trigger says: docs/wire-profile.md.
"""

import base64
import json

from tools.server.delivery import exposure
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Push
from tools.server.procedures.procedure import Procedure
from tools.server.procedures.reach.triinfo import TriggerInfo
from tools.store.states import TRIGGER
from tools.store.tables import CONTROL
from tools.wire.bodies import Address
from tools.wire.http import Reply, Route
from tools.wire.identity import Peer
from tools.wire.outside import clean

API, TOLD = "3gpp-device-triggering", "/t8/triggering/{token}"
LARGEST = 140  # octets of a trigger: one SMS
APART = 30  # s, the least between two triggers of one UE: it heeds no more
LAST = 30  # s, that a message lives on with its last trigger
VALIDITY = 60  # s, that the network tries
REGISTER, RECEIVE = "register", "receive"
_OVER = {"FAILURE", "EXPIRED", "TERMINATE"}  # results by which the UE was not reached


class Triggering(Procedure):
    """Each UE is a unit of `isolation`."""

    UNIT, KIND = TRIGGER, "trigger"
    of_leader = True

    def __init__(self, core):
        super().__init__(core)
        self._exposure = core.exposure
        self._turns = core.deliveries.turns
        self._turns.on_silent.append(self._silent)
        core.deliveries.ends.on_away = self._silent
        core.routing.on_stored = self._stored
        core.deliveries.ends.last_try = self._last_try

    # ---- when --------------------------------------------------------------------------------------------------------

    def _silent(self, target, now):
        """It did not answer, or is not registered any more: what may be stored for it is worth a trigger."""
        if self._store.trigger_info(target.id):
            self._store.trigger_all(target.id, now)

    def _stored(self, id_, ue, now):
        """A message was stored for a UE that is away."""
        if self._store.trigger_info(ue):
            self._store.trigger_for(id_, ue, now)

    def _last_try(self, row, now):
        """Whether a message whose time is over lives on for the time of one more trigger."""
        if row.kind != "MSG" or row.target.type != "UE" or not row.store_forward:
            return False
        ue = row.target.id
        if not self._store.trigger_info(ue) or not self._out_of_reach(ue, now, last=True):
            return False
        if not self._store.trigger_last(row.id, ue):
            return False
        self._store.prolong(row.id, now + LAST)
        self._store.trigger_due(ue, now, APART)
        return True

    def _out_of_reach(self, ue, now, last=False):
        """Whether a trigger may help. A UE that sleeps by its schedule is left alone: but for the last time, where that
        is no datagram of ours."""
        if self._store.registration(ue, now) is None:
            return True
        target = Address("UE", ue)
        if self._turns.windows.opens(target, now) is not None:
            return last and self._exposure.is_there
        return self._turns.is_silent(target) or not self._deliveries.served.here(target, now)

    # ---- what is sent ------------------------------------------------------------------------------------------------

    def work(self, now, pushes):
        self._deliveries.ends.overdue(now)  # what has its last try now
        for id_, ue, half in self._store.triggers_of_messages(now):
            if self._out_of_reach(ue, now):
                self._store.trigger_due(ue, now, APART)
            self._store.trigger_next(id_, half)
        for ue in self._store.triggers_due(now):
            if self._exposure.is_there and not self._exposure.is_free(now):
                break
            push = self._isolation.run(TRIGGER, ue, now, self._trigger, ue, now)
            if isinstance(push, Push):
                pushes.append(push)

    def _trigger(self, ue, now):
        kept = self._store.trigger_info(ue)
        info = TriggerInfo(kept.ue_id, tuple(map(tuple, json.loads(kept.ports))))
        if not self._store.waits_for_trigger(ue) or not self._out_of_reach(ue, now, last=True):
            return self._store.trigger_done(ue)
        purpose = REGISTER if self._store.registration(ue, now) is None else RECEIVE
        octets = payload(self._settings.service, purpose)
        if self._exposure.is_there:
            token = exposure.new_token()
            self._store.trigger_begins(ue, now, token)
            body = exposure.subject(info.ue_id) | {
                "validityPeriod": VALIDITY,
                "priority": "NO_PRIORITY",
                "applicationPortId": info.port,
                "triggerPayload": base64.b64encode(octets).decode(),
                "notificationDestination": self._exposure.told_at(TOLD, token),
            }
            return self._exposure.ask(self, ue, "POST", self._exposure.uri(API, "transactions"), body)
        self._store.trigger_begins(ue, now, None)
        self._store.trigger_done(ue)
        last = self._store.registration(ue)
        if last is None or last.peer is None or last.via is not None or info.udp_port is None:
            # behind a gateway it is not where that is
            why = "it has no port of UDP" if info.udp_port is None else "where it was is not known"
            self._emit("trigger-failed", ue=ue, cause=why)
            return None
        where, target = Peer(last.peer.host, info.udp_port), Address("PORT", ue)
        body = json.loads(octets)
        return self._turns.begin(
            Push(target, where, self.KIND, CONTROL, body, of=self, about=(TRIGGER, ue), octets=octets)
        )

    def outcome(self, push, outcome, now):
        outcome = outcome._replace(detail=clean(outcome.detail))
        if not self._turns.finish(push, outcome, now):
            return
        ue = push.unit[1]
        if push.target.type == "PORT":
            if outcome.verdict == DONE:
                self._emit("triggered", ue=ue, by="UDP", at=str(push.where), purpose=push.body["purpose"])
            else:
                self._emit("trigger-failed", ue=ue, cause=outcome.detail)
        elif outcome.verdict == DONE:
            self._store.trigger_done(ue)
            self._emit("triggered", ue=ue, by="exposure", at=exposure.link(push, outcome))
        elif outcome.verdict == REFUSED:
            pause = self._store.trigger_failed(ue, now, self._settings.retry_min, self._settings.retry_max)
            self._emit("trigger-failed", ue=ue, cause=outcome.detail, seconds=round(pause))
        elif outcome.verdict == LATER:
            self._store.trigger_later(ue, now)
        else:
            self._store.trigger_done(ue)

    # ---- what the network says ---------------------------------------------------------------------------------------

    def routes(self):
        return (Route("POST", TOLD, self._reported, public=True),)

    def _reported(self, body, now, caller, token):
        """DeviceTriggeringDeliveryReportNotification of TS 29.122 clause 5.7.2.1.3."""
        exposure.said(body, "transaction")
        result = clean(exposure.said(body, "result"), 64)
        ue = self._store.triggered_by(token)
        if ue is None:
            return None
        if result.upper() in _OVER:
            self._emit("trigger-failed", ue=ue, cause=result)
        else:
            self._emit("trigger-reported", ue=ue, result=result)
        return Reply(204)

    def deadline(self, now):
        return self._store.next_trigger(now if self._exposure.is_there else 0)


def payload(service, purpose):
    """The octets of a trigger. ValueError where they are more than one SMS has."""
    octets = json.dumps({"msgIden": service, "purpose": purpose}, separators=(",", ":")).encode()
    if len(octets) > LARGEST:
        raise ValueError("a trigger of more than %d octets" % LARGEST)
    return octets
