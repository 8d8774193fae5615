# SPDX-License-Identifier: MIT
"""MSGin5G-5 over L3 messages: TS 24.538 Annex A.2, one request open at a time.

Annex A names no timers and its responses carry no Message ID. So a request waits for its response before the next
one goes out, and is repeated when none comes. Each copy may still be answered late: such an answer is waited for,
or it would be taken for the answer to the next request. Delivery reports have no response at all: they go out
twice, and their Message ID tells the second from a new one.
"""

from coap.compat import earliest, ticks_diff

from ..wire import causes, l3
from ..wire.answer import Answer
from ..wire.identifiers import id_octets, id_text
from ..wire.l3_target import target

_REPORT_GAP = 2000  # ms between the two copies of a report
_LATE = 20  # ms after a deadline: whoever looks so late was kept from reading, too
_READ = 100  # ms to read what came meanwhile
_HEAD = 19  # octets of MESSAGE RECEIVED REQUEST up to the payload
_TAIL = 1024  # octets behind it that are looked at: twice 257, two half octets, and some that are unknown
_ESPNOW_FRAME = 250
_QUEUE = 16  # frames that wait for a link; all that may be open at once is far less

_TARGET_TYPES = ("UE", "GROUP", "AS")  # A.2.2.7
_PRIORITIES = ("LOW", "NORMAL", "HIGH")  # A.2.2.9; the middle one is NORMAL to the application
_ANSWERS = {
    "MSG": (l3.SENDING_RESPONSE,),
    "REG": (l3.REGISTRATION_ACCEPT, l3.REGISTRATION_REJECT),
    "DEREG": (l3.DEREGISTRATION_ACCEPT, l3.DEREGISTRATION_REJECT),
}


class _Payload:
    """A source of the outbox in the form that a frame takes its parts."""

    def __init__(self, source):
        self._source = source

    def __len__(self):
        return self._source.size

    def read(self, offset, size):
        return self._source.read(offset, size)


