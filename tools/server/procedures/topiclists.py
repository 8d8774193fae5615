# SPDX-License-Identifier: MIT
"""Topics of other servers: TS 23.554 clause 8.8.4 by MSGS_TopiclistEvent of TS 29.538 (MSGin5G-8).

Each server subscribes to the list of topics of its peers and is notified of what changes in it: what somebody served
there is subscribed to. To a topic in such a list that somebody here is subscribed to, too, it subscribes there: for
each of them by its own name (Mod.A), or once by its own (Mod.B), and sends what comes to its subscribers. What is
wanted and what is so stand in the store; each round of work asks for one difference at a time, so nothing is forgotten
by a restart or by a time without the line.

A server has no kind of Address in TS 29.538, whose enumeration is open: it is SERVER here, with its domain.
"""

import collections
import math
import secrets
import urllib.parse
from dataclasses import replace

from tools.server.delivery.pushes import BROKEN, DONE, LATER, Push
from tools.server.elsewhere import home_domain
from tools.server.procedures.peers import way_to
from tools.server.procedures.procedure import Procedure
from tools.server.procedures.topics import EVENT, NO_SERVER, SUBSCRIBED
from tools.store.server.listtables import ListAt
from tools.store.server.peertables import NEVER, SERVER
from tools.store.tables import CONTROL
from tools.wire import bodies, restreading
from tools.wire.answers import Refusal
from tools.wire.bodies import Address, Malformed
from tools.wire.http import Reply, Route
from tools.wire.outside import date_time

LISTS, NOTICES = EVENT + "/topiclist-subscriptions", EVENT + "/topiclist-notifications"
MAX_LISTED = 10000  # topics in the list of one peer
_LONGEST_URI = 2048  # octets
_EARLY = 0.8  # of the time that was granted is over when it is asked for again
_REST = 60  # s after a refusal
_LOOK = 2  # s, between two where other nodes may have changed a list
_LEAST = 1  # s between two looks that only time is the reason for
# Kinds of request: what was asked for.
NOTICE, LIST, NO_LIST, TOPICS, NO_TOPICS = "notification", "list", "no list", "topics", "no topics"
CREATED, DELETED = "CREATED", "DELETED"


