# SPDX-License-Identifier: MIT
"""Messages on their way in, and what is said back of them: TS 24.538 clauses 6.4.1.1.4, .6, .7 and 6.5.1.2.

A message that does not fit the inbox is refused with a code that tells the sender whether to try again.
"""

import gc

from coap import numbers
from coap.compat import const, earliest

from ..rules import policy
from ..rules.refusals import Refusal, later
from ..store.message import Message
from ..wire import bodies
from ..wire.identifiers import DESTINATIONS, BodyError, escaped, quoted
from ..wire.reading import FAILURE, SUCCESS
from .inbox import Inbox

_ABANDONED = const(8)  # sets that were given up, remembered
_MAX_CONFIRMATIONS = const(16)  # that wait to go out
_MISSING = const("segments are missing")


class _Notice:
    """Something to tell the other side: IMDN or SEGCONFIR with these arguments, or SEGREC about `segments`.

    `message` is the received message that an IMDN reports on, None where that was given up.
    """

    about = None  # (sender, set ID) that a SEGCONFIR is about
    alone = False  # whether it goes out singly, after it was refused among others
    parts = ()  # of one that stands for several, see joined.py

    def __init__(self, kind, arguments=(), message=None, segments=None):
        self.kind = kind
        self.arguments = arguments
        self.message = message
        self.segments = segments
        self.tries = 0
        self.backoff = None
        self.on_air = False

    def body(self, config):
        service = config.service_identifier
        if self.kind == "IMDN":
            return report(service, config.ue_service_id, *self.arguments)
        if self.kind == "SEGREC":  # of what is missing by now
            return segment_recovery(service, self.segments.set_id, self.segments.missing())
        return segment_confirmation(service, *self.arguments)


