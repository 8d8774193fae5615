# SPDX-License-Identifier: MIT
"""UE reachability monitoring: TS 23.554 clause 8.9.2, by the API of TS 29.122 clause 5.3 ("T8").

Where a registered UE did not answer, the network is asked to tell once when it can be reached (UE_REACHABILITY, one
report). With that report what waits for the UE is due at once, instead of after a pause.
"""

from tools.server.delivery import exposure
from tools.server.delivery.pushes import DONE, REFUSED, Push
from tools.server.delivery.turns import Wait
from tools.server.procedures.procedure import Procedure
from tools.store.states import MONITORING
from tools.wire.bodies import Address, Malformed
from tools.wire.http import Reply, Route
from tools.wire.outside import clean

API, TOLD = "3gpp-monitoring-event", "/t8/monitoring/{token}"
TYPE = "UE_REACHABILITY"
_GONE = ("404", "410")


class Monitoring(Procedure):
    """Each UE is a unit of `isolation`. Its row is there from the wish for a subscription to the report, or to the end
    of the subscription."""

    UNIT, KIND = MONITORING, "monitoring"
    of_leader = True

    def __init__(self, core):
        super().__init__(core)
        self._exposure = core.exposure
        self._turns = core.deliveries.turns
        self._pauses = (
            core.store.kept()
        )  # UE: the Wait before it is asked for again, since a report on it has come
        if self._exposure.is_there:
            self._turns.on_silent.append(self._silent)

    # ---- when --------------------------------------------------------------------------------------------------------

    def _silent(self, target, now):
        """It did not answer for a full exchange of CoAP."""
        if self._store.registration(target.id, now) is not None and self._store.trigger_info(target.id):
            wait = self._pauses.get(target.id)
            due = now if wait is None else max(now, wait.until)
            self._store.wish_monitoring(target.id, exposure.new_token(), due)

    def work(self, now, pushes):
        if not self._exposure.is_there:
            return
        for ue in self._store.monitoring_due(now):
            if not self._exposure.is_free(now):
                break
            push = self._isolation.run(MONITORING, ue, now, self._ask, ue, now)
            if isinstance(push, Push):
                pushes.append(push)

    def _ask(self, ue, now):
        row = self._store.monitoring(ue)
        if row.over:
            if not row.link:
                return self._store.drop_monitoring(ue)
            return self._exposure.ask(self, ue, "DELETE", row.link)
        info = self._store.trigger_info(ue)
        target = Address("UE", ue)
        silent = self._turns.is_silent(target) or not self._deliveries.served.here(target, now)
        if info is None or not (row.asked or silent):
            return self._store.drop_monitoring(ue)  # it was heard meanwhile, as far as is known here
        self._store.monitoring_asked(ue, True)
        body = exposure.subject(info.ue_id) | {
            "notificationDestination": self._exposure.told_at(TOLD, row.token),
            "monitoringType": TYPE,
            "reachabilityType": "DATA",
            "maximumNumberOfReports": 1,
        }
        return self._exposure.ask(self, ue, "POST", self._exposure.uri(API, "subscriptions"), body)

    def outcome(self, push, outcome, now):
        outcome = outcome._replace(detail=clean(outcome.detail))
        if not self._turns.finish(push, outcome, now):
            return
        ue = push.unit[1]
        row = self._store.monitoring(ue)
        if row is None:  # its report came before the answer
            return
        if push.method == "DELETE":
            self._ended(ue, outcome, now)
            return
        self._store.monitoring_asked(ue, False)
        if outcome.verdict == DONE:
            link = exposure.link(push, outcome)
            self._store.monitoring_is_at(ue, link)
            self._emit("monitored", ue=ue, at=link)
            if outcome.says("200") or (outcome.said or {}).get("monitoringEventReport"):
                self._reached(ue, now)  # the answer is the report
        elif outcome.verdict == REFUSED:
            self._refused(ue, outcome, now)
        else:
            self._store.monitoring_later(ue, now)

    def _ended(self, ue, outcome, now):
        if outcome.verdict == DONE or any(map(outcome.says, _GONE)):
            self._store.drop_monitoring(ue)
            self._emit("monitoring-ended", ue=ue)
        elif outcome.verdict == REFUSED:
            self._refused(ue, outcome, now)
        else:
            self._store.monitoring_later(ue, now)

    def _refused(self, ue, outcome, now):
        pause = self._store.monitoring_failed(ue, now, self._settings.retry_min, self._settings.retry_max)
        self._emit("monitoring-refused", ue=ue, cause=outcome.detail, seconds=round(pause))

    # ---- what the network says ---------------------------------------------------------------------------------------

    def routes(self):
        return (Route("POST", TOLD, self._notified, public=True),)

    def _notified(self, body, now, caller, token):
        """MonitoringNotification of TS 29.122 clause 5.3.2.1.2."""
        exposure.said(body, "subscription")
        cancelled = body.get("cancelInd")
        if cancelled is not None and not isinstance(cancelled, bool):
            raise Malformed("cancelInd", "not a boolean")
        reports = body.get("monitoringEventReports")
        if reports is None and not cancelled:
            raise Malformed("monitoringEventReports", "missing")
        if reports is not None and not (
            isinstance(reports, list) and reports and all(isinstance(each, dict) for each in reports)
        ):
            raise Malformed("monitoringEventReports", "not an array of at least one object")
        types = [exposure.said(each, "monitoringType") for each in reports or ()]
        ue = self._store.monitored_by(token)
        if ue is None:
            return None
        if TYPE in types:
            self._reached(ue, now)
        elif cancelled:
            self._store.drop_monitoring(ue)
            self._emit("monitoring-ended", ue=ue, cause="cancelled by the network")
        return Reply(204)

    def _reached(self, ue, now):
        """The one report has come, which ends the subscription."""
        over = self._store.monitoring(ue).over
        self._store.drop_monitoring(ue)
        if not over:
            self._emit("reachable", ue=ue)
            self._pause(ue, now)
            self._deliveries.served.heard(Address("UE", ue), now)

    def _pause(self, ue, now):
        """A network may say at once, again and again, that a UE can be reached which does not answer: each report is
        a try without a pause, so that the next one is not asked for at once."""
        least, most = self._settings.retry_min, self._settings.retry_max
        for each in [each for each, wait in self._pauses.items() if wait.until + 2 * most < now]:
            del self._pauses[each]
        before = self._pauses.get(ue)
        delay = min(2 * before.delay, most) if before else least
        self._pauses[ue] = Wait(now + delay, delay, True)

    def clock_set(self, seconds):
        for wait in self._pauses.values():
            wait.until += seconds

    def deadline(self, now):
        return self._store.next_monitoring(now) if self._exposure.is_there else None
