# SPDX-License-Identifier: MIT
"""The device's own requests in blocks: Block1 of RFC 7959 sections 2.3, 2.5 and 2.9, Request-Tag of RFC 9175 section 3.

Options: Uri-Path 11 `b1 61`; Block1 27 behind it `d1 03 value`, Size1 60 behind that `d1 14 value`; Request-Tag 292
`d4 db tag` behind Size1, `d4 fc tag` behind Block1. In a response Block1 alone is `d1 0e value`. The value is
number << 4 | more << 3 | exponent. Message IDs count from 1; the Request-Tag is the first random number, 1, so tokens
count from 2.
"""

import coap
from coap_pair import File, Pipe, Seekable, Sink, pattern
from coap_scene import PEER, FixedRandom, answer, endpoint, events, octets, one_event, run, sent
from common import equal, raises

TAG = "00000001"
SMALL = (coap.BLOCK1, b"")  # blocks of 16
BODY = pattern(40)


def hexed(start, end, body=BODY):
    return body[start:end].hex()


def putting(payload=BODY, options=(SMALL,), code=coap.PUT, device=None, **named):
    """What fits a datagram goes out as it is, so a short body is a file where it is to go out in blocks."""
    device = device or endpoint()
    if isinstance(payload, bytes) and options and options[0][0] == coap.BLOCK1 and not named.get("alone"):
        payload = Seekable(payload)
    message = coap.Message(code, payload, coap.path_options("/a") + list(options))
    exchange = device.request(message, PEER, 0, "mine", **named)
    return device, exchange, sent(device)


def first(body, value="08", size="28", tag=TAG, code=3, mid=1, token=2):
    size = "d1 14" + size + "d4 db" if size else "d4 fc"
    return octets("44 %02x %04x %08x b1 61 d1 03 %s %s %s ff" % (code, mid, token, value, size, tag) + body)


def later(number, body, value, tag=TAG, code=3):
    """The `number`-th datagram, counted from 1."""
    return octets(
        "44 %02x %04x %08x b1 61 d1 03 %s d4 fc %s ff" % (code, number, number + 1, value, tag) + body
    )


def taken(number, value, code="5f"):
    """The response to the `number`-th datagram: 2.31 unless another code is given."""
    return "64 %s %04x %08x d1 0e %s" % (code, number, number + 1, value)


def to_block(request):
    """2.31 to a block."""
    reply = coap.Message(coap.CONTINUE, options=[(coap.BLOCK1, request.option(coap.BLOCK1))])
    return coap.encode(reply, coap.ACK, request.mid, request.token).hex()


def ended(device, exchange, kind, code=None):
    same_kind, same, message = one_event(device)
    equal((same_kind, same is exchange), (kind, True))
    if code is not None:
        equal(message.code, code)
    equal((device.next_deadline(), sent(device)), (None, []))
    return message


class Endless:
    """A file of zeros of a size."""

    def __init__(self, size):
        self.size = size
        self.at = 0

    def tell(self):
        return self.at

    def seek(self, position, whence=0):
        self.at = self.size if whence == 2 else position

    def read(self, size):
        size = min(size, self.size - self.at)
        self.at += size
        return bytes(size)


# --- the usual way --------------------------------------------------------------------------------------


def test_three_blocks():
    device, exchange, out = putting()
    equal(out, [first(hexed(0, 16))])
    equal(answer(device, taken(1, "08")), [later(2, hexed(16, 32), "18")])
    equal(answer(device, taken(2, "18")), [later(3, hexed(32, 40), "20")])
    equal(events(device), [])
    equal(answer(device, taken(3, "20", "44")), [])
    ended(device, exchange, coap.RESPONSE, coap.CHANGED)


def test_a_body_of_whole_blocks():
    device, exchange, out = putting(BODY[:32])
    equal(out, [first(hexed(0, 16), size="20")])
    equal(answer(device, taken(1, "08")), [later(2, hexed(16, 32), "10")])
    answer(device, taken(2, "10", "44"))
    ended(device, exchange, coap.RESPONSE, coap.CHANGED)


def test_a_body_of_one_block_goes_out_without():
    for payload in (BODY[:16], Seekable(BODY[:16]), File(BODY[:16])):
        _, _, out = putting(payload)
        equal(out[0][8:], octets("b1 61 ff") + BODY[:16])
    _, _, out = putting(b"")
    equal(out[0][8:], octets("b1 61"))
    _, _, out = putting(File(b""), ())
    equal(out[0][8:], octets("b1 61"))


