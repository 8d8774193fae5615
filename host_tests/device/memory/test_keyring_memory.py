# SPDX-License-Identifier: MIT
"""Whatever allocation fails while a new key is made (RFC 8613 appendix B.2), while a message comes in outer blocks, or
at an endpoint with several keys: nothing is lost that does not come again, and nothing is taken twice.
"""

import coap
from coap import endpoint, message
from coap.endpoint import duplicates, serving
from coap.oscore import Keyring, context, hkdf, outer, renewal
from common import equal
from oscore_scene import CLIENT, SERVER, Party, Renewable, pair
from oscore_scene import context as key
from starving import each

POINTS = [
    (message.Message, "__init__"),
    (endpoint.Exchange, "__init__"),
    (duplicates.Incoming, "__init__"),
    (duplicates._Entry, "__init__"),
    (endpoint, "encode"),
    (endpoint, "decode"),
    (serving, "encode"),
    (context, "append_content"),
    (context, "read_content"),
    (context.Binding, "__init__"),
    (context.ccm, "seal"),
    (context.ccm, "open_sealed"),
    (context.ReplayWindow, "strike"),
    (renewal.hkdf, "derive"),
    (renewal.hkdf, "nonce_bases"),
    (renewal._Derived, "__init__"),
    (renewal._Slot, "replace"),
    (outer.Body, "__init__"),
    (outer, "add"),
    (outer, "joined"),
]


def handled(party, now, source):
    """What goes out of a party that answers each request at once."""
    return [octets for octets, _ in party.take(b"", source, now)]  # an empty datagram is no message


def to_and_fro(client, server, held, now):
    """Carries what is held, and what follows from it, until nothing does."""
    waiting = list(held)
    while waiting:
        to, octets = waiting.pop(0)
        source = CLIENT if to is server else SERVER
        for answer, _ in to.take(octets, source, now):
            waiting.append((client if to is server else server, answer))


def step(count):
    """A client and a server whose run has come to message number `count`, which nobody has received."""

    def prepare():
        client, server = Renewable(CLIENT, b"\x01", b""), Renewable(SERVER, b"", b"\x01")
        waiting = [(server, client.ask(server, b"text")[0])]
        for _ in range(count):
            to, octets = waiting.pop(0)
            source = CLIENT if to is server else SERVER
            waiting += [(client if to is server else server, answer) for answer, _ in to.take(octets, source)]
        client.server = server
        client.held = waiting[0]
        return client

    return prepare


def act(client):
    to, octets = client.held
    to.endpoint.receive(octets, CLIENT if to is client.server else SERVER, 0)


def check(client, raised):
    assert not raised
    server = client.server
    to, octets = client.held
    stats = to.endpoint.stats
    complete = not stats["failed"]
    for now in (0, 2000, 6000):  # what came of it, and the other side's repetitions
        for party, source in ((client, SERVER), (server, CLIENT)):
            out = [(server if party is client else client, each) for each in handled(party, now, source)]
            to_and_fro(client, server, out, now)
        if not client.events:
            to_and_fro(client, server, [(to, octets)], now)
    # Where the key was kept at neither side, the client asks again.
    if not client.events:
        complete = False
        for one in client.endpoint._exchanges[:]:
            client.endpoint.cancel(one, 0)
        to_and_fro(client, server, [(server, each) for each in client.ask(server, b"text", 9000)], 9000)
    equal([(kind, got.code) for kind, _, got in client.events], [(coap.RESPONSE, coap.CHANGED)])
    equal(len(server.got), 1)
    client.events.clear()
    for one, other in ((client, server), (server, client)):
        for datagram in one.ask(other, b"on", 10000):
            to_and_fro(client, server, [(other, datagram)], 10000)
        equal([got.code for _, _, got in one.events], [coap.CHANGED])
        one.events.clear()
    equal(client.security.context.id_context, server.security.context.id_context)
    return complete


def test_request_1():
    assert each(step(0), act, check, POINTS) >= 8


def test_response_1():
    assert each(step(1), act, check, POINTS) >= 8


def test_request_2():
    assert each(step(2), act, check, POINTS) >= 8


def test_response_2():
    assert each(step(3), act, check, POINTS) >= 8


