# SPDX-License-Identifier: MIT
"""Streams and sources when memory ends, for each allocation in turn (starving.py): receive and poll raise nothing, a
block that there was no memory for is dealt with when it comes again and told once, a stream is either there or was
given up, what is kept keeps its bounds.
"""

import coap
from coap_pair import File, Seekable
from coap_scene import PEER, endpoint, events, octets, sent
from common import equal
from starving import each

ROOM = (coap.SERVICE_UNAVAILABLE, coap.INTERNAL_SERVER_ERROR)


def block(number, more, mid=None):
    options = coap.path_options("/a") + [(coap.BLOCK1, coap.uint_octets(number << 4 | more << 3 | 2))]
    message = coap.Message(
        coap.PUT, bytes((97 + number,)) * (64 if more else 10), options, mid=mid or number + 1, token=b"\xaa"
    )
    return bytes(coap.encode(message))


def streaming():
    device = endpoint()
    device.streams = lambda message, peer: True
    return device


def taken(device, number):
    """The endpoint after that many blocks, each answered; its stream, if any."""
    stream = None
    for each_block in range(number):
        device.receive(block(each_block, 1), PEER, 0)
        ((_, incoming, _),) = events(device)
        stream = incoming.body
        device.respond(incoming, coap.Message(coap.CONTINUE), 0)
    sent(device)
    return stream


def pieces(number):
    """A block of a stream: prepare, act, check."""
    datagram = block(number, int(number < 2))

    def prepare():
        device = streaming()
        device.stream = taken(device, number)
        return device

    def act(device):
        device.receive(datagram, PEER, 0)

    def check(device, raised):
        assert not raised
        assert len(device.bodies) <= 1
        out = [each_out[1] for each_out in sent(device)]
        came = events(device)
        complete = len(came) == 1 and not out
        if not came:
            assert out == [] or out[0] in ROOM, out
            equal(device._incoming, [])
            device.receive(datagram, PEER, 2000)
            came = events(device)
        (kind, incoming, message) = came[0]
        equal((len(came), kind), (1, coap.PIECE if number < 2 else coap.REQUEST))
        equal(incoming.body.size, 64 * number + (64 if number < 2 else 10))
        assert not number or incoming.body is device.stream
        device.respond(incoming, coap.Message(coap.CONTINUE if number < 2 else coap.CHANGED), 2000)
        equal(len(sent(device)), 1)
        equal(len(device.bodies), int(number < 2))
        return complete

    return prepare, act, check


def test_blocks_of_a_stream():
    for number in range(3):
        assert each(*pieces(number)) >= 8


def test_an_answer_to_a_block_of_a_stream():
    for code in (coap.CONTINUE, coap.FORBIDDEN):

        def prepare():
            device = streaming()
            taken(device, 1)
            device.receive(block(1, 1), PEER, 0)
            device.held = events(device)[0][1]
            return device

        def act(device, code=code):
            device.respond(device.held, coap.Message(code), 100)

        def check(device, raised, code=code):
            if raised:
                equal((sent(device), len(device._incoming)), ([], 1))
                act(device)
            equal(device._incoming, [])
            out = sent(device)
            if not out:  # its datagram was lost; the block comes again
                device.receive(block(1, 1), PEER, 2000)
                out = sent(device)
            equal([each_out[1] for each_out in out], [code])
            # where it could not be dropped then, it is at its deadline, and nobody is told: it was answered
            if code != coap.CONTINUE:
                device.poll(247100)
                equal((device.bodies, events(device)), ([], []))
                return not raised
            device.receive(block(2, 0), PEER, 3000)
            equal([kind for kind, _, _ in events(device)], [coap.REQUEST])
            return not raised

        assert each(prepare, act, check) >= 3


def test_a_stream_is_given_up():
    def prepare():
        device = streaming()
        device.stream = taken(device, 2)
        return device

    def act(device):
        device.poll(247000)

    def check(device, raised):
        assert not raised
        came = events(device)
        complete = len(came) == 1 and not device.bodies
        for now in range(247000, 251000, 1000):
            device.poll(now)
        came += events(device)
        equal(came, [(coap.PIECE, device.stream, None)])
        equal(device.bodies, [])
        return complete

    assert each(prepare, act, check) >= 1


# in blocks of 64, which a datagram of 128 holds: larger ones want more memory in one piece than a small heap has
BODY = bytes(160)


def test_a_file_is_an_answer():
    def prepare():
        device = endpoint(max_datagram=128)
        device.receive(octets("41 01 0001 aa"), PEER, 0)
        device.held = events(device)[0][1]
        device.file = Seekable(BODY)
        return device

    def act(device):
        device.respond(device.held, coap.Message(coap.CONTENT, device.file), 0)

    def check(device, raised):
        if raised:
            equal((sent(device), len(device._incoming), device.file.closed), ([], 1, 0))
            act(device)
        equal((device.bodies, device.file.closed), ([], 1))
        out = sent(device)
        if not out:
            device.receive(octets("41 01 0001 aa"), PEER, 2000)
            out = sent(device)
        equal(bytes(coap.decode(out[0]).payload), BODY[:64])
        return not raised and bool(out)

    assert each(prepare, act, check) >= 8


def test_the_next_block_of_what_is_read_once():
    datagram = octets("41 01 0002 aa d1 0a 12")

    def prepare():
        device = endpoint(max_datagram=128)
        device.receive(octets("41 01 0001 aa"), PEER, 0)
        device.source = File(BODY)
        device.respond(events(device)[0][1], coap.Message(coap.CONTENT, device.source), 0)
        sent(device)
        return device

    def act(device):
        device.receive(datagram, PEER, 100)

    def check(device, raised):
        assert not raised
        out = [coap.decode(each_out) for each_out in sent(device)]
        complete = [message.code for message in out] == [coap.CONTENT]
        if not complete:
            assert not out or out[0].code in ROOM, out
            device.receive(datagram, PEER, 2000)
            out = [coap.decode(each_out) for each_out in sent(device)]
        # either the block, or that the rest is gone, where nobody knows how far it was read
        assert out[0].code == coap.REQUEST_ENTITY_INCOMPLETE or bytes(out[0].payload) == BODY[64:128]
        equal(events(device), [])
        for now in range(300000, 304000, 1000):
            device.poll(now)
        equal((device.bodies, device.source.closed), ([], 1))
        return complete

    assert each(prepare, act, check) >= 8