def test_what_fits_a_datagram_goes_out_as_it_is():
    # 1152 = 4 + 4 (token) + 2 (path) + 1 (marker) + 1141
    body = pattern(1141)
    _, _, out = putting(body, ())
    equal((len(out[0]), out[0][10:]), (1152, b"\xff" + body))
    # one octet more does not: Block1 0/1/1024 is 0e, 1142 octets are 0476
    body = pattern(1142)
    _, _, out = putting(body, ())
    head = (
        "44 03 0002 00000003 b1 61 d1 03 0e d2 14 0476 d4 db 00000002 ff"  # a message ID and a token are lost
    )
    equal(out, [octets(head) + body[:1024]])


def test_blocks_fit_a_small_datagram():
    device, _, out = putting(pattern(500), (), device=endpoint(max_datagram=128))
    assert len(out[0]) <= 128
    equal(coap.decode(out[0]).option(coap.BLOCK1), b"\x0a")  # 0/1/64
    # where not even 16 octets fit, the caller hears so, and nothing was sent
    device = endpoint(max_datagram=39)
    raises(coap.MessageError, putting, pattern(500), (), device=device)
    equal((sent(device), device.next_deadline()), ([], None))


def test_each_kind_of_payload():
    # of 50 octets the first block has 23 beside the payload, so it is of 16, and so are the others
    body = pattern(52)
    for payload in (body, bytearray(body), memoryview(body), File(body), Seekable(body), File(body, 3)):
        device, exchange, out = putting(payload, (), device=endpoint(max_datagram=50))
        size = None if type(payload) is File else "34"
        equal(out, [first(hexed(0, 16, body), size=size)])
        equal(answer(device, taken(1, "08")), [later(2, hexed(16, 32, body), "18")])
        equal(answer(device, taken(2, "18")), [later(3, hexed(32, 48, body), "28")])
        equal(answer(device, taken(3, "28")), [later(4, hexed(48, 52, body), "30")])
        answer(device, taken(4, "30", "44"))
        ended(device, exchange, coap.RESPONSE)


def test_a_file_is_read_a_block_at_a_time_from_where_it_stands():
    source = Seekable(b"header" + BODY)
    source.read(6)
    source.most = 0
    device, _, out = putting(source)
    equal(out, [first(hexed(0, 16))])
    answer(device, taken(1, "08"))
    equal(source.most, 17)  # one more, which says that more follow
    assert source.at <= 6 + 33


def test_the_message_of_the_caller_stays_as_it_is():
    message = coap.Message(coap.PUT, BODY, [(coap.URI_PATH, b"a"), SMALL])
    device = endpoint(max_datagram=50)
    for _ in range(2):
        exchange = device.request(message, PEER, 0)
        sent(device)
        device.cancel(exchange, 0)
    equal((message.options, message.payload is BODY), ([(coap.URI_PATH, b"a"), SMALL], True))
    equal((message.token, message.mid), (b"", 0))


def test_a_request_tag_of_the_caller_is_used():
    _, _, out = putting(options=(SMALL, (coap.REQUEST_TAG, b"\x77")))
    equal(coap.decode(out[0]).option(coap.REQUEST_TAG), b"\x77")


def test_two_bodies_have_two_tags():
    device, _, one = putting()
    device.request(coap.Message(coap.PUT, File(BODY), coap.path_options("/a") + [SMALL]), PEER, 0)
    two = answer(device, taken(1, "08"))
    tags = [coap.decode(each).option(coap.REQUEST_TAG) for each in (one[0], two[0])]
    assert tags[0] != tags[1]


def test_transfers_to_one_peer_take_turns():
    device, _, _ = putting()
    device.request(coap.Message(coap.PUT, File(BODY), coap.path_options("/b") + [SMALL]), PEER, 0)
    paths = []
    reply = taken(1, "08")
    for _ in range(4):
        out = answer(device, reply)
        equal(len(out), 1)  # NSTART is 1: what goes out is the one that waits
        request = coap.decode(out[0])
        paths.append(request.path)
        reply = to_block(request)
    equal(paths, ["/b", "/a", "/b", "/a"])


# --- what the server wants ------------------------------------------------------------------------------