def pieces(datagram, number):
    whole = message.decode(datagram)
    payload = bytes(whole.payload)
    cut = []
    for start in range(0, len(payload), 64):
        value = coap.uint_octets(start // 64 << 4 | (start + 64 < len(payload)) << 3 | 2)
        options = list(whole.options) + [(number, value)]
        cut.append(coap.Message(whole.code, payload[start : start + 64], options, whole.type, 0, whole.token))
    return cut


def request_in_pieces(which):
    def prepare():
        client, server = pair()
        cut = pieces(client.ask(server, b"x" * 150)[0], coap.BLOCK1)
        server.pieces = [
            message.encode(piece, coap.CON, 0x7000 + n, piece.token) for n, piece in enumerate(cut)
        ]
        for octets in server.pieces[:which]:
            server.take(octets, CLIENT)
        server.which = which
        return server

    return prepare


def receive_piece(server):
    server.endpoint.receive(server.pieces[server.which], CLIENT, 0)


def check_pieces(server, raised):
    assert not raised
    complete = not server.endpoint.stats["failed"]
    answers = handled(server, 0, CLIENT)
    for now in (2000, 6000):
        if not answers:
            answers = [octets for octets, _ in server.take(server.pieces[server.which], CLIENT, now)]
    for octets in server.pieces[server.which + 1 :]:
        answers = [octets for octets, _ in server.take(octets, CLIENT, 7000)]
    equal([coap.code_text(octets[1]) for octets in answers], ["2.04"])
    equal([bytes(got.payload) for got in server.got], [b"x" * 150])
    return complete


def test_a_piece_of_a_request():
    assert each(request_in_pieces(1), receive_piece, check_pieces, POINTS) >= 4


def test_the_last_piece_of_a_request():
    assert each(request_in_pieces(2), receive_piece, check_pieces, POINTS) >= 8


def piece_for(client, datagram):
    request = message.decode(datagram)
    piece = client.pieces[request.uint(coap.BLOCK2, 0) >> 4]
    return message.encode(piece, coap.ACK, request.mid, request.token)


def response_in_pieces():
    client, server = pair()
    (asked,) = client.ask(server, b"question")
    ((answer, _),) = server.take(asked, CLIENT, payload=b"y" * 150)
    client.pieces = pieces(answer, coap.BLOCK2)
    client.asked = asked
    client.held = piece_for(client, asked)
    return client


def receive_first(client):
    client.endpoint.receive(client.held, SERVER, 0)


def check_response(client, raised):
    assert not raised
    complete = not client.endpoint.stats["failed"]
    waiting = handled(client, 0, SERVER)
    for now in (2000, 6000):
        if not waiting:
            waiting = [octets for octets, _ in client.take(client.held, SERVER, now)]
    while waiting:
        waiting += [octets for octets, _ in client.take(piece_for(client, waiting.pop(0)), SERVER, 7000)]
    equal([bytes(got.payload) for _, _, got in client.events], [b"y" * 150])
    return complete


def test_a_piece_of_a_response():
    assert each(response_in_pieces, receive_first, check_response, POINTS) >= 5


class Ring(Party):
    def secured(self):
        return Keyring([key(b"", b"\x01", self.storage, id_context=id) for id in (b"one", b"two")])


def asked_of_a_ring():
    ring = Ring(SERVER, b"", b"\x01")
    client = Party(CLIENT, b"\x01", b"", id_context=b"two")
    (ring.held,) = client.ask(ring, b"text")
    ring.client = client
    return ring


def receive_at_ring(ring):
    ring.endpoint.receive(ring.held, CLIENT, 0)


def check_ring(ring, raised):
    assert not raised
    complete = not ring.endpoint.stats["failed"]
    answers = handled(ring, 0, CLIENT)
    for now in (2000, 6000):
        if not answers:
            answers = [octets for octets, _ in ring.take(ring.held, CLIENT, now)]
    ring.client.take(answers[0], SERVER)
    equal([got.code for _, _, got in ring.client.events], [coap.CHANGED])
    equal(([bytes(got.payload) for got in ring.got], ring.security.stats["replayed"]), ([b"text"], 0))
    return complete


def test_a_request_to_one_of_several():
    assert each(asked_of_a_ring, receive_at_ring, check_ring, POINTS) >= 8


def test_the_module_that_derives_keys_comes_again():
    # It is let go of after each use, and imported with the next.
    one = key(b"", b"\x01")
    equal(one._sender_key, hkdf.derive(hkdf.extract(b"", b"sixteen octets.."), b"", None))
