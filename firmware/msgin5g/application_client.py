# SPDX-License-Identifier: MIT
"""The Application Client of a constrained UE: MSGin5G-5, TS 24.538 clauses 6.3.2 and 6.4.2, Annex A.

It has the public names of Client and is driven like it. What travels is a wire's affair: l3_wire.py has the binary
messages of Annex A.2, json_wire.py the CoAP and JSON of Annex A.3; `config.peer` chooses.
"""

import msgin5g
from coap.compat import const, earliest, random_octets, utf8

from .application.registration import ApplicationRegistration
from .base_client import STARVED, BaseClient
from .incoming.inbox import Inbox
from .outgoing.builder import MessageBuilder
from .outgoing.scheduler import OutboxScheduler
from .rules import policy
from .store.message import Message
from .wire import causes, payload
from .wire.identifiers import new_id

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from contracts import Config, Storage

_NO_MEMORY = const("no memory for its answer")


class ApplicationClient(BaseClient):
    """An application on a constrained UE, by MSGin5G-5 (TS 24.538 clause 6.4.2).

    `config`, `storage`, `random`, `lent` and `peer` are those of Client; `clock` is not used.
    `endpoint` is the CoAP endpoint, None on L3. On L3 `send` takes as `to` an FQDN, an IPv4 or an IPv6 address, which
    the gateway's table translates. Raise ConfigError where the configuration is not that of an ApplicationClient.
    """

    def __init__(
        self,
        config: "Config",
        storage: "Storage",
        random: "Callable[[int], bytes]" = random_octets,
        clock: "Callable[[], int | None] | None" = None,
        lent: "Message | None" = None,
    ) -> None:
        if config.role != "application client":
            raise msgin5g.ConfigError("role", 'must be "application client" for an ApplicationClient')
        if config.application["credential"] is None:
            raise msgin5g.ConfigError("application.credential", "is missing; it must be hexadecimal digits")
        on_l3 = config.peer_scheme[:3] == "l3+"
        if on_l3 and config.security["mode"] != "none":
            raise msgin5g.ConfigError(
                "security.mode",
                'must be "none" on L3: the credential goes over the link as it is, which must be a link to trust',
            )
        super().__init__(config, storage, lent)
        self.stats["unmatched"] = 0  # L3 responses that belong to nothing
        self.stats["repeats"] = 0  # L3 requests that went out again
        wire: "Any"
        if on_l3:
            from .application.l3_wire import L3Wire

            wire = L3Wire(config, self, random)
        else:
            from .application.json_wire import JsonWire

            wire = JsonWire(config, self, random, storage)
        self._wire = wire
        self.storage = storage
        self.random = random
        self.registration = ApplicationRegistration(config, random, wire)
        self.builder = _Builder(config, storage, self.store, self.outbox, random, wire)
        self.sender = _Sender(self, wire)
        self._receiver = _Receiver(self)
        self.sources = (self.registration, self._receiver, self.sender)

    @property
    def peer(self):
        """The address that the link sends to and hears from; the link may set it anew."""
        return self._wire.peer

    @peer.setter
    def peer(self, peer):
        self._wire.peer = peer

    @property
    def endpoint(self):
        """The CoAP endpoint; None on L3."""
        return getattr(self._wire, "endpoint", None)

    def subscribe(self, topic, now):
        """Raise ValueError: there is no such thing."""
        raise ValueError("topic: MSGin5G-5 has no topics; a device of role client has them")

    unsubscribe = subscribe

    def call(self, name, *_):
        """Raise ValueError: there are no such procedures."""
        raise ValueError("%s: MSGin5G-5 has no such thing; a device of role client has it" % name)

    # --- what the runner calls --------------------------------------------------------------------------

    def receive(self, octets: bytes, peer: object, now: int, urgent: object = None) -> None:
        """Take a datagram, or an L3 message (a buffer, or a StoredFile where it is large). Raise nothing."""
        try:
            self._wire.receive(octets, peer, now)
        except STARVED:
            self._starve(now)  # as if it had been lost
        self._work(now)

    def poll(self, now: int) -> None:
        """Do what is due by the tick `now` (ms). Raise nothing."""
        try:
            self._wire.poll(now)
        except STARVED:
            self._starve(now)
        self._work(now)

    def outgoing(self) -> tuple | None:
        """Return the next (octets or parts, peer) for the link, or None."""
        return self._wire.outgoing()

    def _link_deadline(self, now):
        return self._wire.next_deadline(now)

    # --- what goes out ------------------------------------------------------------------------------------

    def _do(self, now):
        if self.event is not None:
            self._undo(now)
        for source in self.sources:
            source.poll(now)
        while self._wire.idle(now) and self._send_next(now):
            pass
        self._announce()

    def _undo(self, now):
        if self.event is not None:
            source, item = self.event
            source.unanswered(item, now, _NO_MEMORY, False)
            self.event = None

    def _send_next(self, now):
        """Begin one request; False where nothing waits for its turn."""
        ready = self.registered and not self.registration.stopping
        for source in self.sources:
            if not (ready or source.registers):
                continue
            job = source.next(now)
            if job is not None:
                item, content, _ = job
                try:
                    self._wire.request((source, item), content, now)
                except OSError as error:
                    source.unsendable(item, "storage: %s" % error, now)
                except ValueError as error:  # it is of a device of another role, or its text is damaged
                    source.unsendable(item, str(error), now)
                except STARVED:
                    if self._wire.idle(now):
                        source.unanswered(item, now)
                    raise
                return True
        return False

    # --- what the wire calls ------------------------------------------------------------------------------

    def answered(self, tag, answer, now):
        """Take note that a request has its Answer, or None where nothing came back. `tag` is its
        source and the item."""
        source, item = self.event = tag
        if answer is None:
            source.unanswered(item, now)
        else:
            self._on_peer_alive()
            if not source.registers and policy.verdict(answer.code, "MSG") == policy.REGISTER:
                self.registration.on_unregistered(now, answer.why)
            source.answered(item, answer, now)
        self.event = None

    def unsendable(self, tag, why, now):
        """Take note that a request does not fit the wire."""
        tag[0].unsendable(tag[1], why, now)

    def new_message(self, message_id, sender, group, report, priority):
        """Return a Message without its payload. MSGin5G-5 does not say whether a UE or an AS sent it."""
        to, to_type = (self.config.ue_service_id, "UE") if group is None else (group, "GROUP")
        return Message(sender, None, to, to_type, message_id, None, priority, report)

    def message(self, message, value, now):
        """Take a MESSAGE RECEIVED REQUEST. Return the cause of a refusal, or None.

        `value` is octets, a StoredFile that holds them, or the value of a `payload` member (may raise BodyError).
        """
        return self._receiver.put(message, value)

    def reported(self, message_id, success, cause, now):
        """Take a DELIVERY REPORT RECEIVED REQUEST about a message of ours."""
        outgoing = self.outbox.find(message_id)
        self.expected(outgoing is not None)
        if outgoing is not None:
            self.sender.reported(outgoing, None, success, cause, now)