def test_a_smaller_block_from_the_second_on():
    # section 3.2, late negotiation: 0/1/32 is 09; 2.31 with 0/1/16; then 2/1/16 is 28, 3 is the last
    body = pattern(56)
    device, exchange, out = putting(body, [(coap.BLOCK1, b"\x01")])
    equal(out, [first(hexed(0, 32, body), "09", "38")])
    equal(answer(device, taken(1, "08")), [later(2, hexed(32, 48, body), "28")])
    equal(answer(device, taken(2, "28")), [later(3, hexed(48, 56, body), "30")])
    answer(device, taken(3, "30", "44"))
    ended(device, exchange, coap.RESPONSE)


def test_a_larger_block_is_not_used():
    device, _, _ = putting()
    equal(answer(device, taken(1, "0e")), [later(2, hexed(16, 32), "18")])


def test_a_smaller_block_later_counted_either_way():
    # the second block of 32 is 1/1/32; the server answers 1 or, counting in its own blocks, 2
    body = pattern(80)
    for value in ("18", "28"):
        device, _, _ = putting(body, [(coap.BLOCK1, b"\x01")])
        answer(device, taken(1, "09"))
        equal(answer(device, taken(2, value)), [later(3, hexed(64, 80, body), "40")])


def test_a_server_that_takes_each_block_for_itself():
    # section 3.2, stateless: 2.04 to each, more is 0
    device, exchange, _ = putting()
    equal(answer(device, taken(1, "00", "44")), [later(2, hexed(16, 32), "18")])
    equal(answer(device, taken(2, "10", "44")), [later(3, hexed(32, 40), "20")])
    answer(device, taken(3, "20", "44"))
    ended(device, exchange, coap.RESPONSE, coap.CHANGED)


def test_a_final_response_ends_it_early():
    # 4.04; 5.03; 2.04 of a server that does not know blocks
    for code in ("84", "a3", "44"):
        device, exchange, _ = putting()
        answer(device, "64 %s 0001 00000002" % code)
        ended(device, exchange, coap.RESPONSE, int(code, 16))


def test_too_large_with_the_size_that_fits_begins_again():
    # section 2.9.3: 4.13 with 0/0/16
    body = pattern(40)
    for payload in (body, Seekable(body), File(body)):
        device, exchange, _ = putting(payload, [(coap.BLOCK1, b"\x01")])
        size = None if type(payload) is File else "28"
        tag = "00000003"
        out = answer(device, taken(1, "00", "8d"))
        equal(out, [first(hexed(0, 16), size=size, tag=tag, mid=2, token=4)])
        out = answer(device, "64 5f 0002 00000004 d1 0e 08")
        equal(out, [octets("44 03 0003 00000005 b1 61 d1 03 18 d4 fc" + tag + "ff" + hexed(16, 32))])


def test_too_large_with_the_same_size_is_final():
    device, exchange, _ = putting()
    answer(device, taken(1, "08", "8d"))
    ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_TOO_LARGE)
    device, exchange, _ = putting()
    answer(device, "64 8d 0001 00000002 d1 2f 10")  # Size1 16, no Block1
    ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_TOO_LARGE)


def test_too_large_in_the_middle():
    body = pattern(80)
    for payload in (body, Seekable(body)):
        device, _, _ = putting(payload, [(coap.BLOCK1, b"\x01")])
        answer(device, taken(1, "09"))
        out = answer(device, taken(2, "10", "8d"))
        request = coap.decode(out[0])
        equal((request.option(coap.BLOCK1), bytes(request.payload)), (b"\x08", body[:16]))
    # what can't go back ends
    device, exchange, _ = putting(File(body), [(coap.BLOCK1, b"\x01")])
    answer(device, taken(1, "09"))
    answer(device, taken(2, "10", "8d"))
    ended(device, exchange, coap.INCOMPLETE, coap.REQUEST_ENTITY_TOO_LARGE)
    assert "seek" in str(device.failure), device.failure
    assert exchange.body.failure is device.failure


