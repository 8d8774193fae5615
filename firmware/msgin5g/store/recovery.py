# SPDX-License-Identifier: MIT
"""After a restart: from the records of the journal to the lists of the ledger. Imported by `Ledger.recover`.

Whatever lies on flash, this raises nothing. A record whose kind is not known, that lacks a field that it needs or has
one of another type, is skipped and counted; a field too many is passed over. The tables below are those of
docs/flash-format.md, which also says how to change them.
"""

from coap.compat import const

from ..timing import Countdown
from ..wire.identifiers import PRIORITIES
from .journal import Slot, row_number
from .message import Message
from .outgoing import Outgoing
from .storage import JournalSource, RowSource, discard, loads

_DIGEST = const(8)  # octets of each message that was seen
_SEEN = const(64)  # messages that are remembered
_LARGEST = const(1 << 29)  # octets of a payload
_LEAST_ROOM = const(64)  # of a segment, see outgoing/segmentation.py

# A field is a name and a type, with "?" where it may be missing or null:
# n  number, an integer of 0 or more     i  any integer     b  boolean     s  string     l  list
# a  app ID: string, integer, list of strings       c  [limit, room, set ID] of what goes in segments
# o  row "out-N"       t  row "set-N"      w  row "set-N" or ["in-N", offset, size]      k  order, or message ID
OUTGOING = (
    ("order", "n"),
    ("message_id", "s"),
    ("to", "s"),
    ("to_type", "s"),
    ("app_id", "a?"),
    ("report", "b"),
    ("priority", "s"),
    ("store_forward", "b"),
    ("left", "i?"),
    ("expire_time", "s?"),
    ("text", "b"),
    ("size", "n"),
    ("row", "o?"),
    ("cut", "c?"),
    ("progress", "s?"),
    ("accepted", "b?"),
    ("success", "n?"),
    ("failure", "n?"),
    ("cause", "s?"),
)
MESSAGE = (
    ("order", "n"),
    ("sender", "s"),
    ("sender_type", "s?"),
    ("to", "s"),
    ("to_type", "s"),
    ("message_id", "s"),
    ("app_id", "a?"),
    ("priority", "s?"),
    ("report_requested", "b?"),
    ("report_owed", "b?"),
    ("taken", "b?"),
    ("row", "w?"),
    ("set_id", "s?"),
)
ENDING = (("message_id", "s"), ("to", "s?"), ("to_type", "s?"), ("state", "s?"), ("cause", "s?"))
# kind, the method that handles it, its fields
KINDS = (
    ("S", "_sent", OUTGOING),
    ("A", "_accepted", (("message_id", "s"),)),
    ("P", "_progress", (("message_id", "s"), ("progress", "s"))),
    ("N", "_counted", (("message_id", "s"), ("success", "n"), ("failure", "n"), ("cause", "s?"))),
    ("E", "_ended", ENDING),
    ("O", "_opened", (("sender", "s"), ("set_id", "s"), ("row", "t"), ("message", "l"))),
    ("C", "_closed", (("sender", "s"), ("set_id", "s"))),
    ("R", "_received", MESSAGE),
    ("T", "_taken", (("message", "k"), ("report_owed", "b?"))),
    ("Q", "_reported", (("message", "k"),)),
    ("K", "_checkpoint", (("order", "n"), ("endings", "l"), ("foreign", "n?"), ("unnamed", "n?"))),
)


class _Fields:
    """The fields of a record as attributes."""

    def __init__(self, table, values):
        """Raise ValueError where `values` is no list, or a field is missing or of another type."""
        if not isinstance(values, list):
            raise ValueError
        for position in range(len(table)):
            name, kind = table[position]
            value = values[position] if position < len(values) else None
            if value is None and kind[1:]:
                value = False if kind[0] == "b" else 0 if kind[0] == "n" else None
            elif not _is(kind[0], value):
                raise ValueError
            setattr(self, name, value)


