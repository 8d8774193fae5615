# SPDX-License-Identifier: MIT
"""Delivery status reports that pass through the server, single and aggregated: TS 24.538 clauses 6.4.1.2.8 and .9."""

from tools.server.procedures.procedure import Procedure
from tools.wire import aggregates, bodies


class Reports(Procedure):
    def receive(self, kind, peer, body, now):
        """A report is routed like a message and kept for a recipient that is away; a repeat ends here."""
        origin = bodies.address(body, "oriAddr", ("UE",))
        target = bodies.address(body, "destAddr", ("UE", "AS"))
        reports = [bodies.report(item) for item in aggregates.elements(body) or [body]]
        self._speakers.speaks_for(peer, origin.id, now)
        for msg_id, *_ in reports:
            self._deliveries.quotas.refuse_report(origin, target, msg_id)
        for report in reports:
            self.report(origin, target, *report, now)

    def report(self, origin, target, msg_id, delivered, cause, now):
        """Queues one report, from a UE or an Application Server, that was read and may be taken."""
        if delivered:
            self._deliveries.ends.on_reported(origin, target, msg_id)
        known = self._store.known if target.type == "UE" else self._store.application_server
        if not known(target.id):
            self._emit("discarded", kind="IMDN", msgId=msg_id, to=target.id, cause="unknown recipient")
        elif self._deliveries.responses.first_report(origin, target, msg_id):
            body = bodies.imdn(self._settings.service, origin, target, msg_id, delivered, cause)
            self._deliveries.responses.control(target, "IMDN", body, now, origin)
