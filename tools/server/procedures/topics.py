# SPDX-License-Identifier: MIT
"""Messaging Topics at the server: TS 24.538 clause 6.6 (subscribing) and 6.4.1.2.6 (what is sent to a topic).

Any topic may be subscribed to: it is made by the first subscription and gone with the last one.
"""

from tools.server.procedures.procedure import Procedure
from tools.store.states import FAILED, QUEUED
from tools.wire import bodies
from tools.wire.answers import Answer
from tools.wire.bodies import Address, Malformed
from tools.wire.outside import date_time

MAX_TOPICS = 64  # topics of one UE
SUBSCRIBE, UNSUBSCRIBE = 0, 1  # Observe


class Topics(Procedure):
    def request(self, body, peer, topic, observe, now):
        """The Answer to a GET; `subStatus` says whether the UE is subscribed now. Observe 0 begins it, 1 ends it;
        without Observe it is only a question (RFC 7641 section 1.2)."""
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        if not bodies.is_service_id(topic):
            raise Malformed("topic", "not 1 to 255 octets of text without control characters")
        via = self._speakers.speaks_for(peer, ue, now)
        self._store.forget_subscriptions(now)
        topics = self._store.topics_of(ue, now)
        if observe == UNSUBSCRIBE:
            self._store.unsubscribe(topic, ue)
            self._emit("unsubscribed", ue=ue, topic=topic)
            return Answer("2.05", {"subStatus": False}, max_age=0)
        if observe != SUBSCRIBE:
            until = topics.get(topic)
            if until is None:
                return Answer("2.05", {"subStatus": False}, max_age=0)
            answer = {"subStatus": True, "expireTime": date_time(until)}
            return Answer("2.05", answer, max_age=max(0, int(until - now)))
        if topic not in topics and len(topics) >= MAX_TOPICS:
            cause = "more than %d topics" % MAX_TOPICS
            self._emit("refused", peer=str(peer), kind="topic", ue=ue, code="2.05", reason=cause)
            return Answer("2.05", {"subStatus": False, "cause": cause}, max_age=0)
        granted = self._granted(body, now)
        self._store.subscribe(topic, ue, now + granted)
        self._emit("subscribed", ue=ue, topic=topic, lifetime=granted)
        until = date_time(now + granted)
        # Copies for a UE behind a gateway are requests, which name whom they are for: a notification names nobody.
        body = {"subStatus": True, "expireTime": until}
        return Answer("2.05", body, max_age=granted, observable=via is None)

    def _granted(self, body, now):
        """Seconds. `expireTime` is a date-time; from a device without a clock, a number of seconds."""
        longest = int(self._settings.lifetime)
        asked = body.get("expireTime")
        if asked is None:
            return longest
        try:
            asked = bodies.number(body, "expireTime", 1, 2**31)
        except Malformed:
            asked = int(bodies.moment(asked, "expireTime") - now)
            if asked < 1:
                raise Malformed("expireTime", "is over") from None
        return min(asked, longest)

    def route(self, item, now):
        """A copy for each subscriber but the originator, as if it had been sent to that UE: the originator is not
        told about single copies, only where there is no subscriber at all."""
        ues = [ue for ue in self._store.subscribers(item.target.id, now) if Address("UE", ue) != item.origin]
        if not ues:
            return FAILED, "nobody else is subscribed to this topic"
        taken = self._core.routing.copies(item, [Address("UE", ue) for ue in ues], now)
        return (QUEUED, "") if taken else (FAILED, "no subscriber of this topic can be reached")
