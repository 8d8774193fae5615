# SPDX-License-Identifier: MIT
"""Messaging Topics at the server: TS 24.538 clause 6.6 (subscribing) and 6.4.1.2.6 (what is sent to a topic); for
Application Servers TS 29.538, MSGS_TopiclistEvent.

Any topic may be subscribed to: it is made by the first subscription and gone with the last one.
"""

import math

from tools.server.elsewhere import home_domain
from tools.server.procedures.procedure import Procedure
from tools.server.speakers import must_be_registered
from tools.store.messages.messagetables import octets_of
from tools.store.server.peertables import SERVER
from tools.store.states import FAILED, QUEUED
from tools.wire import bodies, restreading
from tools.wire.answers import Answer, Refusal
from tools.wire.bodies import Address, Malformed
from tools.wire.http import Reply, Route
from tools.wire.outside import LAST, date_time

MAX_OF_PEER = 10000  # subscriptions of one other server and all that it serves
MAX_TOPICS = 64  # topics of one UE, or of one Application Server
SUBSCRIBE, UNSUBSCRIBE = 0, 1  # Observe
NO_TOPIC = "not 1 to 255 octets of text without control characters"
SUBSCRIBED = "SUBSCRIBED"  # subStat of TS 29.538, which names no values
NO_SERVER = "for other servers, with their token: msgin5g server peer add"
EVENT = "/msgs-topiclistevent/v1"