def test_too_large_to_a_request_without_blocks():
    # the server wants 0/0/16 of what fits a datagram
    device, exchange, out = putting(BODY, ())
    equal(out, [octets("44 03 0001 00000001 b1 61 ff") + BODY])
    out = answer(device, "64 8d 0001 00000001 d1 0e 00")
    request = coap.decode(out[0])
    equal((request.option(coap.BLOCK1), bytes(request.payload)), (b"\x08", BODY[:16]))
    assert request.option(coap.REQUEST_TAG)
    out = answer(device, to_block(request))
    equal(bytes(coap.decode(out[0]).payload), BODY[16:32])
    # and a GET that hears the like has nothing to cut
    device, exchange, _ = putting(b"", (), coap.GET)
    answer(device, "64 8d 0001 00000001 d1 0e 00")
    ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_TOO_LARGE)


def test_too_large_is_a_hint_to_try_blocks():
    # section 2.9.3; the first try has the largest blocks that are some
    reply = "64 8d 0001 00000001 d1 2f ff"  # Size1 is 255
    device, exchange, out = putting(BODY, ())
    out = answer(device, reply)
    request = coap.decode(out[0])
    equal((request.option(coap.BLOCK1), bytes(request.payload)), (b"\x09", BODY[:32]))
    # another 4.13 is the answer
    answer(device, "64 8d %04x %s d1 2f ff" % (request.mid, request.token.hex()))
    ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_TOO_LARGE)
    # what is too large as a whole, or is no more than a block, is not tried again
    for body, size in ((BODY, "27"), (BODY[:16], "ff")):
        device, exchange, _ = putting(body, ())
        answer(device, "64 8d 0001 00000001 d1 2f " + size)
        ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_TOO_LARGE)


def test_too_large_where_the_response_goes_elsewhere():
    for reply, size in (("d1 0e 00", 16), ("d1 2f ff", 32)):
        for body in (BODY, Seekable(BODY)):
            sink = Sink()
            device, exchange, out = putting(body, (), coap.POST, into=sink)
            request = coap.decode(out[0])
            equal((request.option(coap.BLOCK1), bytes(request.payload)), (None, BODY))
            request = coap.decode(answer(device, "64 8d 0001 %s %s" % (request.token.hex(), reply))[0])
            equal(bytes(request.payload), BODY[:size])
            while request.uint(coap.BLOCK1) & 8:
                request = coap.decode(answer(device, to_block(request))[0])
            answer(device, "64 44 %04x %s ff 646f6e65" % (request.mid, request.token.hex()))
            ended(device, exchange, coap.RESPONSE, coap.CHANGED)
            equal((sink.octets, exchange.body.length), (b"done", 4))
    # once: a block that is too large is not cut as if it were the whole
    device, exchange, _ = putting(BODY, (SMALL,), into=Sink())
    answer(device, "64 8d 0001 00000002 d1 0e 08")
    ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_TOO_LARGE)


def test_a_body_of_more_blocks_than_can_be_counted():
    """A number has 20 bits (section 2.2): 16 MiB in blocks of 16."""
    source = Endless(16 << 20)
    _, _, out = putting(source)
    equal(coap.decode(out[0]).option(coap.BLOCK1), b"\x08")
    source = Endless((16 << 20) + 1)
    raises(coap.MessageError, putting, source)
    equal(source.at, 0)


def test_a_body_that_the_server_lost_begins_again_once():
    # section 2.9.2
    for payload in (BODY, Seekable(BODY)):
        device, exchange, _ = putting(payload)
        answer(device, taken(1, "08"))
        out = answer(device, taken(2, "18", "88"))
        request = coap.decode(out[0])
        equal((request.option(coap.BLOCK1), bytes(request.payload)), (b"\x08", BODY[:16]))
        assert request.option(coap.REQUEST_TAG) != octets(TAG)
        answer(device, "64 88 %04x %s" % (request.mid, request.token.hex()))
        ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_INCOMPLETE)
    # what can't go back hears of it
    device, exchange, _ = putting(File(BODY))
    answer(device, taken(1, "08"))
    answer(device, taken(2, "18", "88"))
    ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_INCOMPLETE)


def test_echo_is_answered_with_the_same_block():
    # RFC 9175 section 2.3: Echo 252 behind Request-Tag does not go: options stand in their order, Block1, Echo,
    # Request-Tag: 252 - 27 = 225 = 13 + 212; 292 - 252 = 40 = 13 + 27
    device, exchange, _ = putting()
    answer(device, taken(1, "08"))
    out = answer(device, "64 81 0002 00000003 d2 ef abcd")
    equal(out, [octets("44 03 0003 00000004 b1 61 d1 03 18 d2 d4 abcd d4 1b" + TAG + "ff" + hexed(16, 32))])
    # it is not sent with the next block, which may be challenged too
    equal(answer(device, taken(3, "18")), [later(4, hexed(32, 40), "20")])
    out = answer(device, "64 81 0004 00000005 d2 ef abce")
    equal(coap.decode(out[0]).option(coap.ECHO), b"\xab\xce")
    # a second challenge to the same block is the answer
    answer(device, "64 81 0005 00000006 d2 ef abcf")
    ended(device, exchange, coap.RESPONSE, coap.UNAUTHORIZED)