class Receiver(Inbox):
    """The inbox, the sets in progress, the memory of message IDs, and the notices that wait to go out."""

    def __init__(self, client):
        super().__init__(client)
        storage, store = client.storage, client.store
        self._random = client.random
        self._reports = self._notices = []  # of messages, and what is said of segments
        self._abandoned = []  # (sender, set ID) of the last sets that were given up
        self._storage = storage
        self._reassembly = ()  # a Reassembly since the first segment: its memory is spent when one comes
        self._restore(storage)
        for message in store.reports:
            self._reports.append(self._report(message))
        if store.sets:
            for segments in self._gathering().whole():  # the power failed before they became a message
                self._complete(segments)

    @property
    def idle(self):
        """Whether there is nothing to tell the other side."""
        return not self._reports

    # --- what comes in ------------------------------------------------------------------------------

    def receive(self, kind, body, now):
        """Take a MSG. Return when it may be acknowledged; raise BodyError, Refusal."""
        sender_type, sender = body.originator()
        to_type, to = body.destination()
        if to_type in ("UE", "AS") and to != self._config.ue_service_id:
            raise Refusal(numbers.NOT_FOUND, "destAddr: not this UE")
        if "oriDestAddr" in body:  # the group or topic that the server expanded
            to_type, to = body.address("oriDestAddr", "destAddrType", DESTINATIONS)
        address = (sender, sender_type, to, to_type)
        if "msgList" in body:
            self._aggregated(body, address, now)
        elif body.flag("isSegmented", False) or "segParams" in body:
            self._segment(body, address, now)
        else:
            message = _read_message(body, address)
            if self._store.seen(message.sender, message.message_id):
                self._stats["repeated"] += 1
                return
            value = body.payload()
            message.hold(value)
            if self.applications is not None:
                self.applications.expect_room([message], now)
            self._expect_room(1)
            self.deliver(message, value)
            self._forget_segments(message)

    def _aggregated(self, body, address, now):
        """Make a message of each element (clause 6.4.1.1.7), with the outer elements copied that it lacks."""
        elements = body.elements()
        messages = []
        known = []
        for element in elements:
            message = _read_message(element, address, body)
            value = element.payload()
            message.hold(value)
            name = message.message_id.lower()
            if self._store.seen(message.sender, name) or name in known:
                self._stats["repeated"] += 1
            else:
                known.append(name)
                messages.append((message, value))
        if not messages:
            return
        if len(messages) > self._max_messages:
            raise Refusal(
                numbers.REQUEST_ENTITY_TOO_LARGE, "msgList: the inbox holds %d messages" % self._max_messages
            )
        if self.applications is not None:
            self.applications.expect_room([each[0] for each in messages], now)
        self._expect_room(len(messages))
        for message, value in messages:
            self.deliver(message, value)
            self._forget_segments(message)

    def _forget_segments(self, message):
        """Give up what came in segments of a message that is in the inbox now, and came without."""
        if self._reassembly:
            self._reassembly.forget(message.sender, message.message_id)

    def _gathering(self):
        """Return the Reassembly."""
        if self._reassembly == ():
            gc.collect()  # as before what came with the first message
            from .reassembly import Reassembly

            segments = self._config.segments
            self._reassembly = Reassembly(
                self._storage,
                self._store,
                segments["sets"],
                segments["bytes"],
                int(segments["gap"] * 1000),
                segments["recoveries"],
            )
        return self._reassembly

    def _segment(self, body, address, now):
        message = _read_message(body, address)
        parameters = body.object("segParams")
        set_id = parameters.text("segId")
        if not set_id:
            raise BodyError("segId", "empty")
        if self._store.seen(message.sender, message.message_id, set_id):
            self._stats["repeated"] += 1
            self._confirm((message.sender, set_id), True)
            return
        held = self._gathering().find(message.sender, set_id)
        if held is None:
            if (message.sender, set_id) in self._abandoned:
                # A late segment must not bring back what the sender was told has failed.
                self._stats["repeated"] += 1
                self._confirm((message.sender, set_id), False)
                return
            if self.applications is not None:
                self.applications.expect_room([message], now)
            self._expect_room(1)
        try:
            segments = self._reassembly.add(
                message,
                set_id,
                parameters.integer("segNumb"),
                parameters.integer("totalSegCount", None, 1),
                parameters.last_segment(),
                body.payload(),
                self.stored_octets(),
                now,
            )
        except BodyError:
            self._dropped(held, "its payload is not base64")
            raise
        except Refusal:
            self._stats["refused"] += 1
            self._dropped(held, "there is no room for all of its segments")
            raise
        if segments.whole:
            self._complete(segments)

    def _dropped(self, held, why):
        """Count the set as given up where refusing the segment dropped it. The code of the response tells its
        sender."""
        if held is not None and self._reassembly.find(*held.key) is None:
            self._stats["given_up"] += 1
            self._failed(held.header, why)

    def _complete(self, segments):
        segments.header.keep(segments.payload)
        self.deliver(segments.header, None)
        self._reassembly.release(segments)
        self._forget_recovery(segments)
        self._confirm(segments.key, True)
        self._reassembly.forget(segments.header.sender, segments.header.message_id)

    def _expect_room(self, count):
        """Raise the Refusal that asks the sender to come later (docs/wire-profile.md, "Answers")."""
        reports = len([n for n in self._reports if n.kind == "IMDN"])
        waiting = len(self.inbox) + len(self._reassembly)
        if waiting + count > self._max_messages or reports >= self._max_messages:
            self._stats["refused"] += 1
            raise later("the inbox is full")

    def _report(self, message, why=None):
        status = SUCCESS if why is None else FAILURE
        arguments = (message.sender_type, message.sender, message.message_id, status, why)
        return _Notice("IMDN", arguments, message if message.report_owed else None)

    # --- what goes out ------------------------------------------------------------------------------

    def _confirm(self, key, result):
        """SEGCONFIR about (sender, set ID). It names no sender, so two that chose the same set ID get one each."""
        count = 0
        for notice in self._reports:
            if notice.kind == "SEGCONFIR":
                count += 1
                if notice.about == key:
                    return
        # The sender of one that is left out repeats a segment, and gets its confirmation then.
        if count < _MAX_CONFIRMATIONS:
            notice = _Notice("SEGCONFIR", (key[1], result))
            notice.about = key
            self._reports.append(notice)

    def next(self, now):
        """Return the next notice as (notice, body, confirmable), or None."""
        for notice in self._reports:
            if not notice.on_air and (notice.backoff is None or notice.backoff.ready(now)):
                if notice.kind == "IMDN" and len(self._reports) > 1:
                    from .joined import join  # here, since most reports go before the next one comes

                    notice = join(self._reports, notice, self._config, now)
                job = notice, notice.body(self._config), True
                notice.on_air = True
                return job
        return None

    def answered(self, notice, message, now):
        notice.on_air = False
        verdict = policy.verdict(message.code, notice.kind)
        if verdict in (policy.AGAIN, policy.REGISTER):
            self._later(notice, message.uint(numbers.MAX_AGE), False, now, verdict == policy.REGISTER)
        elif notice.parts:
            notice.over(self, message, verdict, now)
        else:
            self._forget(notice, now)
            if notice.kind == "IMDN":
                self._stats["reported" if verdict == policy.DONE else "reports_refused"] += 1
            elif (
                message.code == numbers.NOT_FOUND
                and notice.segments
                and self._reassembly.drop(notice.segments)
            ):
                self._given_up(notice.segments)

    def unsendable(self, notice, why, now):
        """Drop a notice that does not fit a datagram, because the addresses that the other side gave are too
        long."""
        notice.on_air = False
        if notice.parts:
            notice.over(self, None, policy.END, now)
            return
        self._forget(notice, now)
        if notice.kind == "IMDN":
            self._stats["reports_refused"] += 1

    def unanswered(self, notice, now, why=None, silent=True):
        notice.on_air = False
        self._later(notice, None, silent, now)

    def _later(self, notice, max_age, silent, now, denied=False):
        """Put a notice off, as OutboxScheduler.delay does with a message."""
        notice.tries += 1
        max_tries = policy.max_tries(notice.kind)
        if max_tries and notice.tries >= max_tries:
            self._forget(notice, now)
            return
        if notice.backoff is None:
            notice.backoff = policy.backoff(notice.kind, self._random)
            if denied:
                return
        notice.backoff.failed(now, max_age, silent)

    def _forget(self, notice, now):
        if notice in self._reports:
            if notice.message is not None:
                self._store.reported(notice.message)
            self._reports.remove(notice)
        if notice.segments is not None:
            self._reassembly.asked(notice.segments, now)

    def _forget_recovery(self, segments):
        for notice in self._reports:
            if notice.segments is segments and not notice.on_air:
                self._reports.remove(notice)
                return

    def on_peer_alive(self):
        """Take note that the peer lives: what waited because of its silence need not wait any longer."""
        for notice in self._reports:
            if notice.backoff is not None:
                notice.backoff.on_peer_alive()

    def resume(self, now):
        """Go on with what an earlier run left."""
        if self._reassembly:
            self._reassembly.resume(now)

    def settle(self):
        """Have no power cut take segments that were acknowledged."""
        if self._reassembly:
            self._reassembly.settle()

    # --- time ---------------------------------------------------------------------------------------

    def poll(self, now):
        for notice in self._reports:
            if notice.backoff is not None:
                notice.backoff.poll(now)
        while self._reassembly:
            due = self._reassembly.poll(now)
            if due is None:
                return
            segments, going_on = due
            if not going_on:
                self._given_up(segments)
            else:
                self._stats["recoveries"] += 1
                self._reports.append(_Notice("SEGREC", segments=segments))

    def _given_up(self, segments):
        self._stats["given_up"] += 1
        self._failed(segments.header, _MISSING)
        self._abandoned.append(segments.key)
        if len(self._abandoned) > _ABANDONED:
            self._abandoned.pop(0)
        self._confirm(segments.key, False)
        if segments.header.report_requested:
            self._reports.append(self._report(segments.header, _MISSING))

    def next_deadline(self, now):
        deadline = self._reassembly.next_deadline() if self._reassembly else None
        for notice in self._reports:
            if notice.backoff is not None:
                deadline = earliest(deadline, notice.backoff.waits(now))
        return deadline