class Topics(Procedure):
    def request(self, body, peer, topics, observe, now):
        """The Answer to a GET; `subStatus` says whether the UE is subscribed now. Observe 0 begins it, 1 ends it;
        without Observe it is only a question (RFC 7641 section 1.2).

        `topics`: one, or several (TS 23.554 clause 8.8.1): then `msgTopics` says it of each, which is granted or
        refused by itself, and `subStatus` is true where it is for all of them.
        """
        several = not isinstance(topics, str) and len(topics) > 1
        if several and "oriAddr" not in body:  # no resource by itself, only what a UE asks for in one
            raise Refusal("4.04", "a path of several names is that of several topics: oriAddr is missing")
        ue = bodies.address(body, "oriAddr", ("UE",)).id
        topics = list(dict.fromkeys([topics] if isinstance(topics, str) else topics))
        if not several and not bodies.is_service_id(topics[0]):
            raise Malformed("topic", NO_TOPIC)
        via = self._speakers.speaks_for(peer, ue, now)
        granted = self._granted(body, now) if observe == SUBSCRIBE else 0
        self._store.forget_subscriptions(now)
        told = [self._one(peer, ue, topic, observe, granted, now) for topic in topics]
        untils = [until for until, _ in told if until is not None]
        if not several:
            body = _status(*told[0])
        else:
            listed = [{"msgTopic": topic} | _status(*each) for topic, each in zip(topics, told, strict=True)]
            body = {"subStatus": len(untils) == len(topics), "msgTopics": listed}
            if untils:
                body["expireTime"] = date_time(min(untils))
        # Copies for a UE behind a gateway are requests, which name whom they are for: a notification names nobody.
        observable = observe == SUBSCRIBE and bool(untils) and via is None
        max_age = max(0, int(min(untils) - now)) if untils else 0
        return Answer("2.05", body, max_age=max_age, observable=observable)

    def _one(self, peer, ue, topic, observe, granted, now):
        """(until when the UE is subscribed to this topic now or None, why not or "")."""
        if not bodies.is_service_id(topic):
            return None, NO_TOPIC
        topics = self._store.topics_of(ue, now)
        if observe == UNSUBSCRIBE:
            self._store.unsubscribe(topic, ue)
            self._emit("unsubscribed", ue=ue, topic=topic)
            return None, ""
        if observe != SUBSCRIBE:
            return topics.get(topic), ""
        if topic not in topics and len(topics) >= MAX_TOPICS:
            cause = "more than %d topics" % MAX_TOPICS
            self._emit("refused", peer=str(peer), kind="topic", ue=ue, code="2.05", reason=cause)
            return None, cause
        self._store.subscribe(topic, ue, now + granted)
        self._emit("subscribed", ue=ue, topic=topic, lifetime=granted)
        return now + granted, ""

    def _granted(self, body, now):
        """Seconds. `expireTime` is a date-time; from a device without a clock, a number of seconds."""
        asked = body.get("expireTime")
        if asked is not None:
            try:
                asked = bodies.number(body, "expireTime", 1, 2**31)
            except Malformed:
                asked = int(bodies.moment(asked, "expireTime") - now)
                if asked < 1:
                    raise Malformed("expireTime", "is over") from None
        longest = int(self._settings.lifetime)
        return longest if asked is None else min(asked, longest)

    # ---- over HTTP ---------------------------------------------------------------------------------------------------

    def routes(self):
        return (
            Route("POST", EVENT + "/request-topic-subscription", self._subscribed),
            Route("POST", EVENT + "/request-topic-unsubscription", self._unsubscribed),
        )

    def _subscribed(self, body, now, caller):
        """TopicSubscription, to all of its topics or to none: of an Application Server until it says, or as long as it
        is registered, which is our policy (TS 23.554 clause 8.8.1); of another server, for itself or one that it
        serves (8.8.4.3), as long as a UE would get."""
        who, topics, expires, domain = self._follower(body, now, caller)
        if expires is not None and expires - now < 1:
            raise Refusal("4.03", "exprTime is over: give a later one, or none")
        if caller.through is not None:
            expires = min(expires or math.inf, now + int(self._settings.lifetime))
        self._store.forget_subscriptions(now)
        most = MAX_OF_PEER if who.type == SERVER else MAX_TOPICS
        had = self._store.followed_by(who, now)
        new = set(topics) - had.keys()
        if new and len(had) + len(new) > most:
            raise Refusal("4.03", "more than %d topics: unsubscribe from others first" % most)
        if new and caller.through is not None:
            self._refuse_many(caller.through, domain, len(new))
        for topic in topics:
            self._store.follow(topic, who, expires, domain)
            if expires is not None:
                self._emit("subscribed", ue=who.id, topic=topic, lifetime=int(expires - now))
            elif had.get(topic) != LAST:
                self._emit("subscribed", ue=who.id, topic=topic)
        return Reply(
            200, {"subStat": SUBSCRIBED} | ({} if expires is None else {"exprTime": date_time(expires)})
        )

    def _refuse_many(self, through, domain, new):
        """Refuses what would be too many subscriptions of all whom another server speaks for, or a message gateway that
        has whole domains: nobody here knows how many UEs those have."""
        if domain:
            count = self._store.count_followers(domain)
        else:
            behind = set(self._store.domains_behind(*through))
            count = sum(home_domain(ue) in behind for ue in self._store.followers_behind()) if behind else 0
        if count + new > MAX_OF_PEER:
            raise Refusal("4.03", "more than %d subscriptions of %s" % (MAX_OF_PEER, domain or through.id))

    def _unsubscribed(self, body, now, caller):
        """TopicUnsubscription. What it was not subscribed to is no mistake: an answer may have been lost."""
        who, topics, _, _ = self._follower(body, now, caller)
        for topic in topics:
            self._store.unfollow(topic, who)
            self._emit("unsubscribed", ue=who.id, topic=topic)
        return Reply(204)

    def _follower(self, body, now, caller):
        """(who, topics, expiry or None, the domain of the server that asks or ""). Raises Refusal for somebody that
        this Caller does not speak for."""
        through = caller.through
        who, topics, expires = restreading.read_topics(body, ("AS", "UE", SERVER))
        if through is None and who.type != "AS":
            raise Refusal("4.03", NO_SERVER)
        if through is None:
            must_be_registered(self._store, who, now, caller)
            return who, topics, expires, ""
        domain = through.id if through.type == SERVER else ""
        if who.type != SERVER:
            self._core.elsewhere.speaker(caller, who)
        elif not domain or (home_domain(who.id) or who.id.lower()) != domain:
            raise Refusal("4.03", "the token is not of %s" % who.id)
        else:
            who = through
        return who, topics, expires, domain

    # ---- what is sent to a topic -------------------------------------------------------------------------------------

    def recipients(self, target, now):
        found = (self._store.subscribers(target.id, now), self._store.followers(target.id, now))
        return sum(map(len, found)) + len(self._store.peers_with(target.id))

    def route(self, item, now):
        """A copy for each subscriber but the originator, as if it had been sent to that UE: the originator is not
        told about single copies, only where there is no subscriber at all. Of those at another server each has its own
        where it is subscribed here itself; else the server has one, which also a server gets that has the topic in its
        list without being subscribed here."""
        topic = item.target.id
        targets = [Address("UE", ue) for ue in self._store.subscribers(topic, now)]
        others = self._store.followers(topic, now)
        if item.through is not None and item.through.type == SERVER:  # from server to server it goes once
            others = [(who, domain) for who, domain in others if not domain]
        else:
            covered = {domain for _, domain in others}
            others += [
                (Address(SERVER, domain), domain)
                for domain in self._store.peers_with(topic)
                if domain not in covered
            ]
        targets = list(
            dict.fromkeys([*targets, *(who for who, _ in others)])
        )  # one may be both, having moved here
        targets = [who for who in targets if who != item.origin]
        if not targets:
            return FAILED, "nobody else is subscribed to this topic"
        try:  # of one in segments the size is known only now
            octets = octets_of(item.head, item.parts)
            self._deliveries.quotas.refuse_copies(item.target, item.origin, octets, now)
        except Refusal as refusal:
            return FAILED, refusal.answer.diagnostic
        taken = self._core.routing.copies(item, targets, now)
        return (QUEUED, "") if taken else (FAILED, "no subscriber of this topic can be reached")


def _status(until, cause):
    if until is not None:
        return {"subStatus": True, "expireTime": date_time(until)}
    return {"subStatus": False} | ({"cause": cause} if cause else {})
