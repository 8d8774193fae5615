# SPDX-License-Identifier: MIT
"""Messaging topics: TS 24.538 clause 6.6, one observation (RFC 7641) for each. Imported when the first is asked for.

What is subscribed stays so: the topics lie in a file of the storage, and each is asked for again after a registration
that was new, before its time is over, and after an error, until the application unsubscribes.
"""

import msgin5g
from coap import numbers
from coap.compat import const
from coap.observe import MAX_OBSERVATIONS

from ..events import TOPIC
from ..rules.subscriptions import SUBSCRIPTION as SUBSCRIPTION
from ..rules.subscriptions import Subscription, Subscriptions
from ..store.kept import Kept
from ..timing import Countdown
from ..wire import bodies
from ..wire.identifiers import BodyError, service_id_error

FILE = "topics"
_VERSION = const(1)  # of that file
_MAX_FILE = const(12800)  # 8 names of 255 octets, each octet escaped
_DEFAULT_LIFETIME = const(3600)  # s, where the server does not say
_ASK_AGAIN = const(5000)  # ms


class Topic(Subscription):
    """The subscription to one topic."""

    def __init__(self, topic, stands="subscribing"):
        super().__init__(stands)
        self.topic = topic
        self.more = []  # what newer firmware wrote behind the two fields of its row

    @property
    def title(self):
        """What it is called in a line of the console."""
        return "topic " + self.topic


def _subscription(fields):
    """Return the Topic that these fields of an earlier run describe; None where they describe none."""
    if service_id_error(fields[0]):
        return None
    leaving = len(fields) > 1 and fields[1]
    if not isinstance(leaving, bool):
        return None
    subscription = Topic(fields[0], "unsubscribing" if leaving else "resuming")
    subscription.more = fields[2:]
    return subscription


class Topics(Subscriptions):
    """The topics of a Client."""

    event = TOPIC

    def __init__(self, client):
        super().__init__(client)
        self._file = Kept(client.storage, FILE, _VERSION, _MAX_FILE)
        for fields in self._file.read():
            subscription = _subscription(fields)
            if subscription is not None and self._find(subscription.topic) is None:
                self.subscriptions.append(subscription)
                if len(self.subscriptions) == MAX_OBSERVATIONS:
                    return

    # --- what the application asks for ------------------------------------------------------------------

    def subscribe(self, topic, now):
        """Return its Topic, which is in the storage. Raise ValueError, StorageError."""
        why = service_id_error(topic)
        if why:
            raise ValueError("topic: " + why)
        subscription = self._find(topic)
        if subscription is None:
            if self._full():
                raise ValueError("topic: a device can have %d; its groups count as one" % MAX_OBSERVATIONS)
            subscription = Topic(topic, "unsubscribed")
            self.subscriptions.append(subscription)
        if self._change(subscription, "subscribe") or subscription.due is None:
            subscription.due = Countdown(0, now)
        return subscription

    def unsubscribe(self, topic, now):
        """Return its Topic, "unsubscribed" where there was none. Raise StorageError."""
        subscription = self._find(topic)
        if subscription is None:
            return Topic(topic, "unsubscribed")
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
        try:
            return self._changed(subscription, event)
        except OSError as error:
            raise msgin5g.StorageError(error)

    def _store(self):
        self._file.write([[each.topic, each.kind == "UNSUB"] + each.more for each in self.subscriptions])

    # --- what goes out and comes in ---------------------------------------------------------------------

    def _body(self):
        # clauses 7.3.5.1 and 7.3.5.2: all that a subscription and its end say is who
        return bodies.write(("oriAddr", bodies.originator(self._client.config.ue_service_id)))

    def _request(self, subscription, message):
        # clauses 6.6.2.1 and 6.6.2.2
        message.code = numbers.GET
        message.options.append((numbers.URI_PATH, subscription.topic.encode()))
        return message

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
        self._granted(subscription, message.uint(numbers.MAX_AGE, seconds), now)


def start(client):
    """Return the Topics of a Client."""
    return Topics(client)
