# SPDX-License-Identifier: MIT
"""Messages on their way in, and what is said back of them: TS 24.538 clauses 6.4.1.1.4, .6, .7 and 6.5.1.2.

A message is acknowledged once it is in the inbox; its report goes out when the application takes it
(`reports` = "taken") or at once ("arrival"). What does not fit is refused with a code that tells the sender
whether to come again.
"""

from coap import numbers
from coap.compat import const, earliest, random_octets

from . import bodies, payload
from .errors import BodyError
from .reassembly import NoRoom, Reassembly
from .timing import Backoff

_SEEN = const(64)  # message IDs remembered
_TRIES = const(5)  # of a notice about segments: the other side helps itself when it never comes
_INBOX_FULL = const(10)  # s, Max-Age
_MOST_CONFIRMATIONS = const(16)  # that wait to go out


class Refusal(Exception):
    """A request that is answered with `code`; str() is the diagnostic payload, `max_age` seconds or None."""

    def __init__(self, code, why, max_age=None):
        super().__init__(why)
        self.code = code
        self.max_age = max_age


class Message:
    """A received message. `payload` is str for text and bytes for octets, `size` its octets (UTF-8).

    A message that came in segments lies in the board's storage: `payload` reads all of it into memory,
    `chunks()` gives it piece by piece, and both work until the next message is taken, or `close()`.
    """

    def __init__(self, sender, sender_type, to, to_type, message_id, app_id, priority, report_requested):
        self.sender = sender
        self.sender_type = sender_type
        self.to = to
        self.to_type = to_type
        self.message_id = message_id
        self.app_id = app_id
        self.priority = priority
        self.report_requested = report_requested
        self.size = 0
        self._value = None
        self._stored = None

    def __repr__(self):
        return "<Message %s from %s, %d octets>" % (self.message_id, self.sender, self.size)

    @property
    def payload(self):
        if self._stored is not None:
            return self._stored.whole()
        return self._held()

    def chunks(self):
        """The payload in pieces of up to 2048 octets: str for text, bytes for octets."""
        if self._stored is not None:
            return self._stored.chunks()
        return iter((self._held(),))

    def close(self):
        """Frees what the storage holds of the message."""
        if self._stored is not None:
            self._stored.remove()
            self._stored = None

    def _held(self):
        if self._value is None:
            raise ValueError("the message was closed; read it before the next one is taken")
        return self._value

    # --- while it comes in --------------------------------------------------------------------------

    def hold(self, value):
        """The whole payload, as the `payload` member says it. Raises BodyError."""
        self._value = payload.read_octets(value) if payload.is_octets(value) else value
        self.size = len(self._value) if isinstance(self._value, bytes) else len(value.encode())

    def hold_octets(self, octets):
        """The whole payload, where it came as octets."""
        self._value = octets
        self.size = len(octets)

    def keep(self, stored):
        self._stored = stored
        self.size = stored.size

    @property
    def stored_octets(self):
        return 0 if self._stored is None else self._stored.length

    def merge(self, other):
        """Another segment of the same message: only the first says whether a report is wanted."""
        self.report_requested = self.report_requested or other.report_requested


class _Notice:
    """Something to tell the other side: IMDN or SEGCONFIR with these arguments, or SEGREC about `segments`."""

    def __init__(self, kind, *arguments):
        self.kind = kind
        self.arguments = arguments
        self.tries = 0
        self.backoff = None
        self.on_air = False
        self.segments = None

    def body(self, config):
        service = config.service_identifier
        if self.kind == "IMDN":
            return bodies.report(service, config.ue_service_id, *self.arguments)
        if self.kind == "SEGREC":  # of what is missing by now
            return bodies.segment_recovery(service, self.segments.set_id, self.segments.missing())
        return bodies.segment_confirmation(service, *self.arguments)


