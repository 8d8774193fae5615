# SPDX-License-Identifier: MIT
"""Putting segments together: TS 24.538 clauses 6.4.1.1.6 and 6.5.1.2, the Message Receiver.

Segments go to the storage as they come, so a message of 64 KiB costs the heap a few octets a segment.
The sets ask for what is missing when nothing came for a while, and give up after some askings in vain.
"""

from array import array

from coap.compat import const, earliest, ticks_diff

from . import payload
from .errors import BodyError
from .storage import discard

_MOST_SEGMENTS = const(1024)  # in one message, so that the index of a set stays small
_MOST_RANGES = const(32)  # in one SEGREC, so that it fits the shortest max_datagram


class NoRoom(Exception):
    """The set does not fit; `later` says that it would once the application has taken what waits for it."""

    def __init__(self, later=False):
        super().__init__()
        self.later = later


class StoredPayload:
    """The payload of a reassembled message: values in a row, in the order that they came in."""

    def __init__(self, storage, name):
        self._storage = storage
        self._name = name
        self._places = array("H")  # by segment number: 0 where it is missing, else which stored value it is
        self._ends = array("I", (0,))  # of the stored values in the row; the first number is the start
        self._octets = False  # whether segment 1 has the head: then all of them are octets
        self._heads = 0
        self._pads = 0

    def __len__(self):
        return len(self._ends) - 1

    @property
    def length(self):
        """Octets of all values."""
        return self._ends[-1]

    def has(self, number):
        return number <= len(self._places) and self._places[number - 1] > 0

    def add(self, number, value):
        octets = value.encode()
        self._storage.append(self._name, octets)
        self._ends.append(self.length + len(octets))
        while len(self._places) < number:
            self._places.append(0)
        self._places[number - 1] = len(self)
        head = payload.is_octets(value)
        self._heads += head
        self._pads += value[-2:].count("=")
        if number == 1:
            self._octets = head

    @property
    def size(self):
        """Octets of the message as the application sees them; text counts in UTF-8."""
        if not self._octets:
            return self.length
        return payload.decoded_size(self.length - self._heads * len(payload.HEAD), self._pads)

    def chunks(self):
        """The payload piece by piece: str for text, bytes for octets. Raises BodyError for bad base64,
        OSError where the row is gone."""
        for place in self._places:
            start = self._ends[place - 1]
            length = self._ends[place] - start
            octets = self._storage.read(self._name, start, length)
            if len(octets) != length:
                raise OSError(
                    "the message is not in the storage any more: read it before the next one is taken"
                )
            value = str(octets, "utf-8")
            yield payload.read_octets(value) if self._octets else value

    def whole(self):
        """All of it in the heap."""
        if not self._octets:
            return "".join(self.chunks())
        data = bytearray(self.size)
        position = 0
        for chunk in self.chunks():
            data[position : position + len(chunk)] = chunk
            position += len(chunk)
        return bytes(data)

    def check(self):
        """Raises BodyError where a value that looked like text when it came turns out not to be base64."""
        if self._octets:
            for _ in self.chunks():
                pass

    def remove(self):
        discard(self._storage, self._name)


