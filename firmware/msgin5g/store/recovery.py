# SPDX-License-Identifier: MIT
"""After a restart: from the records of the journal to the lists of `MessageStore`, whose `recover` imports this.

Whatever lies on flash, this raises nothing. A record whose kind is not known, that lacks a field that it needs or has
one of another type, is skipped and counted; a field too many is passed over. The tables below are those of
docs/flash-format.md, which also says how to change them.
"""

from coap.compat import PLAIN, const

from ..timing import Countdown
from ..wire.identifiers import PRIORITIES
from .journal import RecordRef, RecordSource
from .outgoing import Outgoing
from .records import file_number, opened
from .storage import discard, loads

_DIGEST = const(8)  # octets of each message that was seen
_MAX_SEEN = const(64)  # messages that are remembered
_MAX_PAYLOAD = const(1 << 29)  # octets of a payload
_LEAST_ROOM = const(64)  # of a segment, see outgoing/body_builder.py

# A field is a name and a type, with "?" where it may be missing or null:
# n  number, an integer of 0 or more     i  any integer     b  boolean     s  string     l  list
# m  string in which JSON escapes nothing: such stand in a body as they are
# a  app ID: string, integer, list of strings       c  [limit, room, set ID] of what goes in segments
# o  file "out-N"       t  file "set-N"      w  file "set-N" or ["in-N", offset, size]      k  order, or message ID
OUTGOING = (
    ("order", "n"),
    ("message_id", "m"),
    ("to", "s"),
    ("to_type", "m"),
    ("app_id", "a?"),
    ("report", "b"),
    ("priority", "s"),
    ("store_forward", "b"),
    ("left", "i?"),
    ("expire_time", "s?"),
    ("text", "b"),
    ("size", "n"),
    ("file", "o?"),
    ("segmentation", "c?"),
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
    ("file", "w?"),
    ("set_id", "s?"),
)
OPENED = (
    ("sender", "s"),
    ("set_id", "s"),
    ("file", "t"),
    ("message", "l"),
    ("total", "n?"),
    ("octets", "n?"),
)
ENDING = (("message_id", "s"), ("to", "s?"), ("to_type", "s?"), ("state", "s?"), ("cause", "s?"))
# kind, the method that handles it, its fields
KINDS = (
    ("S", "_sent", OUTGOING),
    ("A", "_accepted", (("message_id", "s"),)),
    ("P", "_progress", (("message_id", "s"), ("progress", "s"))),
    ("N", "_counted", (("message_id", "s"), ("success", "n"), ("failure", "n"), ("cause", "s?"))),
    ("E", "_ended", ENDING),
    ("J", "_joined", (("message_id", "m"), ("orders", "l"), ("dissolved", "b?"))),
    ("O", "_opened", OPENED),
    ("C", "_closed", (("sender", "s"), ("set_id", "s"))),
    ("R", "_received", MESSAGE),
    ("T", "_taken", (("message", "k"), ("report_owed", "b?"))),
    ("Q", "_reported", (("message", "k"),)),
    ("K", "_checkpoint", (("order", "n"), ("history", "l"), ("foreign", "n?"), ("unnamed", "n?"))),
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
            or (kind == "m" and not value.encode().strip(PLAIN))
            or (kind == "o" and file_number(value, "out-") is not None)
            or (kind in "tw" and file_number(value, "set-") is not None)
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
            and file_number(value[0], "in-") is not None
            and _bounds(value[1:], 0)
        )
    return kind == "l"


def _bounds(values, least):
    return all([type(value) is int and least <= value < _MAX_PAYLOAD for value in values])


