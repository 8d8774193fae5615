# SPDX-License-Identifier: MIT
"""What the service must not forget over a power cut, as records of a journal.

    S  a message was sent to the outbox: its header, and its payload where it is short
    A  it was accepted, and waits for a report            P  which of its segments were acknowledged
    E  it ended                                           N  how many of many recipients reported
    O  a set of segments was opened                       C  it was given up
    R  a message was received: its header, and its payload where it came whole
    T  the application took it                            Q  its report was accepted
    K  checkpoint: what outlives the rows before it

Writes are few, since flash wears: a message costs one (S) when it is taken and one (E) when it ends, a
received one R and T. A, C and Q go with the next of these; a cut that loses them makes the device repeat
something that the other side knows to be a repeat.
"""

import hashlib
import json

from coap.compat import const, json_octets

from ..timing import Countdown
from .journal import Journal, Slot
from .message import Message
from .outgoing import Outgoing
from .storage import JournalSource, RowSource, discard

_SENT = const(0x53)
_ACCEPTED = const(0x41)
_PROGRESS = const(0x50)
_ENDED = const(0x45)
_OPENED = const(0x4F)
_CLOSED = const(0x43)
_RECEIVED = const(0x52)
_TAKEN = const(0x54)
_REPORTED = const(0x51)
_COUNTED = const(0x4E)
_CHECKPOINT = const(0x4B)

_SEEN = const(64)  # message IDs of whole messages remembered (docs/wire-profile.md, "Answers")
_DIGEST = const(8)  # octets of each: a digest, so that 64 of them cost half a kilobyte
_ENDINGS = const(16)  # messages that ended, for an application that restarted
_SET = "\n"  # before a set ID among the message IDs
_CAUSE = const(80)  # characters of the cause of each: all of them are in the checkpoint of every row


def _pack(header, payload=b""):
    text = json_octets(header)
    return len(text).to_bytes(2, "big") + text + payload


def _unpack(body):
    """(header, length of what stands before the payload)."""
    length = 2 + int.from_bytes(body[:2], "big")
    return json.loads(str(body[2:length], "utf-8")), length


