# SPDX-License-Identifier: MIT
"""What the endpoint keeps of its peers' messages: requests that are open, answers for duplicates. Loaded with the first
message that asks for either.
"""

from binascii import crc32

from .. import numbers
from ..compat import const, ticks_diff

_TYPING = const(False)
if _TYPING:
    from typing import Any

    from contracts import Octets, Peer, Tick

    from ..message import Message

_RECORD = const(8)  # octets
_PART = const(160)  # octets of records that lie side by side
_IDS = const(256)
_PEERS = const(16)
_NOTHING = const(255)  # for the code of an answer that was none


class Incoming:
    """A request from a peer, until it is answered. `message` is the request, `peer` where it came from."""

    binding = None  # what `oscore` must know to protect the response
    body: "Any" = None  # the Stream that it is a block of
    # The classes of responses that are not sent (RFC 7967 section 2.1): 2 for 2.xx, 8 for 4.xx, 16 for 5.xx, and 1 for
    # 2.xx without payload. The application may change it before it responds.
    quiet = 0
    leisure: "Tick | None" = None  # where it came by multicast: when its response goes out

    def __init__(self, message: "Message", peer: "Peer", deadline: "Tick", entry: "_Entry") -> None:
        self.message = message
        self.peer = peer
        self.deadline: "Tick | None" = (
            deadline  # when to send the empty acknowledgement, then when to forget the request
        )
        self.entry = entry
        self.acknowledged = False
        # The Exchange of a separate confirmable response; the datagram of one that waits for its leisure
        self.response: "Any" = None

    def poll(self, endpoint, now):
        """Do what is due at `deadline`."""
        endpoint.overdue(self, now)


class _Entry:
    def __init__(self, peer, name, expires):
        self.peer = peer
        self.name = name
        self.expires = expires
        # None: not answered yet; b"": there is nothing to say again; a number: the code alone is known of the answer
        self.answer = None

    def size(self):
        """Return the octets of the answer that is kept."""
        answer = self.answer
        return 0 if answer is None or isinstance(answer, int) else len(answer)


