# SPDX-License-Identifier: MIT
"""A message that waits is updated or discarded by its sender: TS 23.554 V19 clause 8.3.6.1. That release has no public
stage 3; the message, MSGUPD, is this project's proposal (docs/wire-profile.md). Imported when the first call asks.

A message that waits here leaves the outbox, or gets its new end there, at once. Where the server may have it, because
it was on the air or accepted, the server is asked: of an update once it has taken the message, since before it has
nothing to update, and what it gets then may still say the former end. Requests are not kept over a restart: what is
accepted or discarded then is found in the outbox, and can be discarded again.
"""

import msgin5g
from coap import numbers
from coap.compat import const, earliest

from ..outgoing.builder import ending
from ..rules import policy
from ..rules.requests import Source
from ..wire import bodies
from ..wire.identifiers import MANY

_MAX_CHANGES = const(8)  # that wait at once
_DISCARDED = "discarded"


class Change:
    """ "update" or "discard" (`what`) of a message: `state` is "waiting", "done" or "refused" (`cause` says why);
    `result` is whether it was done: not where no server holds the message any more."""

    told = None  # called when it is done
    cause = result = on_air = exchange = None

    def __init__(self, what, outgoing, left):
        self.what = what
        self.outgoing = outgoing
        self.state = "waiting"
        self.here = False  # whether this device has done it, whatever the server says
        self.left = left  # Countdown to the new end
        self.backoff = None

    @property
    def done(self):
        """Whether it has ended."""
        return self.state != "waiting"

    @property
    def title(self):
        """What it is called in an error."""
        return "%s of message %s" % (self.what, self.outgoing.message_id)