class Ledger:
    """See the module. After `recover` the four lists hold what an earlier run left behind."""

    def __init__(self, storage, lent=None):
        self.queue = []
        self.waiting = []
        self.inbox = []
        self.reports = []
        self.sets = []  # [sender, set ID, row, Message of the header, Slot]
        self.endings = []  # (message ID, to, to_type, state, cause), oldest first
        self._storage = storage
        self._lent = lent  # a message that was taken in an earlier life of the client, and is still read
        self._row = 0
        self._seen = bytearray()
        self._order = 0
        self.journal = Journal(storage, self._checkpoint, self._renew)

    # --- messages on their way out ------------------------------------------------------------------

    def sent(self, outgoing, octets):
        """Write one: the message is in the outbox when this returns. `octets` is a short payload, None for one
        that lies in a row; the source then reads them from flash. Raises OSError."""
        self._order += 1
        outgoing.order = self._order
        source = outgoing.source
        if octets is not None:
            source = JournalSource(self.journal, None, len(octets), source.text)
        header = self._outgoing_header(outgoing)
        source.slot = outgoing.slot = self.journal.write(_SENT, _pack(header, octets or b""), outgoing)
        outgoing.source = source
        self.journal.clean()

    def accepted(self, outgoing):
        """The body is not needed any more. It may be removed where this gives True."""
        body = _pack([outgoing.message_id])
        if outgoing.source.row is None:
            self.journal.note(_ACCEPTED, body)
            return True
        return self._write(_ACCEPTED, body)  # the row must not go before this is safe

    def progress(self, outgoing):
        """Which segments were acknowledged, so that a restart goes on there."""
        outgoing.progress = outgoing.segments.progress()
        self._write(_PROGRESS, _pack([outgoing.message_id, outgoing.progress]))

    def counted(self, outgoing):
        """What some of many recipients reported, as long as none had it."""
        self.journal.note(_COUNTED, _pack([outgoing.message_id] + _counts(outgoing)))

    def ended(self, outgoing, state, cause):
        """Write two. The body may be removed where this gives True."""
        ending = (outgoing.message_id, outgoing.to, outgoing.to_type, state, cause and cause[:_CAUSE])
        self._remember(ending)
        if outgoing.slot is None:
            return True
        return self._write(_ENDED, _pack(ending), outgoing)

    def _remember(self, ending):
        if self.endings and self.endings[-1][0] == ending[0]:
            self.endings.pop()  # there was no memory for the rest of it
        self.endings.append(ending)
        if len(self.endings) > _ENDINGS:
            self.endings.pop(0)

    def _write(self, kind, body, ended=None):
        """`ended` has a record that is not needed any more once this is written, and not before."""
        safe = True
        try:
            self.journal.write(kind, body)
        except OSError:
            # The device goes on; a restart before the next write repeats what the other side knows already.
            self.journal.note(kind, body)
            safe = False
        if ended is not None:
            self.journal.release(ended.slot)
            ended.slot = None
        if safe:
            self.journal.clean()
        return safe

    def _outgoing_header(self, outgoing):
        left = None
        if outgoing.expires is not None and not outgoing.accepted:
            left = outgoing.expires.last
        source = outgoing.source  # None once it is accepted
        header = [
            outgoing.order,
            outgoing.message_id,
            outgoing.to,
            outgoing.to_type,
            outgoing.app_id,
            outgoing.report,
            outgoing.priority,
            outgoing.store_forward,
            left,
            outgoing.expire_time,
            source is not None and source.text,
            outgoing.size,
            source and source.row,
            outgoing.cut,
            outgoing.progress,
            outgoing.accepted,
        ]
        if outgoing.reports and outgoing.reports["failure"]:
            header += _counts(outgoing)
        return header

    def _read_outgoing(self, header, slot):
        (order, message_id, to, to_type, app_id, report, priority, store_forward, left, expire_time) = header[
            :10
        ]
        text, size, row, cut, progress, accepted = header[10:16]
        if row is None:
            source = JournalSource(self.journal, slot, size, text)
        else:
            source = RowSource(self._storage, row, size, text)
        outgoing = Outgoing(message_id, to, to_type, source, app_id, report, priority, store_forward, False)
        outgoing.order = order
        outgoing.slot = slot
        outgoing.expire_time = expire_time
        outgoing.cut = cut
        outgoing.progress = progress
        outgoing.accepted = accepted
        if left is not None:
            outgoing.expires = Countdown(left)
        _count(outgoing, header[16:])
        return outgoing

    def flush(self):
        """Writes the notes that wait."""
        try:
            self.journal.flush()
        except OSError:
            pass  # counted by the journal, and they go on waiting

    # --- messages on their way in -------------------------------------------------------------------

    def seen(self, sender, message_id, set_id=None):
        """Whether a whole message of this sender and ID came before (the last 64 are remembered); with `set_id` also
        one whose segments had IDs of their own."""
        if set_id is not None and self._known(_digest(sender, _SET + set_id)):
            return True
        return self._known(_digest(sender, message_id))

    def _known(self, digest):
        seen = self._seen
        for position in range(0, len(seen), _DIGEST):
            if seen[position : position + _DIGEST] == digest:
                return True
        return False

    def received(self, message, value, report):
        """Write one of a received message: it may be acknowledged when this returns. `value` is the `payload`
        member of one that came whole, `report` whether its report is owed already. Raises OSError."""
        self._order += 1
        message.order = self._order
        message.report_owed = report
        seen = self._seen_with(message)
        octets = b"" if value is None else value.encode()
        slot = self.journal.write(_RECEIVED, _pack(self._message_header(message), octets), message)
        message.lies(self.journal, slot, len(octets))
        self._seen = seen
        self.journal.clean()  # not before: a checkpoint without this ID would hide the record from `recover`

    def taken(self, message):
        """Write two: the application has it."""
        owed = message.report_owed
        message.taken = True  # the record of one that is written again by this says so
        try:
            self._write(
                _TAKEN, _pack([message.order, owed]), None if owed or message.slot is None else message
            )
        except MemoryError:
            message.taken = False
            raise

    def reported(self, message):
        self.journal.note(_REPORTED, _pack([message.order]))
        message.report_owed = False
        if message.taken and message.slot is not None:
            self.journal.release(message.slot)
            message.slot = None

    def opened(self, segments):
        """A set of segments begins, or is known better: from now on a restart goes on with it. Raises OSError."""
        before = segments.slot
        segments.slot = self.journal.append(_OPENED, _pack(self._set_header(segments)), segments)
        self.journal.release(before)

    def closed(self, segments):
        """It was given up, or it became a message (whose own record says so)."""
        if segments.slot is not None:
            self.journal.note(_CLOSED, _pack([segments.key[0], segments.set_id]))
            self.journal.release(segments.slot)
            segments.slot = None

    def _set_header(self, segments):
        return [segments.key[0], segments.set_id, segments.payload.row, self._message_header(segments.header)]

    def _seen_with(self, message):
        seen = self._seen + _digest(message.sender, message.message_id)
        if message.set_id is not None:
            seen += _digest(message.sender, _SET + message.set_id)
        return seen[-_SEEN * _DIGEST :]

    def _message_header(self, message):
        header = [
            message.order,
            message.sender,
            message.sender_type,
            message.to,
            message.to_type,
            message.message_id,
            message.app_id,
            message.priority,
            message.report_requested,
            message.report_owed,
            message.taken,
            message.row,
        ]
        return header if message.set_id is None else header + [message.set_id]

    def _read_message(self, header):
        message = Message(*header[1:9])
        message.order = header[0]
        message.report_owed, message.taken, message.row = header[9:12]
        if isinstance(message.app_id, list):
            message.app_id = tuple(message.app_id)
        if len(header) > 12:
            message.set_id = header[12]
        return message

    # --- after a restart ----------------------------------------------------------------------------

    def recover(self):
        """Reads the journal into the lists; what nothing refers to any more is removed from the storage."""
        found = _Found()
        for kind, body, row, offset in self.journal.open():
            fields, length = _unpack(body)
            slot = Slot(None, row, offset, len(body))
            if kind in (_SENT, _RECEIVED):
                self._order = max(self._order, fields[0])
            if kind == _SENT:
                slot.owner = found.outgoing[fields[1]] = self._read_outgoing(fields, slot)
            elif kind == _ACCEPTED and fields[0] in found.outgoing:
                found.outgoing[fields[0]].accepted = True
            elif kind == _PROGRESS and fields[0] in found.outgoing:
                found.outgoing[fields[0]].progress = fields[1]
            elif kind == _COUNTED and fields[0] in found.outgoing:
                _count(found.outgoing[fields[0]], fields[1:])
            elif kind == _ENDED:
                found.outgoing.pop(fields[0], None)
                self._remember(tuple(fields))
            elif kind == _OPENED:
                found.sets[(fields[0], fields[1])] = fields[:3] + [self._read_message(fields[3]), slot]
            elif kind == _CLOSED:
                found.sets.pop((fields[0], fields[1]), None)
            elif kind == _RECEIVED:
                slot.owner = message = self._read_message(fields)
                message.lies(self.journal, slot, len(body) - length)
                found.messages[message.order] = message
                if not self.seen(message.sender, message.message_id):
                    self._seen = self._seen_with(message)
            elif kind in (_TAKEN, _REPORTED):
                message = found.message(fields[0])
                if message is not None:
                    message.taken = message.taken or kind == _TAKEN
                    message.report_owed = kind == _TAKEN and fields[1]
            elif kind == _CHECKPOINT:
                self._order = max(self._order, fields[0])
                self.endings = [tuple(ending) for ending in fields[1]]
                self._seen = bytearray(body[length:])
        self._settle(found)

    def _settle(self, found):
        rows = [] if self._lent is None else [_row_of(self._lent)]
        for outgoing in sorted(found.outgoing.values(), key=_by_order):
            self.journal.live(outgoing.slot)
            if outgoing.accepted:
                self.waiting.append(outgoing)
            else:
                self.queue.append(outgoing)
                rows.append(outgoing.source.row)
        for message in sorted(found.messages.values(), key=_by_order):
            if message.taken and not message.report_owed:
                message.slot = None
                continue
            self.journal.live(message.slot)
            if not message.taken:
                self.inbox.append(message)
                rows.append(_row_of(message))
            if message.report_owed:
                self.reports.append(message)
        for fields in found.sets.values():
            # else it became a message, and only the note of it is lost
            if not self.seen(fields[0], fields[3].message_id, fields[1]):
                self.journal.live(fields[4])
                self.sets.append(fields)
                rows.append(fields[2])
        for name in self._storage.names():
            prefix, _, number = name.partition("-")
            if prefix in ("out", "set", "in") and number.isdigit():
                self._row = max(self._row, int(number))
                if name not in rows:
                    discard(self._storage, name)

    def new_row(self, prefix):
        """The name of a row that is not there yet: "out-" or "set-" and a number."""
        self._row += 1
        return prefix + str(self._row)

    # --- what the journal asks for --------------------------------------------------------------------

    def _checkpoint(self):
        return _CHECKPOINT, _pack([self._order, self.endings], self._seen)

    def _renew(self, slot):
        owner = slot.owner
        if isinstance(owner, Outgoing):
            payload = b""
            if not owner.accepted and owner.source.row is None:
                payload = owner.source.read(0, owner.size)
            return _SENT, _pack(self._outgoing_header(owner), payload)
        if isinstance(owner, Message):
            return _RECEIVED, _pack(self._message_header(owner), b"" if owner.taken else owner.octets())
        return _OPENED, _pack(self._set_header(owner))


def _row_of(message):
    # a Row of MSGin5G-5 says where in the storage's row it is, too
    return message.row[0] if isinstance(message.row, list) else message.row


class _Found:
    """What the records add up to: by message ID, by the order of what came in, and by sender and set ID."""

    def __init__(self):
        self.outgoing = {}
        self.messages = {}
        self.sets = {}

    def message(self, name):
        """That a record is about: by its order, or by its ID as earlier firmware wrote it; None where it is gone."""
        if isinstance(name, str):
            for message in self.messages.values():
                if message.message_id == name:
                    return message
        return self.messages.get(name)


def _by_order(each):
    return each.order


def _digest(sender, message_id):
    # No sender has a control character. IDs are UUIDs, which RFC 4122 section 3 reads in either case.
    return hashlib.sha256((sender + "\n" + message_id.lower()).encode()).digest()[:_DIGEST]


def _counts(outgoing):
    cause = outgoing.cause and outgoing.cause[:_CAUSE]
    return [outgoing.reports["success"], outgoing.reports["failure"], cause]


def _count(outgoing, fields):
    """The other way: what an earlier run had counted, where it had."""
    if fields and outgoing.reports:
        outgoing.reports["success"], outgoing.reports["failure"], outgoing.cause = fields