class TopicLists(Procedure):
    of_leader = True

    def __init__(self, core):
        super().__init__(core)
        self._exposure = core.exposure
        self._home = ""
        self._resting = {}  # domain: until when nothing is asked there, after a refusal
        # domain: (`_state`, until when), as long as there is nothing to ask
        self._settled = core.store.kept()

    def routes(self):
        return (
            Route("POST", LISTS, self._subscribed),
            Route("POST", LISTS + "/{subscriptionId}", self._unsubscribed),
            Route("POST", NOTICES + "/{notificationId}", self._notified),
        )

    # ---- our list, for others ----------------------------------------------------------------------------------------

    def _peer_of(self, caller, named):
        """The domain of the server that asks, which names itself so."""
        if caller.through is None or caller.through.type != SERVER:
            raise Refusal("4.03", NO_SERVER)
        if (home_domain(named.id) or named.id.lower()) != caller.through.id:
            raise Refusal("4.03", "the token is not of %s" % named.id)
        return caller.through.id

    def _subscribed(self, body, now, caller):
        """TopicListSubscription; again, it takes the place of the earlier one."""
        origin, uri, expires = restreading.read_list_subscription(body)
        domain = self._peer_of(caller, origin)
        if expires is not None and expires - now < 1:
            raise Refusal("4.03", "exprTime is over: give a later one, or none")
        longest = now + int(self._settings.lifetime)  # then one that is there no more is told nothing
        until = longest if expires is None else min(expires, longest)
        id_ = secrets.token_hex(8)
        self._store.follow_list(domain, id_, uri, until)
        self._emit("list-subscribed", server=domain, lifetime=int(until - now))
        return Reply(201, {"subStat": SUBSCRIBED, "exprTime": date_time(until)}, "%s/%s" % (LISTS, id_))

    def _unsubscribed(self, body, now, caller, subscriptionId):
        """TopicListUnsubscription."""
        domain = self._peer_of(caller, restreading.read_list_unsubscription(body))
        whose = self._store.list_follower(subscriptionId)
        if whose is None:
            return None
        if whose != domain:
            raise Refusal("4.03", "the subscription is not of %s" % domain)
        self._store.unfollow_list(domain)
        self._emit("list-unsubscribed", server=domain)
        return Reply(204)

    # ---- the lists of others -----------------------------------------------------------------------------------------

    def _notified(self, body, now, caller, notificationId):
        """TopicListNotification; who knows this URI has it from us."""
        changes, expires = restreading.read_list_notification(body)
        if len(changes) > MAX_LISTED:
            raise Refusal("4.03", "more than %d topics" % MAX_LISTED)
        domain = self._store.list_by_id(notificationId)
        if domain is None:
            return None
        named = caller.through is not None or caller.id is not None
        if named and caller.through != Address(SERVER, domain):
            raise Refusal("4.03", "the token is not of %s" % domain)
        for topic, status in changes:
            if status in (CREATED, DELETED):  # the enumeration is open
                self._store.list_topic(domain, topic, status == CREATED)
        if self._store.count_list(domain) > MAX_LISTED:
            raise Refusal("4.03", "more than %d topics" % MAX_LISTED)
        if expires is not None:
            self._renew_list(domain, self._bounded(expires, now), now)
        return Reply(204)

    def _renew_list(self, domain, expires, now, location=None):
        mine = self._store.list_at(domain)
        renew = now + max(1, _EARLY * (expires - now))
        self._store.set_list_at(replace(mine, location=location or mine.location, renew=renew))

    # ---- work --------------------------------------------------------------------------------------------------------

    def work(self, now, pushes):
        turns, store = self._deliveries.turns, self._store
        for peer in store.peers():
            state, until = self._settled.get(peer.domain, (None, 0))
            if until > now and state == self._state(peer):
                continue
            target, way = Address("TOPIC LIST", peer.domain), way_to(peer)
            if self._resting.get(peer.domain, now) > now or not turns.may_send(target, CONTROL, now):
                continue
            if not turns.may_send_through(way.through, target, now):
                continue
            store.forget_subscriptions(now)
            asked = self._next(peer, now)
            if asked is None:
                ends = (store.next_end(), store.next_renewal(now))
                until = min((end for end in ends if end is not None), default=math.inf)
                self._settled[peer.domain] = self._state(peer), max(until, now + _LEAST)
            else:
                self._settled.pop(peer.domain, None)
                kind, uri, body = asked
                pushes.append(
                    turns.begin(Push(target, uri, kind, CONTROL, body, of=self, way=_safe(way, uri)))
                )

    def _state(self, peer):
        """What all that is asked of this peer follows from, but for the time: a look at it costs as much as there are
        subscriptions, and there is a round of work for each message."""
        return self._store.list_changes_so_far, self._own(peer)

    def _next(self, peer, now):
        """(kind, URI, body) of what is to be asked of this peer, or told to it, next; None: all is as it should be."""
        store, domain = self._store, peer.domain
        changes = store.list_changes(domain, now)
        if changes is not None:
            uri, topics = changes
            said = [
                {"msgTopic": topic, "updateStat": CREATED if there else DELETED} for topic, there in topics
            ]
            return NOTICE, uri, {"msgTopics": said}
        own, base = self._own(peer), peer.uri.rstrip("/")
        of_us = {"addrType": SERVER, "addr": own}
        both = {"oriAddr": of_us, "destAddr": {"addrType": SERVER, "addr": domain}}
        mine = store.list_at(domain)
        if peer.topics == NEVER:
            if mine is not None:
                return NO_LIST, mine.location or base + LISTS, both
        elif own and self._here() and (mine is None or mine.renew <= now):
            if mine is None:
                mine = ListAt(domain, secrets.token_hex(16), None, now)
                store.set_list_at(mine)
            return (
                LIST,
                base + LISTS,
                both | {"notificationURI": "%s%s/%s" % (self._here(), NOTICES, mine.id)},
            )
        for kind, word, asks in (
            (NO_TOPICS, "unsubscription", store.asks_over),
            (TOPICS, "subscription", store.asks_due),
        ):
            found = asks(domain, peer.topics, now)
            if found is not None:
                who, topics = found
                origin = of_us if who.type == SERVER else {"addrType": who.type, "addr": who.id}
                return (
                    kind,
                    "%s%s/request-topic-%s" % (base, EVENT, word),
                    {"oriAddr": origin, "msgTopics": topics},
                )
        return None

    def _own(self, peer):
        """What we are called there: what `peer add` was told, or else the domain of most UEs here."""
        if not (peer.own or self._settings.assign or self._home):
            domains = collections.Counter(map(home_domain, self._store.some_ues()))
            domains.pop("", None)
            self._home = domains.most_common(1)[0][0] if domains else ""
        return peer.own or self._settings.assign or self._home

    def _here(self):
        """The URI of our HTTP side; "" where it listens at all addresses and nobody has said by which it is reached."""
        uri = self._exposure.here
        return "" if urllib.parse.urlsplit(uri).hostname in (None, "0.0.0.0", "::") else uri

    # ---- what came of it ---------------------------------------------------------------------------------------------

    def outcome(self, push, outcome, now):
        outcome, domain = push.way.meaning(outcome), push.target.id
        if not self._deliveries.turns.finish(push, outcome, now) or outcome.verdict in (LATER, BROKEN):
            return
        if self._store.peer(domain) is None:  # it was removed meanwhile, and with it all that is known of it
            return
        done = outcome.verdict == DONE
        if not done:
            self._resting[domain] = now + _REST
            self._emit("peer-refused", server=domain, kind=push.kind, cause=outcome.detail)
        {
            NOTICE: self._told,
            LIST: self._listed,
            NO_LIST: self._left,
            TOPICS: self._followed,
            NO_TOPICS: self._unfollowed,
        }[push.kind](domain, push, outcome, done, now)

    def _told(self, domain, push, outcome, done, now):
        """A peer that does not want to hear of it has forgotten that it has asked."""
        if not done:
            self._store.unfollow_list(domain)
            return
        for each in push.body["msgTopics"]:
            self._store.list_was_told(domain, each["msgTopic"], each["updateStat"] == CREATED)

    def _listed(self, domain, push, outcome, done, now):
        if self._store.list_at(domain) is None:  # left meanwhile
            return
        if not done:
            self._store.set_list_at(replace(self._store.list_at(domain), renew=now + _REST))
            return
        self._renew_list(domain, self._until(outcome, now), now, self._location(domain, outcome.location))
        self._emit("list-followed", server=domain)

    def _location(self, domain, said):
        """The URI of what was made there, None where none is said that something could be sent to."""
        try:
            uri = urllib.parse.urljoin(self._store.peer(domain).uri, said)
        except ValueError:
            return None
        return uri if said and restreading.is_target(uri) and len(uri) <= _LONGEST_URI else None

    def _left(self, domain, push, outcome, done, now):
        self._store.forget_list_at(domain)

    def _followed(self, domain, push, outcome, done, now):
        until = self._until(outcome, now) if done else now + _REST / _EARLY
        renew = now + max(1, _EARLY * (until - now))
        self._store.asked(domain, self._who(push.body), push.body["msgTopics"], renew)

    def _unfollowed(self, domain, push, outcome, done, now):
        self._store.asked(domain, self._who(push.body), push.body["msgTopics"], None)

    @staticmethod
    def _who(body):
        kind, id_ = body["oriAddr"]["addrType"], body["oriAddr"]["addr"]
        return Address(kind, "" if kind == SERVER else id_)

    def _until(self, outcome, now):
        """When what was granted is over; where it is not said, as long as we would grant."""
        try:
            said = (outcome.said or {}).get("exprTime")
            return self._bounded(math.inf if said is None else bodies.moment(said, "exprTime"), now)
        except Malformed:
            return self._bounded(math.inf, now)

    def _bounded(self, until, now):
        """A time that a peer has said. What is said to be over is asked for again as after a refusal."""
        longest = now + self._settings.lifetime
        return min(until if until > now else now + _REST, longest)

    def deadline(self, now):
        if self._store.node is not None and self._store.peers():
            return now + _LOOK
        times = [*self._resting.values(), *(until for _, until in self._settled.values())]
        return min((time for time in times if now < time < math.inf), default=None)

    def clock_set(self, seconds):
        for domain in list(self._settled):
            self._settled.pop(domain)
        self._resting = {domain: until + seconds for domain, until in self._resting.items()}


def _safe(way, uri):
    """Our token is for the peer alone: it is not shown at a URI of another origin that a peer has named."""
    parts, its = urllib.parse.urlsplit(uri), urllib.parse.urlsplit(way.uri)
    same = (parts.scheme, parts.netloc) == (its.scheme, its.netloc)
    return way if same else replace(way, token=None)
