# SPDX-License-Identifier: MIT
"""What Client and ApplicationClient have in common: the application's calls, the events, the counters."""

import gc

from coap.compat import const, drop_half_modules, earliest, later, whole

_TYPING = const(False)
if _TYPING:
    from typing import Any, BinaryIO

    from contracts import Config, Storage

    from .incoming.taking import Taking
    from .outgoing.copying import Copying
    from .procedures.serving import Serving
    from .procedures.unregistered import Leaving
    from .store.message import Message
    from .store.outgoing import Outgoing

    class Parts(Copying, Leaving, Serving, Taking):
        """All of them."""
else:
    Parts = object  # their methods come with the first that is called

STARVED = (MemoryError, RuntimeError)  # the second: a stack that is too deep
# What a client needs that gets messages, that has topics, that sends files, that is stopped
_PARTS = const(
    "msgin5g.procedures.serving Serving serve subscribe unsubscribe\n"
    "msgin5g.incoming.taking Taking expected failed first take\n"
    "msgin5g.outgoing.copying Copying _copy drop send\n"
    "msgin5g.procedures.unregistered Leaving flush stop"
)
# of events.py
_EVENT_REGISTRATION = const(1)
_EVENT_CHANGED = const(2)
_EVENT_REPORT = const(5)
_PAUSE = const(1000)  # ms
_TICKS = const((1 << 29) - 1)
_ARRIVED = const((3, None))  # (events.MESSAGE, None), which wants no memory this way