class Recovery:
    """What the records add up to: by message ID, by the order of what came in, and by sender and set ID. It fills the
    lists of `store`, and lets its journal know which records are live."""

    def __init__(self, store, storage):
        self._store = store
        self._storage = storage
        self._outgoing = {}
        self._messages = {}
        self._sets = {}
        self._joinings = {}

    def run(self):
        journal = self._store.journal
        for kind, body, file, offset in opened(journal, self._storage):
            try:
                self._read(chr(kind), body, RecordRef(None, file, offset, len(body)))
            except ValueError:
                journal.unknown += 1
        self._apply()

    def _read(self, kind, body, ref):
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
        getattr(self, handler)(fields, ref, body[length:])

    # --- a handler a kind: its fields, where the record is, what is behind its header -----------------

    def _sent(self, fields, ref, payload):
        if fields.file is not None:
            from .sources import LostSource, StoredSource  # loaded where there is one

            kind = StoredSource
            if not fields.accepted and not self._reaches(fields):
                kind = LostSource
                fields.segmentation = None
            source = kind(self._storage, fields.file, fields.size, fields.text)
        elif fields.accepted or fields.size == len(payload):
            source = RecordSource(self._store.journal, ref, fields.size, fields.text)
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
        outgoing.ref = ref
        outgoing.expire_time = fields.expire_time
        outgoing.segmentation = fields.segmentation
        outgoing.progress = fields.progress
        if fields.accepted:
            outgoing.stands = "accepted"
        if fields.left is not None:
            outgoing.expires = Countdown(fields.left)
        if fields.failure:
            _count(outgoing, fields)
        ref.owner = self._outgoing[fields.message_id] = outgoing
        self._store.order = max(self._store.order, fields.order)

    def _reaches(self, fields):
        """Return whether its file is as long as it should be."""
        if not fields.size:
            return True
        try:
            return fields.size < _MAX_PAYLOAD and self._storage.read(fields.file, fields.size - 1, 1)
        except OSError:
            return False

    def _accepted(self, fields, ref, payload):
        if fields.message_id in self._outgoing:
            self._outgoing[fields.message_id].stands = "accepted"

    def _progress(self, fields, ref, payload):
        if fields.message_id in self._outgoing:
            self._outgoing[fields.message_id].progress = fields.progress

    def _counted(self, fields, ref, payload):
        if fields.message_id in self._outgoing:
            _count(self._outgoing[fields.message_id], fields)

    def _ended(self, fields, ref, payload):
        self._outgoing.pop(fields.message_id, None)
        if fields.state is not None:
            self._store.remember(_finished(fields))

    def _joined(self, fields, ref, payload):
        if not all([type(order) is int for order in fields.orders]):
            raise ValueError
        ref.owner = fields.message_id, fields.orders, fields.dissolved
        self._joinings[fields.message_id] = list(ref.owner) + [ref]

    def _opened(self, fields, ref, payload):
        key = (fields.sender, fields.set_id)
        message = _message(_Fields(MESSAGE, fields.message))
        opened = [fields.sender, fields.set_id, fields.file, message, ref, fields.total, fields.octets]
        ref.owner = self._sets[key] = opened

    def _closed(self, fields, ref, payload):
        self._sets.pop((fields.sender, fields.set_id), None)

    def _received(self, fields, ref, payload):
        message = _message(fields)
        ref.owner = message
        message.attach_record(self._store.journal, ref, len(payload))
        self._messages[message.order] = message
        store = self._store
        store.order = max(store.order, message.order)
        if not store.seen(message.sender, message.message_id):
            store.remember_seen(store.digests_with(message))

    def _taken(self, fields, ref, payload):
        message = self._named(fields.message)
        if message is not None:
            message.taken = True
            message.report_owed = fields.report_owed

    def _reported(self, fields, ref, payload):
        message = self._named(fields.message)
        if message is not None:
            message.report_owed = False

    def _checkpoint(self, fields, ref, payload):
        store = self._store
        store.order = max(store.order, fields.order)
        store.history = []
        for finished in fields.history:
            try:
                store.remember(_finished(_Fields(ENDING, finished)))
            except ValueError:
                store.journal.unknown += 1
        whole = len(payload) // _DIGEST * _DIGEST
        store.digests = bytearray(payload[:whole][-_MAX_SEEN * _DIGEST :])
        # log segments without a head have digests of the message ID alone
        store.unnamed = fields.unnamed if store.journal.version else _MAX_SEEN
        store.foreign = fields.foreign

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
        store = self._store
        retain = store.journal.retain
        files = [] if store.lent is None else [_file_of(store.lent)]
        for outgoing in sorted(self._outgoing.values(), key=_by_order):
            retain(outgoing.ref)
            if outgoing.stands == "accepted":
                store.waiting.append(outgoing)
            else:
                outgoing.resumed = True  # it may have been on the air, see procedures/stored.py
                store.queue.append(outgoing)
                files.append(outgoing.source.file)
        for message in sorted(self._messages.values(), key=_by_order):
            if message.taken and not message.report_owed:
                message.ref = None
                continue
            retain(message.ref)
            if not message.taken:
                store.inbox.append(message)
                files.append(_file_of(message))
            if message.report_owed:
                store.reports.append(message)
        for fields in self._sets.values():
            # else it became a message, and only the deferred record of it is lost
            if not store.seen(fields[0], fields[3].message_id, fields[1]):
                retain(fields[4])
                store.sets.append(fields)
                files.append(fields[2])
        self._join()
        self._discard_all_but(files)

    def _join(self):
        left = [outgoing.order for outgoing in self._outgoing.values()]
        found = [each for each in self._joinings.values() if any([order in left for order in each[1]])]
        if found:
            self._store.compositions = _newest(found)
            for each in self._store.compositions:
                self._store.journal.retain(each[3])

    def _discard_all_but(self, files):
        """Remove the payloads that nothing refers to any more."""
        store = self._store
        orphans = []
        # what is referred to may not be there: then no other file may come to have its name
        for name in list(store.journal.names()) + [name for name in files if name is not None]:
            for prefix in ("out-", "set-", "in-"):
                number = file_number(name, prefix)
                if number is not None:
                    store.file = max(store.file, number)
                    if name not in files:
                        orphans.append((number, name))
        if not store.journal.newer:
            store.foreign = 0
        elif not store.foreign:
            # A file older than our first record may belong to log segments of a newer version.
            store.foreign = store.file
        for number, name in orphans:
            if number > store.foreign:
                discard(self._storage, name)


def _message(fields):
    from .message import Message  # loaded where one came in

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
    message.file = fields.file
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


def _finished(fields):
    return fields.message_id, fields.to, fields.to_type, fields.state, fields.cause


def _file_of(message):
    # a StoredFile of MSGin5G-5 says where in the storage's file it is, too
    return message.file[0] if isinstance(message.file, list) else message.file


def _newest(joinings):
    """Return those without any that has a message of a newer one: what went out otherwise later."""
    kept = []
    joined = []
    for each in sorted(joinings, key=_by_place, reverse=True):
        if not any([order in joined for order in each[1]]):
            joined += each[1]
            kept.append(each)
    return kept


def _by_place(joining):
    return joining[3].segment, joining[3].offset


def _by_order(each):
    return each.order