def test_echo_that_makes_a_block_too_long_halves_it():
    body = pattern(200)
    device, _, out = putting(body, (), device=endpoint(max_datagram=100))
    equal(coap.decode(out[0]).option(coap.BLOCK1), b"\x0a")  # 64
    out = answer(device, "64 81 0001 00000002 dd ef 1b" + "cd" * 40)
    request = coap.decode(out[0])
    equal((request.option(coap.BLOCK1), bytes(request.payload)), (b"\x09", body[:32]))
    assert len(out[0]) <= 100


def test_responses_that_say_another_block():
    for text in (
        taken(1, "18"),  # number 1
        taken(1, "0f"),  # exponent 7
        "64 5f 0001 00000002",  # 2.31 without Block1
    ):
        device, exchange, _ = putting()
        answer(device, text)
        ended(device, exchange, coap.INCOMPLETE)
        assert "Block1" in str(exchange.body.failure)
    device, exchange, _ = putting(BODY[:20])
    answer(device, taken(1, "08"))
    answer(device, taken(2, "18"))  # 2.31 to the last one
    ended(device, exchange, coap.INCOMPLETE)


# --- both ways ------------------------------------------------------------------------------------------


def test_a_response_in_blocks_to_a_body_in_blocks():
    # section 3.3, figure 12: the last block is answered by the first one of the response, with Block1 and Block2
    options = (SMALL, (coap.CONTENT_FORMAT, b""), (coap.BLOCK2, b""))
    device, exchange, out = putting(BODY[:20], options, coap.POST)
    equal(coap.decode(out[0]).option(coap.BLOCK2), None)
    out = answer(device, taken(1, "08"))
    # Block2 23 comes with the last block, which the response follows: 12 more -> 10, then 11 more, 4 more
    equal(out, [octets("44 02 0002 00000003 b1 61 10 b0 41 10 d4 fc" + TAG + "ff" + hexed(16, 20))])
    # 2.04 with Block2 0/1/16 (08) and Block1 1/0/16 (10)
    out = answer(device, "64 44 0002 00000003 d1 0a 08 41 10 ff" + "61" * 16)
    # the same options without Block1 and no payload: 2:1/0/16 is 10; Request-Tag 269 more: e4 0000
    equal(out, [octets("44 02 0003 00000004 b1 61 10 b1 10 e4 0000" + TAG)])
    answer(device, "64 44 0003 00000004 d1 0a 10 ff 62")
    message = ended(device, exchange, coap.RESPONSE, coap.CHANGED)
    equal(bytes(message.payload), b"a" * 16 + b"b")


def test_a_response_that_is_written_as_it_comes():
    sink = Sink()
    device, exchange, _ = putting(BODY[:20], (SMALL,), coap.POST, into=sink)
    answer(device, taken(1, "08"))
    answer(device, "64 44 0002 00000003 d1 0a 08 41 10 ff" + "61" * 16)
    answer(device, "64 44 0003 00000004 d1 0a 10 ff 62")
    message = ended(device, exchange, coap.RESPONSE, coap.CHANGED)
    equal((sink.octets, message.payload, exchange.body.length), (b"a" * 16 + b"b", b"", 17))


def test_observe_goes_with_each_block_of_a_fetch():
    device, _, out = putting(BODY[:20], (SMALL, (coap.OBSERVE, b"")), coap.FETCH)
    assert coap.decode(out[0]).option(coap.OBSERVE) == b""
    out = answer(device, taken(1, "08"))
    assert coap.decode(out[0]).option(coap.OBSERVE) == b""


def test_a_token_of_the_caller_is_that_of_each_block():
    # a renewed observation has its token (RFC 7641 section 3.3.1)
    device = endpoint()
    message = coap.Message(coap.FETCH, File(BODY[:20]), [SMALL], token=b"\xaa")
    device.request(message, PEER, 0)
    sent(device)
    out = answer(device, "61 5f 0001 aa d1 0e 08")
    equal(coap.decode(out[0]).token, b"\xaa")


