# SPDX-License-Identifier: MIT
"""What the server pushes for Application Clients on other UEs, and which of them it is for: TS 24.538 clauses 6.4.2 and
6.4.1.1.6 b."""

import hashlib
import uuid
from dataclasses import dataclass

from tools.gateway.running.asking import asking
from tools.server.delivery.pushes import DONE, LATER, REFUSED, Outcome
from tools.store.gateway.apptables import app_id_of
from tools.wire import aggregates, bodies, segments
from tools.wire.bodies import Address, Malformed

NOT_THERE = Outcome(REFUSED, "4.04 the application is not registered")


@dataclass(frozen=True)
class Deliver:
    """A whole message for the application."""

    msg_id: str
    originator: str
    group: str | None
    report: bool
    value: str  # of `payload`


@dataclass(frozen=True)
class Reported:
    """What became of a message of the application."""

    reply_to: str
    delivered: bool


def read(body):
    """A push of a server that is another program, checked and in the one form that Arrivals takes. Raises Malformed."""
    kind = bodies.text(body, "msgType").upper()
    reader = {"MSG": _read_message, "IMDN": _read_reports, "MSGRESP": _read_response}.get(kind)
    return (reader(body) if reader else body) | {"msgType": kind}


def _read_message(body):
    origin, target = _ends(body)
    head = bodies.head(bodies.text(body, "msgIden"), origin, target, body)
    if body.get("oriDestAddr") is not None:
        many = bodies.address(body, "oriDestAddr", bodies.TARGETS, "destAddrType")
        head["oriDestAddr"] = bodies.destination(many)
    segment, listed = bodies.segment(body), aggregates.aggregate(body)
    if segment and listed:
        raise Malformed("isSegmented", "an aggregated message is not segmented")
    if listed:
        head |= {"totalMsgCount": len(listed), "msgList": listed}
    return bodies.msg(head, bodies.payload(body) if segment else bodies.whole_payload(body), segment)


def _read_reports(body):
    service, ends, listed = bodies.text(body, "msgIden"), _ends(body), aggregates.elements(body)
    reports = [bodies.report(each) for each in listed or [body]]
    if not listed:
        return bodies.imdn(service, *ends, *reports[0])
    return aggregates.reports(service, *ends, reports[0][0], reports)


def _read_response(body):
    return body | {"msgId": bodies.message_id(body), "DelSta": bodies.text(body, "DelSta").lower()}


def _ends(body):
    return [bodies.address(body, member, bodies.TARGETS) for member in ("oriAddr", "destAddr")]


