# SPDX-License-Identifier: MIT
"""Putting segments together: TS 24.538 clauses 6.4.1.1.6 and 6.5.1.2, the Message Receiver.

Segments go to the storage as they come, so a message of 64 KiB costs the heap a few octets a segment, and a
restart goes on with those that are there. They are acknowledged before a power cut can't take them any more: it takes
the last ones, which are asked for again. The segment that makes a message whole is acknowledged once all are safe.
A set asks for its missing segments when none came for a while, and is given up after some requests in vain.
"""

import gc
from array import array

from coap import numbers
from coap.compat import collect_less, const, earliest, ticks_diff

from ..rules import states
from ..rules.refusals import Refusal, later
from ..store.records import Records, around
from ..store.storage import discard
from ..wire import payload
from ..wire.identifiers import BodyError

_MAX_SEGMENTS = const(1024)  # in one message, so that the index of a set stays small
_SEGMENT = const(0x47)  # record: number (2) | total or 0 (2) | the `payload` member
_HEAD = const(4)
_SAFE = const(16)  # segments after which those that came are made safe: a power cut takes fewer
_MAX_RANGES = const(32)  # in one SEGREC, so that it fits the shortest max_datagram

# The states of a set of segments on its way in: clause 6.5.1.2. "asking": a SEGREC waits or is on the air, or the
# device has not begun after a restart; no gap is counted until that ends. "dropped": given up, or it has no room.
SEGMENTS = (
    ("gathering", "asking", "taken", "dropped"),
    b"",
    "gap asked taken dropped",
    b"b.cd"  # gathering
    b".acd"  # asking
    b"...."  # taken
    b"....",  # dropped
)


def _too_large():
    return Refusal(numbers.REQUEST_ENTITY_TOO_LARGE, "segParams: no room for this message")


class StoredPayload:
    """The payload of a reassembled message: its values in a file, one record each, in the order that they came in."""

    def __init__(self, storage, file):
        self.file = file
        self._storage = storage
        # By segment number: 0 where it is missing, else which stored value it is. Where the total is known they have
        # their size from the start: arrays that grow leave holes in the heap.
        self._places = array("H")
        self._lengths = array("H")  # of the stored values
        self._offsets = array("I")
        self._count = 0  # of the stored values
        self.highest = 0  # number of a segment
        self._filled = 0
        self._octets = False  # whether segment 1 has the head: then all of them are octets
        self.length = 0  # of all values
        self._heads = 0
        self._pads = 0
        self._base64 = True  # whether all values can be octets
        self._safe = True  # whether no power cut can take any of them
        self.total = None

    def __len__(self):
        return self._count

    def has(self, number):
        return number <= len(self._places) and self._places[number - 1] > 0

    def expect(self, total):
        """Take note of how many there are, None where that is not known yet."""
        self.total = total
        for row, kind, octets in (
            (self._places, "H", 2),
            (self._lengths, "H", 2),
            (self._offsets, "I", 4),
        ):
            row.extend(array(kind, bytes(octets * max(0, (total or 0) - len(row)))))

    def add(self, number, octets):
        """Add a segment's value in UTF-8. A power cut may take it until `settle`. Raise OSError of the storage; the
        payload is of no use then."""
        total = self.total or 0
        head = number.to_bytes(2, "big") + total.to_bytes(2, "big")
        before, behind = around(_SEGMENT, head, octets)
        self._safe = False
        append = self._storage.append
        # in pieces, since the heap may have no room for one more that holds all
        append(self.file, before, True)
        append(self.file, octets, True)
        self._expect(append(self.file, behind, True), len(before) + len(octets) + len(behind))
        self._index(number, self._filled + len(before), octets)
        self._filled += len(before) + len(octets) + len(behind)

    def settle(self):
        """Have no power cut take any segment any more. Raise OSError of the storage; the payload is of no use then."""
        if not self._safe:
            self._expect(self._storage.append(self.file, b""), 0)
            self._safe = True

    def _expect(self, end, more):
        """Raise OSError where the file ends elsewhere than `more` octets behind what was written."""
        if end is not None and end != self._filled + more:
            raise OSError("%s is not as long as it was" % self.file)

    def restore(self):
        """Find the segments that an earlier run stored."""
        records = Records(self._storage, self.file)
        try:
            for kind, offset, body in records:
                number = int.from_bytes(body[:2], "big")
                if kind == _SEGMENT and 1 <= number <= _MAX_SEGMENTS and not self.has(number):
                    self.total = int.from_bytes(body[2:_HEAD], "big") or self.total
                    self._index(number, offset + _HEAD, body[_HEAD:])
        except OSError:
            pass  # those that were read are there
        if self.total is not None:
            self.total = max(self.total, self.highest)  # or it would count as whole with one missing
        self._filled = records.end

    def _index(self, number, offset, octets):
        if self._count == len(self._lengths):
            self._offsets.append(0)
            self._lengths.append(0)
        while len(self._places) < number:
            self._places.append(0)
        self._offsets[self._count] = offset
        self._lengths[self._count] = len(octets)
        self._count += 1
        self._places[number - 1] = self._count
        self.highest = max(self.highest, number)
        self.length += len(octets)
        head = payload.has_head(octets)
        self._base64 = self._base64 and payload.is_base64(octets, head)
        self._heads += head
        self._pads += bytes(octets[-2:]).count(b"=")
        if number == 1:
            self._octets = head

    def foreseen(self):
        """Return octets that all values will take, estimated from those that are there."""
        return max(self._lengths) * ((self.total or 1) - 1) if self._count else 0

    @property
    def size(self):
        """Octets of the message as the application sees them; text counts in UTF-8."""
        if not self._octets:
            return self.length
        return payload.decoded_size(self.length - self._heads * len(payload.HEAD), self._pads)

    def chunks(self):
        """Return the payload piece by piece: str for text, bytes for octets. Raise BodyError for bad base64,
        OSError where the file is gone."""
        for number in range(self.highest):
            yield self._chunk(self._places[number] - 1)

    def _chunk(self, place):
        # A function, so that who reads on keeps no piece before it.
        length = self._lengths[place]
        octets = self._storage.read(self.file, self._offsets[place], length)
        if len(octets) != length:
            raise OSError("the message is not in the storage any more: read it before the next one is taken")
        return payload.read_octets(octets) if self._octets else str(octets, "utf-8")

    def whole(self):
        """Return all of it in the heap."""
        if not self._octets:
            return "".join(self.chunks())
        data = bytearray(self.size)
        position = 0
        for chunk in self.chunks():
            data[position : position + len(chunk)] = chunk
            position += len(chunk)
        return bytes(data)

    def check(self):
        """Raise BodyError where segment 1 says that all are octets, and one is not base64."""
        if self._octets and not self._base64:
            raise payload.not_base64()

    def finish(self):
        """Make all of it safe, now that it is whole. Raise OSError where it is not all there."""
        self.settle()
        last = self._storage.read(self.file, self._filled - 1, 1)
        self._expect(self._filled - 1 + len(last), 0)

    def remove(self):
        discard(self._storage, self.file)


