# SPDX-License-Identifier: MIT
"""Messages of UEs that come in, single, aggregated or in segments: TS 24.538 clauses 6.4.1.2.1 and 6.4.1.2.6, .7.

Each message is taken once, by the `msgId` that its originator gave it; what is known again is acknowledged and goes no
further.
"""

from tools.server.delivery.pushes import Item
from tools.server.procedures.procedure import Procedure
from tools.store.messages.messagetables import octets_of
from tools.wire import aggregates, bodies
from tools.wire.bodies import Address, Malformed


class Messages(Procedure):
    def receive(self, kind, peer, body, now):
        origin = bodies.address(body, "oriAddr", ("UE",))
        target = bodies.address(body, "destAddr", bodies.TARGETS)
        head = bodies.head(self._settings.service, origin, target, body)
        segment = bodies.segment(body)
        value = bodies.payload(body) if segment else bodies.whole_payload(body)
        listed = aggregates.aggregate(body)
        if segment and listed:
            raise Malformed("isSegmented", "an aggregated message is not segmented")
        if listed and value:  # clause 6.4.1.1.3: nobody would get it
            raise Malformed("payload", "an aggregated message has none outside of msgList")
        store_forward, expires = self._store_and_forward(body)
        urgency = bodies.priority(body)
        self._speakers.speaks_for(peer, origin.id, now)

        sets, quotas = self._core.procedures["segments"], self._deliveries.quotas
        if self._seen(origin, head["msgId"]):  # acknowledged and not delivered again
            if segment:
                sets.confirm(origin.id, segment.set_id, True, now)
            self._emit("repeated", msgId=head["msgId"], **{"from": origin.id})
            return
        new = self._new_elements(origin, listed) if listed else ()
        quotas.refuse_large(value)
        quotas.refuse_full(target, origin, len(new))
        if segment:
            kept = head | {"sfFlag": store_forward, "expires": expires, "priority": urgency}
            sets.segment(origin.id, kept, segment, value, now)
            return
        whole = ""
        if listed:
            whole = head["msgId"] if len(new) < len(listed) else ""
            head = head | {"totalMsgCount": len(new), "msgList": new}
        parts = [] if value is None or listed else [value]
        quotas.refuse_copies(target, origin, octets_of(head, parts), now)
        # From here on it is taken: what is refused is sent again, and must not be known then.
        for element in new:
            if bodies.same(element["msgId"]) != bodies.same(head["msgId"]):
                self._remember(origin, element["msgId"])
        self._remember(origin, head["msgId"])
        if new or not listed:  # else each of its elements was sent before
            item = Item(origin, target, head, parts, store_forward, expires, priority=urgency, whole=whole)
            self._core.routing.accept(item, now)

    def _store_and_forward(self, body):
        """(wanted, expiry or None) of `sfFlag` and `sfParam`."""
        wanted = bodies.flag(body, "sfFlag")
        until = bodies.record(body, "sfParam").get("expireTime")
        return wanted, bodies.moment(until, "sfParam.expireTime") if wanted and until is not None else None

    def whole(self, set_, parts, now):
        """Takes the message whose segments are all there; the procedure of segments has put them together."""
        head = dict(set_.body)
        store_forward, expires = head.pop("sfFlag"), head.pop("expires")
        urgency = head.pop("priority", "NORMAL")  # an earlier program kept none
        origin, target = Address("UE", set_.originator), _target(head)
        for msg_id in self._store.segment_msg_ids(set_.id):
            if msg_id != bodies.same(set_.msg_id):
                key, max_ids = segments_of(origin), self._settings.remembered
                self._store.remember(key, msg_id, set_.set_id, max_ids)
        if self._store.seen(origin.key, set_.msg_id) is not None:
            return  # sent unsegmented meanwhile
        self._remember(origin, set_.msg_id, set_.set_id)
        item = Item(origin, target, head, parts, store_forward, expires, set_.set_id, priority=urgency)
        self._core.routing.accept(item, now)

    # ---- what is known again -----------------------------------------------------------------------------------------

    def _seen(self, origin, msg_id):
        """Whether a message with this ID was taken from this originator, or a segment of one."""
        return self._store.seen_of((origin.key, segments_of(origin)), msg_id)

    def _remember(self, origin, msg_id, set_id=""):
        self._store.remember(origin.key, msg_id, set_id, self._settings.remembered)

    def _new_elements(self, origin, listed):
        """The elements of an aggregated message that were not sent before, singly or in another one."""
        new = {}
        for item in listed:
            msg_id = bodies.same(item["msgId"])
            if msg_id not in new and not self._seen(origin, msg_id):
                new[msg_id] = item
        return list(new.values())


def segments_of(origin):
    """As the originator's key, for the msgIds of single segments, which must not push out those of messages."""
    return "segments of " + origin.key


def _target(head):
    return Address(head["destAddr"]["destAddrType"], head["destAddr"]["addr"])
