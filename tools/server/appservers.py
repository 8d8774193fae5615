# SPDX-License-Identifier: MIT
"""Requests over HTTP: MSGS_ASRegistration and MSGS_MSGDelivery of TS 29.538, of Application Servers and of those who
speak for UEs that are not served here (`elsewhere`), without the HTTP.

Each method gets a JSON object and the time, and gives the JSON object of the answer.
"""

import secrets

from tools.server.callers import ANYBODY
from tools.server.delivery.pushes import Item
from tools.server.settings import LARGEST_PROFILE
from tools.server.speakers import must_be_registered
from tools.store.states import FAILED, STORED
from tools.wire import rest, restreading
from tools.wire.answers import Refusal
from tools.wire.bodies import Address
from tools.wire.http import Reply, Route
from tools.wire.masking import masked_uri

REGISTRATIONS = "/msgs-asregistration/v1/registrations"
DELIVERY = "/msgs-msgdelivery/v1"


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
        """ASRegistration: (registration ID, ASRegistrationAck). Registering again replaces the target."""
        id_, target_uri, profile = restreading.read_registration(body, LARGEST_PROFILE)
        caller.must_be(id_)
        self._make_room(id_, now)
        registration = secrets.token_hex(8)
        self._store.register_as(id_, registration, target_uri, profile)
        self._store.use_as(id_, now)
        self._deliveries.ends.on_available(Address("AS", id_), target_uri)
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
                "%d application servers are registered: DELETE a registration" % max_registered,
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
        """Refuses who speaks for a UE that is not behind it, or for an Application Server that it is not."""
        if origin.type == "UE":
            through = self._elsewhere.speaker(caller, origin.id).through
            self._deliveries.turns.on_peer_alive(through, now)
            return
        must_be_registered(self._store, origin, now, caller)

    def message(self, body, now, caller=ANYBODY, kind="AS"):
        """ASMessageDelivery or ("UE") UEMessageDelivery: MessageDeliveryAck. Raises Malformed or Refusal."""
        origin, target, head, value, store_forward, expires = restreading.read_message(
            body, self._settings.service, kind
        )
        self._may_speak(origin, now, caller)
        self._deliveries.quotas.refuse_large(value)
        if self._store.seen(origin.key, head["msgId"]) is not None:
            return rest.ack(origin, head["msgId"])
        self._deliveries.quotas.refuse_full(target, origin)
        self._store.remember(origin.key, head["msgId"], "", self._settings.remembered)
        parts = [] if value is None else [value]
        state, cause = self._accept(
            Item(
                origin,
                target,
                head,
                parts,
                store_forward,
                expires,
                peer=caller.peer,
                priority=restreading.urgency(body) if kind == "AS" else "NORMAL",
            ),
            now,
        )
        status = {STORED: "DELY_STORED", FAILED: "DELY_FAILED"}.get(state)
        return rest.ack(origin, head["msgId"], status, cause)

    def report(self, body, now, caller=ANYBODY):
        """DeliveryStatusReport on a message of a UE: MessageDeliveryAck; it becomes an IMDN (clause 7.3.4.2)."""
        origin, target, msg_id, delivered, cause = restreading.read_report(body)
        self._may_speak(origin, now, caller)
        if not self._elsewhere.knows(target):
            return rest.ack(origin, msg_id, "DELY_FAILED", "unknown recipient")
        self._deliveries.quotas.refuse_report(origin, target, msg_id)
        self._route_report(origin, target, msg_id, delivered, cause, now)
        return rest.ack(origin, msg_id)
