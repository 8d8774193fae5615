# SPDX-License-Identifier: MIT
"""An append-only journal over the rows of a storage, readable after a power cut at any moment.

    record:  0xA7 | kind (1) | length (2) | body | CRC-32 of all before it (4)

Records go to the newest row ("log-7"), which begins with a record that says its version (docs/flash-format.md). A full
row is closed and the next begun; the oldest row is given up once nothing in it is live, or after what is live in it was
written again. Always the oldest: so a record that ends something never goes before the record that began it.
"""

import binascii

from coap.compat import const

from ..errors import StorageError

_MAGIC = const(0xA7)
_AROUND = const(8)  # octets of a record that are not its body
_PREFIX = "log-"
_HEAD = const(0x56)  # the kind of the first record of a row
_LONG = const(1024)  # octets of a body that is looked for before it is read
_VERSION = const(1)  # of the rows that are written; those without a head are of version 0
_HEAD_BODY = (
    b"\x00\x03[1]"  # [_VERSION] in the form of all bodies (ledger.py): who knows no heads passes over it
)
_LOST = OSError("the row is not as long as it was")


def record(kind, body):
    """Return the octets of one record. `kind` is an int below 256, `body` at most 65535 octets."""
    data = bytearray((_MAGIC, kind, len(body) >> 8, len(body) & 255))
    data += body
    data += binascii.crc32(data).to_bytes(4, "big")
    return data


def row_number(name, prefix):
    """Return the number in a name that is `prefix` and a number, as an int of 0 or more; None for any other name."""
    try:
        number = int(name[len(prefix) :])
    except ValueError:
        return None
    return number if number >= 0 and name == prefix + str(number) else None


def _version(body):
    """Return the version that the body of a head says: the first number of a list. None where it says none."""
    try:
        return int(body[3:].split(b"]")[0].split(b",")[0])
    except ValueError:
        return None


class Records:
    """The records of a row, for a `for` loop: (kind, offset of the body, body).

    Octets that are no record are passed over: `damaged` counts the places amid others, `torn` tells that
    the row ends in one, as a cut within a write leaves it. `end` is where the row ends.
    """

    def __init__(self, storage, row):
        self.damaged = 0
        self.torn = False
        self.end = 0
        self._storage = storage
        self._row = row

    def __iter__(self):
        storage = self._storage
        offset = 0
        while True:
            found = self._at(offset)
            if found is None:
                if not storage.read(self._row, offset, 1):
                    break
                if not self.torn:
                    self.torn = True  # until a record follows
                offset += 1
                continue
            if self.torn:
                self.torn = False
                self.damaged += 1
            kind, body = found
            yield kind, offset + 4, body
            offset += len(body) + _AROUND
        self.end = offset

    def _at(self, offset):
        head = self._storage.read(self._row, offset, 4)
        if len(head) < 4 or head[0] != _MAGIC:
            return None
        length = head[2] << 8 | head[3]
        # octets that only look like a head may ask for more than the heap has in one piece
        if length > _LONG and not self._storage.read(self._row, offset + length + 7, 1):
            return None
        rest = self._storage.read(self._row, offset + 4, length + 4)
        if len(rest) < length + 4:
            return None
        body = rest[:length]
        if binascii.crc32(body, binascii.crc32(head)) != int.from_bytes(rest[length:], "big"):
            return None
        return head[1], body


class Slot:
    """Where a live record lies. `owner` is what the record is about; the journal asks it to be written again."""

    def __init__(self, owner, row, offset, length):
        self.owner = owner
        self.row = row
        self.offset = offset
        self.length = length


