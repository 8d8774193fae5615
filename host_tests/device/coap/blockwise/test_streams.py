# SPDX-License-Identifier: MIT
"""Bodies that are taken block by block (coap.blockwise.streams): RFC 7959 section 2.5 without collecting.

Block1 is 27, behind Uri-Path 11: `d1 03 value`; alone in a response: `d1 0e value`. Exponent 3 is 128 octets.
"""

import coap
from coap.blockwise import ANYWHERE
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, run, sent
from common import equal

A, B = "ff" + "61" * 128, "ff" + "62" * 128


def streaming(said=True, **named):
    device = endpoint(**named)
    device.streams = lambda message, peer: said if message.path == "/s" else None
    return device


def block(mid, value, payload=A, first="40 03", path="b1 73"):
    """CON PUT of one block to /s."""
    return "%s %04x %s d1 03 %02x %s" % (first, mid, path, value, payload)


def piece(device, text, now=0, peer=PEER):
    """The one event of a block, which nothing answers yet."""
    equal(answer(device, text, now, peer), [])
    return one_event(device)


def go_on(device, incoming, now=0):
    device.respond(incoming, coap.Message(coap.CONTINUE), now)
    return sent(device)


def test_each_block_is_an_event():
    device = streaming(max_body=128)  # which does not bound it
    kind, incoming, message = piece(device, block(1, 0x0B))
    equal(
        (kind, message.path, bytes(message.payload), incoming.body.size), (coap.PIECE, "/s", b"a" * 128, 128)
    )
    incoming.body.tag = "mine"
    # the next one may come when the layer above says so
    equal(go_on(device, incoming), [octets("60 5f 0001 d1 0e 0b")])
    kind, incoming, message = piece(device, block(2, 0x1B, B))
    equal((kind, bytes(message.payload), incoming.body.tag), (coap.PIECE, b"b" * 128, "mine"))
    equal(go_on(device, incoming), [octets("60 5f 0002 d1 0e 1b")])
    kind, incoming, message = piece(device, block(3, 0x23, "ff 63"))
    equal((kind, bytes(message.payload), incoming.body.tag), (coap.REQUEST, b"c", "mine"))
    equal(incoming.body.size, 257)
    device.respond(incoming, coap.Message(coap.CHANGED), 0)
    equal(sent(device), [octets("60 44 0003 d1 0e 23")])
    equal((device.bodies, device.next_deadline(), events(device)), ([], None, []))


def test_what_comes_in_one_message_is_a_request_without_a_stream():
    device = streaming()
    for text in ("40 03 0001 b1 73 ff 63", block(2, 0x03, "ff 63")):
        kind, incoming, message = piece(device, text)
        equal((kind, bytes(message.payload), incoming.body), (coap.REQUEST, b"c", None))
    # other paths are collected as ever
    equal(answer(device, block(3, 0x0B, path="b1 74")), [octets("60 5f 0003 d1 0e 0b")])


def test_back_pressure():
    # nothing for 10 minutes but the empty acknowledgement after 250 ms; the peer waits, and then gets a separate 2.31
    device = streaming()
    _, incoming, _ = piece(device, block(1, 0x0B))
    equal(run(device, 240000), [(250, octets("60 00 0001"))])
    equal(go_on(device, incoming, 240000), [octets("40 5f 0001 d1 0e 0b")])
    equal(answer(device, "60 00 0001", 240100), [])
    # and from then on it is the peer's turn for 247 s
    kind, incoming, _ = piece(device, block(2, 0x1B, B), 486000)
    equal((kind, incoming.body.size), (coap.PIECE, 256))


def test_one_block_at_a_time():
    # who does not wait for the answer to a block hears 5.03 with Max-Age for the next one, and the stream stands
    device = streaming()
    _, incoming, _ = piece(device, block(1, 0x0B))
    equal(answer(device, block(2, 0x1B, B)), [octets("60 a3 0002 d1 01 0a")])
    equal(events(device), [])
    equal(go_on(device, incoming), [octets("60 5f 0001 d1 0e 0b")])
    kind, incoming, _ = piece(device, block(3, 0x1B, B))
    equal((kind, incoming.body.size), (coap.PIECE, 256))


