# SPDX-License-Identifier: MIT
"""What the endpoint keeps of messages under way: its own requests, its peers' requests, answers for duplicates."""

from .compat import const, ticks_diff

# Kinds of event, and what comes with each
REQUEST = 1  # (REQUEST, incoming, message): answer it with respond(), now or later
RESPONSE = 2  # (RESPONSE, exchange, message)
RESET = 3  # (RESET, exchange, None): the peer refused the message; the good end of a ping
TIMEOUT = 4  # (TIMEOUT, exchange, None): nothing came
INCOMPLETE = 5  # (INCOMPLETE, exchange, message): the body changed under way, or is longer than max_body
REFUSED = 6  # (REFUSED, exchange, message): nothing came but a response that does not verify (RFC 8613)
NOTIFICATION = 7  # (NOTIFICATION, observation, message): `observation.accept` it once it is safe
STALE = 8  # (STALE, observation, None): Max-Age is over; `observation.register` again

# States of an exchange
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
        self.body = None  # what `blockwise` has of a response that comes in blocks
        self.binding = None  # what `oscore` must know to verify the response
        self.refusal = None  # the last response that did not verify, or a Reset where it should verify


class Incoming:
    """A request from a peer, until it is answered. `message` is the request, `peer` where it came from."""

    def __init__(self, message, peer, deadline, entry):
        self.message = message
        self.peer = peer
        self.deadline = deadline  # when to send the empty acknowledgement, then when to forget the request
        self.entry = entry
        self.acknowledged = False
        self.response = None  # the Exchange of a separate confirmable response
        self.binding = None  # what `oscore` must know to protect the response


class _Entry:
    mark = None  # of a protected request; of the class, so that others do not pay for it

    def __init__(self, peer, mid, expires):
        self.peer = peer
        self.mid = mid
        self.expires = expires
        self.answer = None  # None: not answered yet; b"": there is nothing to say again


class Duplicates:
    """Which message IDs came lately, and what was answered: RFC 7252 sections 4.2 and 4.5.

    Holds at most `most` of them and `octets` of answers. Where there is no room, the peer that takes up most
    of it loses its own oldest entry, so that one peer cannot make the table forget another.
    """

    def __init__(self, most, octets):
        self._entries = []
        self._most = most
        self._octets = octets

    def find(self, peer, mid, now):
        for entry in self._entries:
            if entry.mid == mid and entry.peer == peer and ticks_diff(entry.expires, now) > 0:
                return entry
        return None

    def expire(self, now):
        """Frees what has expired. Were it left to `add`, ticks that wrap would bring it back after days."""
        while self._entries and ticks_diff(self._entries[0].expires, now) <= 0:
            self._entries.pop(0)

    def add(self, peer, mid, expires, now):
        if len(self._entries) >= self._most:
            # not all live equally long, so not only the first ones may have expired
            self._entries = [entry for entry in self._entries if ticks_diff(entry.expires, now) > 0]
        if len(self._entries) >= self._most:
            self._forget(lambda entry: 1)
        entry = _Entry(peer, mid, expires)
        self._entries.append(entry)
        return entry

    def answer(self, entry, octets):
        """Keeps `octets` to be sent again when the entry's message comes again."""
        entry.answer = octets
        while sum([_size(each) for each in self._entries]) > self._octets:
            if not self._forget(_size, entry):
                break

    def _forget(self, weight, spared=None):
        """Drops one entry; gives False where none can be dropped."""
        weights = {}
        for entry in self._entries:
            weights[entry.peer] = weights.get(entry.peer, 0) + weight(entry)
        victim = None
        for entry in self._entries:
            # One that is not answered stays: its request would run twice.
            if entry.answer is None or entry is spared or not weight(entry):
                continue
            if victim is None or weights[entry.peer] > weights[victim.peer]:
                victim = entry
        if victim is None:
            return False
        self._entries.remove(victim)
        return True


def _size(entry):
    return len(entry.answer) if entry.answer else 0