class Journal:
    """See the module. `checkpoint()` gives the (kind, body) that begins each new row, all that must outlive
    the rows before it; `renew(slot)` the (kind, body) by which a live record is written again.
    """

    ROW = 8192  # octets after which a row is closed

    def __init__(self, storage, checkpoint, renew):
        self.writes = 0
        self.failed = 0
        self.torn = 0
        self.damaged = 0
        self.unknown = 0  # records whose kind or fields this firmware does not know
        self.newer = 0  # rows of a newer version, which are left alone
        self.version = 0  # of the row that `open` is in
        # What the OSError says where the storage could not even say which rows it has: none is known then, so nothing
        # is written that could lie where one is. The next start asks again.
        self.unread = None
        self._storage = storage
        self._checkpoint = checkpoint
        self._renew = renew
        self._rows = []  # numbers, oldest first
        self._foreign = -1  # the highest number of those that are left alone
        self._filled = 0  # octets in the newest
        self._slots = []
        self._notes = []
        self._moving = False  # records were written again, and their slots may not know yet

    def open(self):
        """Return all records that can be read, oldest first: (kind, body, row, offset of the body). A row of a
        newer version is passed over; nothing writes to it or removes it. Where the storage cannot say its rows there
        are none, and `unread` says why."""
        numbers = [row_number(name, _PREFIX) for name in self.names()]
        for row in sorted([number for number in numbers if number is not None]):
            records = Records(self._storage, _PREFIX + str(row))
            self.version = 0
            try:
                for kind, offset, body in records:
                    if kind == _HEAD and offset == 4:
                        self.version = _version(body)
                        if self.version is None or self.version > _VERSION:
                            self._foreign = row
                            self.newer += 1
                            break
                    else:
                        yield kind, body, row, offset
            except OSError:
                self.damaged += 1  # what was read of it counts
            if self._foreign != row:
                self._rows.append(row)
            self.damaged += records.damaged
            self.torn += records.torn
        # What may be half a record stays where it is, and nothing is written behind it.
        self._filled = self.ROW

    def names(self):
        """Return the names of all rows of the storage; none where it cannot say them, which `unread` tells then."""
        try:
            return self._storage.names()
        except OSError as error:
            self.unread = error.args or (0,)
            return ()

    def check(self):
        """Raise StorageError where it is not known what lies in the storage."""
        if self.unread is not None:
            self.failed += 1
            raise StorageError(OSError(*self.unread))

    def append(self, kind, body, owner=None):
        """Write a record, and the notes that wait, in one step; return its Slot where it has an owner.

        Raise OSError; then nothing counts as written and the notes go on waiting.
        """
        slot = self.write(kind, body, owner)
        self.clean()
        return slot

    def write(self, kind, body, owner=None):
        """Do the first half of `append`, for a record that the next checkpoint must know of; `clean` is the second."""
        return self._write([(kind, body, owner)])

    def clean(self):
        """Give up old rows. It may begin a new one, with a checkpoint."""
        try:
            self._clean()
        except (OSError, MemoryError):
            self.failed += 1  # what was written is safe; old rows go another time

    def note(self, kind, body):
        """Keep a record that need not be safe yet: it goes with the next write, or `flush`."""
        self._notes.append((kind, body, None))

    def flush(self):
        """Write the notes that wait."""
        if self._notes:
            self._write([])

    def live(self, slot):
        """Take note that a record found by `open` is still needed."""
        self._slots.append(slot)

    def release(self, slot):
        """Take note that the record is not needed any more. Its octets go when its row goes."""
        if slot in self._slots:
            self._slots.remove(slot)

    def read(self, slot, skip, size):
        """Return octets of a record's body, from `skip` on. Raise OSError where they are gone."""
        octets = self._storage.read(_PREFIX + str(slot.row), slot.offset + skip, size)
        if len(octets) != size:
            raise OSError("a record vanished from the storage")
        return octets

    @property
    def octets(self):
        """What the rows hold at the least; for people who look at sizes."""
        return max(0, len(self._rows) - 1) * self.ROW + self._filled

    def _write(self, records):
        self.check()
        again = records
        records = self._notes + records
        row = max(0, self._foreign, self._rows[-1] if self._rows else 0)
        filled = self._filled
        if filled >= self.ROW or not self._rows:
            row += 1
            filled = 0
            records = [(_HEAD, _HEAD_BODY, None), self._checkpoint() + (None,)] + records
        data = bytearray()
        slots = []
        for kind, body, owner in records:
            if owner is not None:
                slots.append(Slot(owner, row, filled + len(data) + 4, len(body)))
            data += record(kind, body)
        # All that needs memory comes before the write, or it would count as failed though it was made.
        new = row not in self._rows
        if new:
            self._rows.append(row)
        self._slots.extend(slots)
        filled += len(data)
        try:
            end = self._storage.append(_PREFIX + str(row), data)
            if end is not None and end != filled:
                raise _LOST
        except (OSError, MemoryError) as error:
            self.failed += 1
            for slot in slots:
                self._slots.remove(slot)
            # How much of it got there is not known: the next write goes to a row of its own, or to this one anew.
            self._filled = self.ROW
            if new and self._removed(row):
                self._rows.pop()
            if error is _LOST and not new:
                # Somebody deleted the row: what it held is gone, what comes is not.
                return self._write(again)
            raise
        self.writes += 1
        self._filled = filled
        del self._notes[:]
        return slots[-1] if slots else None

    def _removed(self, row):
        try:
            self._storage.remove(_PREFIX + str(row))
        except (OSError, MemoryError):
            return False
        return True

    def _clean(self):
        """Give up old rows, so that all of them together stay within about twice what is live."""
        if self._moving:
            self._settle()
        newest = self._rows[-1]  # or it would not end where each record written again begins a row
        while self._rows[0] != newest:
            oldest = self._rows[0]
            live = [slot for slot in self._slots if slot.row == oldest]
            if live:
                octets = sum([slot.length + _AROUND for slot in self._slots])
                if len(self._rows) <= 3 + 2 * octets // self.ROW:
                    return
                moved = [self._renew(slot) + (_Moved(slot),) for slot in live]
                self._moving = True
                self._write(moved)
                self._settle()
            self._storage.remove(_PREFIX + str(oldest))
            self._rows.pop(0)

    def _settle(self):
        """Take note that the slots of records that were just written again point to the new place."""
        for position in range(len(self._slots) - 1, -1, -1):
            moved = self._slots[position]
            if isinstance(moved.owner, _Moved):
                slot = moved.owner.slot
                slot.row = moved.row
                slot.offset = moved.offset
                slot.length = moved.length
                self._slots.pop(position)
        self._moving = False


class _Moved:
    def __init__(self, slot):
        self.slot = slot
