# SPDX-License-Identifier: MIT
"""What a procedure observes at the server (RFC 7641): subscribed until the application ends it, over restarts too.
Imported by the first such procedure.

Each is asked for again after a registration that was new, before its time is over, and after an error.
"""

from coap import numbers
from coap.compat import earliest
from coap.observe import MAX_OBSERVATIONS, observe

from ..timing import Countdown, jittered, lifetime
from ..wire import bodies
from ..wire.identifiers import BodyError
from . import policy, states
from .requests import Source

# The states of a subscription, as of a topic: clause 6.6. "resuming": from before a restart. "postponed": refused after
# it was granted; the device asks again, from time to time.
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
    """One resource that is observed. `state` is "subscribing", "subscribed", "refused" (`cause` says why),
    "unsubscribing" or "unsubscribed"."""

    def __init__(self, stands="subscribing"):
        self.stands = stands  # of SUBSCRIPTION
        self.cause = None
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


class Subscriptions(Source):
    """The subscriptions of a Client, and a source of its requests.

    A subclass has
    `event`, the kind of event that tells of a subscription; `_request(subscription, message)`, which makes a GET of
    the client's request; `_read(subscription, message, now)`, which takes a good answer, calls `_granted` or
    `_refused`, and may raise BodyError; `notified`; `_store()`, which keeps them and raises OSError.
    """

    event = 0
    blocks = False  # whether notifications may come in blocks

    def __init__(self, client):
        self.subscriptions = []
        self._client = client
        self._random = client.random
        self._registered = False
        self._peer = client.peer

    def _full(self):
        """Return whether each observation that a device may have belongs to a subscription, of whatever procedure."""
        count = 0
        for source in self._client.sources:
            if isinstance(source, Subscriptions):
                count += len([each for each in source.subscriptions if isinstance(each, Subscription)])
        return count >= MAX_OBSERVATIONS

    def _changed(self, subscription, event):
        """Take a wish of the application, "subscribe" or "unsubscribe". Return whether it was a new one; then it is
        stored. Raise OSError, and then it was not taken."""
        before = subscription.stands
        stands = states.after(SUBSCRIPTION, before, event)
        if stands is None:
            return False
        subscription.stands = stands
        try:
            self._store()
        except Exception:
            subscription.stands = before
            if before == "unsubscribed":
                self.subscriptions.remove(subscription)
            raise
        return True

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
            if due is not None and subscription.on_air is None:
                deadline = earliest(deadline, due.waits(now))
        return deadline

    def next(self, now):
        """Return what to ask for now as (subscription, body, confirmable), or None."""
        for subscription in self.subscriptions:
            due = subscription.due
            if due is not None and subscription.on_air is None and due.left(now) <= 0:
                job = subscription, self._body(), True
                subscription.on_air = subscription.kind
                return job
        return None

    def _body(self):
        """Return the body of a request."""
        return b""

    def ask(self, client, subscription, message, now):
        """Make a GET of the client's request, with Observe, and send it."""
        endpoint = client.endpoint
        peer = client.peer
        message = self._request(subscription, message)
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
            # What comes in blocks is a state, of which the newest counts; what does not is a message: each counts.
            states = self.blocks
            subscription.observation = observe(endpoint, message, peer, now, tag, False, states, states)
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
        elif verdict != policy.DONE:
            self._refused(subscription, bodies.failure(message), now)
        else:
            try:
                self._read(subscription, message, now)
            except BodyError as error:
                self._refused(subscription, "answer not understood, %s" % error, now)

    def unanswered(self, subscription, now, why=None, silent=True):
        if not self._turned(subscription, now):
            why = why or "no answer from %s" % self._client.config.peer
            self._later(subscription, why, None, silent, now)

    def unsendable(self, subscription, why, now):
        subscription.on_air = None
        self._refused(subscription, why, now)

    def on_peer_alive(self):
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
        if asked is None or asked == subscription.kind:  # None: its answer found no memory
            return False
        subscription.due = Countdown(0, now)
        return True

    def _granted(self, subscription, seconds, now):
        """Take note that it is subscribed for so many seconds."""
        subscription.cause = subscription.backoff = None
        subscription.due = Countdown(jittered(lifetime(seconds) * 800, 5, self._random), now)
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
            if subscription.observation is not None:
                subscription.observation.forget()  # a server that observes all the same gets Reset
            try:
                self._store()
            except OSError:
                pass  # the next start asks the server once more
        self._client.events.append((self.event, subscription))