def test_a_final_answer_before_the_end_ends_it():
    # an error before the last block has no Block1: the block was not taken
    device = streaming()
    _, incoming, _ = piece(device, block(1, 0x0B))
    device.respond(incoming, coap.Message(coap.FORBIDDEN), 0)
    equal(sent(device), [octets("60 83 0001")])
    equal((device.bodies, events(device)), ([], []))
    equal(answer(device, block(2, 0x1B)), [octets("60 88 0002")])


def test_a_smaller_size_that_the_layer_above_asks_for():
    # figure 8 of section 3.2: 0/1/128 is answered with 0/1/32 (09), then comes 4/1/32 (49), and 5/0/32 (51)
    device = streaming()
    _, incoming, _ = piece(device, block(1, 0x0B))
    device.respond(incoming, coap.Message(coap.CONTINUE, options=[(coap.BLOCK1, b"\x09")]), 0)
    equal(sent(device), [octets("60 5f 0001 d1 0e 09")])
    kind, incoming, message = piece(device, block(2, 0x49, "ff" + "62" * 32))
    equal((kind, incoming.body.size), (coap.PIECE, 160))
    equal(go_on(device, incoming), [octets("60 5f 0002 d1 0e 49")])
    kind, incoming, message = piece(device, block(3, 0x51, "ff 63"))
    equal((kind, incoming.body.size), (coap.REQUEST, 161))


def test_a_gap_and_a_body_that_nobody_began():
    device = streaming()
    equal(answer(device, block(1, 0x1B)), [octets("60 88 0001")])
    _, incoming, _ = piece(device, block(2, 0x0B))
    go_on(device, incoming)
    equal(answer(device, block(3, 0x2B)), [octets("60 88 0003")])
    # the stream stands where it stood
    equal(piece(device, block(4, 0x1B, B))[0], coap.PIECE)
    equal(answer(device, block(5, 0x0B, "ff" + "61" * 127))[0][1], 0x80)


def test_a_stream_that_begins_in_the_middle():
    # allowed with ANYWHERE: a resumed upload. Octet 256 is block 2 of 128
    device = streaming(ANYWHERE)
    kind, incoming, message = piece(device, block(1, 0x2B))
    equal((kind, incoming.body.size), (coap.PIECE, 384))
    equal(go_on(device, incoming), [octets("60 5f 0001 d1 0e 2b")])
    equal(answer(device, block(2, 0x4B)), [octets("60 88 0002")])
    kind, incoming, message = piece(device, block(3, 0x33, "ff 63"))
    equal((kind, incoming.body.size), (coap.REQUEST, 385))
    # also with its last block
    device = streaming(ANYWHERE)
    kind, incoming, message = piece(device, block(1, 0x33, "ff 63"))
    equal((kind, incoming.body.size), (coap.REQUEST, 385))


def test_a_block_again_is_answered_and_told_once():
    device = streaming()
    for mid, value, payload in ((1, 0x0B, A), (2, 0x1B, B)):
        _, incoming, _ = piece(device, block(mid, value, payload))
        # while nobody has answered it: the empty acknowledgement, and under a new message ID 5.03 with Max-Age
        equal(answer(device, block(mid, value, payload)), [octets("60 00 %04x" % mid)])
        equal(answer(device, block(mid + 16, value, payload)), [octets("60 a3 %04x d1 01 0a" % (mid + 16))])
        equal(go_on(device, incoming), [octets("40 5f %04x d1 0e %02x" % (mid, value))])
        equal(answer(device, "60 00 %04x" % mid), [])
        equal(
            answer(device, block(mid + 32, value, payload)),
            [octets("60 5f %04x d1 0e %02x" % (mid + 32, value))],
        )
        equal(events(device), [])
    equal(answer(device, block(50, 0x1B, A)), [octets("60 88 0032")])  # other octets