# --- loss, time, and failures ---------------------------------------------------------------------------


def test_a_lost_block_is_sent_again_as_it_was():
    source = File(BODY)
    device, exchange, out = putting(source)
    answer(device, taken(1, "08"), 500)
    before = source.at
    again = run(device, 7000)
    equal([tick for tick, _ in again], [2500, 6500])
    equal([each for _, each in again], [later(2, hexed(16, 32), "18")] * 2)
    equal(source.at, before)
    equal(answer(device, taken(2, "18"), 7000), [later(3, hexed(32, 40), "20")])


def test_answers_that_come_twice_count_once():
    device, _, _ = putting()
    answer(device, taken(1, "08"))
    equal(answer(device, taken(1, "08")), [])
    # separate ones: acknowledged each time
    answer(device, "60 00 0002")
    out = answer(device, "44 5f 5001 00000003 d1 0e 18")
    equal(out, [octets("60 00 5001"), later(3, hexed(32, 40), "20")])
    equal(answer(device, "44 5f 5001 00000003 d1 0e 18"), [octets("60 00 5001")])


def test_silence_and_reset_end_it():
    device, exchange, _ = putting()
    answer(device, taken(1, "08"))
    run(device, 62000)
    ended(device, exchange, coap.TIMEOUT)
    device, exchange, _ = putting()
    answer(device, taken(1, "08"))
    answer(device, "70 00 0002")
    ended(device, exchange, coap.RESET)


class Failing(File):
    def __init__(self, octets, reads):
        super().__init__(octets)
        self.reads = reads

    def read(self, size):
        if not self.reads:
            raise OSError(5)
        self.reads -= 1
        return super().read(size)


def test_a_source_that_fails_on_the_way():
    source = Failing(BODY, 2)
    device, exchange, _ = putting(source)
    answer(device, taken(1, "08"))
    answer(device, taken(2, "18"))
    ended(device, exchange, coap.INCOMPLETE)
    equal((device.failure.args[0], exchange.body.failure is device.failure), (5, True))


def test_a_source_that_fails_at_once():
    for source, error in (
        (Failing(BODY, 0), OSError),
        (File("text"), ValueError),  # a file opened as text
        (File([1, 2]), ValueError),
    ):
        device = endpoint()
        raises(error, putting, source, device=device)
        equal((sent(device), device.next_deadline(), events(device)), ([], None, []))
    # what can go back stands where it stood
    source = Seekable(BODY)
    source.seek(3)
    raises(coap.MessageError, putting, source, (), device=endpoint(max_datagram=30))
    equal(source.at, 3)


def test_a_pipe_can_not_go_back():
    device, exchange, out = putting(Pipe(BODY))
    equal(coap.decode(out[0]).option(coap.SIZE1), None)
    answer(device, taken(1, "08"))
    answer(device, taken(2, "18", "88"))
    ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_INCOMPLETE)
    # and what fails at once is what is told
    raises(coap.MessageError, putting, Pipe(BODY), (), device=endpoint(max_datagram=30))


def test_wrong_sizes_are_refused():
    for value in (b"\x10", b"\x07"):  # number 1; exponent 7
        raises(ValueError, putting, BODY, [(coap.BLOCK1, value)])


def test_with_max_body_0_there_are_no_blocks():
    device = endpoint(max_body=0)
    raises(coap.MessageError, putting, pattern(2000), (), device=device)
    raises(coap.MessageError, putting, File(BODY), (), device=device)
    equal(sent(device), [])


def test_alone_sends_what_is_there():
    device, exchange, out = putting(BODY[:16], [(coap.BLOCK1, b"\x08")], alone=True)
    equal(out, [octets("44 03 0001 00000001 b1 61 d1 03 08 ff" + hexed(0, 16))])
    answer(device, "64 5f 0001 00000001 d1 0e 08")
    ended(device, exchange, coap.RESPONSE, coap.CONTINUE)
    raises(coap.MessageError, putting, pattern(2000), (), alone=True)


def test_tokens_are_random():
    random = FixedRandom(b"\0\0")
    device = coap.Endpoint(random=random)
    putting(device=device)
    equal(random.count, 2)
