# SPDX-License-Identifier: MIT
"""Mutated datagrams into an endpoint that is in the middle of its work, for the tests that look for what breaks."""

import coap
from coap.blockwise import ANYWHERE
from coap_pair import File, Seekable, Sink

PEERS = [("192.0.2.%d" % host, 5683) for host in range(1, 9)]

# Valid datagrams of all kinds; those of MSGin5G look like these POSTs.
JSON = b'{"msgIden":"urn:3gpp:msgin5g","msgType":"MSG","msgId":"9d8a6e8c-7d52-4dd6-a2c8-9d3a1f2b4c5d","payload":"21.5"}'
CORPUS = [
    bytes.fromhex("40 01 7d34 bb") + b"temperature",
    bytes.fromhex("60 45 7d34 ff") + b"22.3 C",
    bytes.fromhex("44 02 0001 01020304 b7") + b"msgin5g" + bytes.fromhex("11 32 ff") + JSON,
    bytes.fromhex("54 02 0002 01020305 b7") + b"msgin5g" + bytes.fromhex("11 32 ff") + JSON,
    bytes.fromhex("44 02 0003 01020306 3b")
    + b"example.org"
    + bytes.fromhex("87")
    + b"msgin5g"
    + b"\xff"
    + JSON,
    bytes.fromhex("64 44 0001 00000001"),
    bytes.fromhex("44 45 0009 00000002 c0 ff") + b"text",
    bytes.fromhex("64 45 0001 00000001 d1 0a 08 ff") + bytes(16),
    bytes.fromhex("64 45 0002 00000002 d1 0a 18 ff") + bytes(16),
    bytes.fromhex("41 02 0004 aa b7") + b"msgin5g" + bytes.fromhex("d1 03 08 ff") + bytes(16),
    bytes.fromhex("41 02 0005 aa b7") + b"msgin5g" + bytes.fromhex("d1 03 18 ff") + bytes(16),
    bytes.fromhex("41 02 0006 aa b7") + b"msgin5g" + bytes.fromhex("d1 03 20 ff") + bytes(3),
    bytes.fromhex("41 01 0007 aa 39") + b"localhost" + bytes.fromhex("4b") + b".well-known" + b"\x04core",
    bytes.fromhex("48 01 0008 0102030405060708 60 51 3c d1 0a 02"),
    bytes.fromhex("40 00 1234"),
    bytes.fromhex("60 00 0001"),
    bytes.fromhex("70 00 0001"),
    bytes.fromhex("50 03 0010 ed 001f 00") + bytes(13) + b"\xffx",
    # If-Match, If-None-Match, Uri-Path, Hop-Limit, No-Response; what is asked of a group, and answered by one in it
    bytes.fromhex("41 07 0011 aa 11 01 40 61 61 51 10 d1 e5 1a ff 31"),
    bytes.fromhex("54 01 0012 01020307 bb")
    + b".well-known"
    + b"\x04core"
    + bytes.fromhex("4a")
    + b"rt=sensors",
    bytes.fromhex("54 45 0013 00000003 c1 28 ff") + b"</a>;rt=x",
    # to a block of ours: 2.31, 2.04, 4.08, 4.13 with a size, Echo
    bytes.fromhex("64 5f 0014 00000004 d1 0e 08"),
    bytes.fromhex("64 5f 0015 00000005 d1 0e 18"),
    bytes.fromhex("64 44 0016 00000006 d1 0e 20"),
    bytes.fromhex("64 88 0017 00000007 d1 0e 18"),
    bytes.fromhex("64 8d 0018 00000008 d1 0e 08"),
    bytes.fromhex("64 81 0019 00000009 d2 ef abcd"),
]


def mutated(random):
    """One of the corpus with up to three changes, with none in one case of four."""
    data = bytearray(random.choice(CORPUS))
    for _ in range(random.choice((0, 0, 1, 1, 1, 2, 2, 3))):
        kind = random.below(8)
        at = random.below(len(data) + 1)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + random.bytes(random.below(4)) + data[at:]
        elif kind == 2:
            data = data[:at] + data[at + 1 + random.below(4) :]
        elif kind == 3:
            data = data + random.choice(CORPUS)[at:]
        elif kind == 4:
            data = data + bytes(random.below(2000))
        elif data:
            at %= len(data)
            if kind == 5:
                data[at] = random.below(256)
            elif kind == 6:
                data[at] ^= 1 << random.below(8)
            else:  # a byte that means much: markers, reserved lengths, long lengths
                data[at] = random.choice((0xFF, 0xF0, 0x0F, 0xDD, 0xEE, 0x00, 0x40, 0x4F))
    return bytes(data[:1500])


