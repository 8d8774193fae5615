# SPDX-License-Identifier: MIT
"""Messaging topics: TS 24.538 clause 6.6, one observation (RFC 7641) for each. Imported when the first is asked for.

What is subscribed stays so: the topics lie in a file of the storage, and each is asked for again after a registration
that was new, before its time is over, and after an error, until the application unsubscribes.
"""

from coap import numbers
from coap.compat import const, earliest, json_octets
from coap.observe import MAX_OBSERVATIONS, observe

from ..events import TOPIC
from ..rules import policy, states
from ..rules.requests import Source
from ..store.storage import StorageError, discard, loads
from ..timing import Countdown, jittered, lifetime
from ..wire import bodies
from ..wire.identifiers import service_id_error
from ..wire.payload import BodyError

FILE = "topics"
_VERSION = const(1)  # of that file
_MAX_FILE = const(12800)  # 8 names of 255 octets, each octet escaped
_DEFAULT_LIFETIME = const(3600)  # s, where the server does not say
_ASK_AGAIN = const(5000)  # ms

# The states of a topic: clause 6.6. "resuming": from before a restart. "postponed": refused after it was granted; the
# device asks again, from time to time.
SUBSCRIPTION = (
    ("subscribing", "resuming", "subscribed", "postponed", "unsubscribing", "refused", "unsubscribed"),
    b"aacfefg",
    "subscribe unsubscribe granted refused ended",
    b".ecf."  # subscribing
    b"aecd."  # resuming
    b".ecd."  # subscribed
    b"aecd."  # postponed
    b"a...g"  # unsubscribing
    b"a...."  # refused
    b"a....",  # unsubscribed
)


class Subscription:
    """One topic. `state` is "subscribing", "subscribed", "refused" (`cause` says why), "unsubscribing" or
    "unsubscribed"."""

    def __init__(self, topic, stands="subscribing"):
        self.topic = topic
        self.stands = stands  # of SUBSCRIPTION
        self.cause = None
        self.more = []  # what newer firmware wrote behind these two
        self.observation = None
        self.on_air = None  # the kind of the request that is: "SUB" or "UNSUB"
        self.due = None  # Countdown to the next request
        self.backoff = None
        # Whether the last answer was that the device is not registered. No state: in each of them that has requests it
        # says when the next goes out, with the registration or, after the second such answer, by the back-off.
        self.denied = False

    @property
    def state(self):
        """The word for where it stands."""
        return states.word(SUBSCRIPTION, self.stands)

    @property
    def kind(self):
        """The kind of request that it needs."""
        return "UNSUB" if self.stands == "unsubscribing" else "SUB"

    @property
    def done(self):
        """Whether the application's wish was granted or refused."""
        return self.state in ("subscribed", "refused", "unsubscribed")


def _subscription(fields):
    """Return the Subscription that these fields of an earlier run describe; None where they describe none."""
    if not isinstance(fields, list) or not fields or service_id_error(fields[0]):
        return None
    leaving = len(fields) > 1 and fields[1]
    if not isinstance(leaving, bool):
        return None
    subscription = Subscription(fields[0], "unsubscribing" if leaving else "resuming")
    subscription.more = fields[2:]
    return subscription


