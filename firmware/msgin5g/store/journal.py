# SPDX-License-Identifier: MIT
"""An append-only journal over the files of a storage, readable after a power cut at any moment.

    record:  0xA7 | kind (1) | length (2) | body | CRC-32 of all before it (4)

The files are log segments. Records go to the newest ("log-7"), which begins with one that says its version
(docs/flash-format.md). When it is full the next is begun; the oldest is given up once nothing in it is live, or after
what is live in it was written again. Always the oldest: so a record that ends something never goes before the record
that began it.
"""

import binascii

import msgin5g
from coap.compat import const, json_octets, later, whole

_MAGIC = const(0xA7)
_AROUND = const(8)  # octets of a record that are not its body
_PREFIX = const("log-")
_HEAD = const(0x56)  # the kind of the first record of a log segment
_VERSION = const(1)  # of the log segments that are written; those without a head are of version 0
_COMPACTING = const("msgin5g.store.compacting Compacting")
_HEAD_BODY = const(b"\x00\x03[1]")  # [_VERSION] in the form of all bodies: older firmware skips it
_LOST = OSError("the log segment is not as long as it was")


def pack(header, payload=b""):
    """Return the body of a record: the length of the header, the header in JSON, the payload."""
    return framed(json_octets(header), payload)


def framed(text, payload=b""):
    """Do the same with a header that is JSON already."""
    return b"".join((len(text).to_bytes(2, "big"), text, payload))


def record(kind, body):
    """Return the octets of one record. `kind` is an int below 256, `body` at most 65535 octets."""
    head = (_MAGIC << 24 | kind << 16 | len(body)).to_bytes(4, "big")
    return b"".join((head, body, binascii.crc32(body, binascii.crc32(head)).to_bytes(4, "big")))


class RecordRef:
    """Where a live record lies. `owner` is what the record is about; the journal asks it to be written again."""

    def __init__(self, owner, segment, offset, length):
        self.owner = owner
        self.segment = segment
        self.offset = offset
        self.length = length


class RecordSource:
    """The payload of a message in the outbox, read from its record."""

    file = None

    def __init__(self, journal, ref, size, text):
        self._journal = journal
        self.ref = ref
        self.size = size
        self.text = text

    def read(self, offset, size):
        # The payload is the end of the record, whatever the header's length after a record was written again.
        size = max(0, min(size, self.size - offset))
        return self._journal.read(self.ref, self.ref.length - self.size + offset, size)

    def remove(self):
        pass  # goes with the record


class Journal:
    """See the module. `checkpoint()` gives the (kind, body) that begins each new log segment, all that must outlive
    the log segments before it; `rewrite(ref)` the (kind, body) by which a live record is written again.
    """

    SEGMENT = 8192  # octets after which a log segment is closed

    def __init__(self, storage, checkpoint, rewrite):
        self.writes = 0
        self.failed = 0
        self.torn = 0
        self.damaged = 0
        self.unknown = 0  # records whose kind or fields this firmware does not know
        self.newer = 0  # log segments of a newer version, which are left alone
        self.version = 0  # of the log segment that `records.opened` is in
        # What the OSError says where the storage could not even say which files it has: no log segment is known then,
        # so nothing is written that could lie where one is. The next start asks again.
        self.unread = None
        self._storage = storage
        self._checkpoint = checkpoint
        self._rewrite = rewrite
        self.segments = []  # numbers, oldest first; this and the next for records.opened
        self.foreign = -1  # the highest number of those that are left alone
        self._filled = (
            self.SEGMENT
        )  # octets in the newest: nothing is written behind what an earlier start has left
        self._name = ""  # of the newest that was begun here
        self._refs = []
        self._deferred = []
        self._moving = False  # records were written again, and their refs may still point to the old place

    def __getattr__(self, name):
        later(Journal, name, _COMPACTING)
        return getattr(self, name)

    def names(self):
        """Return the names of all files of the storage; none where it cannot say them, which `unread` tells then."""
        try:
            return self._storage.names()
        except OSError as error:
            self.unread = error.args or (0,)
            return ()

    def check(self):
        """Raise StorageError where it is not known what lies in the storage."""
        if self.unread is not None:
            self.failed += 1
            raise msgin5g.StorageError(OSError(*self.unread))

    def compact(self):
        """Give up old log segments. It may begin a new one, with a checkpoint."""
        try:
            if len(self.segments) > 1:
                self._compact()
        except (OSError, MemoryError, RuntimeError):  # the last: a stack that is too deep
            self.failed += 1  # what was written is safe; old log segments are given up another time

    def defer(self, kind, body):
        """Keep a record that need not be safe yet: it goes with the next write, or `flush`."""
        self._deferred.append((kind, body, None))

    def flush(self):
        """Write the deferred records."""
        if self._deferred:
            self.write([])

    def retain(self, ref):
        """Take note that a record found by `records.opened` is still needed."""
        self._refs.append(ref)

    def release(self, ref):
        """Take note that the record is not needed any more. Its octets go when its log segment goes."""
        if ref in self._refs:
            self._refs.remove(ref)

    def read(self, ref, skip, size):
        """Return octets of a record's body, from `skip` on. Raise OSError where they are gone."""
        octets = self._storage.read(_PREFIX + str(ref.segment), ref.offset + skip, size)
        if len(octets) != size:
            raise OSError("a record vanished from the storage")
        return octets

    def write(self, records):
        """Do the first half of `append`, for a record (kind, body, owner or None) that the next checkpoint must know
        of, or several; `compact` is the rest. Return the RecordRef of the last that has an owner."""
        self.check()
        again = records
        records = self._deferred + records
        segments = self.segments
        filled = self._filled
        new = filled >= self.SEGMENT or not segments
        if new:
            segment = max(0, self.foreign, segments[-1] if segments else 0) + 1
            filled = 0
            records = [(_HEAD, _HEAD_BODY, None), self._checkpoint() + (None,)] + records
        else:
            segment = segments[-1]
        data = b""
        refs = []
        for kind, body, owner in records:
            if owner is not None:
                refs.append(RecordRef(owner, segment, filled + len(data) + 4, len(body)))
            data += record(kind, body)
        # All that needs memory comes before the write, or it would count as failed though it was made.
        if new:
            self._name = _PREFIX + str(segment)
            segments.append(segment)
        self._refs.extend(refs)
        filled += len(data)
        try:
            end = self._storage.append(self._name, data)
            if end is not None and end != filled:
                raise _LOST
        except Exception as error:
            self.failed += 1
            for ref in refs:
                self._refs.remove(ref)
            # Nobody knows how much was written: the next write begins a new segment, or this one anew.
            self._filled = self.SEGMENT
            if new and self._removed(segment):
                self.segments.pop()
            if error is _LOST and not new:
                # Somebody deleted the log segment: its records are lost, but new ones must not be.
                return self.write(again)
            raise
        self.writes += 1
        self._filled = filled
        del self._deferred[:]
        return refs[-1] if refs else None

    def _removed(self, segment):
        try:
            self._storage.remove(_PREFIX + str(segment))
        except (OSError, MemoryError):
            return False
        return True


whole(Journal, _COMPACTING)