def test_a_peer_that_begins_anew():
    device = streaming()
    for mid, value, payload in ((1, 0x0B, A), (2, 0x1B, B)):
        _, incoming, _ = piece(device, block(mid, value, payload))
        go_on(device, incoming)
    old = incoming.body
    equal(answer(device, block(3, 0x0B)), [])
    (given_up, begun) = events(device)
    equal(given_up, (coap.PIECE, old, None))
    kind, incoming, message = begun
    equal((kind, incoming.body is old, incoming.body.size), (coap.PIECE, False, 128))
    equal(len(device.bodies), 1)
    # what the old one is still answered changes nothing


def test_an_answer_to_a_stream_that_was_given_up():
    device = streaming()
    _, first, _ = piece(device, block(1, 0x0B))
    equal(answer(device, block(2, 0x0B, B)), [])
    given_up, (_, second, _) = events(device)
    equal(given_up, (coap.PIECE, first.body, None))
    device.respond(first, coap.Message(coap.INTERNAL_SERVER_ERROR), 0)
    equal(sent(device), [octets("60 a0 0001")])
    equal(device.bodies, [second.body])
    equal(go_on(device, second), [octets("60 5f 0002 d1 0e 0b")])


def test_a_peer_that_goes_silent():
    # EXCHANGE_LIFETIME, 247 s, after our last answer
    device = streaming()
    _, incoming, _ = piece(device, block(1, 0x0B))
    go_on(device, incoming, 100)
    equal(device.next_deadline(), 247100)
    device.poll(247099)
    equal(events(device), [])
    device.poll(247100)
    equal(events(device), [(coap.PIECE, incoming.body, None)])
    equal((device.bodies, device.next_deadline()), ([], None))
    equal(answer(device, block(2, 0x1B), 247200), [octets("60 88 0002")])


def test_a_layer_above_that_never_answers():
    # 247 s after the empty acknowledgement the peer hears 5.00, and the stream is given up
    device = streaming()
    _, incoming, _ = piece(device, block(1, 0x0B))
    equal(run(device, 600000), [(250, octets("60 00 0001")), (247250, octets("50 a0 0001"))])
    equal(events(device), [(coap.PIECE, incoming.body, None)])
    equal((device.bodies, device._incoming, device.stats["abandoned"]), ([], [], 1))
    device.respond(incoming, coap.Message(coap.CONTINUE), 600000)
    equal((sent(device), device.next_deadline()), ([], None))
    # the same with its last block
    device = streaming()
    _, first, _ = piece(device, block(1, 0x0B))
    go_on(device, first)
    piece(device, block(2, 0x13, "ff 63"))
    run(device, 600000)
    equal((events(device), device.bodies), ([(coap.PIECE, first.body, None)], []))


def test_streams_and_bodies_share_the_places():
    device = streaming()
    for mid, value, path in ((1, 0x0B, "b1 73"), (2, 0x0B, "b1 74")):
        device.receive(octets(block(mid, value, path=path)), PEER, 0)
    (event,) = events(device)
    go_on(device, event[1])
    equal(answer(device, block(3, 0x0B, path="b1 75")), [octets("60 a3 0003 d1 01 0a")])
    equal(piece(device, block(1, 0x0B), 0, OTHER)[0], coap.PIECE)
    equal(answer(device, block(1, 0x0B), 0, ("192.0.2.9", 1)), [octets("60 a3 0001 d1 01 0a")])
    # a stream whose layer above takes its time is not quiet; the one whose peer does makes room, and is told
    equal(answer(device, block(2, 0x0B), 60000, ("192.0.2.9", 1)), [])
    given_up, (kind, _, _) = events(device)
    equal((given_up, kind), ((coap.PIECE, event[1].body, None), coap.PIECE))


def test_interleaved_streams():
    # two with a Request-Tag each (292 behind Block1: delta 265 = 13 + 252: d1 fc)
    device = streaming()

    def tagged(mid, value, tag, payload):
        return "40 03 %04x b1 73 d1 03 %02x d1 fc %02x %s" % (mid, value, tag, payload)

    for mid, tag, payload in ((1, 1, A), (2, 2, B)):
        _, incoming, _ = piece(device, tagged(mid, 0x0B, tag, payload))
        incoming.body.tag = tag
        go_on(device, incoming)
    for mid, tag in ((3, 2), (4, 1)):
        kind, incoming, _ = piece(device, tagged(mid, 0x13, tag, "ff 63"))
        equal((kind, incoming.body.tag, incoming.body.size), (coap.REQUEST, tag, 129))