class Topics(Source):
    """The subscriptions of a Client, and a source of its requests."""

    def __init__(self, client):
        self.subscriptions = []
        self._client = client
        self._storage = client.storage
        self._random = client.random
        self._registered = False
        self._peer = client.peer
        self._newer = False  # the file is of a newer version, and left alone
        self._unread = None  # what the storage said where it could not be read: left alone too
        self._restore()

    # --- what the application asks for ------------------------------------------------------------------

    def subscribe(self, topic, now):
        """Return the Subscription, which is in the storage. Raise ValueError, StorageError."""
        why = service_id_error(topic)
        if why:
            raise ValueError("topic: " + why)
        subscription = self._find(topic)
        if subscription is None:
            if len(self.subscriptions) >= MAX_OBSERVATIONS:
                raise ValueError("topic: %d are subscribed, more are not possible" % MAX_OBSERVATIONS)
            subscription = Subscription(topic, "unsubscribed")
            self.subscriptions.append(subscription)
        if self._change(subscription, "subscribe") or subscription.due is None:
            subscription.due = Countdown(0, now)
        return subscription

    def unsubscribe(self, topic, now):
        """Return the Subscription, "unsubscribed" where there was none. Raise StorageError."""
        subscription = self._find(topic)
        if subscription is None:
            return Subscription(topic, "unsubscribed")
        if self._change(subscription, "unsubscribe"):
            subscription.due = Countdown(0, now)
        return subscription

    def _find(self, topic):
        for subscription in self.subscriptions:
            if subscription.topic == topic:
                return subscription
        return None

    def _change(self, subscription, event):
        """Return whether the application's wish was a new one. It is in the storage then; raise StorageError."""
        before = subscription.stands
        stands = states.after(SUBSCRIPTION, before, event)
        if stands is None:
            return False
        subscription.stands = stands
        try:
            self._store()
        except Exception as error:
            subscription.stands = before
            if before == "unsubscribed":
                self.subscriptions.remove(subscription)
            if isinstance(error, OSError):
                raise StorageError(error)
            raise
        return True

    def _restore(self):
        """Read what is subscribed (docs/flash-format.md). What is not understood there is skipped: it must not keep
        the device from starting."""
        try:
            octets = self._storage.read(FILE, 0, _MAX_FILE)
        except OSError as error:
            self._unread = error.args or (0,)
            return
        head, line, rest = octets.partition(b"\n")
        try:
            if line:
                self._newer = int(head) > _VERSION
            topics = () if self._newer else loads(rest if line else head)
        except ValueError:
            return
        for fields in topics if isinstance(topics, list) else ():
            subscription = _subscription(fields)
            if subscription is not None and self._find(subscription.topic) is None:
                self.subscriptions.append(subscription)
                if len(self.subscriptions) == MAX_OBSERVATIONS:
                    return

    def _store(self):
        if self._unread:
            raise OSError(*self._unread)
        if self._newer:
            return
        if self.subscriptions:
            topics = [[each.topic, each.kind == "UNSUB"] + each.more for each in self.subscriptions]
            self._storage.replace(FILE, b"%d\n" % _VERSION + json_octets(topics))
        else:
            discard(self._storage, FILE)

    # --- what the client calls --------------------------------------------------------------------------

    def poll(self, now):
        for subscription in self.subscriptions:
            if subscription.due is not None:
                subscription.due.advance(now)
            if subscription.backoff is not None:
                subscription.backoff.poll(now)
        if self._client.registered and (not self._registered or self._peer != self._client.peer):
            # A server that did not know our registration may not know our subscriptions either; nor may one at another
            # address, or by another gateway.
            self._peer = self._client.peer
            for subscription in self.subscriptions:
                if subscription.due is None or not subscription.denied:
                    subscription.due = Countdown(0, now)
        self._registered = self._client.registered

    def next_deadline(self, now):
        deadline = None
        for subscription in self.subscriptions:
            due = subscription.due
            # one that is over waits for the registration, or for its turn on the air
            if due is not None and subscription.on_air is None and due.left(now) > 0:
                deadline = earliest(deadline, due.deadline(now))
        return deadline

    def next(self, now):
        """Return what to ask for now as (subscription, body, confirmable), or None."""
        for subscription in self.subscriptions:
            due = subscription.due
            if due is not None and subscription.on_air is None and due.left(now) <= 0:
                # clauses 7.3.5.1 and 7.3.5.2: all that a subscription and its end say is who
                who = bodies.originator(self._client.config.ue_service_id)
                job = subscription, bodies.write(("oriAddr", who)), True
                subscription.on_air = subscription.kind
                return job
        return None

    def ask(self, client, subscription, message, now):
        """Make a GET of the client's request, with Observe, and send it: clauses 6.6.2.1 and 6.6.2.2."""
        endpoint = client.endpoint
        peer = client.peer
        message.code = numbers.GET
        message.options.append((numbers.URI_PATH, subscription.topic.encode()))
        observation = subscription.observation
        if observation not in endpoint.observations:
            observation = None
        elif observation.peer != peer:
            observation.forget()
            observation = None
        tag = (self, subscription)
        if subscription.on_air == "UNSUB":
            if observation is None:  # subscribed before a restart: the server finds it by our service ID
                message.options.append((numbers.OBSERVE, b"\x01"))
                return endpoint.request(message, peer, now, tag)
            return observation.cancel(message, now)
        if observation is None:
            subscription.observation = observe(endpoint, message, peer, now, tag, stale=False)
            return subscription.observation.exchange
        return observation.register(message, now)

    def answered(self, subscription, message, now):
        if self._turned(subscription, now):
            return
        verdict = policy.verdict(message.code, subscription.kind)
        first = not subscription.denied
        subscription.denied = verdict == policy.REGISTER
        if subscription.denied and first:
            subscription.due = None  # until the registration that this makes the device ask for
            subscription.cause = bodies.failure(message)
        elif verdict in (policy.AGAIN, policy.REGISTER):
            self._later(subscription, bodies.failure(message), message.uint(numbers.MAX_AGE), False, now)
        elif subscription.kind == "UNSUB":
            self._on(subscription, "ended")
        elif verdict == policy.REFUSED:
            self._refused(subscription, bodies.failure(message), now)
        else:
            try:
                self._read(subscription, message, now)
            except BodyError as error:
                self._refused(subscription, "answer not understood, %s" % error, now)

    def unanswered(self, subscription, now, why=None):
        if not self._turned(subscription, now):
            why = why or "no answer from %s" % self._client.config.peer
            self._later(subscription, why, None, True, now)

    def unsendable(self, subscription, why, now):
        subscription.on_air = None
        self._refused(subscription, why, now)

    def notified(self, observation, message, now):
        """Take a notification, which is a message like one that is posted to the device. What cannot be taken is not
        acknowledged: the server posts it at last, and hears why."""
        subscription = observation.tag[1]
        good = numbers.is_success(message.code)
        if not good or numbers.is_success(self._client.serve(message, now).code):
            observation.accept(message, now)
        if not observation.established and subscription.kind == "SUB":
            cause = None if good else bodies.failure(message)
            self._later(subscription, cause, message.uint(numbers.MAX_AGE), False, now)

    def on_peer_alive(self):
        """Take note that the peer lives."""
        for subscription in self.subscriptions:
            backoff = subscription.backoff
            if backoff is not None and backoff.deadline is not None:
                backoff.on_peer_alive()
                if backoff.deadline is None:
                    subscription.due = Countdown(0)

    # --- how it goes on ---------------------------------------------------------------------------------

    def _turned(self, subscription, now):
        """Return whether the application changed its mind while the request was on the air."""
        asked = subscription.on_air
        subscription.on_air = None
        if asked == subscription.kind:
            return False
        subscription.due = Countdown(0, now)
        return True

    def _read(self, subscription, message, now):
        seconds = _DEFAULT_LIFETIME
        if len(message.payload):
            body = bodies.Body.read(message.payload)
            if "msgType" in body:
                # A notification that was under way when we asked. Without OSCORE it looks like the response and has
                # ended the request; what the server did with the request is not known.
                self._client.serve(message, now)
                subscription.due = Countdown(_ASK_AGAIN, now)
                return
            if not body.flag("subStatus", True):
                self._refused(subscription, body.cause() or "no cause given", now)
                return
            # A date-time is of no use to a device without a clock; Max-Age says the same.
            if message.option(numbers.MAX_AGE) is None:
                try:
                    seconds = body.integer("expireTime", seconds, 1)
                except BodyError:
                    pass
        seconds = lifetime(message.uint(numbers.MAX_AGE, seconds))
        subscription.cause = subscription.backoff = None
        subscription.due = Countdown(jittered(seconds * 800, 5, self._random), now)
        self._on(subscription, "granted")

    def _refused(self, subscription, cause, now):
        subscription.cause = cause
        if subscription.stands != "postponed":
            subscription.backoff = policy.named("refusal", self._random)
        self._later(subscription, cause, None, False, now)
        self._on(subscription, "refused")

    def _later(self, subscription, cause, max_age, silent, now):
        subscription.cause = cause
        if subscription.backoff is None:
            subscription.backoff = policy.backoff("SUB", self._random)
        subscription.due = Countdown(subscription.backoff.failed(now, max_age, silent), now)

    def _on(self, subscription, event):
        """Take an event from the other side. The last states are those of no more requests."""
        stands = states.after(SUBSCRIPTION, subscription.stands, event)
        if stands is None or stands == subscription.stands:
            return
        subscription.stands = stands
        if stands in ("refused", "unsubscribed"):
            self.subscriptions.remove(subscription)
            try:
                self._store()
            except OSError:
                pass  # the next start asks the server once more
        self._client.events.append((TOPIC, subscription))


def start(client):
    """Return the Topics of a Client."""
    return Topics(client)
