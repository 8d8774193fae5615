# SPDX-License-Identifier: MIT
"""A client and a server, both endpoints of ours, with a link between them that can lose datagrams, in virtual time; and
what bodies are read from, and written to."""

import coap
from coap.compat import earliest, ticks_diff
from coap_scene import PEER

CLIENT = ("192.0.2.9", 40000)


class Chance:
    """Octets that look random, from a common.Random."""

    def __init__(self, random):
        self._random = random

    def __call__(self, size):
        return self._random.bytes(size)


class Pair:
    """A client and a server, and a link that can lose datagrams, in virtual time. `serve(message)` gives the response
    to a request. `lost(n)` says whether the n-th datagram, counted from 0 over both ways, gets lost; `sent` counts
    them, `events` are those of the client."""

    def __init__(self, client, server, serve, lost=None, delay=10):
        self.client = client
        self.server = server
        self.serve = serve
        self.lost = lost or (lambda number: False)
        self.delay = delay
        self.now = 0
        self.sent = 0
        self.events = []
        self.served = []
        self.on_event = None
        self._air = []  # (when, to, datagram, from)

    def _carry(self, source, to, address):
        while True:
            item = source.outgoing()
            if item is None:
                return
            if not self.lost(self.sent):
                self._air.append((self.now + self.delay, to, bytes(item[0]), address))
            self.sent += 1

    def _events(self):
        while True:
            event = self.server.next_event()
            if event is None:
                break
            if event[0] in (coap.REQUEST, coap.PIECE) and event[2] is not None:
                self.served.append((event[2].code, event[2].path))
                self.server.respond(event[1], self.serve(event[2]), self.now)
        while True:
            event = self.client.next_event()
            if event is None:
                break
            self.events.append(event)
            if self.on_event:
                self.on_event(event)

    def run(self, until=None):
        """Run until nothing is due any more, or the client has so many events."""
        while True:
            self._events()
            self._carry(self.client, self.server, CLIENT)
            self._carry(self.server, self.client, PEER)
            if until is not None and len(self.events) >= until:
                return
            due = earliest(self.client.next_deadline(), self.server.next_deadline())
            if self._air:
                due = earliest(due, self._air[0][0])
            if due is None:
                return
            self.now = max(self.now, due)
            while self._air and ticks_diff(self.now, self._air[0][0]) >= 0:
                _, to, datagram, address = self._air.pop(0)
                to.receive(datagram, address, self.now)
            self.client.poll(self.now)
            self.server.poll(self.now)


class File:
    """A file in memory that counts what is asked of it. `seekable` False: it has no `seek`. `short`: octets at most
    that it gives at once."""

    def __init__(self, octets, short=None):
        self.octets = octets
        self.at = 0
        self.most = 0
        self.short = short
        self.closed = 0

    def close(self):
        self.closed += 1

    def read(self, size):
        self.most = max(self.most, size)
        if self.short:
            size = min(size, self.short)
        part = self.octets[self.at : self.at + size]
        self.at += len(part)
        return part


class Seekable(File):
    def tell(self):
        return self.at

    def seek(self, position, whence=0):
        self.at = len(self.octets) if whence == 2 else position
        return self.at


class Pipe(File):
    """Has `seek`, as a file on a pipe, and it raises."""

    def tell(self):
        raise OSError(29)

    def seek(self, position, whence=0):
        raise OSError(29)


class Sink:
    """What a body is written to. `fails`: the number of the write that fails, counted from 0; `short`: octets at most
    that it takes at once."""

    def __init__(self, fails=None, short=None):
        self.octets = b""
        self.writes = 0
        self.most = 0
        self.fails = fails
        self.short = short

    def write(self, octets):
        if self.writes == self.fails:
            raise OSError(28)
        self.writes += 1
        self.most = max(self.most, len(octets))
        if self.short:
            octets = octets[: self.short]
        self.octets += bytes(octets)
        return len(octets) if self.short else None


def pattern(size):
    """So many octets in which no block is like another."""
    octets = bytearray(size)
    for n in range(size):
        octets[n] = (n * 7 + (n >> 8) * 13 + (n >> 16)) & 255
    return bytes(octets)
