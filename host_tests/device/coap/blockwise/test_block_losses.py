# SPDX-License-Identifier: MIT
"""Bodies in blocks between two endpoints of ours over a link that loses datagrams, in virtual time: they arrive whole,
and what they ask for is done once.
"""

import coap
from coap_pair import Chance, File, Pair, Seekable, Sink, pattern
from coap_scene import PEER, endpoint
from common import Random, equal

BODY = pattern(100)


class Resource:
    """What the server has: `body` to GET, and what was put or posted."""

    def __init__(self, body=BODY):
        self.body = body
        self.etag = b"1"
        self.got = []

    def serve(self, message):
        if message.code == coap.GET:
            return coap.Message(coap.CONTENT, self.body, [(coap.ETAG, self.etag)])
        self.got.append(bytes(message.payload))
        return coap.Message(coap.CHANGED, self.body if message.code != coap.PUT else b"")


def exchanged(code, payload, szx, lost=None, into=None, body=BODY, client=None, server=None):
    """The pair after one request, its resource, and the message of its event."""
    resource = Resource(body)
    pair = Pair(client or endpoint(), server or endpoint(b"\x11\x11"), resource.serve, lost)
    options = [(coap.URI_PATH, b"a")]
    options.append((coap.BLOCK2, bytes((szx,)) if szx else b""))
    if payload:
        options.append((coap.BLOCK1, bytes((szx,)) if szx else b""))
    pair.client.request(coap.Message(code, payload or b"", options), PEER, 0, None, into)
    pair.run()
    ((kind, _, message),) = pair.events
    return pair, resource, kind, message


def whole(code, kind, resource, message, sent=BODY, body=BODY):
    equal(kind, coap.RESPONSE)
    if code != coap.GET:
        equal((message.code, resource.got == [sent]), (coap.CHANGED, True))
    if code != coap.PUT:
        equal(bytes(message.payload) == body, True)


def test_each_datagram_lost_in_turn():
    for code in (coap.GET, coap.PUT, coap.POST):
        payload = None if code == coap.GET else BODY
        pair, resource, kind, message = exchanged(code, payload and Seekable(payload), 1)
        whole(code, kind, resource, message)
        count = pair.sent
        # 100 octets are 4 blocks of 32: a GET has 4 exchanges, a POST both ways 7, the last block being the first one
        equal(count, {coap.GET: 8, coap.PUT: 8, coap.POST: 14}[code])
        for number in range(count):
            pair, resource, kind, message = exchanged(
                code, payload and File(payload), 1, lambda each, lost=number: each == lost
            )
            whole(code, kind, resource, message)
            # a lost request: it again. A lost answer: request and answer again.
            equal(pair.sent, count + (1 if number % 2 == 0 else 2))


def test_whatever_its_size_its_blocks_and_its_losses():
    for seed in range(40):
        random = Random(seed)
        size = random.choice((1, 15, 16, 17, 31, 64, 100, 255, 256, 700, 1024, 1025, 2500))
        szx = random.below(7)
        while size >> szx + 4 > 60:
            szx += 1
        code = random.choice((coap.GET, coap.PUT, coap.POST, coap.FETCH))
        body = pattern(size)
        payload = None
        if code != coap.GET:
            # of octets in memory only what does not fit a datagram goes out in blocks
            payload = random.choice((File(body, random.choice((None, 7))), Seekable(body), body))
            if payload is body and size < 1150:
                payload = Seekable(body)
        sink = Sink(short=random.choice((None, 20))) if random.below(2) else None
        pair, resource, kind, message = exchanged(
            code,
            payload,
            szx,
            lambda number, random=random: random.chance(15),
            sink,
            body,
            coap.Endpoint(random=Chance(random), parameters=coap.Parameters(max_retransmit=12)),
            coap.Endpoint(random=Chance(random)),
        )
        equal((seed, kind, coap.numbers.is_success(message.code)), (seed, coap.RESPONSE, True))
        if code != coap.GET:
            equal((seed, resource.got == [body]), (seed, True))
        if code != coap.PUT:
            came = sink.octets if sink else bytes(message.payload)
            equal((seed, len(came), came == body), (seed, size, True))


