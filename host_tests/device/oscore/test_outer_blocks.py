# SPDX-License-Identifier: MIT
"""Protected messages that a proxy cuts in pieces: outer Block options, RFC 8613 section 4.1.3.4.2.

The proxy here is a function that cuts what one endpoint sends, as RFC 7959 has it, and puts nothing else in.
"""

import coap
from coap import message
from coap.oscore import Security
from common import Random, equal
from oscore_scene import CLIENT, SERVER, STRANGER, Party, pair, talk

LONG = b"0123456789" * 30
OTHER = b"9876543210" * 30


def cut(datagram, size=64, number=coap.BLOCK1):
    """One message in pieces: [Message without a message ID]."""
    whole = message.decode(datagram)
    payload = bytes(whole.payload)
    exponent = {16: 0, 32: 1, 64: 2, 128: 3}[size]
    pieces = []
    for start in range(0, len(payload), size):
        more = start + size < len(payload)
        value = coap.uint_octets(start // size << 4 | more << 3 | exponent)
        pieces.append(
            coap.Message(
                whole.code,
                payload[start : start + size],
                list(whole.options) + [(number, value)],
                whole.type,
                whole.mid,
                whole.token,
            )
        )
    return pieces


def octets(piece, mid):
    return message.encode(piece, piece.type, mid, piece.token)


def give(server, pieces, source=CLIENT, mid=0x7000, now=0, payload=b""):
    """The answers to pieces of a request."""
    answers = []
    for number, piece in enumerate(pieces):
        for answer, peer in server.take(octets(piece, mid + number), source, now, payload=payload):
            equal(peer, source)
            answers.append(message.decode(answer))
    return answers


def codes(answers):
    return [coap.code_text(each.code) for each in answers]


def heard():
    """A client and a server that knows its address."""
    client, server = pair()
    talk(client, server, client.ask(server, b"hello"))
    server.got.clear(), client.events.clear()
    return client, server


def test_a_request_in_pieces():
    client, server = pair()
    (datagram,) = client.ask(server, LONG)
    pieces = cut(datagram)
    answers = give(server, pieces)
    equal(codes(answers), (len(pieces) - 1) * ["2.31"] + ["2.04"])
    # Each answer says what it is to; only the last one is protected.
    equal([each.option(coap.BLOCK1) for each in answers], [each.option(coap.BLOCK1) for each in pieces])
    equal([each.option(coap.OSCORE) for each in answers], (len(pieces) - 1) * [None] + [b""])
    equal([bytes(each.payload) for each in server.got], [LONG])
    equal(server.endpoint.stats["refused"], 0)
    equal(len(server.security.bodies), 0)
    # The client's own message ID and token, as a proxy would put them back
    asked = message.decode(datagram)
    client.take(message.encode(answers[-1], coap.ACK, asked.mid, asked.token), SERVER)
    equal([each[2].code for each in client.events], [coap.CHANGED])


def test_pieces_that_come_again_or_are_lost():
    client, server = pair()
    pieces = cut(client.ask(server, LONG)[0])
    first = give(server, pieces[:2])
    equal(codes(give(server, [pieces[1]], mid=0x7001)), ["2.31"])  # the answer was lost
    equal(codes(first), ["2.31", "2.31"])
    equal(codes(give(server, [pieces[3]], mid=0x7100)), ["4.08"])  # one is missing
    equal(codes(give(server, pieces[2:], mid=0x7200)), (len(pieces) - 3) * ["2.31"] + ["2.04"])
    equal([bytes(each.payload) for each in server.got], [LONG])
    last = give(server, [pieces[-1]], mid=0x7200 + len(pieces) - 3)  # its answer was lost
    equal((codes(last), len(server.got)), (["2.04"], 1))


def test_from_the_start_again():
    client, server = pair()
    pieces = cut(client.ask(server, LONG)[0])
    give(server, pieces[:3])
    equal(codes(give(server, pieces, mid=0x7100)), (len(pieces) - 1) * ["2.31"] + ["2.04"])
    equal([bytes(each.payload) for each in server.got], [LONG])


def test_too_long_a_request():
    client, server = pair()
    server.security.max_unfragmented = 256
    pieces = cut(client.ask(server, LONG)[0])
    answers = give(server, pieces[:5])
    equal(codes(answers), 4 * ["2.31"] + ["4.13"])
    equal(answers[-1].uint(coap.SIZE1), 256)
    equal((server.got, len(server.security.bodies)), ([], 0))
    # said before it is sent (RFC 7959 section 4)
    client.endpoint.cancel(client.endpoint._exchanges[0], 0)
    client.out()
    pieces = cut(client.ask(server, LONG)[0])
    pieces[0].options.append((coap.SIZE1, b"\x01\x2c"))
    equal(codes(give(server, pieces[:1], mid=0x7100)), ["4.13"])


def test_none_where_none_are_wanted():
    client, server = pair()
    server.security = Security(server.security.context, 0)
    server.endpoint.security = server.security
    pieces = cut(client.ask(server, LONG)[0])
    equal(codes(give(server, pieces[:1])), ["4.00"])
    equal((server.got, server.security.bodies), ([], ()))


def test_pieces_of_two_requests_are_not_mixed():
    client, server = heard()
    client.endpoint.parameters.nstart = 2
    one = cut(client.ask(server, LONG)[0])
    other = cut(client.ask(server, OTHER)[0])
    mixed = [one[0], other[1], one[2], other[3], other[4]]
    assert "2.04" not in codes(give(server, mixed))
    equal(server.got, [])
    # Of one address only the request that began last is kept.
    give(server, one[:2], mid=0x7100)
    give(server, other[:2], mid=0x7200)
    equal(len(server.security.bodies), 1)
    equal(codes(give(server, other[2:], mid=0x7300))[-1:], ["2.04"])
    equal([bytes(each.payload) for each in server.got], [OTHER])


def test_a_changed_piece_is_found_at_the_end():
    client, server = heard()
    for position in range(0, 300, 23):
        pieces = cut(client.ask(server, LONG)[0])
        payload = bytearray(pieces[position // 64].payload)
        payload[position % 64] ^= 1
        pieces[position // 64].payload = bytes(payload)
        equal(codes(give(server, pieces, mid=0x1000 + position * 16, now=1000 * position))[-1:], ["4.00"])
        equal((server.got, client.endpoint.cancel(client.endpoint._exchanges[0], 0)), ([], None))
        client.out()


def test_forged_pieces_neither_fill_the_heap_nor_stop_the_peer():
    client, server = heard()
    pieces = cut(client.ask(server, LONG)[0])
    random = Random(5)
    mid = 0
    for piece in pieces:
        for _ in range(50):  # first pieces of other messages, from elsewhere, and such as fit nothing
            mid += 1
            forged = cut(client_like(random.bytes(3)), 64)[0]
            if random.chance(50):
                forged.options[-1] = (coap.BLOCK1, coap.uint_octets(random.below(1 << 20)))
            forged.payload = random.bytes(64 if random.chance(80) else random.below(64))
            server.take(octets(forged, mid), (STRANGER[0], 1000 + random.below(50)), 100 * mid)
            assert len(server.security.bodies) <= 2
            assert (
                sum([sum([len(part) for part in body.pieces]) for body in server.security.bodies]) <= 2 * 4096
            )
        answers = give(server, [piece], mid=0x8000 + mid, now=100 * mid)
    equal(codes(answers), ["2.04"])
    equal([bytes(each.payload) for each in server.got], [LONG])


def client_like(piv):
    """A message as the client's, by no key, with any Partial IV."""
    option = b"\x0b\xff" + piv[1:] + b"\x01"
    return message.encode(
        coap.Message(coap.POST, bytes(200), [(coap.OSCORE, option)]), coap.CON, 1, b"\x01\x02\x03\x04"
    )


def test_of_an_unknown_kid_or_an_old_number_nothing_is_kept():
    client, server = heard()
    stranger = Party(STRANGER, b"\x07", b"")
    equal(codes(give(server, cut(stranger.ask(server, LONG)[0])[:1], STRANGER)), ["4.01"])
    (datagram,) = client.ask(server, LONG)
    talk(client, server, [datagram])
    equal(codes(give(server, cut(datagram)[:1])), ["4.01"])
    equal(len(server.security.bodies), 0)


def test_pieces_are_forgotten():
    client, server = pair()
    give(server, cut(client.ask(server, LONG)[0])[:2])
    server.endpoint.poll(246000)
    equal(len(server.security.bodies), 1)
    server.endpoint.poll(248000)
    equal(len(server.security.bodies), 0)


# --- responses ----------------------------------------------------------------------------------------------------


class Proxy:
    """Cuts what the server answers to one request, and gives each piece when it is asked for."""

    def __init__(self, server, source=CLIENT):
        self.server = server
        self.source = source
        self.pieces = None
        self.asked = []

    def __call__(self, datagram):
        request = message.decode(datagram)
        self.asked.append(request)
        wanted = request.uint(coap.BLOCK2, 0) >> 4
        if self.pieces is None:
            ((answer, _),) = self.server.take(datagram, self.source, payload=LONG)
            self.pieces = cut(answer, 64, coap.BLOCK2)
        piece = self.pieces[wanted]
        return message.encode(piece, coap.ACK, request.mid, request.token)


def fetch(client, server, proxy, options=None):
    datagrams = client.ask(server, b"question", options=options)
    while datagrams:
        out = client.take(proxy(datagrams.pop(0)), SERVER)
        datagrams += [octets for octets, _ in out]


def test_a_response_in_pieces():
    client, server = pair()
    proxy = Proxy(server)
    fetch(client, server, proxy)
    equal([(kind, bytes(each.payload)) for kind, _, each in client.events], [(coap.RESPONSE, LONG)])
    # What asks for the next piece is the same protected request, without its payload (RFC 7959 section 2.7).
    first = proxy.asked[0]
    for number, request in enumerate(proxy.asked[1:]):
        equal((request.code, bytes(request.payload)), (first.code, b""))
        equal(request.option(coap.OSCORE), first.option(coap.OSCORE))
        equal(request.uint(coap.BLOCK2), number + 1 << 4 | 2)
    equal(len(proxy.asked), len(proxy.pieces))
    talk(client, server, client.ask(server, b"goes on"))
    equal(bytes(server.got[-1].payload), b"goes on")


class Faulty(Proxy):
    """Does something wrong to its third piece."""

    def __init__(self, server, fault):
        Proxy.__init__(self, server)
        self._fault = fault

    def __call__(self, datagram):
        answer = message.decode(Proxy.__call__(self, datagram))
        if answer.uint(coap.BLOCK2) >> 4 == 2:
            if self._fault == "etag":
                answer.options.append((coap.ETAG, b"new"))
            elif self._fault == "piece":
                answer.options = [each for each in answer.options if each[0] != coap.BLOCK2]
                answer.options.append((coap.BLOCK2, coap.uint_octets(3 << 4 | 10)))
            elif self._fault == "text":
                answer.payload = bytes(64)
        return message.encode(answer, answer.type, answer.mid, answer.token)


def test_a_response_that_is_too_long_or_does_not_fit_together():
    for fault in ("long", "etag", "piece", "text"):
        client, server = pair()
        if fault == "long":
            client.security.max_unfragmented = 256
        fetch(client, server, Faulty(server, fault))
        equal(client.events, [])
        assert client.security.trouble, fault
        client.endpoint.poll(5000)
        equal(client.endpoint.next_event()[0], coap.REFUSED)


def test_the_whole_of_a_response_may_follow_a_forged_piece():
    # Whoever sees the request can answer it with a piece. That costs one more request, and the true answer to that
    # still counts.
    client, server = pair()
    (datagram,) = client.ask(server, b"question")
    request = message.decode(datagram)
    forged = coap.Message(coap.CHANGED, bytes(64), [(coap.OSCORE, b""), (coap.BLOCK2, b"\x0a")])
    ((again, _),) = client.take(message.encode(forged, coap.ACK, request.mid, request.token), SERVER)
    ((answer, _),) = server.take(datagram, CLIENT, payload=LONG)
    asked, whole = message.decode(again), message.decode(answer)
    client.take(message.encode(whole, coap.ACK, asked.mid, asked.token), SERVER)
    equal([bytes(each[2].payload) for each in client.events], [LONG])