class _Builder(MessageBuilder):
    """What MSGin5G-5 can say, and what fits the wire."""

    def __init__(self, config, storage, store, outbox, random, wire):
        super().__init__(config, storage, store, outbox, random)
        self._wire = wire

    def _check(self, to_type, app_id, priority, store_forward):
        if to_type in ("TOPIC", "BC"):
            raise ValueError("to_type: MSGin5G-5 reaches UE, AS and GROUP, no topic and no broadcast area")
        if priority != "NORMAL":
            raise ValueError("priority: MSGin5G-5 carries none when sending")
        if store_forward:
            raise ValueError("store_forward: MSGin5G-5 cannot ask for it")

    def _finish(self, outgoing, expires):
        self._wire.check(outgoing.to, outgoing.to_type, outgoing.app_id, outgoing.size)
        if self._wire.text:
            self._wire.check_whole(outgoing)


class _Sender(OutboxScheduler):
    """An OutboxScheduler of whole messages: the wire has one request open at a time."""

    def __init__(self, client, wire):
        super().__init__(client)
        self._wire = wire

    def next(self, now):
        outgoing = self.choose(now)
        if outgoing is None:
            return None
        job = outgoing, ("MSG", outgoing), True
        self._on(outgoing, "goes")
        return job

    def _ready(self, outgoing):
        return self._wire.free((self, outgoing))

    def _take_off(self, outgoing, now):
        self._wire.cancel(
            outgoing, now
        )  # where a report came first, its response may be the one that was lost

    def unanswered(self, outgoing, now, why=None, silent=True):
        self.delay(outgoing, None, silent, now)

    def answered(self, outgoing, answer, now):
        verdict = policy.verdict(answer.code, "MSG")
        if verdict == policy.DONE:
            self.accept(outgoing, now)
            self.clear_backoff(outgoing)  # not before: that may have found no memory
        elif verdict == policy.END:
            self.end(outgoing, "failed", answer.why, now)
        else:  # a gateway that says for ever that we are not registered is not asked without a pause
            self.delay(outgoing, 1 if verdict == policy.REGISTER else answer.max_age, False, now)