class L3Wire:
    """Requests out and in, for an ApplicationClient (`owner`). `peer` is what the link calls the gateway."""

    text = False  # a payload has no type here: what comes in is octets

    def __init__(self, config, owner, random):
        self.peer = config.peer_host
        self.stats = owner.stats
        self._config = config
        self._owner = owner
        self._random = random
        self._serial = config.peer_scheme == "l3+uart"
        self._max_frame = config.serial["max_frame"] if self._serial else _ESPNOW_FRAME
        self._queue = []
        self._again = []  # (deadline, tag, parts) of reports that go out a second time
        self._what = None  # the kind of the request that is open, whose it is, and its octets
        self._tag = None
        self._parts = None
        self._sent = 0  # copies of it
        self._since = 0  # when the first went out
        self._deadline = None
        self._wait = 0
        self._owed = 0  # answers to earlier copies that may still come, until _deadline
        self._late = False  # whether _deadline was put off
        self._last = None  # whose they are
        self._reports = []  # Message IDs of the last reports that came

    # --- requests of ours -----------------------------------------------------------------------------

    def check(self, to, to_type, app_id, size):
        """Raise ValueError for a message that cannot be sent."""
        if to_type not in _TARGET_TYPES:
            raise ValueError("to_type must be one of " + ", ".join(_TARGET_TYPES))
        if app_id is not None and not 0 <= _number(app_id) <= 65535:
            raise ValueError("app_id must be a number from 0 to 65535")
        if not size:
            raise ValueError("payload: an L3 message needs at least 1 octet")
        if size > 65535:
            raise ValueError("payload: %d octets, an L3 message holds 65535" % size)
        # message type, length and target, Message ID, length and payload, Application ID, report, Target Type
        frame = 1 + 2 + len(target(to)[1]) + 16 + 2 + size + 3 + 1 + 1
        if frame > self._max_frame:
            raise ValueError(
                "payload: a message of %d octets; %s allows %d"
                % (frame, "serial.max_frame" if self._serial else "ESP-NOW", self._max_frame)
            )

    def idle(self, now):
        """Return whether no request is open."""
        if self._what is None and self._owed:
            late = ticks_diff(now, self._deadline)
            if late > _LATE and not self._late:
                # An application that kept the processor busy also kept the reader from it: an answer may lie there
                # unread.
                self._late = True
                self._deadline = now + _READ
            elif late >= 0:
                self._owed = 0
        return self._what is None

    def free(self, tag):
        """Return whether this request may go out, when idle: no late answer is expected, or one that would answer
        this request as well."""
        return not self._owed or self._last == tag

    def request(self, tag, content, now):
        """Send what `content` says: the kind and the subject. Raise OSError where the storage lost the payload."""
        kind, subject = content
        if kind == "REG":
            parts = l3.encode(l3.REGISTRATION_REQUEST, subject)
        elif kind == "DEREG":
            parts = l3.encode(l3.DEREGISTRATION_REQUEST, {"registration_id": subject})
        elif kind == "MSG":
            parts = self._message(subject)
        else:
            self._report(tag, subject, now)
            return
        self._last = tag
        self._what, self._tag, self._parts = kind, tag, parts
        self._sent = 0
        self._since = now
        self._wait = int(self._config.l3["timeout"] * 1000)
        self._copy(now)

    def _message(self, outgoing):
        # The link reads it piece by piece, when it is too late to say so.
        outgoing.source.read(outgoing.size - 1, 1)
        values = {
            "target": target(outgoing.to),
            "message_id": id_octets(outgoing.message_id),
            "payload": _Payload(outgoing.source),
            "app_id": None if outgoing.app_id is None else _number(outgoing.app_id),
            "report": 1 if outgoing.report else None,
            "target_type": _TARGET_TYPES.index(outgoing.to_type),
        }
        return l3.encode(l3.SENDING_REQUEST, values)

    def _report(self, tag, report, now):
        """Nothing answers a report: it goes out twice. Until then it is not forgotten, or a power cut before the first
        copy is on the line would lose it."""
        values = {
            "message_id": report.id,
            "reply_to": id_octets(report.message.message_id),
            "delivery_status": l3.SUCCESS if report.success else l3.FAILED,
        }
        parts = l3.encode(l3.REPORT_SENDING_REQUEST, values)
        self._put(parts)
        self._again.append((now + _REPORT_GAP, tag, parts))

    def cancel(self, item, now):
        """Take note that the message is not wanted any more; an answer to it may still come."""
        if self._what is not None and self._tag[1] is item:
            self._owed += self._sent
            self._expect(now, self._wait + self._air())

    def _copy(self, now):
        self._sent += 1
        self._deadline = now + self._wait + self._air()
        self._put(self._parts)

    def _air(self):
        """Return ms that the request is on the line itself: 10 bits an octet, with some escapes."""
        if not self._serial:
            return 0
        return sum([len(part) for part in self._parts]) * 10500 // self._config.serial["baudrate"]

    def _put(self, parts):
        if len(self._queue) == _QUEUE:
            self._queue.pop(0)  # the link has taken nothing for minutes, and each frame has copies
        self._queue.append(parts)

    # --- driven by the owner --------------------------------------------------------------------------

    def outgoing(self):
        return (self._queue.pop(0), self.peer) if self._queue else None

    def poll(self, now):
        for each in self._again[:]:
            if ticks_diff(now, each[0]) >= 0:
                self._again.remove(each)
                self._put(each[2])
                self._owner.answered(each[1], Answer(True), now)
        if self._what is None or ticks_diff(now, self._deadline) < 0:
            return
        if self._sent <= self._config.l3["repeats"]:
            self.stats["repeats"] += 1
            self._wait *= 2
            self._copy(now)
            return
        self._close(None, now)

    def next_deadline(self, now):
        deadline = self._deadline if self._what is not None or self._owed else None
        for each in self._again:
            deadline = earliest(deadline, each[0])
        return deadline

    def _expect(self, now, wait):
        """Close the request, and wait so many ms for late answers to it."""
        self._deadline = now + wait
        self._late = False
        self._what = self._tag = self._parts = None

    def _close(self, answer, now):
        tag = self._tag
        self._owed += self._sent - 1 if answer else self._sent
        # Late answers take at most as long as the one that has just come, or as an answer may take at all.
        self._expect(
            now, max(int(self._config.l3["timeout"] * 1000) + self._air(), ticks_diff(now, self._since))
        )
        self._owner.answered(tag, answer, now)

    # --- what comes in --------------------------------------------------------------------------------

    def receive(self, frame, peer, now):
        """Take one L3 message: a buffer, or a StoredFile where it is large. Raise nothing."""
        file = frame if hasattr(frame, "window") else None
        try:
            type, values = _decode_file(file) if file is not None else l3.decode(frame)
            self._take(type, values, now)
        except l3.L3Error as error:
            self.stats["malformed"] += 1
            if error.type == l3.RECEIVED_REQUEST:
                self._respond(causes.PROTOCOL_ERROR)
            _drop(file)
        except (OSError, MemoryError):
            # The message is not in the inbox and not answered: the gateway sends it again.
            self.stats["refused"] += 1
            _drop(file)

    def _take(self, type, values, now):
        if type == l3.RECEIVED_REQUEST:
            self._respond(self._owner.message(_message(values, self._owner), values["payload"], now))
        elif type == l3.REPORT_RECEIVED_REQUEST:
            message_id = bytes(values["message_id"])
            if message_id in self._reports:
                return
            self._reports.append(message_id)
            if len(self._reports) > 16:
                self._reports.pop(0)
            success = values["delivery_status"] == l3.SUCCESS
            self._owner.reported(id_text(values["reply_to"]), success, None, now)
        elif self._what is not None and type in _ANSWERS[self._what]:
            self._close(_answer(type, values), now)
        else:
            self._owed = max(0, self._owed - 1)
            self.stats["unmatched"] += 1

    def _respond(self, cause):
        """MESSAGE RECEIVED RESPONSE; a cause of None is success."""
        values = {"result": l3.SUCCESS if cause is None else l3.FAILED, "cause": cause}
        self._put(l3.encode(l3.RECEIVED_RESPONSE, values))