def _is(kind, value):
    """Return whether a value is of this type. Raise ValueError for a string that is no text."""
    form = type(value)  # isinstance takes a bool for an int
    if kind == "b":
        return form is bool
    if form is str:
        value.encode()  # half of a surrogate pair is no character
        return (
            kind in "sak"
            or (kind == "o" and row_number(value, "out-") is not None)
            or (kind in "tw" and row_number(value, "set-") is not None)
        )
    if form is int:
        return kind == "i" or (kind in "nak" and value >= 0)
    if form is not list:
        return False
    if kind == "a":
        return all([type(each) is str and _is("s", each) for each in value])
    if kind == "c":
        return len(value) == 3 and _is("s", value[2]) and _bounds(value[:2], _LEAST_ROOM)
    if kind == "w":
        return (
            len(value) == 3
            and type(value[0]) is str
            and row_number(value[0], "in-") is not None
            and _bounds(value[1:], 0)
        )
    return kind == "l"


def _bounds(values, least):
    return all([type(value) is int and least <= value < _LARGEST for value in values])


class _LostSource(RowSource):
    """A row that is not as long as it was: the message fails when its turn comes, and the application is told."""

    def read(self, offset, size):
        raise OSError("%s has not all of %d octets" % (self.row, self.size))


class Recovery:
    """What the records add up to: by message ID, by the order of what came in, and by sender and set ID. It fills the
    lists of `ledger`, and lets its journal know which records are live."""

    def __init__(self, ledger, storage):
        self._ledger = ledger
        self._storage = storage
        self._outgoing = {}
        self._messages = {}
        self._sets = {}

    def run(self):
        journal = self._ledger.journal
        for kind, body, row, offset in journal.open():
            try:
                self._read(chr(kind), body, Slot(None, row, offset, len(body)))
            except ValueError:
                journal.unknown += 1
        self._apply()

    def _read(self, kind, body, slot):
        handler = table = None
        for each in KINDS:
            if each[0] == kind:
                _, handler, table = each
        if handler is None:
            raise ValueError
        length = 2 + int.from_bytes(body[:2], "big")
        if length > len(body):
            raise ValueError
        fields = _Fields(table, loads(body[2:length]))
        getattr(self, handler)(fields, slot, body[length:])

    # --- a handler a kind: its fields, where the record is, what is behind its header -----------------

    def _sent(self, fields, slot, payload):
        if fields.row is not None:
            source = RowSource(self._storage, fields.row, fields.size, fields.text)
            if not fields.accepted and not self._reaches(fields):
                source = _LostSource(self._storage, fields.row, fields.size, fields.text)
                fields.cut = None
        elif fields.accepted or fields.size == len(payload):
            source = JournalSource(self._ledger.journal, slot, fields.size, fields.text)
        else:
            raise ValueError
        outgoing = Outgoing(
            fields.message_id,
            fields.to,
            fields.to_type,
            source,
            _several(fields.app_id),
            fields.report,
            fields.priority if fields.priority in PRIORITIES else "NORMAL",
            fields.store_forward,
            False,
        )
        outgoing.order = fields.order
        outgoing.slot = slot
        outgoing.expire_time = fields.expire_time
        outgoing.cut = fields.cut
        outgoing.progress = fields.progress
        if fields.accepted:
            outgoing.stands = "accepted"
        if fields.left is not None:
            outgoing.expires = Countdown(fields.left)
        if fields.failure:
            _count(outgoing, fields)
        slot.owner = self._outgoing[fields.message_id] = outgoing
        self._ledger.order = max(self._ledger.order, fields.order)

    def _reaches(self, fields):
        """Return whether its row is as long as it should be."""
        if not fields.size:
            return True
        try:
            return fields.size < _LARGEST and self._storage.read(fields.row, fields.size - 1, 1)
        except OSError:
            return False

    def _accepted(self, fields, slot, payload):
        if fields.message_id in self._outgoing:
            self._outgoing[fields.message_id].stands = "accepted"

    def _progress(self, fields, slot, payload):
        if fields.message_id in self._outgoing:
            self._outgoing[fields.message_id].progress = fields.progress

    def _counted(self, fields, slot, payload):
        if fields.message_id in self._outgoing:
            _count(self._outgoing[fields.message_id], fields)

    def _ended(self, fields, slot, payload):
        self._outgoing.pop(fields.message_id, None)
        if fields.state is not None:
            self._ledger.remember(_ending(fields))

    def _opened(self, fields, slot, payload):
        key = (fields.sender, fields.set_id)
        message = _message(_Fields(MESSAGE, fields.message))
        slot.owner = self._sets[key] = [fields.sender, fields.set_id, fields.row, message, slot]

    def _closed(self, fields, slot, payload):
        self._sets.pop((fields.sender, fields.set_id), None)

    def _received(self, fields, slot, payload):
        message = _message(fields)
        slot.owner = message
        message.lies(self._ledger.journal, slot, len(payload))
        self._messages[message.order] = message
        ledger = self._ledger
        ledger.order = max(ledger.order, message.order)
        if not ledger.seen(message.sender, message.message_id):
            ledger.saw(ledger.digests_with(message))

    def _taken(self, fields, slot, payload):
        message = self._named(fields.message)
        if message is not None:
            message.taken = True
            message.report_owed = fields.report_owed

    def _reported(self, fields, slot, payload):
        message = self._named(fields.message)
        if message is not None:
            message.report_owed = False

    def _checkpoint(self, fields, slot, payload):
        ledger = self._ledger
        ledger.order = max(ledger.order, fields.order)
        ledger.endings = []
        for ending in fields.endings:
            try:
                ledger.remember(_ending(_Fields(ENDING, ending)))
            except ValueError:
                ledger.journal.unknown += 1
        whole = len(payload) // _DIGEST * _DIGEST
        ledger.digests = bytearray(payload[:whole][-_SEEN * _DIGEST :])
        # rows without a head have digests of the message ID alone
        ledger.unnamed = fields.unnamed if ledger.journal.version else _SEEN
        ledger.foreign = fields.foreign

    def _named(self, name):
        """Return the received message that a record is about: by its order, or by its ID as version 0 has it. None
        where it is gone."""
        if isinstance(name, str):
            for message in self._messages.values():
                if message.message_id == name:
                    return message
        return self._messages.get(name)

    # --- what it all comes to -------------------------------------------------------------------------

    def _apply(self):
        ledger = self._ledger
        live = ledger.journal.live
        rows = [] if ledger.lent is None else [_row_of(ledger.lent)]
        for outgoing in sorted(self._outgoing.values(), key=_by_order):
            live(outgoing.slot)
            if outgoing.stands == "accepted":
                ledger.waiting.append(outgoing)
            else:
                ledger.queue.append(outgoing)
                rows.append(outgoing.source.row)
        for message in sorted(self._messages.values(), key=_by_order):
            if message.taken and not message.report_owed:
                message.slot = None
                continue
            live(message.slot)
            if not message.taken:
                ledger.inbox.append(message)
                rows.append(_row_of(message))
            if message.report_owed:
                ledger.reports.append(message)
        for fields in self._sets.values():
            # else it became a message, and only the note of it is lost
            if not ledger.seen(fields[0], fields[3].message_id, fields[1]):
                live(fields[4])
                ledger.sets.append(fields)
                rows.append(fields[2])
        self._discard_all_but(rows)

    def _discard_all_but(self, rows):
        """Remove the payloads that nothing refers to any more."""
        ledger = self._ledger
        orphans = []
        for name in ledger.journal.names():
            for prefix in ("out-", "set-", "in-"):
                number = row_number(name, prefix)
                if number is not None:
                    ledger.row = max(ledger.row, number)
                    if name not in rows:
                        orphans.append((number, name))
        if not ledger.journal.newer:
            ledger.foreign = 0
        elif not ledger.foreign:
            # What was there before the first record of ours may belong to the newer rows.
            ledger.foreign = ledger.row
        for number, name in orphans:
            if number > ledger.foreign:
                discard(self._storage, name)


def _message(fields):
    message = Message(
        fields.sender,
        fields.sender_type,
        fields.to,
        fields.to_type,
        fields.message_id,
        _several(fields.app_id),
        fields.priority,
        fields.report_requested,
    )
    message.order = fields.order
    message.report_owed = fields.report_owed
    message.taken = fields.taken
    message.row = fields.row
    if fields.set_id is not None:
        message.set_id = fields.set_id
    return message


def _several(app_id):
    return tuple(app_id) if isinstance(app_id, list) else app_id


def _count(outgoing, fields):
    if outgoing.reports:
        outgoing.reports["success"] = fields.success
        outgoing.reports["failure"] = fields.failure
        outgoing.cause = fields.cause


def _ending(fields):
    return fields.message_id, fields.to, fields.to_type, fields.state, fields.cause


def _row_of(message):
    # a Row of MSGin5G-5 says where in the storage's row it is, too
    return message.row[0] if isinstance(message.row, list) else message.row


def _by_order(each):
    return each.order