class SegmentSet:
    """One message on its way in. `header` is what the segments say of the message."""

    def __init__(self, key, set_id, header, stored, deadline):
        self.key = key
        self.set_id = set_id
        self.header = header
        self.payload = stored
        self.deadline = deadline  # None while what is missing is being asked for
        self.expected = 0  # octets, as far as the first segment lets it be foreseen
        self.total = None
        self.highest = 0
        self.recoveries = 0

    @property
    def whole(self):
        return self.total is not None and len(self.payload) == self.total

    @property
    def reserved(self):
        """Octets that it takes up, or will."""
        return max(self.expected, self.payload.length)

    def missing(self):
        """(first, last) ranges, the first ones where there are many; without a known total the end is asked for
        as one number behind the highest."""
        ranges = []
        end = self.total or self.highest + 1
        number = 1
        while number <= end and len(ranges) < _MOST_RANGES:
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
    `recoveries` how often in a row that may be in vain.
    """

    def __init__(self, storage, sets, octets, gap, recoveries):
        self._storage = storage
        self._most_sets = sets
        self._most_octets = octets
        self._gap = gap
        self._most_recoveries = recoveries
        self._sets = []
        self._row = 0

    def __len__(self):
        return len(self._sets)

    def add(self, header, set_id, number, total, last, value, waiting, now):
        """Takes one segment; gives its SegmentSet, which may be `whole` by now.

        `header` must have `sender`; `total` and `last` may be None and False; `waiting` octets of whole messages
        share the room. Raises NoRoom, BodyError for numbers that contradict each other, OSError of the storage.
        """
        key = (header.sender, set_id)
        segments = self._find(key)
        if total is None and last:
            total = number
        known = segments.total if segments else None
        if known is None:
            known = total
        elif total is not None and total != known:
            raise BodyError("totalSegCount", "%d after %d" % (total, known))
        if number < 1 or (known is not None and number > known):
            raise BodyError("segNumb", "not from 1 to %s" % known)
        if segments and known is not None and segments.highest > known:
            raise BodyError("totalSegCount", "%d after segment %d" % (known, segments.highest))
        if max(known or 0, number) > _MOST_SEGMENTS:
            raise NoRoom()
        if number == 1 and payload.is_octets(value):
            payload.read_octets(value)
        size = len(value.encode())
        if segments is None:
            segments = self._open(key, set_id, header, known, size, waiting, now)
        segments.total = known
        segments.header.merge(header)
        if segments.payload.has(number):
            return segments
        if self._reserved(segments) + segments.payload.length + size > self._most_octets:
            self.drop(segments)
            raise NoRoom()
        try:
            segments.payload.add(number, value)
        except OSError:
            self.drop(segments)  # the row may hold half of the value now
            raise
        segments.highest = max(segments.highest, number)
        segments.recoveries = 0
        if segments.deadline is not None:
            segments.deadline = now + self._gap
        if segments.whole:
            try:
                segments.payload.check()
            except BodyError:
                self.drop(segments)
                raise
        return segments

    def holds(self, sender, set_id):
        """Whether this set is in progress."""
        return self._find((sender, set_id)) is not None

    def forget(self, sender, message_id):
        """Gives up all sets of a message that came whole another way."""
        for segments in self._sets[:]:
            if segments.header.sender == sender and segments.header.message_id == message_id:
                self.drop(segments)

    def take(self, segments):
        """Removes a whole set; its payload's row now belongs to the caller."""
        self._sets.remove(segments)

    def drop(self, segments):
        """Gives a set up and frees its room. Gives False where that happened before."""
        if segments not in self._sets:
            return False
        self._sets.remove(segments)
        segments.payload.remove()
        return True

    def poll(self, now):
        """The next set that is overdue, as (set, whether to ask for what is missing; else it is given up); or None.

        A set's time stands still from then until asked().
        """
        for segments in self._sets:
            if segments.deadline is None or ticks_diff(now, segments.deadline) < 0:
                continue
            if segments.recoveries >= self._most_recoveries:
                self.drop(segments)
                return segments, False
            segments.recoveries += 1
            segments.deadline = None
            return segments, True
        return None

    def asked(self, segments, now):
        """The asking ended, well or not: the other side has `gap` from now."""
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

    def _open(self, key, set_id, header, total, size, waiting, now):
        # What a set will need is foreseen from its first segment: all but the last are of one size or nearly so.
        expected = max(size, size * ((total or 1) - 1))
        room = self._most_octets - self._reserved() - expected
        if len(self._sets) >= self._most_sets or room < 0:
            raise NoRoom()
        if room < waiting:
            raise NoRoom(later=True)
        self._row += 1
        name = "set-%d" % self._row
        self._storage.remove(name)
        segments = SegmentSet(key, set_id, header, StoredPayload(self._storage, name), now + self._gap)
        segments.expected = expected
        self._sets.append(segments)
        return segments