class SegmentSet:
    """One message on its way in. `header` is what the segments say of the message."""

    def __init__(self, key, header, stored, deadline):
        self.key = key
        self.header = header
        self.payload = stored
        self.deadline = deadline  # None while it is not "gathering"
        self.stands = "asking" if deadline is None else "gathering"  # of SEGMENTS
        self.expected = 0  # octets, as far as the first segment lets it be foreseen
        self.recoveries = 0
        self.ref = None  # what the message store keeps of it
        self.stale = False  # whether more is known by now than that

    @property
    def set_id(self):
        return self.key[1]

    @property
    def whole(self):
        return len(self.payload) == self.payload.total

    @property
    def reserved(self):
        """Octets that it takes up, or will."""
        return max(self.expected, self.payload.length)

    def on(self, event):
        """Take an event. Return whether it has changed the state."""
        stands = states.after(SEGMENTS, self.stands, event)
        if stands is None:
            return False
        self.stands = stands
        return True

    def missing(self):
        """Return (first, last) ranges of the missing segments, the first ones where there are many. If the total is
        unknown, the last range is the highest number known + 1."""
        ranges = []
        end = self.payload.total or self.payload.highest + 1
        number = 1
        while number <= end and len(ranges) < _MAX_RANGES:
            if not self.payload.has(number):
                first = number
                while number < end and not self.payload.has(number + 1):
                    number += 1
                ranges.append((first, number))
            number += 1
        return ranges