def start(client):
    """Return the Receiver of a Client."""
    return Receiver(client)


def _read_message(body, address, outer=None):
    """Return a Message. `outer` is the aggregate that `body` is an element of: it has the members that the element
    lacks."""
    app_id, priority, report = None, "NORMAL", False
    if outer is not None:
        app_id, priority, report = outer.app_id(), outer.priority(), outer.flag("isDelivStatReq", False)
    return Message(
        *address,
        body.message_id(),
        body.app_id(app_id),
        body.priority(priority),
        body.flag("isDelivStatReq", report),
    )


def report(service, addr, to_type, to, message_id, status, cause=None):
    """Return IMDN, clause 7.3.4.2: `status` is SUCCESS or FAILURE, None where a list of several follows."""
    before, behind = bodies.beginning(service, addr)
    return b"".join(
        (
            before,
            b"IMDN",
            behind,
            to_type.encode(),
            b'","addr":"',
            escaped(to),
            b'"},"msgId":',
            quoted(message_id),
            b"" if status is None else b',"DelSta":"%s"' % status.encode(),
            b"}" if cause is None else b',"Cause":%s}' % quoted(cause),
        )
    )


def segment_recovery(service, set_id, ranges):
    """Return SEGREC, clause 7.3.6.2: `ranges` are (first, last) pairs."""
    numbers = "(%s)" % ", ".join(["%d-%d" % each for each in ranges])
    return bodies.request(service, "SEGREC", ("segId", set_id), ("segNoList", numbers))


def segment_confirmation(service, set_id, result):
    """Return SEGCONFIR, clause 7.3.6.1."""
    return bodies.request(service, "SEGCONFIR", ("segId", set_id), ("result", result))
