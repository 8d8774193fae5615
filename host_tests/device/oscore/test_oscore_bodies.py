# SPDX-License-Identifier: MIT
"""Bodies in blocks under OSCORE, the server's side: they belong to the key, from whatever address a block comes."""

import coap
from common import equal
from oscore_scene import CLIENT, STRANGER, pair

BODY = bytes([i * 7 & 255 for i in range(3000)])


def block(client, server, number, more, payload):
    """The datagram of one block of a POST."""
    options = coap.path_options("/a") + [(coap.BLOCK1, coap.uint_octets(number << 4 | more << 3 | 2))]
    (datagram,) = client.ask(server, payload, options=options)
    return datagram


def said(client, datagrams, source):
    """What the client reads in an answer."""
    client.events.clear()
    for datagram, _ in datagrams:
        client.take(datagram, source.address)
    ((kind, _, message),) = client.events
    equal(kind, coap.RESPONSE)
    return message


def test_blocks_of_one_key_from_two_addresses():
    # a NAT may change the address in the middle; each answer goes to where its request came from
    client, server = pair()
    out = server.take(block(client, server, 0, 1, b"a" * 64), CLIENT)
    equal(out[0][1], CLIENT)
    equal(said(client, out, server).code, coap.CONTINUE)
    out = server.take(block(client, server, 1, 0, b"end"), STRANGER, answer=coap.CHANGED)
    equal(out[0][1], STRANGER)
    equal(said(client, out, server).code, coap.CHANGED)
    equal([bytes(message.payload) for message in server.got], [b"a" * 64 + b"end"])
    equal(server.endpoint.bodies, [])


def test_the_rest_of_a_response_for_another_address():
    client, server = pair()
    (datagram,) = client.ask(server, b"x", options=coap.path_options("/a") + [(coap.BLOCK2, b"\x02")])
    out = server.take(datagram, CLIENT, payload=BODY[:100])
    ((datagram, _),) = client.take(out[0][0], server.address)  # our client asks for the rest by itself
    message = said(client, server.take(datagram, STRANGER), server)
    equal(bytes(message.payload)[-36:], BODY[64:100])
    equal(len(server.got), 1)
