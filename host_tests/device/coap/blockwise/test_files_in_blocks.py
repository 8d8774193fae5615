# SPDX-License-Identifier: MIT
"""Responses that are read while they go out: files, and what can be read only once. RFC 7959 section 2.4.

Block2 is 23: alone `d1 0a value`, behind Uri-Path 11 `c1 value`. Exponent 6 is 1024 octets.
"""

import io

import coap
import coap_pair
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, run, sent
from common import equal, raises

BODY = bytes([i * 7 & 255 for i in range(2500)])  # 1024 + 1024 + 452


BACK = bytes(reversed(BODY))


class Source(coap_pair.File):
    """Has `read` alone, and gives a hundred octets at a time."""

    def __init__(self, body=BODY):
        super().__init__(body, 100)


class File(coap_pair.Seekable):
    def __init__(self, body=BODY):
        super().__init__(body, 100)


def asked(device, text, source, now=0, code=coap.CONTENT, options=(), peer=PEER):
    """The decoded answer to a request, whose handler gives the source."""
    device.receive(octets(text), peer, now)
    kind, incoming, _ = one_event(device)
    device.respond(incoming, coap.Message(code, source, options), now)
    (datagram,) = sent(device)
    assert len(datagram) <= device.max_datagram
    return coap.decode(datagram)


def go_on(device, text, now=0, peer=PEER):
    """The decoded answer to a request that no handler may see."""
    (datagram,) = answer(device, text, now, peer)
    equal(events(device), [])
    return coap.decode(datagram)


def got(message, number, more, exponent, body=BODY):
    start = number << exponent + 4
    equal(message.uint(coap.BLOCK2), number << 4 | more << 3 | exponent)
    equal(bytes(message.payload), body[start : start + (16 << exponent)])


def test_a_file_answers_a_get():
    # the handler gives it anew for each block, and it is closed when that has gone; nothing is kept
    device = endpoint()
    for mid, block2, expected in ((1, "", (0, 1, 6)), (2, "d1 0a 16", (1, 1, 6)), (3, "d1 0a 26", (2, 0, 6))):
        file = File()
        got(asked(device, "41 01 %04x aa %s" % (mid, block2), file), *expected)
        equal((file.closed, device.bodies, device.next_deadline()), (1, [], None))
        assert file.most <= 1025  # a block, and one octet that says that more follow


def test_any_block_of_a_file():
    device = endpoint()
    got(asked(device, "41 01 0001 aa d1 0a 26", File()), 2, 0, 6)
    got(asked(device, "41 01 0002 aa d2 0a 0123", File()), 18, 1, 3)
    got(asked(device, "41 01 0003 aa d1 0a 06", io.BytesIO(BODY)), 0, 1, 6)
    # behind its end: 4.00, and it is closed
    file = File()
    equal(asked(device, "41 01 0004 aa d1 0a 36", file).code, coap.BAD_REQUEST)
    equal(file.closed, 1)


def test_a_file_is_read_from_its_beginning():
    # wherever it stands: a block is a place in it
    device = endpoint()
    for source in (File(), io.BytesIO(BODY)):
        source.seek(700)
        got(asked(device, "41 01 0001 aa d1 0a 16", source), 1, 1, 6)
        device = endpoint()


def test_a_small_file_is_not_cut():
    device = endpoint()
    for source in (File(b"short"), Source(b"short"), io.BytesIO(b"short")):
        message = asked(device, "41 01 0001 aa", source)
        equal((message.options, bytes(message.payload)), ([], b"short"))
        device = endpoint()
    for source in (File(b""), Source(b"")):
        message = asked(device, "41 01 0001 aa", source)
        equal((message.options, bytes(message.payload), source.closed), ([], b"", 1))
        device = endpoint()
    # asked for in blocks it has its Block2
    got(asked(device, "41 01 0002 aa d1 0a 02", Source(b"short")), 0, 0, 2, b"short")
    got(asked(device, "41 01 0003 aa d1 0a 00", File(b"x" * 16)), 0, 0, 0, b"x" * 16)


