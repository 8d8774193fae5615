# SPDX-License-Identifier: MIT
"""Small messages that go out together: TS 24.538 clause 6.4.1.1.3. Loaded where `aggregation.wait` is above 0, or where
an earlier run left messages that went out so.

Messages that follow each other to one destination are joined where none is HIGH, segmented or empty, `sfFlag`,
`expireTime` and volatility are the same, and all of them fit the datagram and the limit of a segment. They go when
they are as many as may be, when the first has waited, when one follows that cannot join, and when `hurry` was called.

What was joined once stays so until it is answered, over restarts too: record J has the message ID of the whole and
whose messages they are, and is on flash before they go out. (Volatile ones have none: a restart forgets them.) So a
server that knows the whole knows its repeat. A final error dissolves it, and each message goes out singly.
"""

from coap import numbers
from coap.compat import const, earliest

from ..rules import policy
from ..security import room
from ..wire import aggregates, bodies, payload
from ..wire.identifiers import id_text, new_id
from .sender import MessageSender
from .together import Aggregate, Held, Share

_UUID = const("00000000-0000-0000-0000-000000000000")


class AggregatingSender(MessageSender):
    """A MessageSender that joins. An item of it is an Outgoing or an Aggregate."""

    def __init__(self, client):
        super().__init__(client)
        self._store = client.store
        self._wait = int(self._config.aggregation["wait"] * 1000)
        self._aggregates = []
        self._runs = {}
        self._now = 0
        self._hurried = False
        for outgoing in self.outbox.queue:  # an earlier run made them wait already
            outgoing.share = self._share(outgoing, 0, None)
        for composition in client.store.compositions:
            self._restore(*composition)

    def hurry(self, now):
        """Let nothing wait for others until the outbox is empty."""
        self._hurried = True

    def _share(self, outgoing, wait, now):
        octets = None
        if (
            self._wait
            and outgoing.size
            and outgoing.segmentation is None
            and outgoing.priority != "HIGH"
            and outgoing.size <= self._config.segments["size"]
        ):
            try:
                octets = len(self._element(outgoing))
            except (OSError, ValueError, MemoryError):
                pass  # it goes singly: the error comes again when it is sent, and is told then
        return Share(wait, now, octets)

    def _element(self, outgoing):
        return aggregates.message(outgoing, payload.value_of(outgoing.source))

    def _restore(self, message_id, orders, dissolved, ref):
        """Go on with what an earlier run joined: repeated exactly, or not at all."""
        elements = [each for each in self.outbox.queue if each.order in orders]
        accepted = [each for each in self.outbox.waiting if each.order in orders]
        whole = len(elements) == len(orders) and all([_is_alike(each, elements[0]) for each in elements])
        if not (whole or dissolved):
            elements = []
        taken = not elements
        elements += accepted
        if not elements:
            self._store.journal.release(ref)
            return
        aggregate = Aggregate(message_id, elements)
        aggregate.taken = taken
        aggregate.orders = orders
        aggregate.dissolved = dissolved
        aggregate.ref = ref
        ref.owner = aggregate
        self._join(aggregate)

    def _join(self, aggregate):
        """Bind the elements together. Raise MemoryError; then nothing has changed."""
        held = [each.expires and Held(each.expires, aggregate) for each in aggregate.elements]
        shares = [each.share or Share(0, None, None) for each in aggregate.elements]
        self._aggregates.append(aggregate)
        for position, each in enumerate(aggregate.elements):
            each.share = shares[position]
            each.share.aggregate = aggregate
            each.share.alone = aggregate.dissolved
            if held[position] and not (aggregate.taken or aggregate.dissolved):
                each.expires = held[position]

    # --- what goes out ------------------------------------------------------------------------------

    def choose(self, now):
        self._now = now
        self._runs = self._gathered()
        return super().choose(now)

    def _ready(self, outgoing):
        return super()._ready(outgoing) and not self._waits(
            self._runs[outgoing.to_type, outgoing.to], self._now
        )

    def _gathered(self):
        """Return {destination: [whether no more can join, octets, messages that go next]}."""
        runs = {}
        for outgoing in self.outbox.queue:
            destination = (outgoing.to_type, outgoing.to)
            share = outgoing.share
            run = runs.get(destination)
            if run is None:
                closed = share is None or not share.free or outgoing.segmentation is not None
                runs[destination] = [closed, 0 if closed else share.octets, [outgoing]]
            elif not run[0]:
                self._offer(run, outgoing)
        return runs

    def _offer(self, run, outgoing):
        _, octets, elements = run
        first, share = elements[0], outgoing.share
        if (
            share is None
            or not share.free
            or not _is_alike(outgoing, first)
            or outgoing.volatile != first.volatile
            or octets + 1 + share.octets > self._room(first)
        ):
            run[0] = True
            return
        run[1] = octets + 1 + share.octets
        elements.append(outgoing)
        run[0] = len(elements) == self._config.aggregation["messages"]

    def _room(self, first):
        """Return octets for elements and the commas between them, where this is the first."""
        share = first.share
        if share.room is None:
            config = self._config
            whole = len(self._head(Aggregate(_UUID, [first]))) + aggregates.BETWEEN
            share.room = min(config.coap["max_datagram"] - self._datagram(whole), config.segments["size"] - 2)
        return share.room

    def _datagram(self, octets):
        """Return the octets of a datagram with a body of so many."""
        config = self._config
        return config.coap["max_datagram"] - room(config) + octets

    def _head(self, aggregate):
        config = self._config
        return bodies.message(config.service_identifier, config.ue_service_id, aggregate, None)

    def _waits(self, run, now):
        """Return ms that these messages wait for others to join them, 0 for not at all."""
        closed, _, elements = run
        if closed or self._hurried or elements[0].share is None or self._is_full():
            return 0
        return max(0, elements[0].share.wait.left(now))

    def _is_full(self):
        """Whether what waits for others keeps the application from sending more."""
        outbox, limits = self.outbox, self._config.outbox
        return len(outbox.queue) >= limits["messages"] or outbox.octets * 2 > limits["bytes"]

    def _job(self, outgoing):
        aggregate = outgoing.share and outgoing.share.aggregate
        if aggregate is None:
            elements = self._runs[outgoing.to_type, outgoing.to][2]
            if len(elements) > 1:
                aggregate = self._compose(elements)
        if not aggregate or aggregate.dissolved:
            job = super()._job(outgoing)
            if outgoing.share:
                outgoing.share.alone = True
            return job
        found = []
        for each in aggregate.elements:
            try:
                found.append(self._element(each))
            except (OSError, ValueError) as error:  # of this one's payload; the others go on without it
                self.unsendable(each, "storage: %s" % error, self._now)
                if outgoing not in self.outbox.queue:
                    raise
                self._runs = self._gathered()
                return self._job(outgoing)
        body = aggregates.join(self._head(aggregate), found)
        if self._datagram(len(body)) > self._config.coap["max_datagram"]:
            self._dissolve(aggregate, True, self._now)  # another gateway was found since, which takes less
            return self._job(outgoing)
        report = any([each.report for each in aggregate.elements])
        job = aggregate, body, report or self.confirmable(outgoing)
        self._all_go(aggregate)
        return job

    def _all_go(self, aggregate):
        try:
            for each in aggregate.elements:
                self._on(each, "goes")
        except Exception:
            self._back(aggregate)
            raise

    def _compose(self, elements):
        """Return the Aggregate of these messages, once its record is on flash; None where that fails, and then they
        go singly."""
        aggregate = Aggregate(id_text(new_id(self._random)), elements)
        if not elements[0].volatile:
            try:
                self._store.joined(aggregate)
            except OSError:
                for each in elements:
                    each.share.alone = True
                return None
        try:
            self._join(aggregate)
        except Exception:
            self._store.journal.release(aggregate.ref)
            raise
        return aggregate

    # --- what came back -----------------------------------------------------------------------------

    def answered(self, item, message, now):
        if not isinstance(item, Aggregate):
            super().answered(item, message, now)
            return
        item.exchange = None
        verdict = policy.verdict(message.code, "MSG")
        if verdict == policy.DONE:
            item.taken = True
            for each in item.elements[:]:
                if each in self.outbox.queue:
                    self.accept(each, now)
            self.clear_backoff(item)
        elif verdict == policy.END:
            self._dissolve(item, True, now)
        else:
            self._put_off(item, message.uint(numbers.MAX_AGE), False, now, verdict == policy.REGISTER)

    def unanswered(self, item, now, why=None, silent=True):
        if isinstance(item, Aggregate):
            exchange = item.exchange
            item.exchange = None
            self._put_off(item, None, silent, now, exchange and not exchange.confirmable)
        else:
            super().unanswered(item, now, why, silent)

    def unsendable(self, outgoing, why, now):
        if isinstance(outgoing, Aggregate):
            self._dissolve(outgoing, True, now)
        else:
            super().unsendable(outgoing, why, now)

    def withdraw(self, outgoing, now):
        if outgoing.share and outgoing.share.aggregate and not outgoing.share.alone:
            self._dissolve(outgoing.share.aggregate, False, now)
        super().withdraw(outgoing, now)

    def _put_off(self, aggregate, max_age, silent, now, denied=False):
        waiting = self._back(aggregate)
        if aggregate.broken or aggregate.taken:
            self._dissolve(aggregate, False, now)
        if waiting:
            self.delay(waiting[0], max_age, silent, now, denied)

    def _back(self, aggregate):
        """Take its messages off the air; return those that are not accepted."""
        waiting = [each for each in aggregate.elements if each in self.outbox.queue]
        for each in waiting:
            self._on(each, "back")
        return waiting

    def _dissolve(self, aggregate, singly, now):
        """Let each go its own way; `singly`: none of them is joined again, after a restart neither."""
        self._take_off(aggregate, now)
        for each in self._back(aggregate):
            if isinstance(each.expires, Held):
                each.expires = each.expires.own
        for each in aggregate.elements:
            each.share.alone = singly
            if not singly:
                each.share.aggregate = None
        aggregate.dissolved = True
        if singly and aggregate.ref is not None:
            try:
                self._store.joined(aggregate)
            except OSError:
                pass  # counted by the journal; after a restart the other side refuses it once more
        elif not singly:
            self._forget(aggregate)

    def _forget(self, aggregate):
        if aggregate in self._aggregates:
            self._aggregates.remove(aggregate)
        self._store.journal.release(aggregate.ref)
        aggregate.ref = None

    def _take_off(self, outgoing, now):
        # What accepts or ends a message calls this last. A method around those would be one more in the stack of the
        # deepest call of all, which is a report's.
        super()._take_off(outgoing, now)
        if isinstance(outgoing, Aggregate):
            return
        aggregate = outgoing.share and outgoing.share.aggregate
        if not aggregate or outgoing in self.outbox.queue:
            return
        if outgoing.final and outgoing in aggregate.elements:
            aggregate.elements.remove(outgoing)
            outgoing.share.aggregate = None
        if not aggregate.taken:
            aggregate.broken = True
            if not any([each in self.outbox.queue for each in aggregate.elements]):
                self._take_off(aggregate, now)
                aggregate.taken = True  # the other side spoke of each
            elif aggregate.exchange is None and not aggregate.dissolved:
                self._dissolve(aggregate, False, now)
        if not aggregate.elements:
            self._forget(aggregate)

    def response(self, message_id, status, cause, now):
        message_id = message_id.lower()
        for aggregate in self._aggregates:
            if aggregate.message_id == message_id and not aggregate.dissolved:
                for each in aggregate.elements[:]:
                    self.response_of_one(each.message_id, status, cause, now)
                return True
        return self.response_of_one(message_id, status, cause, now)

    # --- time ---------------------------------------------------------------------------------------

    def poll(self, now):
        super().poll(now)
        self._hurried = self._hurried and bool(self.outbox.queue)
        for outgoing in self.outbox.queue:
            if outgoing.share is None:
                outgoing.share = self._share(outgoing, self._wait, now)
            outgoing.share.wait.advance(now)

    def next_deadline(self, now):
        deadline = super().next_deadline(now)
        if self._client.registered:
            for destination, run in self._gathered().items():
                wait = self._waits(run, now)
                backoff = self._backoffs.get(destination)
                # whoever looks again when the back-off is over finds the wait over, or what is left of it
                if wait and (backoff is None or backoff.ready(now)):
                    deadline = earliest(deadline, now + wait)
        return deadline


def _is_alike(outgoing, first):
    """Return whether what stands outside of an aggregated message is the same for both."""
    return (
        outgoing.segmentation is None
        and outgoing.store_forward == first.store_forward
        and outgoing.expire_time == first.expire_time
    )


def start(client):
    """Return the Sender of a Client that joins."""
    return AggregatingSender(client)
