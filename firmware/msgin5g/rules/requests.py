# SPDX-License-Identifier: MIT
"""The contract between a client and its sources of requests (registration, topics, reports, messages), both
ways; and what the registrations of both roles share (TS 24.538 clause 6.3)."""

from coap.compat import const

from . import states

_TYPING = const(False)


class Source:
    """A procedure: what it wants to send, and what is sent to it. procedures/__init__.py has the table of them.

    The client asks its sources in the order of that table. `next` is a command, no query, as that of an iterator
    is: it gives one request and takes it on the air. `next_deadline` is a query, and changes nothing. After `next`,
    `sent` has its Exchange, and exactly one of `answered`, `unanswered`, `unsendable` ends it, unless the source
    cancels it. Each may raise MemoryError; then nothing has changed, or `unanswered` is called for the same
    request. An `item` is whatever the source knows its request by. Times are ticks in ms.
    """

    # Whether it makes the registration: it may send without one, and its answers do not tell whether there is one.
    registers = False
    # Whether those behind it in the table may have their turn: not before, where it prepares the registration.
    ready = True

    if (
        _TYPING
    ):  # whoever sends has those of its own, and whoever is in a row of the table with types `receive`

        def next(self, now):
            """Return (item, body, confirmable) of a request to send now, or None. It counts as on the air from then on.

            `body` is the JSON of an MSGin5G-1 request; the kind and the subject of one of MSGin5G-5.
            """

        def answered(self, item, answer, now):
            """Take the response of the peer, whatever its code: a coap.Message, or an Answer on MSGin5G-5."""

        def unanswered(self, item, now, why=None, silent=True):
            """Take note that nothing came back; `why` says more where that is known. Not `silent`: an answer came, and
            what follows from it found no memory."""

        def unsendable(self, item, why, now):
            """Take note that it never goes out: it does not fit a datagram, or the storage lost it."""

        def receive(self, kind, body, now):
            """Take a message of a type (in capitals) that its row of the table names. Raise BodyError, Refusal."""

        def poll(self, now):
            """Do what is due by the clock."""

        def next_deadline(self, now):
            """Return the tick when `poll` or `next` has something to do, or None. What is due already and waits for its
            turn on the air has none: `next` is asked for it after each event."""

    else:  # one for the three, in whoever has nothing to send and no clock

        def next(self, now):
            pass

        poll = next_deadline = next

    def ask(self, client, item, message, now):
        """Send `message`, a POST with the body, and return its Exchange. For a source that asks in another way."""
        return client.endpoint.request(message, client.peer, now, (self, item))

    def sent(self, item, exchange):
        """Take note that it is on the air. Must want no memory."""

    def on_peer_alive(self):
        """Take note that the peer lives: what waits because of its silence need not wait any longer."""


class Registering(Source):
    """What the registrations of both roles have in common: where they stand.

    `state` is one of "stopped", "discovering", "configuring" (of a Client, before it can register), "registering",
    "waiting" (the gateway bulks it and will answer by itself), "registered", "refused" (`cause` says why),
    "unreachable" (`cause` says how the last try ended).

    `registered` says whether the other side knows us, and stays true while a refresh is under way; `stopping` whether
    nothing but DEREG may go out. They are asked at each step, and follow `stands`.
    """

    registers = True

    def __init__(self):
        self.cause = None
        self.stands = "stopped"  # of states.REGISTRATION
        self.registered = False
        self.stopping = True

    @property
    def state(self):
        """The word for where it stands."""
        return states.word(states.REGISTRATION, self.stands)

    def _on(self, event, cause=None):
        """Take an event. Return whether it has changed the state; then the cause has changed too."""
        stands = states.after(states.REGISTRATION, self.stands, event)
        if stands is None:
            return False
        self.stands = stands
        self.registered = stands in ("registered", "de-registering")
        self.stopping = stands in ("stopped", "leaving", "de-registering")
        self.cause = cause
        return True