class Stored(Source):
    """The changes of a Client, and a source of its requests."""

    def __init__(self, client):
        self.changes = []
        self._client = client
        self._sender = client.procedure("sender")

    # --- what the application asks for ------------------------------------------------------------------

    def discard(self, outgoing, now):
        """Return a Change that takes the message back: its state is "failed" then, its cause "discarded".

        Raise UpdateError where too many changes wait.
        """
        change = self._change("discard", outgoing, None)
        if outgoing in self._client.outbox.queue:
            asks = self._parted(outgoing, now)
            self._sender.end(outgoing, "failed", _DISCARDED, now)
            return self._here(change, asks)
        return self._ask(change)

    def update(self, outgoing, expires, now):
        """Return a Change that has the message end in `expires` seconds.

        Raise ValueError where that is no such number, or a message with that date would not fit; UpdateError,
        StorageError.
        """
        change = self._change("update", outgoing, ending(expires, now))
        if outgoing in self._client.outbox.queue:
            asks = self._parted(outgoing, now)
            self._set_end(outgoing, expires, now)
            return self._here(change, asks)
        return self._ask(change)

    def withdraw(self, change, now):
        """Nobody waits for this Change any more. One that is done here is told to the server all the same."""
        change.told = None
        if change in self.changes and not change.here:
            self.changes.remove(change)
            if change.on_air:
                self._client.cancel(change.exchange, now)

    def _change(self, what, outgoing, left):
        if len(self.changes) >= _MAX_CHANGES:
            raise msgin5g.UpdateError("%d such calls wait already" % _MAX_CHANGES)
        return Change(what, outgoing, left)

    def _parted(self, outgoing, now):
        """Part it from those that it went out with, which must not carry it any more. Return whether the server may
        have it."""
        share = outgoing.share
        joined = share is not None and share.aggregate is not None
        was_sent = joined or outgoing.stands != "queued" or hasattr(outgoing, "resumed")
        if joined and not share.alone:
            self._sender.withdraw(outgoing, now)
        return was_sent

    def _here(self, change, asks):
        change.here = True
        if asks:
            self.changes.append(change)
        else:
            self._end(change, "done", True)
        return change

    def _ask(self, change):
        outgoing = change.outgoing
        state = outgoing.state
        if (
            state in ("accepted", "stored")
            or state == "delivered"
            and outgoing.to_type in MANY
            or state == "failed"
            and outgoing.cause == _DISCARDED
        ):
            self.changes.append(change)
        else:
            self._end(change, "done", False)
        return change

    def _set_end(self, outgoing, expires, now):
        """Give a message in the outbox its new end, on flash too. Where it raises, it has the former one."""
        from ..outgoing.recut import use

        before = outgoing.expire_time, outgoing.segmentation, outgoing.expires
        try:
            outgoing.expires = ending(expires, now)
            if outgoing.store_forward and outgoing.segments is outgoing.progress is None:
                outgoing.expire_time = self._date(int(expires))
                use(outgoing, self._client.builder.cut(outgoing))
            if outgoing.ref is not None:
                self._client.store.sent_again(outgoing)
        except Exception as error:
            outgoing.expire_time, outgoing.segmentation, outgoing.expires = before
            if isinstance(error, OSError):
                raise msgin5g.StorageError(error)
            raise

    def _date(self, seconds):
        clock = self._client.clock
        now = clock and clock()
        if now is None:
            return None
        from ..wire.date_time import date_time

        return date_time(now + seconds)

    # --- what the client calls --------------------------------------------------------------------------

    def poll(self, now):
        for change in self.changes:
            if change.left is not None:
                change.left.advance(now)
            if change.backoff is not None:
                change.backoff.poll(now)

    def next_deadline(self, now):
        deadline = None
        for change in self.changes:
            if change.backoff is not None:
                deadline = earliest(deadline, change.backoff.waits(now))
        return deadline

    def next(self, now):
        """Return what to ask for now as (change, body, confirmable), or None."""
        earlier = []
        for change in self.changes:
            message_id = change.outgoing.message_id
            if message_id in earlier:
                continue  # it would be undone by the one before it, if that came later
            earlier.append(message_id)
            if change.on_air or change.backoff is not None and not change.backoff.ready(now):
                continue
            if change.what == "update" and change.outgoing in self._client.outbox.queue:
                continue
            config = self._client.config
            body = bodies.write(
                ("msgIden", config.service_identifier),
                ("msgType", "MSGUPD"),
                ("oriAddr", bodies.originator(config.ue_service_id)),
                ("msgId", change.outgoing.message_id),
                ("sfParam", self._params(change, now)),
            )
            job = change, body, True
            change.on_air = True  # not before: that may have found no memory
            return job
        return None

    def _params(self, change, now):
        if change.left is None:
            return None
        seconds = max(1, change.left.left(now) // 1000)
        return (("expireTime", self._date(seconds) or seconds),)

    def sent(self, change, exchange):
        change.exchange = exchange

    def answered(self, change, message, now):
        change.on_air = False
        verdict = policy.verdict(message.code, "MSG")
        if verdict == policy.DONE:
            if change.what == "discard" and not change.here:
                self._discarded(change.outgoing, now)
            self._end(change, "done", True)
        elif message.code == numbers.NOT_FOUND:
            # where it has arrived an update came too late
            over = change.here if change.what == "discard" else change.outgoing.state == "expired"
            self._end(change, "done", over)
        elif verdict == policy.END:
            change.cause = bodies.failure(message)
            self._end(change, "refused", False)
        else:
            self._later(change, bodies.failure(message), message.uint(numbers.MAX_AGE), False, now)

    def unanswered(self, change, now, why=None, silent=True):
        change.on_air = False
        self._later(change, why or "no answer from %s" % self._client.config.peer, None, silent, now)

    def unsendable(self, change, why, now):
        change.cause = why
        self._end(change, "refused", False)

    def on_peer_alive(self):
        for change in self.changes:
            if change.backoff is not None:
                change.backoff.on_peer_alive()

    # --- how it goes on ---------------------------------------------------------------------------------

    def _later(self, change, cause, max_age, silent, now):
        if change in self.changes:
            change.cause = cause
            change.backoff = change.backoff or policy.backoff("MSG", self._client.random)
            change.backoff.failed(now, max_age, silent)

    def _discarded(self, outgoing, now):
        """Take note that the server has dropped a message that was accepted."""
        outbox = self._client.outbox
        if outgoing.state == "delivered":  # to one of many
            return
        if not outgoing.final:
            self._sender.end(outgoing, "failed", _DISCARDED, now)
            return
        # It was at its end as far as this device would have heard: its own application makes another one of it.
        if hasattr(outgoing, "stands"):
            outgoing.stands = "failed"
        else:
            outgoing.state = "failed"
        outgoing.cause = _DISCARDED
        history = outbox.history()
        for position, each in enumerate(history):
            if each[0] == outgoing.message_id:
                history[position] = tuple(each[:3]) + ("failed", _DISCARDED)

    def _end(self, change, state, result):
        if change in self.changes:
            self.changes.remove(change)
        change.state = state
        change.result = result
        if change.told is not None:
            change.told()


def start(client):
    """Return the Stored of a Client."""
    return Stored(client)
