# SPDX-License-Identifier: MIT
"""Requests over HTTP: MSGS_ASRegistration and MSGS_MSGDelivery of TS 29.538, of Application Servers and of those who
speak for UEs that are not served here (`elsewhere`), without the HTTP.

Each method gets a JSON object and the time, and gives the JSON object of the answer.
"""

import secrets

from tools.server.callers import ANYBODY, OWN
from tools.server.delivery.pushes import Item
from tools.server.delivery.responses import THROUGH, through_key
from tools.server.settings import LARGEST_PROFILE
from tools.server.speakers import must_be_registered
from tools.store.messages.messagetables import octets_of
from tools.store.server.peertables import SERVER
from tools.store.states import FAILED, STORED
from tools.store.tables import CONTROL
from tools.wire import rest, restreading
from tools.wire.answers import Refusal
from tools.wire.bodies import Address
from tools.wire.http import Reply, Route
from tools.wire.masking import masked_uri

REGISTRATIONS = "/msgs-asregistration/v1/registrations"
DELIVERY = "/msgs-msgdelivery/v1"
_OWN = "%s is the server's own: register another AS Service ID"


class ApplicationServers:
    def __init__(self, store, settings, deliveries, elsewhere, emit, accept, route_report):
        self._store = store
        self._settings = settings
        self._deliveries = deliveries
        self._elsewhere = elsewhere
        self._emit = emit
        self._accept = accept
        self._route_report = route_report

    def routes(self):
        return (
            Route("POST", REGISTRATIONS, self._registered),
            Route("DELETE", REGISTRATIONS + "/{registrationId}", self._deregistered),
            Route("POST", DELIVERY + "/deliver-as-message", self._message),
            Route("POST", DELIVERY + "/deliver-ue-message", self._ue_message),
            Route("POST", DELIVERY + "/deliver-report", self._report),
        )

    def _registered(self, body, now, caller=ANYBODY):
        registration, ack = self.register(body, now, caller)
        return Reply(201, ack, "%s/%s" % (REGISTRATIONS, registration))

    def _deregistered(self, body, now, caller=ANYBODY, registrationId=""):
        if not self.deregister(registrationId, now, caller):
            raise Refusal("4.04", "no such registration")
        return Reply(204)

    def _message(self, body, now, caller=ANYBODY):
        return Reply(200, self.message(body, now, caller))

    def _ue_message(self, body, now, caller=ANYBODY):
        return Reply(200, self.message(body, now, caller, "UE"))

    def _report(self, body, now, caller=ANYBODY):
        return Reply(200, self.report(body, now, caller))

    def register(self, body, now, caller=ANYBODY):
        """ASRegistration: (registration ID, ASRegistrationAck). Registering again replaces the target; at the same one
        it is no event, for some do so each minute."""
        id_, target_uri, profile = restreading.read_registration(body, LARGEST_PROFILE)
        caller.must_be(id_)
        if id_ in self._settings.within:
            raise Refusal("4.03", _OWN % id_)
        self._make_room(id_, now)
        before = self._store.application_server(id_)
        registration = secrets.token_hex(8)
        self._store.register_as(id_, registration, target_uri, profile)
        self._store.use_as(id_, now)
        self._deliveries.ends.on_available(Address("AS", id_), target_uri)
        self._deliveries.served.is_back(Address("AS", id_), now)
        if before is None or before.target_uri != target_uri:
            self._emit("as-registered", **{"as": id_, "targetUri": masked_uri(target_uri)}, **caller.about)
        return registration, {"asSvcId": id_, "result": {"title": "registered", "status": 201}}

    def _make_room(self, id_, now):
        if self._store.application_server(id_) is not None:
            return
        max_registered = self._settings.application_servers
        room, gone = self._store.room_for_as(max_registered, now - self._settings.keep)
        if not room:
            raise Refusal(
                "5.03",
                "as many Application Servers as may be (%d) are registered: DELETE a registration"
                % max_registered,
                max_age=60,
            )
        if gone is not None:
            self._emit("as-deregistered", **{"as": gone}, cause="not used, and another one needs the room")

    def deregister(self, registration, now, caller=ANYBODY):
        """False for a registration ID that is not known."""
        id_ = self._store.deregister_as(registration)
        if id_ is None:
            return False
        caller.must_be(id_)  # else the transaction is undone
        self._emit("as-deregistered", **{"as": id_}, **caller.about)
        self._deliveries.ends.fail_all(Address("AS", id_), "the application server has de-registered", now)
        return True

    def _may_speak(self, origin, now, caller):
        """Refuses who speaks for a UE that is not behind it, or for an Application Server that it is not; the Address
        that speaks for others, or None."""
        if caller is OWN and origin.id == self._settings.own:
            return None
        if origin.type == "AS" and origin.id in self._settings.within:
            raise Refusal("4.03", _OWN % origin.id)
        if origin.type != "UE" and caller.through is None:
            must_be_registered(self._store, origin, now, caller)
            return None
        through = self._elsewhere.speaker(caller, origin).through
        self._deliveries.served.heard(through, now)
        return through

    def message(self, body, now, caller=ANYBODY, kind="AS"):
        """ASMessageDelivery or ("UE") UEMessageDelivery: MessageDeliveryAck. Raises Malformed or Refusal."""
        origin, target, head, value, store_forward, expires = restreading.read_message(
            body, self._settings.service, kind
        )
        through = self._may_speak(origin, now, caller)
        if through is not None:
            restreading.read_many(body, head)
        self._deliveries.quotas.refuse_large(value)
        key, what, most = self._known_by(origin, target, head["msgId"], through)
        if self._store.seen(key, what) is not None:
            return rest.ack(origin, head["msgId"])
        self._deliveries.quotas.refuse_full(target, origin)
        self._deliveries.quotas.refuse_domain(through)
        parts = [] if value is None else [value]
        self._deliveries.quotas.refuse_copies(target, origin, octets_of(head, parts), now)
        item = Item(
            origin,
            target,
            head,
            parts,
            store_forward,
            expires,
            peer=caller.peer,
            through=through,
            priority=restreading.urgency(body) if kind == "AS" else "NORMAL",
        )
        state, cause = self._accept(item, now)
        if through is None or state != FAILED:  # who asks again after a failure must hear of it again
            self._store.remember(key, what, "", most)
        status = {STORED: "DELY_STORED", FAILED: "DELY_FAILED"}.get(state)
        return rest.ack(origin, head["msgId"], status, cause)

    def send(self, body, now, caller=ANYBODY):
        """What the page sends, as the server's own service: {"to", "toType", "payload", "encoding", "report"}. What
        becomes of it is told by events. Raises Malformed or Refusal."""
        if caller.through is not None:
            raise Refusal("4.03", "the token of %s is not for sending as this server" % caller.through.id)
        own = self._settings.own
        made = restreading.read_sending(body, own)
        self.message(made, now, OWN)
        return {"msgId": made["msgId"], "from": own}

    def _known_by(self, origin, target, msg_id, through):
        """(originator, name, how many) for `seen`. From who speaks for many a message may come once for each of its
        recipients, under one msgId; and nobody here knows how many there are behind it."""
        if through is None:
            return origin.key, msg_id, self._settings.remembered
        named = " ".join(each.id.encode().hex() for each in (origin, target))
        return through_key(through), "%s %s" % (msg_id, named), THROUGH * self._settings.remembered

    def report(self, body, now, caller=ANYBODY):
        """DeliveryStatusReport on a message of a UE: MessageDeliveryAck; it becomes an IMDN (clause 7.3.4.2)."""
        origin, target, msg_id, delivered, cause = restreading.read_report(body)
        through = self._may_speak(origin, now, caller)
        way = self._elsewhere.way_to(target)
        circle = through is not None and way is not None and way.through.type == through.type == SERVER
        if circle or not self._elsewhere.knows(target):
            return rest.ack(origin, msg_id, "DELY_FAILED", "unknown recipient")
        self._deliveries.quotas.refuse_reports(origin, target, [msg_id])
        self._deliveries.quotas.refuse_domain(through, CONTROL)
        self._route_report(origin, target, msg_id, delivered, cause, now)
        return rest.ack(origin, msg_id)
