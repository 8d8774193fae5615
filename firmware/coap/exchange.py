# SPDX-License-Identifier: MIT
"""What the endpoint keeps of messages under way: its own requests, its peers' requests, answers for duplicates."""

from .compat import const

QUEUED = const(0)  # waits for its turn under NSTART
SENT = const(1)  # on the air; a confirmable message is repeated until something comes back
ACKNOWLEDGED = const(2)  # a request whose response comes separately (RFC 7252 section 5.2.2)


class Exchange:
    """A message that this endpoint sent and that something is expected for.

    A request (it has a token), a ping (`token` is None and `incoming` too), or a separate confirmable
    response (`incoming` is the request that it answers). `tag` belongs to the caller and is not touched.
    """

    def __init__(self, peer, datagram, mid, token, confirmable, tag, incoming=None):
        self.peer = peer
        self.datagram = datagram
        self.mid = mid
        self.token = token
        self.confirmable = confirmable
        self.tag = tag
        self.incoming = incoming
        self.state = QUEUED
        self.retransmissions = 0
        self.timeout = 0
        self.deadline = None


class Incoming:
    """A request from a peer, until it is answered. `message` is the request, `peer` where it came from."""

    def __init__(self, message, peer, deadline, entry):
        self.message = message
        self.peer = peer
        self.deadline = deadline  # when to send the empty acknowledgement, then when to forget the request
        self.entry = entry
        self.acknowledged = False
        self.response = None  # the Exchange of a separate confirmable response


class _Entry:
    def __init__(self, peer, mid, expires):
        self.peer = peer
        self.mid = mid
        self.expires = expires
        self.answer = None  # None: not answered yet; b"": there is nothing to say again


class Duplicates:
    """Which message IDs came lately, and what was answered: RFC 7252 sections 4.2 and 4.5.

    Holds at most `most` of them and `octets` of answers. Where there is no room, the peer that fills the
    table loses its own oldest entry, so that one peer cannot make the table forget another.
    """

    def __init__(self, most, octets):
        self._entries = []
        self._most = most
        self._room = octets

    def find(self, peer, mid, ticks_diff, now):
        for entry in self._entries:
            if entry.mid == mid and entry.peer == peer and ticks_diff(entry.expires, now) > 0:
                return entry
        return None

    def add(self, peer, mid, expires, ticks_diff, now):
        entries = self._entries
        while entries and ticks_diff(entries[0].expires, now) <= 0:
            self._remove(entries[0])
        if len(entries) >= self._most:
            self._remove(self._victim(peer))
        entry = _Entry(peer, mid, expires)
        entries.append(entry)
        return entry

    def answer(self, entry, octets):
        """Keeps `octets` to be sent again when the entry's message comes again."""
        if entry.answer:
            self._room += len(entry.answer)
        entry.answer = octets
        self._room -= len(octets)
        for old in self._entries[:]:
            if self._room >= 0:
                break
            if old is not entry and old.answer:
                self._remove(old)

    def _victim(self, peer):
        oldest = self._entries[0]
        if oldest.peer == peer and oldest.answer is not None:
            return oldest
        counts = {}
        for entry in self._entries:
            counts[entry.peer] = counts.get(entry.peer, 0) + 1
        # An unanswered one goes last: its request would run twice.
        victim = oldest
        most = 0
        for entry in self._entries:
            if entry.answer is not None and counts[entry.peer] > most:
                victim = entry
                most = counts[entry.peer]
        return victim

    def _remove(self, entry):
        self._entries.remove(entry)
        if entry.answer:
            self._room += len(entry.answer)
            entry.answer = None