class Reassembly:
    """The sets in progress: at most `sets`, of `octets` of values in all.

    `gap` is the time in ms without a new segment after which the missing ones are asked for,
    `recoveries` how often in a row they are asked for in vain until the set is given up.
    """

    def __init__(self, storage, store, sets, octets, gap, recoveries):
        self._storage = storage
        self._store = store
        self._max_sets = sets
        self._max_octets = octets
        self._gap = gap
        self._max_recoveries = recoveries
        self._sets = []
        for sender, set_id, file, header, ref, total, expected in store.sets:
            stored = StoredPayload(storage, file)
            if 1 <= total <= _MAX_SEGMENTS:
                stored.expect(total)
            stored.restore()
            segments = SegmentSet((sender, set_id), header, stored, None)
            segments.expected = max(min(expected, octets), stored.foreseen())
            segments.ref = ref
            ref.owner = segments
            self._sets.append(segments)

    def resume(self, now):
        """Take note that the gap of the sets that an earlier run left begins now."""
        for segments in self._sets:
            self.asked(segments, now)

    def __len__(self):
        return len(self._sets)

    def add(self, header, set_id, number, total, last, value, waiting, now):
        """Take one segment; return its SegmentSet, which may be `whole` by now.

        `header` must have `sender`; `total` and `last` may be None and False; `value` is in UTF-8; `waiting` octets of
        whole messages share the room. Raise Refusal where it does not fit, BodyError for numbers that contradict each
        other, OSError of the storage.
        """
        key = (header.sender, set_id)
        segments = self._find(key)
        known = _total(segments, number, total, last)
        if number == 1 and payload.has_head(value) and not payload.is_base64(value, True):
            raise payload.not_base64()
        if segments is None:
            segments = self._open(key, header, known, len(value), waiting, now)
        if segments.payload.total != known:
            segments.payload.expect(known)
            segments.stale = True
        if segments.header.merge(header, number, set_id):
            segments.stale = True
        if segments.stale:
            try:
                self._store.opened(segments)
            except Exception:
                if segments.ref is None:  # it has only just begun
                    self._sets.remove(segments)
                raise
            segments.stale = False
        if not segments.payload.has(number):
            self._write_value(segments, number, value, now)
        return segments

    def _write_value(self, segments, number, value, now):
        """Put a new segment on flash. Where that fails, or the values make no valid payload, the whole set is
        dropped."""
        stored = segments.payload
        if self._reserved(segments) + stored.length + len(value) > self._max_octets:
            self.drop(segments)
            raise _too_large()
        try:
            stored.add(number, value)
            stored.check()
            if segments.whole:
                stored.finish()
            elif len(stored) % _SAFE == 0:
                stored.settle()
        except Exception:
            self.drop(segments)  # the file may hold half of the value now, or the index not all of the file
            raise
        segments.recoveries = 0
        if segments.stands == "gathering":
            segments.deadline = now + self._gap

    def find(self, sender, set_id):
        """Return the set in progress, or None."""
        return self._find((sender, set_id))

    def forget(self, sender, message_id):
        """Give up all sets of a message that came whole another way."""
        for segments in self._sets[:]:
            header = segments.header
            if header.sender == sender and header.message_id.lower() == message_id.lower():
                self.drop(segments)

    def whole(self):
        """Return the sets that have all their segments."""
        return [segments for segments in self._sets if segments.whole]

    def release(self, segments):
        """Remove a whole set, which is a message now; its payload's file belongs to that."""
        segments.on("taken")
        self._sets.remove(segments)
        self._store.closed(segments)

    def drop(self, segments):
        """Give a set up and free its room. Return False where that happened before."""
        if not segments.on("dropped"):
            return False
        self._sets.remove(segments)
        segments.payload.remove()
        self._store.closed(segments)
        return True

    def poll(self, now):
        """Return the next set that is overdue, as (set, whether to ask for what is missing; else it is given up);
        or None.

        A set's time stands still from then until asked().
        """
        for segments in self._sets:
            if segments.stands != "gathering" or ticks_diff(now, segments.deadline) < 0:
                continue
            if segments.recoveries >= self._max_recoveries or not self._settled(segments):
                self.drop(segments)
                return segments, False
            segments.recoveries += 1
            segments.on("gap")
            segments.deadline = None
            return segments, True
        return None

    def settle(self):
        """Make all segments safe. A set that the storage fails is dropped when its time has come."""
        for segments in self._sets:
            self._settled(segments)

    def _settled(self, segments):
        """Make those safe that came. Return whether they are."""
        try:
            segments.payload.settle()
        except OSError:
            return False
        return True

    def asked(self, segments, now):
        """Take note that the SEGREC has ended, well or not: the missing segments have `gap` from now to come."""
        if segments.on("asked"):
            segments.deadline = now + self._gap

    def next_deadline(self):
        deadline = None
        for segments in self._sets:
            deadline = earliest(deadline, segments.deadline)
        return deadline

    def _find(self, key):
        for segments in self._sets:
            if segments.key == key:
                return segments
        return None

    def _reserved(self, without=None):
        return sum([segments.reserved for segments in self._sets if segments is not without])

    def _open(self, key, header, total, size, waiting, now):
        # What a set will need is foreseen from its first segment: all but the last are of one size or nearly so.
        expected = max(size, size * ((total or 1) - 1))
        room = self._max_octets - self._reserved() - expected
        if len(self._sets) >= self._max_sets or room < 0:
            raise _too_large()
        if room < waiting:
            raise later("large messages wait to be taken")
        collect_less()
        gc.collect()  # the open file needs room in one piece
        stored = StoredPayload(self._storage, self._store.new_file("set-"))
        stored.expect(total)  # with it a restart asks for all, if the power goes before the first is safe
        segments = SegmentSet(key, header, stored, now + self._gap)
        segments.expected = expected
        segments.stale = True
        self._sets.append(segments)
        return segments


def _total(segments, number, total, last):
    """Return how many segments a message has, None while nobody knows. Raise BodyError for numbers that contradict each
    other or what is known of the set, Refusal for too many.
    """
    if total is None and last:
        total = number
    known = segments.payload.total if segments else None
    if known is None:
        known = total
    elif total is not None and total != known:
        raise BodyError("totalSegCount", "%d after %d" % (total, known))
    if number < 1 or (known is not None and (number > known or last and number != known)):
        raise BodyError("segNumb", "not from 1 to %s" % known)
    if segments and known is not None and segments.payload.highest > known:
        raise BodyError("totalSegCount", "%d after segment %d" % (known, segments.payload.highest))
    if max(known or 0, number) > _MAX_SEGMENTS:
        raise _too_large()
    return known