class Receiver:
    """The inbox, the sets in progress, the memory of message IDs, and the notices that wait to go out."""

    def __init__(self, config, storage, stats, random=random_octets):
        self.inbox = []
        self._config = config
        self._random = random
        self._stats = stats
        self._most = config.inbox["messages"]
        self._seen = []
        self._notices = []
        self._taken = None  # the message that the application holds, as far as it lies in the storage
        segments = config.segments
        self._reassembly = Reassembly(
            storage, segments["sets"], segments["bytes"], int(segments["gap"] * 1000), segments["recoveries"]
        )

    # --- what comes in ------------------------------------------------------------------------------

    def message(self, body, now):
        """MSG. Returns when it may be acknowledged; raises BodyError or Refusal."""
        sender_type, sender = body.originator()
        to_type, to = body.destination()
        if to_type == "UE" and to != self._config.ue_service_id:
            raise Refusal(numbers.NOT_FOUND, "destAddr: not this UE")
        if "oriDestAddr" in body:  # the group or topic that the server expanded
            to_type, to = body.address("oriDestAddr", "destAddrType", bodies.DESTINATIONS)
        address = (sender, sender_type, to, to_type)
        if "msgList" in body:
            self._aggregated(body, address, now)
        elif body.flag("isSegmented", False) or "segParams" in body:
            self._segment(body, address, now)
        else:
            message = _read_message(body, address)
            if message.message_id in self._seen:
                self._stats["repeated"] += 1
                return
            message.hold(body.text("payload", "", longest=None))
            self._expect_room(1)
            self._deliver(message)

    def _aggregated(self, body, address, now):
        """Clause 6.4.1.1.7: each element becomes a message, with the outer elements copied."""
        elements = body.objects("msgList")
        if body.integer("totalMsgCount", None) not in (None, len(elements)):
            raise BodyError("totalMsgCount", "is not the length of msgList")
        messages = []
        for element in elements:
            message = _read_message(element, address)
            message.hold(element.text("payload", "", longest=None))
            if message.message_id in self._seen + [each.message_id for each in messages]:
                self._stats["repeated"] += 1
            else:
                messages.append(message)
        if not messages:
            return
        if len(messages) > self._most:
            raise Refusal(
                numbers.REQUEST_ENTITY_TOO_LARGE, "msgList: the inbox holds %d messages" % self._most
            )
        self._expect_room(len(messages))
        for message in messages:
            self._deliver(message)

    def _segment(self, body, address, now):
        message = _read_message(body, address)
        parameters = body.object("segParams")
        set_id = parameters.text("segId")
        if message.message_id in self._seen:
            self._stats["repeated"] += 1
            self._confirm(set_id, True)
            return
        if not self._reassembly.holds(message.sender, set_id):
            self._expect_room(1)
        try:
            segments = self._reassembly.add(
                message,
                set_id,
                parameters.integer("segNumb"),
                parameters.integer("totalSegCount", None, 1),
                parameters.flag("lastSegFlag", False),
                body.text("payload", "", longest=None),
                sum([each.stored_octets for each in self.inbox]),
                now,
            )
        except NoRoom as error:
            self._stats["refused"] += 1
            if error.later:
                raise Refusal(numbers.SERVICE_UNAVAILABLE, "large messages wait to be taken", _INBOX_FULL)
            raise Refusal(numbers.REQUEST_ENTITY_TOO_LARGE, "segParams: no room for this message")
        if segments.whole:
            self._reassembly.take(segments)
            self._forget_recovery(segments)
            segments.header.keep(segments.payload)
            self._confirm(set_id, True)
            self._deliver(segments.header)

    def _expect_room(self, count):
        """Raises the Refusal that asks the sender to come later (profile section 4)."""
        reports = len([n for n in self._notices if n.kind == "IMDN"])
        if len(self.inbox) + len(self._reassembly) + count > self._most or reports >= self._most:
            self._stats["refused"] += 1
            raise Refusal(numbers.SERVICE_UNAVAILABLE, "the inbox is full", _INBOX_FULL)

    def _deliver(self, message):
        self._reassembly.forget(message.sender, message.message_id)
        self._seen.append(message.message_id)
        if len(self._seen) > _SEEN:
            self._seen.pop(0)
        self.inbox.append(message)
        self._stats["received"] += 1
        if self._config.reports == "arrival":
            self._report(message, bodies.SUCCESS)

    def take(self):
        """The oldest message of the inbox, now the application's, or None. The one before it is closed."""
        if not self.inbox:
            return None
        if self._taken is not None:
            self._taken.close()
        message = self._taken = self.inbox.pop(0)
        if self._config.reports == "taken":
            self._report(message, bodies.SUCCESS)
        return message

    def _report(self, message, status, cause=None):
        if message.report_requested:
            arguments = (message.sender_type, message.sender, message.message_id, status, cause)
            self._notices.append(_Notice("IMDN", *arguments))

    # --- what goes out ------------------------------------------------------------------------------

    def _confirm(self, set_id, result):
        count = 0
        for notice in self._notices:
            if notice.kind == "SEGCONFIR":
                count += 1
                if notice.arguments[0] == set_id:
                    return
        # One that is left out is asked for again, by a segment that comes again.
        if count < _MOST_CONFIRMATIONS:
            self._notices.append(_Notice("SEGCONFIR", set_id, result))

    def next(self, now):
        """The next notice as (notice, body, confirmable), or None."""
        for notice in self._notices:
            if not notice.on_air and (notice.backoff is None or notice.backoff.ready(now)):
                notice.on_air = True
                return notice, notice.body(self._config), True
        return None

    def answered(self, notice, message, now):
        notice.on_air = False
        if message.code >> 5 == 2:
            self._forget(notice, now)
            if notice.kind == "IMDN":
                self._stats["reported"] += 1
        elif message.code >> 5 == 5 or message.code in (numbers.UNAUTHORIZED, numbers.TOO_MANY_REQUESTS):
            self._later(notice, message.uint(numbers.MAX_AGE), False, now)
        else:
            self._forget(notice, now)
            if notice.kind == "IMDN":
                self._stats["reports_refused"] += 1
            elif (
                message.code == numbers.NOT_FOUND
                and notice.segments
                and self._reassembly.drop(notice.segments)
            ):
                self._given_up(notice.segments)

    def impossible(self, notice, why, now):
        """It does not fit a datagram: the addresses that the other side gave are too long."""
        notice.on_air = False
        self._forget(notice, now)
        if notice.kind == "IMDN":
            self._stats["reports_refused"] += 1

    def unanswered(self, notice, now):
        notice.on_air = False
        self._later(notice, None, True, now)

    def _later(self, notice, max_age, silent, now):
        notice.tries += 1
        # A recovery comes again by itself when the gap timer ends; a report is tried for ever.
        if notice.kind == "SEGREC" or (notice.kind == "SEGCONFIR" and notice.tries >= _TRIES):
            self._forget(notice, now)
            return
        if notice.backoff is None:
            notice.backoff = Backoff(5000, 300000, self._random)
        notice.backoff.failed(now, max_age, silent)

    def _forget(self, notice, now):
        if notice in self._notices:
            self._notices.remove(notice)
        if notice.segments is not None:
            self._reassembly.asked(notice.segments, now)

    def _forget_recovery(self, segments):
        for notice in self._notices:
            if notice.segments is segments and not notice.on_air:
                self._notices.remove(notice)
                return

    def heard(self):
        """The peer lives: what waited because of its silence need not wait any longer."""
        for notice in self._notices:
            if notice.backoff is not None:
                notice.backoff.heard()

    # --- time ---------------------------------------------------------------------------------------

    def poll(self, now):
        while True:
            due = self._reassembly.poll(now)
            if due is None:
                return
            segments, going_on = due
            if not going_on:
                self._given_up(segments)
            else:
                self._stats["recoveries"] += 1
                notice = _Notice("SEGREC")
                notice.segments = segments
                self._notices.append(notice)

    def _given_up(self, segments):
        self._stats["given_up"] += 1
        self._confirm(segments.set_id, False)
        self._report(segments.header, bodies.FAILURE, "segments are missing")

    def next_deadline(self, now):
        deadline = self._reassembly.next_deadline()
        for notice in self._notices:
            if notice.backoff is not None and not notice.backoff.ready(now):
                deadline = earliest(deadline, notice.backoff.deadline)
        return deadline


def _read_message(body, address):
    return Message(
        *address,
        body.message_id(),
        body.text("appId", None),
        body.priority(),
        body.flag("isDelivStatReq", False),
    )