class BaseClient(Parts):
    """A subclass sets `sources`, among them `registration`, `sender` (an OutboxScheduler) and `_receiver` (an
    Inbox, or None before there is something for it), and `builder`. It has `_do(now)`, which does everything that can
    be done now.

    `store`, `outbox`, `stats`, `events` and `changed`, `failed`, `came`, `expected` are for the sources.
    """

    # A Client that has sent nothing yet has neither
    builder: "Any" = None
    sender: "Any" = None

    if _TYPING:
        registration: Any
        procedure: Any
        _receiver: Any
        _link_deadline: Any
        registered: bool  # whether the server or gateway holds a registration of ours, as far as we know
        idle: bool  # whether nothing waits to be sent: no message that is not accepted, no report of ours
        reports_sent: bool  # whether no report of ours waits
        outbox: Any  # the Outbox of the message store, made when it is first asked for: until then nothing was sent
        inbox: list  # the received messages that nobody took yet, oldest first

    def __init__(self, config: "Config", storage: "Storage", lent: "Message | None") -> None:
        self.config = config
        self.stats = {
            "accepted": 0,  # of our messages
            "delivered": 0,
            "failed": 0,
            "expired": 0,
            "received": 0,  # whole messages put in the inbox
            "repeated": 0,  # messages that came again and were only acknowledged
            "reported": 0,  # delivery reports accepted by the peer
            "reports_refused": 0,
            "refused": 0,  # messages refused for want of room
            "vanished": 0,  # received messages that the storage lost
            "malformed": 0,  # what breaks clause 7.3 or Annex A
            "unexpected": 0,  # reports and responses about messages not held here
            "starved": 0,  # times that something was put off for want of memory
        }
        from .store.message_store import MessageStore  # here, so that its name takes no place in the module

        self.store = MessageStore(storage, lent)
        self.store.recover()
        # Where the service keeps what must outlive a restart: `writes`, `failed`, `torn`, `damaged`, `unknown`,
        # `newer`, `unread`, `octets`.
        self.journal = self.store.journal
        self._outbox = None
        self.events: list = []
        self.sources: "Any" = ()  # of requests, in the order of their turn: rules.requests.Source, or None
        self._live: "Any" = None  # those that have begun, once a subclass has gathered them
        self._stood = self._announced = None  # of the registration: its state, and what was told of that
        self.now = 0
        self.event = None  # of the endpoint, as long as what it means is not done
        self._again = None  # tick when what had no memory is tried again
        # What `next_deadline` said last, and whether anything was done since that may have changed it
        self._deadline: "int | None" = None
        self._stale = True
        self._arrived = False

    def __getattr__(self, name):
        if name == "idle" or name == "reports_sent":
            if name == "idle" and self.store.queue:
                return False
            return self._receiver is None or self._receiver.idle
        if name == "registered":
            return self.registration.registered
        if name == "outbox":
            if self._outbox is None:
                from .outgoing.outbox import Outbox

                limits = self.config.outbox
                self._outbox = Outbox(self.store, limits["messages"], limits["bytes"])
            return self._outbox
        if name == "inbox":
            return self.store.inbox
        later(BaseClient, name, _PARTS)
        return getattr(self, name)

    # --- what the application's side calls -------------------------------------------------------------

    def start(self, now: int) -> None:
        """Begin to register at the tick `now` (ms), and go on for ever."""
        self.registration.start(now)
        if self._receiver is not None:
            self._receiver.resume(now)
        self._work(now)

    def link_is_back(self, now: int) -> None:
        """Try at once what met silence while the link was away."""
        self._on_peer_alive()
        self.registration.retry_now(now)
        self._work(now)

    def offer(
        self, to: str, payload: "str | bytes | BinaryIO | tuple[BinaryIO, int]", now: int, **options: "Any"
    ) -> "Outgoing":
        """Do what `send` does (outgoing/copying.py), but do not wait until a file is copied: its first segments go out
        meanwhile. The message is taken, and on flash, only when `spool` has said so."""
        self._stale = True
        if self.builder is None:
            self.procedure("sender")
        if not isinstance(payload, str) and not isinstance(payload, bytes):
            # What takes it back comes late, and must not find no memory once there is something to take back.
            self.drop, self.sender.drop  # noqa: B018
        outgoing = self.builder.add(to, payload, now, **options)
        self._work(now)
        if outgoing.prefetched is not None:  # as in `send`
            outgoing.prefetched = None
        return outgoing

    def spool(self, outgoing: "Outgoing", now: int) -> bool:
        """Copy the next piece of a message from `offer`. Return whether there is nothing left to do: it is on flash
        then, or has ended already.

        Raise as `send` does; then the message was not taken, and its receiver never has all of it.
        """
        if outgoing.spool is not None:
            self._copy(outgoing, now)
            if outgoing.exchange is None:
                self._work(now)  # it may have waited for this
        return outgoing.spool is None

    # --- what the runner calls --------------------------------------------------------------------------

    def prepare(self) -> "bytearray | None":
        """Work ahead while the link is busy and everything else is done, so that it need not wait. Return a datagram
        that goes out when the one on the air is answered, where there is one now. Raise nothing."""
        if not self.store.queue:
            return None
        try:
            return self.sender and self.sender.prepare(self.now)
        except STARVED:
            drop_half_modules()
            return None  # it is made in its turn

    def next_event(self) -> tuple | None:
        """Return the next (kind, subject), or None; events.py has the kinds."""
        if self._arrived:
            self._arrived = False
            return _ARRIVED
        return self.events.pop(0) if self.events else None

    def next_deadline(self) -> int | None:
        """Return the tick (ms) when `poll` is needed next, or None where nothing waits for the clock."""
        if self._stale:
            try:
                self._deadline = self._soonest(self.now)
            except STARVED:
                return (self.now + _PAUSE) & _TICKS
            self._stale = False
        return self._deadline

    def _soonest(self, now):
        """Return what `next_deadline` does, asked of all that have one."""
        deadline = self._again
        link = self._link_deadline(now)
        if link is not None:
            deadline = link if deadline is None else earliest(deadline, link)
        for source in self._live or self.sources:
            if source is not None:
                due = source.next_deadline(now)
                if due is not None:
                    deadline = due if deadline is None else earliest(deadline, due)
        return deadline

    # --- for the subclass -------------------------------------------------------------------------------

    def _work(self, now):
        """Do everything that can be done now. Whatever lacks memory is put off and ends nothing: a request of the
        peer is answered 5.03, a response to one of ours counts as none, and what is due is tried again in a
        second."""
        self.now = now
        self._again = None
        self._stale = True
        try:
            try:
                self._do(now)
            except STARVED:
                self._starve(now)
                self._undo(now)
                self._do(now)
        except STARVED:
            self._starve(now)
            try:
                self._undo(now)
            except STARVED:
                pass  # at the next call, before anything else

    def _starve(self, now):
        self._again = (now + _PAUSE) & _TICKS
        self.stats["starved"] += 1
        drop_half_modules()
        gc.collect()

    def _undo(self, now):
        """End the request or exchange of an event that could not be handled."""

    def _announce(self):
        """Emit the event of a registration that changed."""
        stands = self.registration.stands
        if stands == self._stood:
            return
        state = (self.registration.state, self.registered)
        if state != self._announced:
            self.events.append((_EVENT_REGISTRATION, self))
            self._announced = state
        self._stood = stands

    def _on_peer_alive(self):
        for source in self._live or self.sources:
            if source is not None:
                source.on_peer_alive()

    # --- for the sources --------------------------------------------------------------------------------

    def changed(self, outgoing, report=None):
        """Tell that a message changed its state, or of the `report` (reporter, success, cause) of one of many."""
        if report is not None:
            self.events.append((_EVENT_REPORT, (outgoing,) + report))
            return
        self.events.append((_EVENT_CHANGED, outgoing))

    def came(self):
        """Tell that a message is in the inbox."""
        self._arrived = True


whole(BaseClient, _PARTS, asked="idle reports_sent registered outbox inbox")