def _drop(file):
    if file is not None:
        file.remove()


def _number(app_id):
    """Return the Application ID of an application that wrote it as text. Raise ValueError."""
    try:
        return int(app_id)
    except (ValueError, TypeError):
        raise ValueError("app_id must be a number from 0 to 65535")


def _answer(type, values):
    cause = values.get("cause")
    if type in (l3.REGISTRATION_REJECT, l3.DEREGISTRATION_REJECT) or values.get("result") == l3.FAILED:
        return Answer(False, cause, None if cause is not None else "no cause given")
    registration_id = values.get("registration_id")
    return Answer(True, None, None, None if registration_id is None else bytes(registration_id))


def _decode_file(file):
    """Decode as l3.decode does, but leave the payload in the storage: the StoredFile becomes the payload."""
    head = file.read(0, _HEAD)
    if head[0] != l3.RECEIVED_REQUEST:
        raise l3.L3Error(None, "message type", 0, "not for a message of %d octets" % file.size)
    size = head[17] << 8 | head[18]
    if _HEAD + size > file.size:
        raise l3.L3Error(head[0], "payload", 17, "%d of %d octets" % (file.size - _HEAD, size))
    tail = file.read(_HEAD + size, _TAIL)
    type, values = l3.decode(head[:17] + b"\x00\x00" + tail)
    file.window(_HEAD, size)
    values["payload"] = file
    return type, values


def _message(values, owner):
    """Return the Message without its payload. An address that is not UTF-8 is left out like any wrong optional
    element."""
    group = _text(values.get("group"))
    return owner.new_message(
        id_text(values["message_id"]),
        _text(values.get("originator")) or "",
        group,
        bool(values.get("report", 0)),
        _PRIORITIES[values.get("priority", l3.MEDIUM)],
    )


def _text(view):
    try:
        return None if view is None else str(bytes(view), "utf-8")
    except UnicodeError:
        return None
