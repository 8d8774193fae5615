# SPDX-License-Identifier: MIT
"""Cutting a message into segments: TS 24.538 clauses 6.4.1.1.2 and 6.5.1, the Message Sender.

Only the places of the cuts are kept; each segment's value is made when it is sent, again when it is asked for.
"""

from array import array

from coap.compat import collect_less, const

from ..security import request
from ..wire import payload

_TURN = const(32)  # each segment with such a number lets others have their turn on the air
_WAITING = ("queued", "sent")


class Segments:
    """The segments of one message: `total` of them, `value(number)` from 1, as JSON octets.

    `limit` bounds the octets of a value in UTF-8, `room` those of the same value with JSON's escapes; both
    must be body_builder.LEAST_ROOM or more.
    `missing` counts those that the receiver has not acknowledged yet.
    """

    def __init__(self, source, limit, room, set_id, progress=None):
        collect_less()
        self.set_id = set_id
        self._source = source
        self._cuts = array("I", (0,))
        if source.text:
            offset = 0
            while offset < source.size:
                offset += _text_piece(source, offset, limit, room)
                self._cuts.append(offset)
        else:
            # multiples of 3 octets, so that only the last segment carries padding
            step = (min(limit, room) - len(payload.HEAD)) // 4 * 3
            for offset in range(step, source.size, step):
                self._cuts.append(offset)
            self._cuts.append(source.size)
        self.total = len(self._cuts) - 1
        self._done = bytearray(self.total)
        self.missing = self.total
        if progress is not None:
            for position, mark in enumerate(progress[: self.total]):
                if mark == "1":
                    self.acknowledge(position + 1)

    def value(self, number):
        start = self._cuts[number - 1]
        octets = self._source.read(start, self._cuts[number] - start)
        return payload.json_value(octets, self._source.text)

    def end(self, number):
        """Return where in the payload a segment ends."""
        return self._cuts[number]

    def progress(self):
        """Return which segments were acknowledged, as "1101": what `progress` takes after a restart."""
        return "".join([str(mark) for mark in self._done])

    def next(self, after=0):
        """Return the lowest number above `after` that waits to be sent, or None."""
        position = self._done.find(b"\x00", after)
        return None if position < 0 else position + 1

    def acknowledge(self, number):
        if not self._done[number - 1]:
            self._done[number - 1] = 1
            self.missing -= 1

    def resend(self, ranges):
        """Take the segments of these (first, last) ranges up again; numbers that do not exist are passed over."""
        for first, last in ranges:
            for number in range(first, min(last, self.total) + 1):
                if self._done[number - 1]:
                    self._done[number - 1] = 0
                    self.missing += 1


def make_next(client, sender, outgoing, number, now):
    """Make the segment that comes after the one on the air. Return its datagram where it goes out the moment that one
    is answered: not where others wait for their turn."""
    body = sender.body(outgoing, number)
    if number % _TURN == 0 or _others_wait(client, outgoing):
        outgoing.prefetched = number, body, None
        return None
    endpoint = client.endpoint
    message = request(client.config, body, sender.confirmable(outgoing))
    endpoint.held = tag = (sender, outgoing)
    try:
        # Made before the request is: where memory ended behind that, nobody would know of it.
        outgoing.prefetched = made = [number, None, None]
        made[2] = endpoint.request(message, client.peer, now, tag)
    except Exception:
        endpoint.held = outgoing.prefetched = None
        raise
    client.on_air += 1
    return made[2].datagram


def _others_wait(client, outgoing):
    if client.on_air > 1 or not client.reports_sent or not client.registered or client.registration.stopping:
        return True
    for other in client.outbox.queue:
        if (other.to, other.to_type) != (outgoing.to, outgoing.to_type) and other.stands in _WAITING:
            return True
    return False


def _text_piece(source, offset, limit, room):
    """Return how many octets from `offset` make the next segment: whole characters, within both bounds."""
    size = min(limit, room, source.size - offset)
    while True:
        octets = source.read(offset, size + 1)
        # never inside a character: the octets after its first are 10xxxxxx
        while size and size < len(octets) and octets[size] & 0xC0 == 0x80:
            size -= 1
        if not size:
            raise ValueError("the storage has no text there")
        escaped = len(payload.json_value(octets[:size], True)) - 2
        if escaped <= room:
            return size
        # An octet takes 6 at most (\u0001), so `size` stays at 4 or more and holds at least one character.
        size = min(size - 1, size * room // escaped)