def test_what_is_longer_than_a_datagram_hears_no_bound():
    # a stream has no Size1; the size of block that fits 256 octets, 128, is said to a block
    device = streaming(max_datagram=256)
    equal(answer(device, block(1, 0x0D, "ff" + "61" * 512)), [octets("60 8d 0001 d1 0e 03")])
    equal(answer(device, "40 03 0002 b1 73 ff" + "61" * 512), [octets("60 8d 0002")])


def test_a_mebibyte_leaves_nothing_behind():
    device = streaming()
    total = 0
    for number in range(1024):
        value = coap.uint_octets(number << 4 | (number < 1023) << 3 | 6)
        message = coap.Message(
            coap.PUT, bytes((number & 255,)) * 1024, [(coap.URI_PATH, b"s"), (coap.BLOCK1, value)], mid=number
        )
        device.receive(coap.encode(message), PEER, number * 10)
        kind, incoming, message = one_event(device)
        equal((kind, message.payload[0]), (coap.PIECE if number < 1023 else coap.REQUEST, number & 255))
        total += len(message.payload)
        code = coap.CONTINUE if number < 1023 else coap.CHANGED
        device.respond(incoming, coap.Message(code), number * 10)
        equal([out[1] for out in sent(device)], [code])
    equal((total, incoming.body.size, device.bodies), (1 << 20, 1 << 20, []))


def test_each_datagram_may_be_lost():
    # the peer says the same again after 2 s; each piece is told once, in its place
    blocks = ((1, 0x0B, A), (2, 0x1B, B), (3, 0x23, "ff 63"))
    for lost in range(6):
        device = streaming()
        told, count = [], 0
        for number, (mid, value, payload) in enumerate(blocks):
            reply = []
            for now in range(number * 10000, number * 10000 + 10000, 2000):
                count += 1
                if count - 1 == lost:
                    continue
                device.receive(octets(block(mid, value, payload)), PEER, now)
                for kind, incoming, message in events(device):
                    told.append((kind, bytes(message.payload)))
                    code = coap.CONTINUE if kind == coap.PIECE else coap.CHANGED
                    device.respond(incoming, coap.Message(code), now)
                reply = sent(device)
                count += 1
                if count - 1 != lost:
                    break
            equal(reply, [octets("60 %s %04x d1 0e %02x" % ("44" if number == 2 else "5f", mid, value))])
        equal(
            (lost, told),
            (lost, [(coap.PIECE, b"a" * 128), (coap.PIECE, b"b" * 128), (coap.REQUEST, b"c")]),
        )


def test_a_failure_of_who_says_what_is_a_stream():
    # as of `admit`: nothing of the block is kept, and it is told 5.00 with Max-Age 2
    device = streaming()
    usual = device.streams

    def fails(message, peer):
        raise KeyError("a mistake")

    device.streams = fails
    equal(answer(device, block(1, 0x0B)), [octets("60 a0 0001 d1 01 02")])
    equal((device.stats["failed"], device.bodies, events(device)), (1, [], []))
    device.streams = usual
    equal(piece(device, block(1, 0x0B))[0], coap.PIECE)


def test_non_confirmable_blocks_of_a_stream():
    # NON 2.31 with a message ID of ours
    device = streaming()
    _, incoming, _ = piece(device, block(9, 0x0B, first="50 03"))
    equal(go_on(device, incoming), [octets("50 5f 0001 d1 0e 0b")])
    kind, incoming, _ = piece(device, block(10, 0x13, "ff 63", first="50 03"))
    device.respond(incoming, coap.Message(coap.CHANGED), 0)
    equal((kind, sent(device)), (coap.REQUEST, [octets("50 44 0002 d1 0e 13")]))