def test_size2_of_a_file():
    # 28 behind Block2: delta 5. 2500 = 09c4
    device = endpoint()
    equal(asked(device, "41 01 0001 aa d1 0a 06 50", File()).uint(coap.SIZE2), 2500)
    equal(asked(device, "41 01 0002 aa d1 0a 06 50", Source()).uint(coap.SIZE2), None)


def test_the_etag_of_a_file_is_the_handlers():
    device = endpoint()
    message = asked(device, "41 01 0001 aa", File(), options=[(coap.ETAG, b"v1")])
    equal(message.option(coap.ETAG), b"v1")
    equal(asked(device, "41 01 0002 aa", File()).option(coap.ETAG), None)


def test_a_file_answers_a_post_once():
    # it is kept open until all has been fetched, and 45 s longer, since the last block may be lost
    device = endpoint()
    file = File()
    got(asked(device, "41 02 0001 aa b1 61", file, 0, coap.CHANGED), 0, 1, 6)
    got(go_on(device, "41 02 0002 aa b1 61 c1 16"), 1, 1, 6)
    got(go_on(device, "41 02 0003 aa b1 61 c1 06".replace("c1 06", "c1 16")), 1, 1, 6)
    got(go_on(device, "41 02 0004 aa b1 61 c1 26"), 2, 0, 6)
    equal(file.closed, 0)
    run(device, 45000)
    equal((file.closed, device.bodies), (1, []))


def test_a_source_without_seek_is_read_once():
    device = endpoint()
    source = Source()
    message = asked(device, "41 01 0001 aa b1 61", source, options=[(coap.CONTENT_FORMAT, b"\x2a")])
    got(message, 0, 1, 6)
    equal(source.at, 1025)  # a block, and one octet that says that more follow
    message = go_on(device, "41 01 0002 aa b1 61 c1 16")
    got(message, 1, 1, 6)
    equal(message.uint(coap.CONTENT_FORMAT), 42)
    # the same block under a new message ID
    got(go_on(device, "41 01 0003 aa b1 61 c1 16"), 1, 1, 6)
    equal(source.closed, 0)
    got(go_on(device, "41 01 0004 aa b1 61 c1 26"), 2, 0, 6)
    equal(source.closed, 1)  # it was read to its end
    got(go_on(device, "41 01 0005 aa b1 61 c1 26"), 2, 0, 6)
    # what was fetched is gone; what is not there can't be asked for
    for mid, value in ((6, "16"), (7, "36")):
        equal(go_on(device, "41 01 %04x aa b1 61 c1 %s" % (mid, value)).code, coap.REQUEST_ENTITY_INCOMPLETE)
    run(device, 45000)
    equal((device.bodies, source.closed), ([], 1))
    assert source.most <= 1025


def test_a_source_without_seek_begins_at_its_beginning():
    device = endpoint()
    source = Source()
    equal(asked(device, "41 01 0001 aa d1 0a 16", source).code, coap.REQUEST_ENTITY_INCOMPLETE)
    equal((source.closed, device.bodies), (1, []))


def test_smaller_blocks_of_a_source_without_seek():
    # section 2.4: the client may turn to smaller ones: octet 1024 is block 16 of 64: 0102
    device = endpoint()
    source = Source()
    got(asked(device, "41 02 0001 aa", source, 0, coap.CHANGED), 0, 1, 6)
    for number in range(16, 40):
        more = int(number < 39)
        value = coap.uint_octets(number << 4 | 2)
        got(go_on(device, "41 02 %04x aa d2 0a %04x" % (number, number << 4 | 2)), number, more, 2)
        equal(value, bytes((number >> 4, number << 4 & 255 | 2)))


def test_what_nobody_fetches_is_closed():
    device = endpoint()
    sources = [Source(), Source()]
    for mid, source in enumerate(sources):
        asked(device, "41 01 %04x aa b1 61" % mid, source)  # the second takes the place of the first
    equal([source.closed for source in sources], [1, 0])
    run(device, 247000)
    equal([source.closed for source in sources], [1, 1])
    # and three of one peer are two, of others the oldest makes room
    sources = [Source() for _ in range(6)]
    for mid, source in enumerate(sources):
        peer = PEER if mid < 3 else ("192.0.2.%d" % (16 + mid), 1)
        asked(device, "41 01 %04x aa b1 %02x" % (mid + 16, 97 + mid), source, 300000, peer=peer)
        assert len(device.bodies) <= 3
    equal([source.closed for source in sources], [1, 1, 1, 0, 0, 0])


