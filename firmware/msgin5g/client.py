# SPDX-License-Identifier: MIT
"""The MSGin5G Client: TS 24.538 clauses 6.3, 6.4.1.1 and 6.5 behind one CoAP endpoint, without waiting.

It is driven like `coap.Endpoint`: `receive` for each datagram, `poll` when `next_deadline` has come, and after
each call everything is taken out of `outgoing` and `next_event`.
"""

from coap.compat import const, random_octets, unload
from coap.message import MessageError

from . import procedures
from .base_client import STARVED, BaseClient
from .security import request

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Config, Octets, Storage

    from .store.message import Message

_NO_MEMORY = const("no memory for its answer")
# of coap.exchange and coap.numbers
_REQUEST = const(1)
_RESPONSE = const(2)
_INCOMPLETE = const(5)
_REFUSED = const(6)
_NOTIFICATION = const(7)
_UNAUTHORIZED = const(129)
_FORBIDDEN = const(131)


class Client(BaseClient):
    """A UE with one UE Service ID, by MSGin5G-1 and MSGin5G-6 (TS 24.538 clause 5).

    `config` is a Config, `storage` keeps the contract of store/storage.py, `random(n)` returns n octets.
    `clock()` returns seconds since 1970, or None while it is not set; a board without a clock gives None for it.
    `lent` is a Message that was taken from an earlier Client on this storage, and is still read.
    `peer` is the address that the link sends to and hears from, (host, port) for UDP; the link may set it anew.
    Raise ConfigError where the configuration is not that of a Client.
    """

    def __init__(
        self,
        config: "Config",
        storage: "Storage",
        random: "Callable[[int], bytes]" = random_octets,
        clock: "Callable[[], int | None] | None" = None,
        lent: "Message | None" = None,
    ) -> None:
        from .procedures import opening

        opening.check_role(config)
        super().__init__(config, storage, lent)
        self.stats["recoveries"] = 0  # times that missing segments were asked for
        self.stats["given_up"] = 0  # messages whose segments never came
        self.peer = (config.peer_host, config.peer_port)
        self.endpoint = opening.endpoint(config, storage, random, self._admit)
        self.storage = storage
        self.random = random
        self.listener = None  # a procedure that is given each datagram before the endpoint
        self.clock = clock
        self.on_air = 0
        # A source and its request that found no memory: `event`, until the source has heard of it. Made here, as then
        # there may be no memory for this either.
        self._unmade: list = [None, None]
        self.sources = [None] * len(procedures.TABLE)
        self._receiver = None
        for position, row in enumerate(procedures.TABLE):
            begins = row.split()[1]
            if begins == "always" or begins != "-" and any([self._left(name) for name in begins.split("+")]):
                self._begun(position)
        self.registration = self.procedure("registration")
        if self.sender is None:  # what sends comes with the first message
            self.sender = self.builder = None  # of the object, so that setting them then wants no memory
        opening.check_room(config, self.registration)
        unload(opening.__name__)  # it has done its work

    # --- what the application's side calls, beside what BaseClient has -----------------------------------------

    def call(self, name: str, method: str, *arguments: "Any") -> "Any":
        """Call a method of the procedure `name`, send what it then wants sent, and return what it returned.

        The last of `arguments` is the tick. Raise KeyError where there is no such procedure, or what the method raises.
        """
        self._stale = True
        result = getattr(self.procedure(name), method)(*arguments)
        self._work(arguments[-1])
        return result

    def procedure(self, name):
        """Return the procedure of this name ("topics"), which begins now where it has not. Raise KeyError."""
        return self._begun(procedures.place(name))

    def _left(self, name):
        """Return whether an earlier run left something in this list of the message store, or in this file, or the
        configuration has this flag set. What cannot be read counts as something."""
        for holder in (self.store, self.config):
            if hasattr(holder, name):
                return getattr(holder, name)
        try:
            return self.storage.read(name, 0, 1)
        except OSError:
            return True

    def _begun(self, position):
        source = self.sources[position]
        if source is None:
            # Imported here, so that its memory is only spent where it is needed.
            name = procedures.TABLE[position].split()[0]
            module = __import__("msgin5g." + name, None, None, ("start",))
            source = self.sources[position] = module.start(self)
            self._live = None
            if name == "incoming.receiver":
                self._receiver = source
            self._stale = True
        return source

    def _gathered(self):
        """Return those of `sources` that have begun, and keep them so: each step asks them, and most are not there."""
        self._live = [source for source in self.sources if source is not None]
        return self._live

    # --- what the runner calls --------------------------------------------------------------------------

    def receive(
        self, datagram: "Octets", peer: object, now: int, urgent: "Callable[[], object] | None" = None
    ) -> None:
        """Take a datagram (a buffer with anything in it, of which nothing is kept) that came from the address `peer`.
        Raise nothing.

        `urgent()`, if given, is called before all that follows from it: what goes out at once is in `outgoing` then.
        """
        self.now = now
        self._stale = told = True
        try:
            if self.listener is not None and self.listener.hear(datagram, peer):
                return
            # A datagram without an event, as in a flood, must not cost a look at everything that could be done.
            told = self.endpoint.receive(datagram, peer, now)
        except STARVED:
            self._starve(now)  # as if it had been lost
        if told:
            try:
                if urgent is not None:
                    urgent()
            except STARVED:
                self._starve(now)  # a datagram that could not go out is lost, and what came in is not
            self._work(now)

    def poll(self, now: int) -> None:
        """Do what is due by the tick `now` (ms). Raise nothing: what finds no memory is put off by a second."""
        try:
            self.endpoint.poll(now)
        except STARVED:
            self._starve(now)
        self._work(now)

    def outgoing(self) -> tuple | None:
        """Return the next (octets, peer) for the link, or None."""
        return self.endpoint.outgoing()

    def _link_deadline(self, now):
        return self.endpoint.next_deadline()

    # --- what is sent -----------------------------------------------------------------------------------

    def _do(self, now):
        """Everything that can be done now: events of the endpoint, what is due, what may go out."""
        if self.event is not None:
            self._undo(now)
        endpoint = self.endpoint
        while True:
            self.event = event = endpoint.next_event()
            if event is None:
                break
            if event[0] == _REQUEST:  # here, since its way down to the storage is the longest of all
                self._on_peer_alive()
                endpoint.respond(event[1], self.serve(event[2], now), now)
                continue
            if event[0] != _NOTIFICATION:
                self.on_air -= 1
            self._handle(event, now)
        for source in self._live or self._gathered():
            source.poll(now)
        while self.on_air < self.config.coap["nstart"] and self._send_next(now):
            pass
        if self.registration.stands != self._stood:
            self._announce()

    def _undo(self, now):
        """As in BaseClient, and of those that wait behind it: the next datagram may lie where theirs lay."""
        event = self.event
        if event is self._unmade:
            source, item = event
            source.unanswered(item, now)
            event[0] = event[1] = self.event = event = None
        while event is not None:
            kind, subject, _ = event
            if kind == _RESPONSE:
                source, item = subject.tag
                source.unanswered(item, now, _NO_MEMORY, False)
            elif kind != _REQUEST and kind != _NOTIFICATION:
                source, item = subject.tag
                source.unanswered(item, now)
            # From here on it is over: where no memory is found for what follows either, the peer sends its request
            # again, or the notification that is not accepted.
            self.event = event = self.endpoint.next_event()
            if event is not None and event[0] != _REQUEST and event[0] != _NOTIFICATION:
                self.on_air -= 1
            if kind == _REQUEST:
                from .rules import refusals

                self.endpoint.respond(subject, refusals.response(refusals.later(), self.stats), now)

    def _send_next(self, now):
        registration = self.registration
        ready = registration.registered and not registration.stopping
        for source in self._live or self._gathered():
            if not (ready or source.registers):
                continue
            job = source.next(now)
            if job is None:
                if not (source.ready or registration.stopping):
                    break
            else:
                item, body, confirmable = job
                try:
                    try:
                        exchange = source.ask(self, item, request(self.config, body, confirmable), now)
                    except MessageError as error:
                        source.unsendable(item, str(error), now)
                        return True
                    except OSError:  # of the storage: OSCORE has no number to send with
                        source.unanswered(item, now)
                        return True
                except STARVED:
                    self.event = self._unmade
                    self.event[0] = source
                    self.event[1] = item
                    raise
                self.on_air += 1
                source.sent(item, exchange)
                return True
        return False

    def cancel(self, exchange, now):
        """Take a request off the air, for the source that wants no answer any more."""
        self.endpoint.cancel(exchange, now)
        self.on_air -= 1

    # --- what comes in ------------------------------------------------------------------------------------

    def _admit(self, message, peer):
        """Without OSCORE the address is all there is to know a peer by; its port may change (NAT)."""
        if peer == self.peer or (isinstance(peer, tuple) and peer[0] == self.peer[0]):
            return None
        return _FORBIDDEN

    def _handle(self, event, now):
        kind, subject, message = event
        if kind == _NOTIFICATION:
            self._on_peer_alive()
            subject.tag[0].notified(subject, message, now)
            return
        source, item = subject.tag
        if kind != _RESPONSE:
            why = None
            if kind == _REFUSED:
                why = self.endpoint.security.explain(message)
            elif kind == _INCOMPLETE:
                why = "an answer that is too long, or changed on its way"
            source.unanswered(item, now, why)
            return
        self._on_peer_alive()
        if not source.registers:
            if message.code == _UNAUTHORIZED:
                self.registration.on_unregistered(now)
            elif message.code >> 5 == 2:
                self.registration.on_accepted()
        source.answered(item, message, now)