class Mutation:
    """An endpoint that asks and answers while mutated datagrams come in."""

    def __init__(self, random):
        self.random = random
        self.endpoint = coap.Endpoint(random=random.bytes)
        self.endpoint.understands = (coap.IF_MATCH, coap.IF_NONE_MATCH)
        self.endpoint.streams = lambda message, peer: random.choice((None, None, True, ANYWHERE))
        self.now = 0
        self.kinds = {}
        self.given = []  # sources that are not closed yet
        self.last = None  # the last request of ours that went out, and to whom

    def run(self, count):
        endpoint = self.endpoint
        random = self.random
        for _ in range(count):
            self.now += random.choice((0, 1, 20, 300, 5000))
            datagram, peer = mutated(random), random.choice(PEERS)
            if self.last and random.below(2):
                datagram, peer = self.aimed(datagram)
            if random.below(8):
                endpoint.receive(datagram, peer, self.now)
            else:
                endpoint.receive(datagram, peer, self.now, 5000)  # by multicast
            if random.below(4) == 0:
                self.ask()
            if random.below(2) == 0:
                endpoint.poll(self.now)
            self.take_out()
            self.check_bounds()

    def aimed(self, datagram):
        """With message ID and token of what the endpoint sent last, to get behind its first door."""
        octets, peer = self.last
        datagram = datagram[:2] + octets[2:4] + datagram[4:]
        if len(datagram) >= 8 and datagram[0] & 15 == 4:
            datagram = datagram[:4] + octets[4:8] + datagram[8:]
        return datagram, peer

    def ask(self):
        request = coap.Message(self.random.choice((coap.GET, coap.GET, coap.POST)), type=self.random.below(2))
        many = None
        if request.type == coap.NON:
            many = self.random.choice((None, 5000))
        if not self.random.below(4):
            request.options = [(coap.NO_RESPONSE, self.random.choice((b"\x02", b"\x1a")))]
        into = None
        if many is None and not self.random.below(3):
            request.payload = self.random.choice((File, Seekable))(bytes(60))
            request.options = [(coap.BLOCK1, self.random.choice((b"", b"\x01")))]
            into = self.random.choice((None, Sink()))
        try:
            self.endpoint.request(request, self.random.choice(PEERS), self.now, None, into, many=many)
        except coap.BusyError:
            self.count("busy")

    def count(self, kind):
        self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def take_out(self):
        while True:
            item = self.endpoint.outgoing()
            if item is None:
                break
            assert len(item[0]) <= self.endpoint.max_datagram
            if 0 < item[0][1] < 32:
                self.last = (bytes(item[0]), item[1])
        while True:
            event = self.endpoint.next_event()
            if event is None:
                break
            kind, exchange, message = event
            self.count(kind)
            if message is None and kind == coap.RESPONSE:
                self.count("silence")
            elif kind in (coap.REQUEST, coap.RESPONSE):
                if message.uint(coap.BLOCK1 if kind == coap.REQUEST else coap.BLOCK2, 0) >> 4:
                    self.count("joined")  # the last block of several
            if kind == coap.PIECE and message is None:
                self.count("given up")
            elif kind == coap.PIECE and self.random.below(8):
                code = self.random.choice((coap.CONTINUE, coap.CONTINUE, coap.CONTINUE, coap.FORBIDDEN))
                self.endpoint.respond(exchange, coap.Message(code), self.now)
            elif kind == coap.REQUEST and self.random.below(8):
                assert message.path is None or message.path[0] == "/"
                code = self.random.choice((coap.CONTENT, coap.CHANGED, coap.NOT_FOUND))
                self.endpoint.respond(exchange, coap.Message(code, self.payload()), self.now)

    def payload(self):
        """Text, more than a datagram holds, or a source, which must be closed at the end."""
        kind = self.random.below(16)
        if kind == 0:
            return bytes(1500)
        if kind > 2:
            return b"text"
        source = (File, Seekable)[kind - 1](bytes(1500))
        self.given = [each for each in self.given if not each.closed] + [source]
        return source

    def check_bounds(self):
        endpoint = self.endpoint
        assert len(endpoint._exchanges) <= endpoint.MAX_EXCHANGES + endpoint.MAX_INCOMING
        alone = [each for each in endpoint._incoming if each.leisure is None]
        assert len(alone) <= endpoint.MAX_INCOMING
        # what came by multicast has half as many places beside those
        assert len(endpoint._incoming) - len(alone) <= endpoint.MAX_INCOMING // 2
        assert len(endpoint.seen()._entries) <= endpoint.MAX_DUPLICATES
        assert len(endpoint.bodies) <= 6  # three each way
        deadline = endpoint.next_deadline()
        assert deadline is None or abs(deadline - self.now) < 600000, (deadline, self.now)

    def finish(self):
        """Lets all time-outs come; then nothing may be open, and what is remembered is one request."""
        for _ in range(1000):
            deadline = self.endpoint.next_deadline()
            if deadline is None:
                break
            self.now = max(self.now, deadline)
            self.endpoint.poll(self.now)
            self.take_out()
        assert not self.endpoint._exchanges and not self.endpoint._incoming and not self.endpoint.bodies
        assert not [each for each in self.given if each.closed != 1]
        self.given = []
        self.now += 300000  # all that is remembered has expired
        self.endpoint.receive(bytes.fromhex("50 01 0000"), PEERS[0], self.now)
        self.endpoint.respond(self.endpoint.next_event()[1], coap.Message(coap.CONTENT), self.now)
        assert self.endpoint.outgoing()
        assert len(self.endpoint.seen()._entries) == 1
