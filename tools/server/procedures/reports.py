# SPDX-License-Identifier: MIT
"""Delivery status reports that pass through the server, single and aggregated: TS 24.538 clauses 6.4.1.2.8 and .9."""

from tools.server.procedures.procedure import Procedure
from tools.wire import aggregates, bodies


class Reports(Procedure):
    def receive(self, kind, peer, body, now):
        """A report is routed like a message and kept for a recipient that is away; a repeat ends here."""
        origin = bodies.address(body, "oriAddr", ("UE",))
        target = bodies.address(body, "destAddr", ("UE", "AS"))
        listed = aggregates.reported(body)
        reports = listed or [bodies.report(body)]
        outer = bodies.message_id(body) if "msgId" in body else reports[0][0]
        self._speakers.speaks_for(peer, origin.id, now)
        self._deliveries.quotas.refuse_reports(origin, target, [msg_id for msg_id, *_ in reports])
        if listed and self._all_new(origin, target, reports):
            self._whole(origin, target, outer, reports, now)
            return
        for report in reports:
            self.report(origin, target, *report, now)

    def _all_new(self, origin, target, reports):
        """Whether an aggregated report goes on as it is: to a UE, and none of it went on before."""
        ids = {bodies.same(msg_id) for msg_id, *_ in reports}
        repeat = self._deliveries.responses.is_repeat
        return (
            target.type == "UE"
            and self._store.known(target.id)
            and len(ids) == len(reports)
            and not any(repeat(origin, target, msg_id) for msg_id in ids)
        )

    def _whole(self, origin, target, outer, reports, now):
        """Queues an aggregated report (clause 6.4.1.2.9); `delivery.fitting` makes single ones of it where it does not
        fit."""
        for msg_id, delivered, cause in reports:
            self._taken(origin, target, msg_id, delivered, cause)
            if delivered:
                self._deliveries.ends.on_reported(origin, target, msg_id)
            self._deliveries.responses.first_report(origin, target, msg_id)
        body = aggregates.reports(self._settings.service, origin, target, outer, reports)
        self._deliveries.responses.control(target, "IMDN", body, now, origin)

    def report(self, origin, target, msg_id, delivered, cause, now):
        """Queues one report, from a UE or an Application Server, that was read and may be taken."""
        self._taken(origin, target, msg_id, delivered, cause)
        if delivered:
            self._deliveries.ends.on_reported(origin, target, msg_id)
        if target.id == self._settings.own and target.type == "AS":
            if self._deliveries.responses.first_report(origin, target, msg_id):
                status = "success" if delivered else "failure"
                self._emit("reported", msgId=msg_id, status=status, **{"from": origin.id, "to": target.id})
        elif not self._core.elsewhere.knows(target):
            self._emit("discarded", kind="IMDN", msgId=msg_id, to=target.id, cause="unknown recipient")
        elif self._deliveries.responses.first_report(origin, target, msg_id):
            body = bodies.imdn(self._settings.service, origin, target, msg_id, delivered, cause)
            self._deliveries.responses.control(target, "IMDN", body, now, origin)

    def _taken(self, origin, target, msg_id, delivered, cause):
        status = "success" if delivered else "failure"
        fields = {"from": origin.id, "to": target.id, "status": status, "cause": cause or ""}
        self._emit("report-taken", msgId=msg_id, **fields)