class _Report:
    """A delivery report that waits to go out. `id` is its own Message ID, 16 octets."""

    def __init__(self, id, message, success):
        self.id = id
        self.message = message
        self.success = success
        self.backoff = None
        self.on_air = False


class _Receiver(Inbox):
    """The inbox, and the reports that wait to go out."""

    def __init__(self, client):
        super().__init__(client)
        self._random = client.random
        self._reports = []
        self._restore(client.storage)
        for message in self._store.reports:
            self._reports.append(self._report(message))

    @property
    def idle(self):
        """Whether no report waits."""
        return not self._reports

    def put(self, message, value):
        """As ApplicationClient.message."""
        file = value if hasattr(value, "window") else None
        if self._store.seen(message.sender, message.message_id):
            self._stats["repeated"] += 1
            cause = None
        else:
            cause = self._put(message, value, file)
        if file is not None and message.file is None:
            file.remove()
        return cause

    def _put(self, message, value, file):
        member = None
        if isinstance(value, str):
            member = utf8(value)
            message.hold(member)
        cause = self._refusal(len(value))
        if cause is not None:
            self._stats["refused"] += 1
            return cause
        if file is not None:
            message.keep(file)
        elif member is None:
            member = payload.octets_value(value)
        try:
            self.deliver(message, member)
        except (OSError, MemoryError):
            message.file = None
            return causes.LACK_OF_RESOURCES
        return None

    def _refusal(self, size):
        waiting = len([report for report in self._reports if not report.on_air])
        if len(self.inbox) >= self._max_messages or waiting >= self._max_messages:
            return causes.CONGESTION
        if self.stored_octets() + size > self._config.segments["bytes"]:
            return causes.LACK_OF_RESOURCES
        return None

    def _report(self, message, why=None):
        return _Report(new_id(self._random), message, why is None)

    def next(self, now):
        """Return the next report whose time has come, or None."""
        for report in self._reports:
            if not report.on_air and (report.backoff is None or report.backoff.ready(now)):
                job = report, ("IMDN", report), True
                report.on_air = True  # not before: that may have found no memory
                return job
        return None

    def answered(self, report, answer, now):
        verdict = policy.verdict(answer.code, "IMDN")
        if verdict in (policy.DONE, policy.END):
            self._forget(report, answer.accepted)
        else:
            self._later(report, answer.max_age, False, now)

    def unanswered(self, report, now, why=None, silent=True):
        self._later(report, None, silent, now)

    def unsendable(self, report, why, now):
        self._forget(report, False)

    def _forget(self, report, accepted):
        report.on_air = False
        if report not in self._reports:
            return
        if report.message.report_owed:
            self._store.reported(report.message)
        self._reports.remove(report)
        self._stats["reported" if accepted else "reports_refused"] += 1

    def _later(self, report, max_age, silent, now):
        report.on_air = False
        if report.backoff is None:
            report.backoff = policy.backoff("IMDN", self._random)
        report.backoff.failed(now, max_age, silent)

    def poll(self, now):
        for report in self._reports:
            if report.backoff is not None:
                report.backoff.poll(now)

    def on_peer_alive(self):
        for report in self._reports:
            if report.backoff is not None:
                report.backoff.on_peer_alive()

    def next_deadline(self, now):
        deadline = None
        for report in self._reports:
            if report.backoff is not None:
                deadline = earliest(deadline, report.backoff.waits(now))
        return deadline