class Arrivals:
    """A subclass has `_store`, `_settings`, and `_ask(ue, body)`, a question to the server."""

    def __init__(self):
        self._sets = {}  # ue: (segId, Assembly, parts, [head]) of the one that the server is sending

    @asking
    def pushed(self, peer, body, now):
        """[(Application, what to bring there)] of a push, or an Outcome where there is nothing to bring."""
        ue = self._store.application_ue(peer.port)
        applications = self._store.applications_of(ue)
        here = [each for each in applications if each.identifier is not None]
        if not here:
            return Outcome(LATER, "the application is not registered", answered=False)
        kind = body["msgType"]
        if kind == "MSG":
            return (yield from self._message(ue, applications, body, now))
        if kind == "IMDN" and "msgList" in body:  # MSGin5G-5 has single ones only
            found = [self._what_became(ue, here, one) for one in aggregates.single_reports(body)]
            return [told for one in found if isinstance(one, list) for told in one] or found[0]
        if kind in ("IMDN", "MSGRESP"):
            return self._what_became(ue, here, body)
        if kind == "SEGREC":
            return Outcome(REFUSED, "4.04 nothing is held of this segment set")
        return Outcome(DONE)

    def _what_became(self, ue, here, body):
        """A report, or a response that says failure, for the application that sent the message; a report on what is
        not known any more goes to each."""
        wanted, _, app_id = (self._store.seen("sent " + ue, body["msgId"]) or "").partition(" ")
        delivered = body["DelSta"] == "success"
        if body["msgType"] == "MSGRESP" and (body["DelSta"] != "failure" or wanted != "1"):
            return Outcome(DONE)
        reported = Reported(body["msgId"], delivered)
        to = [each for each in here if not app_id or str(each.app_id) == app_id]
        return [(each, reported) for each in _once_each(to)] or NOT_THERE

    def _message(self, ue, applications, body, now):
        segment = bodies.segment(body)
        if segment is None:
            return self._deliver(applications, body, body.get("payload") or "")
        held = self._sets.get(ue)
        if held is None or held[0] != segment.set_id:
            held = self._sets[ue] = (segment.set_id, segments.Assembly(now), {}, [body])
            if segment.number > 1:  # the segments before it were taken by a gateway that has restarted since
                yield self._ask(
                    ue, bodies.segrec(self._settings.service, segment.set_id, range(1, segment.number))
                )
        _, assembly, parts, head = held
        try:
            assembly.feed(segment.number, segment.total, segment.last, now)
        except segments.Contradiction as error:
            return Outcome(REFUSED, "4.00 segParams: %s" % error)
        parts[segment.number] = body.get("payload") or ""
        if segment.number == 1:
            head[0] = body
        if not assembly.whole:
            return Outcome(DONE)
        return self._deliver(
            applications, head[0], segments.join([parts[number] for number in sorted(parts)])
        )

    def _deliver(self, applications, body, value):
        """Delivers to the applications that the message's `appId` names, else to all; not again to one that has
        it."""
        named = names(body.get("appId"))
        to = [each for each in applications if str(each.app_id) in named] or applications
        to = [each for each in to if each.identifier is not None]
        if not to:
            return NOT_THERE
        target = body.get("oriDestAddr") or body["destAddr"]
        group = target["addr"] if target["destAddrType"] == "GROUP" else None
        report = bool(body.get("isDelivStatReq"))
        origin = body["oriAddr"]["addr"]
        items, refusals = [], []
        for application in _once_each(to):
            brought = self._store.seen(_brought(application), _key(body))
            if brought is None:
                msg_id = self._msg_id(application, body)
                items.append((application, Deliver(msg_id, origin, group, report, value)))
            elif brought:
                refusals.append(brought)
        return items or (Outcome(REFUSED, refusals[0]) if refusals else Outcome(DONE))

    def _msg_id(self, application, body):
        """The Message ID on MSGin5G-5, which the application's report names: the message's own, or another one
        where two originators have sent messages with the same ID."""
        address = "%s %s %s" % (body["oriAddr"]["oriAddrType"], body["msgId"], body["oriAddr"]["addr"])
        key, msg_id = deliveries_of(application), body["msgId"]
        known = self._store.seen(key, msg_id)
        if known is not None and known.split(" ", 2)[::2] != address.split(" ", 2)[::2]:
            msg_id = str(uuid.uuid5(uuid.UUID(msg_id), address))
            known = self._store.seen(key, msg_id)
        if known is None:  # the report may come before the response
            self._store.remember(key, msg_id, address, self._settings.remembered)
        return msg_id

    def brought(self, application, what, body, outcome, now):
        """Takes the Outcome of one push to one application."""
        if isinstance(what, Deliver) and outcome.verdict in (DONE, REFUSED):
            detail = outcome.detail if outcome.verdict == REFUSED else ""
            self._store.remember(_brought(application), _key(body), detail, self._settings.remembered)

    @asking
    def ended(self, peer, body, outcome, now):
        """Takes the Outcome of a MSG for all its applications: confirms a segment set to the server."""
        segment = bodies.segment(body) if body["msgType"] == "MSG" else None
        ue = self._store.application_ue(peer.port)
        if segment is None or outcome.verdict == LATER or ue not in self._sets:
            return
        _, assembly, _, _ = self._sets[ue]
        if assembly.whole or outcome.verdict != DONE:
            del self._sets[ue]
            if outcome.verdict == DONE:  # of a refusal the server hears by the answer to its last segment
                yield self._ask(ue, bodies.segconfir(self._settings.service, segment.set_id, True))

    @asking
    def refused(self, peer, body, outcome, now):
        """One message of an aggregated one was refused, others were taken: who wants a report of it hears that."""
        ue = self._store.application_ue(peer.port)
        self._emit("discarded", kind="MSG", msgId=body["msgId"], to=ue, cause=outcome.detail)
        if body.get("isDelivStatReq"):
            to = Address(body["oriAddr"]["oriAddrType"], body["oriAddr"]["addr"])
            service, who = self._settings.service, Address("UE", ue)
            yield self._ask(ue, bodies.imdn(service, who, to, body["msgId"], False, outcome.detail))


def names(app_id):
    """The Application IDs of an `appId`, as text in the one form of app_id_of."""
    listed = app_id if isinstance(app_id, list) else [] if app_id is None else [app_id]
    return {str(app_id_of(each)) for each in listed}


def _once_each(applications):
    """One application for each transport identifier: what is brought there names no application."""
    return list({each.identifier: each for each in applications}.values())


def deliveries_of(application):
    return "delivery %s" % application.app_id


def _brought(application):
    return "brought %s" % application.app_id


def _key(body):
    """Of a message: its originator and its ID."""
    origin = "%s %s" % (body["oriAddr"]["oriAddrType"], body["oriAddr"]["addr"])
    return "%s %s" % (body["msgId"], hashlib.sha256(origin.encode()).hexdigest()[:16])