class Duplicates:
    """Which messages came lately, and what was answered: RFC 7252 sections 4.2 and 4.5.

    A message that is sent again is the same, octet by octet. One that differs under a message ID that was used is
    another one, of a peer that was restarted and chose its IDs anew: taken for a duplicate, it would be lost, and the
    peer would get the answer to what it sent before. So a message is known by its ID together with a checksum: `named`.

    Holds at most `max_entries` of them and `octets` of answers. Where there is no room, the peer that takes up most
    of it loses its own oldest answer, so that one peer cannot make the table forget another. Of an answer that is
    dropped, the name and the code are kept, in 8 octets: up to _IDS of them for each of _PEERS peers.

    Only `add` and `find` raise: MemoryError, and then nothing has changed.
    """

    def __init__(self, max_entries, octets):
        self.fresh = None  # the entry that was added last
        self._entries = []
        self._max_entries = max_entries
        self._octets = octets
        # peer: its records, in parts, each of the name (5 octets), the code, and when it expires (2)
        self._ids = {}
        self._until = 0  # when the last of them has expired

    def find(self, peer, name, now):
        """Return the entry of a message that came before, or None."""
        for entry in self._entries:
            if entry.name == name and entry.peer == peer and ticks_diff(entry.expires, now) > 0:
                return entry
        if self._ids:
            octets = name.to_bytes(5, "big")
            for records in self._ids.get(peer, ()):
                if octets in records:
                    for at in range(0, len(records), _RECORD):
                        if records[at : at + 5] == octets and _left(records, at, now) > 0:
                            entry = _Entry(peer, name, now)
                            code = records[at + 5]
                            entry.answer = b"" if code == _NOTHING else code
                            return entry
        return None

    def expire(self, now):
        """Free what has expired. Were that left to `add`, an old entry would count as valid again after days, when
        the tick has wrapped."""
        while self._entries and ticks_diff(self._entries[0].expires, now) <= 0:
            self._entries.pop(0)
        if self._ids and ticks_diff(self._until, now) <= 0:
            self._ids.clear()

    def add(self, peer, name, expires, now):
        """Return the entry of a message that has not come before."""
        entry = _Entry(peer, name, expires)
        if len(self._entries) >= self._max_entries:
            # not all live equally long, so not only the first ones may have expired
            index = len(self._entries)
            while index:
                index -= 1
                if ticks_diff(self._entries[index].expires, now) <= 0:
                    self._entries.pop(index)
        if len(self._entries) >= self._max_entries:
            victim = self._victim(False, None)
            if victim is not None:
                self._keep_id(victim, now)
                self._entries.remove(victim)
        self._entries.append(entry)
        self.fresh = entry
        return entry

    def release(self):
        """Take back what was added last; return that entry or None."""
        entry = self.fresh
        self.fresh = None
        if entry in self._entries:
            self._entries.remove(entry)
        return entry

    def answer(self, entry, octets, now=None):
        """Keep `octets` to be sent again when the entry's message comes again. With `now`, where they are no more than
        a code, a record of that takes the place of the entry: 8 octets for some 100."""
        entry.answer = octets
        try:
            if now is not None and octets and _bare(octets):
                # where there is no place for its peer, another one would be forgotten for it
                if len(self._ids) < _PEERS or entry.peer in self._ids:
                    self._keep_id(entry, now)
                    self._entries.remove(entry)
                    return
            while self._kept() > self._octets:
                victim = self._victim(True, entry)
                if victim is None:
                    break
                victim.answer = _code(victim.answer)
        except MemoryError:
            pass  # of CPython, where numbers take memory

    def _kept(self):
        size = 0
        index = len(self._entries)
        while index:
            index -= 1
            size += self._entries[index].size()
        return size

    def _victim(self, by_size, spared):
        """Return the oldest entry of the peer that has most of them, or most octets of answers; None where there is
        none."""
        weights = None
        try:
            weights = {}
            for entry in self._entries:
                weights[entry.peer] = weights.get(entry.peer, 0) + (entry.size() if by_size else 1)
        except MemoryError:
            weights = None  # the oldest of all, then
        victim = None
        index = 0
        while index < len(self._entries):
            entry = self._entries[index]
            index += 1
            # One that is not answered stays: its request would run twice. There are MAX_INCOMING of them at most.
            if entry.answer is None or entry is spared or by_size and not entry.size():
                continue
            if victim is None or weights and weights[entry.peer] > weights[victim.peer]:
                victim = entry
        return victim

    def _keep_id(self, entry, now):
        code = _NOTHING if entry.answer == b"" else _code(entry.answer)
        expires = (entry.expires >> 10) + 1
        record = entry.name.to_bytes(5, "big") + bytes((code, expires >> 8 & 255, expires & 255))
        parts = self._ids.get(entry.peer, [])
        while parts and _left(parts[0], 0, now) <= 0:
            _shorten(parts)
        count = 0
        largest = entry.peer
        most = _length(parts)
        for peer in self._ids:
            size = _length(self._ids[peer])
            count += size
            if size > most:
                largest, most = peer, size
        # Where memory ends from here on, no more than the oldest has been forgotten.
        if count >= _IDS * _RECORD:
            _shorten(self._ids[largest])
            if most == _RECORD:
                del self._ids[largest]
        elif entry.peer not in self._ids and len(self._ids) >= _PEERS:
            del self._ids[largest]
        if parts and len(parts[-1]) < _PART:
            parts[-1] += record
        else:
            self._ids[entry.peer] = parts + [record]
        if count == 0 or ticks_diff(entry.expires, self._until) > 0:
            self._until = entry.expires


def named(mid: int, octets: "Octets") -> int:
    """Return the name of a message: its ID, and 24 bits of a checksum of `octets`, of all of a request or of the token
    of a response. 14 bits would fit a small int beside the ID; they lost messages of a peer that came to IDs again."""
    return (crc32(octets) & 0xFFFFFF) << 16 | mid


def _length(parts):
    return sum([len(part) for part in parts])


def _shorten(parts):
    """Forget the oldest record."""
    first = parts[0][_RECORD:]
    if first:
        parts[0] = first
    else:
        parts.pop(0)


def _code(answer):
    """Return the code to repeat where no more is kept of an answer: its own where it is an error or had nothing but
    a code, else 5.03."""
    if isinstance(answer, int):
        return answer
    code = answer[1]
    return code if numbers.is_error(code) or _bare(answer) else numbers.SERVICE_UNAVAILABLE


def _bare(answer):
    """Return whether an answer has nothing but a code."""
    return len(answer) <= 4 + (answer[0] & 15)


def _left(records, at, now):
    """Return about how many seconds a record is still valid."""
    return ((records[at + 6] << 8 | records[at + 7]) - (now >> 10) + 0x8000 & 0xFFFF) - 0x8000