def test_an_answer_to_what_was_answered_is_closed():
    device = endpoint()
    answer(device, "41 01 0001 aa")
    _, incoming, _ = one_event(device)
    device.respond(incoming, coap.Message(coap.NOT_FOUND), 0)
    sent(device)
    file = File()
    device.respond(incoming, coap.Message(coap.CONTENT, file), 0)
    equal((file.closed, sent(device)), (1, []))


def test_a_file_that_shrinks_and_one_that_fails():
    device = endpoint()

    class Broken(File):
        def read(self, size):
            raise OSError(5)

    answer(device, "41 01 0001 aa")
    _, incoming, _ = one_event(device)
    raises(OSError, device.respond, incoming, coap.Message(coap.CONTENT, Broken()), 0)
    equal((sent(device), device.bodies), ([], []))
    device.respond(incoming, coap.Message(coap.INTERNAL_SERVER_ERROR), 0)
    equal(sent(device), [octets("61 a0 0001 aa")])

    class Shrinking(File):
        def read(self, size):
            self.octets = BODY[:2100]
            return super().read(size)

    # it said 2500, and ends within the third block: that is the last one, as far as it is
    got(asked(device, "41 01 0002 aa d1 0a 26", Shrinking()), 2, 0, 6, BODY[:2100])


def test_a_source_that_fails_in_the_middle():
    class Broken(Source):
        def read(self, size):
            if self.at > 1100:
                raise OSError(5)
            return super().read(size)

    device = endpoint()
    source = Broken()
    got(asked(device, "41 01 0001 aa b1 61", source), 0, 1, 6)
    equal(go_on(device, "41 01 0002 aa b1 61 c1 16").code, coap.SERVICE_UNAVAILABLE)
    equal(device.stats["failed"], 1)
    equal(go_on(device, "41 01 0003 aa b1 61 c1 16").code, coap.REQUEST_ENTITY_INCOMPLETE)
    run(device, 300000)
    equal((source.closed, device.bodies), (1, []))


def test_max_body_0_has_no_sources():
    device = endpoint(max_body=0)
    answer(device, "41 01 0001 aa")
    _, incoming, _ = one_event(device)
    raises(coap.MessageError, device.respond, incoming, coap.Message(coap.CONTENT, File()), 0)
    device.respond(incoming, coap.Message(coap.INTERNAL_SERVER_ERROR), 0)
    equal(sent(device), [octets("61 a0 0001 aa")])


def test_a_pipe_is_read_once():
    pipe = coap_pair.Pipe(BODY)
    server = endpoint(b"\x11\x11")
    pair = coap_pair.Pair(endpoint(), server, lambda message: coap.Message(coap.CONTENT, pipe))
    pair.client.request(coap.Message(coap.GET), PEER, 0)
    pair.run()
    ((kind, _, message),) = pair.events
    equal((kind, bytes(message.payload) == BODY, pipe.closed), (coap.RESPONSE, True, 1))


def test_interleaved_sources_of_two_peers():
    device = endpoint()
    for peer in (PEER, OTHER):
        got(asked(device, "41 01 0001 aa b1 61", Source(), peer=peer), 0, 1, 6)
        got(asked(device, "41 01 0002 aa b1 62", Source(BACK), peer=peer), 0, 1, 6, BACK)
        equal(len(device.bodies), 2 if peer is PEER else 3)
    got(go_on(device, "41 01 0003 aa b1 61 c1 16", peer=OTHER), 1, 1, 6)
    got(go_on(device, "41 01 0004 aa b1 62 c1 16", peer=OTHER), 1, 1, 6, BACK)
    got(go_on(device, "41 01 0005 aa b1 62 c1 16", peer=PEER), 1, 1, 6, BACK)


def test_a_message_with_a_source_can_be_shown():
    assert "source" in repr(coap.Message(coap.CONTENT, File()))
