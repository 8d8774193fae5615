# SPDX-License-Identifier: MIT
"""The records of log segments as a start finds them. Imported while they are read, and by who reads segments of a
message."""

import binascii

from coap.compat import const

_MAGIC = const(0xA7)
_AROUND = const(8)  # octets of a record that are not its body
_PREFIX = const("log-")
_HEAD = const(0x56)  # the kind of the first record of a log segment
_LONG = const(1024)  # octets of a body that is looked for before it is read
_VERSION = const(1)  # of log segments that are understood


def file_number(name, prefix):
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
    """The records of a log segment, for a `for` loop: (kind, offset of the body, body).

    Octets that are no record are passed over: `damaged` counts the places amid others, `torn` tells that
    the log segment ends in one, as a cut within a write leaves it. `end` is where the log segment ends.
    """

    def __init__(self, storage, segment):
        self.damaged = 0
        self.torn = False
        self.end = 0
        self._storage = storage
        self._name = segment

    def __iter__(self):
        storage = self._storage
        offset = 0
        while True:
            found = self._at(offset)
            if found is None:
                if not storage.read(self._name, offset, 1):
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
        head = self._storage.read(self._name, offset, 4)
        if len(head) < 4 or head[0] != _MAGIC:
            return None
        length = head[2] << 8 | head[3]
        # octets that only look like a head may ask for more than the heap has in one piece
        if length > _LONG and not self._storage.read(self._name, offset + length + 7, 1):
            return None
        rest = self._storage.read(self._name, offset + 4, length + 4)
        if len(rest) < length + 4:
            return None
        body = rest[:length]
        if binascii.crc32(body, binascii.crc32(head)) != int.from_bytes(rest[length:], "big"):
            return None
        return head[1], body


def opened(journal, storage):
    """Yield all records of a Journal that can be read, oldest first: (kind, body, log segment, offset of the body). A
    log segment of a newer version is passed over; nothing writes to it or removes it. Where the storage cannot say its
    files there are none, and `journal.unread` says why."""
    numbers = [file_number(name, _PREFIX) for name in journal.names()]
    for segment in sorted([number for number in numbers if number is not None]):
        records = Records(storage, _PREFIX + str(segment))
        journal.version = 0
        try:
            for kind, offset, body in records:
                if kind == _HEAD and offset == 4:
                    journal.version = _version(body)
                    if journal.version is None or journal.version > _VERSION:
                        journal.foreign = segment
                        journal.newer += 1
                        break
                else:
                    yield kind, body, segment, offset
        except OSError:
            journal.damaged += 1  # what was read of it counts
        if journal.foreign != segment:
            journal.segments.append(segment)
        journal.damaged += records.damaged
        journal.torn += records.torn


def around(kind, head, rest):
    """Return what stands before and behind `rest` in the record whose body is `head` and then that, both octets."""
    length = len(head) + len(rest)
    before = bytes((_MAGIC, kind, length >> 8, length & 255)) + head
    return before, binascii.crc32(rest, binascii.crc32(before)).to_bytes(4, "big")