def test_several_at_once_to_one_peer():
    # three bodies up, two down, each with a token and a Request-Tag of its own
    resource = Resource()
    pair = Pair(endpoint(), endpoint(b"\x11\x11"), resource.serve)
    bodies = [pattern(70 + n) for n in range(2)]
    for body in bodies:
        message = coap.Message(coap.PUT, Seekable(body), [(coap.URI_PATH, b"a"), (coap.BLOCK1, b"")])
        pair.client.request(message, PEER, 0)
    sinks = [Sink() for _ in range(2)]
    for sink in sinks:
        pair.client.request(
            coap.Message(coap.GET, options=[(coap.URI_PATH, b"a"), (coap.BLOCK2, b"")]), PEER, 0, None, sink
        )
    pair.run()
    equal([kind for kind, _, _ in pair.events], [coap.RESPONSE] * 4)
    equal(sorted(resource.got) == sorted(bodies), True)
    equal([sink.octets == BODY for sink in sinks], [True] * 2)


def test_a_body_that_changes_while_it_comes():
    resource = Resource(pattern(100))
    pair = Pair(endpoint(), endpoint(b"\x11\x11"), resource.serve)
    other = bytes(reversed(pattern(90)))

    def serve(message):
        if message.uint(coap.BLOCK2, 0) >> 4 == 1:
            resource.body, resource.etag = other, b"2"
        return resource.serve(message)

    pair.serve = serve
    pair.client.request(coap.Message(coap.GET, options=[(coap.BLOCK2, b"\x01")]), PEER, 0)
    pair.run()
    ((kind, _, message),) = pair.events
    equal((kind, bytes(message.payload) == other), (coap.RESPONSE, True))


def test_a_long_body_both_ways():
    """96 KiB up and down: no more than a block of it is in memory at a time."""
    size = 96 * 1024

    class Long:
        """A file of so many octets, which it makes as they are read."""

        def __init__(self):
            self.at = 0
            self.most = 0

        def read(self, count):
            self.most = max(self.most, count)
            count = min(count, size - self.at)
            part = bytes([(self.at + n) * 31 >> 3 & 255 for n in range(count)])
            self.at += count
            return part

        def tell(self):
            return self.at

        def seek(self, position, whence=0):
            self.at = size if whence == 2 else position
            return self.at

    class Check:
        """A sink that compares what comes with what a file gives."""

        def __init__(self):
            self.file = Long()
            self.same = True

        def write(self, octets):
            self.same = self.same and self.file.read(len(octets)) == bytes(octets)

    server = endpoint(b"\x11\x11")
    server.streams = lambda message, peer: True
    check = Check()
    source = Long()
    pair = Pair(endpoint(), server, None)
    pair.take = check

    def serve(message):
        if message.code == coap.GET:
            return coap.Message(coap.CONTENT, Long(), [(coap.ETAG, b"1")])
        check.write(message.payload)
        more = message.uint(coap.BLOCK1) >> 3 & 1
        return coap.Message(coap.CONTINUE if more else coap.CHANGED)

    pair.serve = serve
    pair.client.request(coap.Message(coap.PUT, source), PEER, 0)
    pair.run()
    equal([kind for kind, _, _ in pair.events], [coap.RESPONSE])
    equal((check.same, check.file.at, source.most), (True, size, 1025))
    # a block and its answer each, and 96 of them
    equal(pair.sent, 2 * 96)
    down = Check()
    exchange = pair.client.request(coap.Message(coap.GET), PEER, pair.now, None, down)
    pair.run()
    equal([kind for kind, _, _ in pair.events], [coap.RESPONSE] * 2)
    equal((down.same, down.file.at, exchange.body.length), (True, size, size))
