# SPDX-License-Identifier: MIT
"""Long responses to the device's own GET in blocks: RFC 7959 sections 2.4 and 3.1.

Block2 is 23: alone `d1 0a value`, behind Uri-Path 11 `c1 value`. The value is number << 4 | more << 3 | exponent;
128 octets have exponent 3, so 0/1/128 of the RFC is 0b, 1/0/128 is 13.
"""

import coap
from coap_pair import Sink
from coap_scene import PEER, answer, endpoint, events, octets, one_event, run, sent
from common import equal

PATH = "b6" + b"status".hex()
FULL = "ff" + "61" * 128


def asking(options=(), how=None, **named):
    device = endpoint(**named)
    request = coap.Message(coap.GET, options=coap.path_options("/status") + list(options))
    exchange = device.request(request, PEER, 0, "mine", **(how or {}))
    sent(device)
    return device, exchange


def block(number, more=True, payload=FULL, before="d1 0a"):
    """The piggybacked answer to our request for block `number`: message IDs and tokens count from 1."""
    return "64 45 %04x %08x %s %02x %s" % (
        number + 1,
        number + 1,
        before,
        number << 4 | more << 3 | 3,
        payload,
    )


def wanted(number, mid=None):
    # the next request: a new message ID, a new token, N/0/128
    mid = mid or number + 1
    return [octets("44 01 %04x %08x %s c1 %02x" % (mid, mid, PATH, number << 4 | 3))]


def ended(device, exchange, kind, code=None):
    same_kind, same, message = one_event(device)
    equal((same_kind, same is exchange, same.tag), (kind, True, "mine"))
    if code is not None:
        equal(message.code, code)
    equal(device.next_deadline(), None)
    equal(sent(device), [])
    return message


def test_the_get_of_figure_2():
    # 2:0/1/128, 2:1/1/128, 2:2/0/128: three requests, one event
    device, exchange = asking()
    equal(answer(device, block(0)), wanted(1))
    equal(answer(device, block(1, payload="ff" + "62" * 128)), wanted(2))
    equal(events(device), [])
    equal(answer(device, block(2, False, "ff 6363")), [])
    message = ended(device, exchange, coap.RESPONSE, coap.CONTENT)
    equal(bytes(message.payload), b"a" * 128 + b"b" * 128 + b"cc")


def test_a_body_in_one_block():
    device, exchange = asking()
    answer(device, block(0, False))
    equal(bytes(ended(device, exchange, coap.RESPONSE).payload), b"a" * 128)


def test_other_options_stay_and_observe_goes():
    # Accept 17 (50 = 32) is sent again: behind the path 6 more -> 61 32, Block2 6 more -> 61 13. Observe 6 is not.
    device, _ = asking([(coap.OBSERVE, b""), (coap.ACCEPT, b"\x32")])
    equal(answer(device, block(0)), [octets("44 01 0002 00000002" + PATH + "61 32 61 13")])


def test_a_block_whose_answer_is_lost_is_asked_for_again():
    device, exchange = asking()
    again = answer(device, block(0), 1000)
    equal(run(device, 7000), [(3000, again[0]), (7000, again[0])])
    answer(device, block(1, False), 8000)
    equal(len(ended(device, exchange, coap.RESPONSE).payload), 256)


def test_separate_responses_in_blocks():
    # empty acknowledgement, then CON; each block
    device, exchange = asking()
    answer(device, "60 00 0001")
    out = answer(device, "44 45 5001 00000001 d1 0a 0b" + FULL)
    equal(out, [octets("60 00 5001")] + wanted(1))
    answer(device, "60 00 0002")
    # the first response again, its acknowledgement was lost: acknowledged, nothing else
    equal(answer(device, "44 45 5001 00000001 d1 0a 0b" + FULL), [octets("60 00 5001")])
    equal(answer(device, "44 45 5002 00000002 d1 0a 13" + FULL), [octets("60 00 5002")])
    equal(len(ended(device, exchange, coap.RESPONSE).payload), 256)


def test_a_block_that_comes_twice_counts_once():
    device, exchange = asking()
    answer(device, block(0))
    equal(answer(device, block(0)), [])
    answer(device, block(1, False))
    equal(len(ended(device, exchange, coap.RESPONSE).payload), 256)


def test_the_server_may_turn_to_smaller_blocks():
    # section 2.4: after 128 octets, 64 at a time: 2/1/64 = 2a starts at 128 too; next wanted is 3/0/64 = 32
    device, exchange = asking()
    answer(device, block(0))
    out = answer(device, "64 45 0002 00000002 d1 0a 2a ff" + "62" * 64)
    equal(out, [octets("44 01 0003 00000003" + PATH + "c1 32")])
    answer(device, "64 45 0003 00000003 d1 0a 32 ff 63")
    equal(len(ended(device, exchange, coap.RESPONSE).payload), 193)


def test_the_caller_may_ask_for_smaller_blocks():
    # 0/0/16: no octet at all
    device, exchange = asking([(coap.BLOCK2, b"")])
    out = answer(device, "64 45 0001 00000001 d1 0a 08 ff" + "61" * 16)
    equal(out, [octets("44 01 0002 00000002" + PATH + "c1 10")])


def test_a_body_that_changes_on_the_way():
    # ETag 4 is 01, then 02; Block2 behind it has delta 19 = 13 + 6. What came before is discarded (section 2.4).
    device, exchange = asking()
    answer(device, block(0, before="41 01 d1 06"))
    equal(answer(device, block(1, before="41 02 d1 06")), again(3))
    equal(answer(device, from_first(3, 0, "41 02 d1 06")), wanted(1, 4))
    answer(device, from_first(4, 1, "41 02 d1 06", False))
    equal(bytes(ended(device, exchange, coap.RESPONSE).payload), b"a" * 256)


def again(number):
    # the first block is asked for again, by 0/0/128: 03
    return [octets("44 01 %04x %08x %s c1 03" % (number, number, PATH))]


def from_first(mid, number, before, more=True):
    """The answer to the datagram `mid`."""
    return "64 45 %04x %08x %s %02x %s" % (mid, mid, before, number << 4 | more << 3 | 3, FULL)


def test_a_body_that_changes_all_the_time():
    # four times in all: then it is told
    device, exchange = asking()
    mid = 1
    for time in range(4):
        answer(device, from_first(mid, 0, "41 %02x d1 06" % time))
        out = answer(device, from_first(mid + 1, 1, "41 %02x d1 06" % (time + 1)))
        mid += 2
        equal(out, again(mid) if time < 3 else [])
    ended(device, exchange, coap.INCOMPLETE, coap.CONTENT)
    assert "changed" in str(exchange.body.failure)


def test_a_body_that_changes_and_can_not_begin_again():
    # what was written can't be taken back; what begins in the middle goes with what the caller has
    for options, named in (((), {"into": Sink()}), (((coap.BLOCK2, b"\x13"),), {})):
        device, exchange = asking(options, named)
        start = 1 if options else 0
        answer(device, from_first(1, start, "41 01 d1 06"))
        answer(device, from_first(2, start + 1, "41 02 d1 06"))
        ended(device, exchange, coap.INCOMPLETE, coap.CONTENT)


def test_an_etag_that_stays():
    device, exchange = asking()
    answer(device, block(0, before="41 01 d1 06"))
    answer(device, block(1, False, before="41 01 d1 06"))
    equal(len(ended(device, exchange, coap.RESPONSE).payload), 256)


def test_an_error_on_the_way_is_the_response():
    device, exchange = asking()
    answer(device, block(0))
    answer(device, "64 84 0002 00000002")
    ended(device, exchange, coap.RESPONSE, coap.NOT_FOUND)


def test_a_wrong_block():
    for wrong in ("d1 0a 2b", "d1 0a 0b", "d1 0a 1a", "d1 0a 1f"):
        # number 2, number 0 again, a full block that is not of its size, exponent 7
        device, exchange = asking()
        answer(device, block(0))
        answer(device, "64 45 0002 00000002" + wrong + FULL)
        ended(device, exchange, coap.INCOMPLETE)


def test_a_first_block_that_is_not_the_first():
    device, exchange = asking()
    answer(device, "64 45 0001 00000001 d1 0a 13" + FULL)
    ended(device, exchange, coap.INCOMPLETE)


def test_a_body_that_is_too_large():
    device, exchange = asking(max_body=255)
    answer(device, block(0))
    answer(device, block(1, False))
    ended(device, exchange, coap.INCOMPLETE)
    # by its own word, Size2 28 behind Block2: delta 5, 4097 = 1001
    device, exchange = asking()
    answer(device, "64 45 0001 00000001 d1 0a 0b 52 1001" + FULL)
    ended(device, exchange, coap.INCOMPLETE)


def test_silence_reset_and_cancel_on_the_way():
    device, exchange = asking()
    answer(device, block(0))
    run(device, 62000)
    ended(device, exchange, coap.TIMEOUT)
    device, exchange = asking()
    answer(device, block(0))
    answer(device, "70 00 0002")
    ended(device, exchange, coap.RESET)
    device, exchange = asking()
    answer(device, block(0))
    device.cancel(exchange, 0)
    equal(answer(device, block(1, False)), [])
    equal(events(device), [])
    equal(device.next_deadline(), None)


def test_each_method_is_asked_for_more():
    # section 2.7: the same options, no payload; the request itself must not run again
    for code in (coap.POST, coap.PUT, coap.DELETE, coap.FETCH, coap.PATCH, coap.IPATCH):
        device = endpoint()
        options = [(coap.CONTENT_FORMAT, b"\x32"), (coap.ACCEPT, b"\x32")]
        exchange = device.request(coap.Message(code, b"{}", options), PEER, 0, "mine")
        sent(device)
        out = answer(device, block(0))
        equal(out, [octets("44 %02x 0002 00000002 c1 32 51 32 61 13" % code)])
        # a body that changes can't begin again: that would be done twice
        answer(device, block(1, before="41 02 d1 06"))
        ended(device, exchange, coap.INCOMPLETE)


def test_a_separate_response_to_a_post_in_blocks():
    device = endpoint()
    exchange = device.request(coap.Message(coap.POST, b"{}"), PEER, 0, "mine")
    sent(device)
    answer(device, "60 00 0001")
    out = answer(device, "54 44 5001 00000001 d1 0a 0b" + FULL)
    equal(out, [octets("44 02 0002 00000002 d1 0a 13")])
    answer(device, "64 44 0002 00000002 d1 0a 13 ff 62")
    equal(len(ended(device, exchange, coap.RESPONSE).payload), 129)


# --- from a place in the middle --------------------------------------------------------------------------


def test_from_a_block_to_the_end():
    # 1/0/128 is 13: the first octet that comes is the 128th
    device, exchange = asking([(coap.BLOCK2, b"\x13")])
    equal(answer(device, from_first(1, 1, "d1 0a")), wanted(2, 2))
    answer(device, "64 45 0002 00000002 d1 0a 23 ff 6363")
    message = ended(device, exchange, coap.RESPONSE)
    equal((bytes(message.payload), exchange.body.length), (b"a" * 128 + b"cc", 130))


def test_from_the_last_block():
    device, exchange = asking([(coap.BLOCK2, b"\x13")])
    answer(device, "64 45 0001 00000001 d1 0a 13 ff 6363")
    equal(bytes(ended(device, exchange, coap.RESPONSE).payload), b"cc")


def test_from_behind_the_end():
    # the server's word: 4.00
    device, exchange = asking([(coap.BLOCK2, b"\x73")])
    answer(device, "64 80 0001 00000001")
    ended(device, exchange, coap.RESPONSE, coap.BAD_REQUEST)


def test_a_server_that_begins_elsewhere():
    device, exchange = asking([(coap.BLOCK2, b"\x13")])
    answer(device, "64 45 0001 00000001 d1 0a 0b" + FULL)
    ended(device, exchange, coap.INCOMPLETE)
    # without Block2 it is the whole, which is not what should be written
    for into in (None, Sink()):
        device, exchange = asking([(coap.BLOCK2, b"\x13")], {"into": into})
        answer(device, "64 45 0001 00000001 ff 61")
        message = ended(device, exchange, coap.INCOMPLETE if into else coap.RESPONSE)
        equal((bytes(message.payload), message.option(coap.BLOCK2)), (b"a", None))
    # 2.03 says that what the caller has is valid: that is a response
    device, exchange = asking([(coap.BLOCK2, b"\x13"), (coap.ETAG, b"\x01")])
    answer(device, "64 43 0001 00000001 41 01")
    ended(device, exchange, coap.RESPONSE, coap.VALID)


def test_a_body_without_an_end():
    # the block behind number 0xfffff can't be asked for (section 2.2)
    message = coap.Message(coap.GET, options=[(coap.BLOCK2, b"\xff\xff\xe0")])  # 0xffffe/0/16
    client = endpoint()
    sink = Sink()
    exchange = client.request(message, PEER, 0, None, sink)
    replies = 0
    while True:
        out = sent(client)
        if not out:
            break
        request = coap.decode(out[0])
        replies += 1
        value = coap.uint_octets(request.uint(coap.BLOCK2) | 8)
        reply = coap.Message(coap.CONTENT, bytes(16), [(coap.BLOCK2, value)])
        client.receive(coap.encode(reply, coap.ACK, request.mid, request.token), PEER, 0)
    equal((replies, one_event(client)[:2]), (2, (coap.INCOMPLETE, exchange)))
    assert "16777216" in str(client.failure), client.failure


def test_max_body_counts_from_where_it_begins():
    device, exchange = asking([(coap.BLOCK2, b"\x13")], max_body=256)
    # Size2 28 behind Block2: 384 = 0180
    answer(device, "64 45 0001 00000001 d1 0a 1b 52 0180" + FULL)
    answer(device, from_first(2, 2, "d1 0a", False))
    equal(len(ended(device, exchange, coap.RESPONSE).payload), 256)


def test_one_block_alone():
    for value in (b"\x03", b"\x13"):
        device, exchange = asking([(coap.BLOCK2, value)], {"alone": True})
        answer(device, from_first(1, value[0] >> 4, "d1 0a"))
        message = ended(device, exchange, coap.RESPONSE)
        equal((message.option(coap.BLOCK2), len(message.payload)), (bytes((value[0] | 8,)), 128))


# --- into a file -----------------------------------------------------------------------------------------


def test_a_body_that_is_written_as_it_comes():
    # longer than max_body, by its own word too
    for sink in (Sink(), Sink(short=50)):
        device, exchange = asking(how={"into": sink}, max_body=100)
        equal(answer(device, "64 45 0001 00000001 d1 0a 0b 52 1001" + FULL), wanted(1))
        equal(sink.octets, b"a" * 128)
        answer(device, block(1, payload="ff" + "62" * 128))
        answer(device, block(2, False, "ff 6363"))
        message = ended(device, exchange, coap.RESPONSE, coap.CONTENT)
        equal(sink.octets, b"a" * 128 + b"b" * 128 + b"cc")
        equal((message.payload, exchange.body.length), (b"", 258))


def test_a_body_of_one_message_is_written_too():
    for text, body in (
        ("64 45 0001 00000001 ff 6162", b"ab"),
        ("64 45 0001 00000001 d1 0a 03 ff 6162", b"ab"),
        ("64 45 0001 00000001", b""),
    ):
        for named in ({}, {"max_body": 0}):
            if named and "d1 0a" in text:
                continue
            sink = Sink()
            device, exchange = asking(how={"into": sink}, **named)
            answer(device, text)
            message = ended(device, exchange, coap.RESPONSE)
            equal((sink.octets, message.payload, exchange.body.length), (body, b"", len(body)))


def test_an_error_is_not_written():
    for text in ("64 84 0001 00000001 ff 6e6f", "64 84 0001 00000001 d1 0a 03 ff 6e6f"):
        sink = Sink()
        device, exchange = asking(how={"into": sink})
        answer(device, text)
        message = ended(device, exchange, coap.RESPONSE, coap.NOT_FOUND)
        equal((sink.writes, bytes(message.payload)), (0, b"no"))
    sink = Sink()
    device, exchange = asking(how={"into": sink})
    answer(device, block(0))
    answer(device, "64 88 0002 00000002")
    ended(device, exchange, coap.RESPONSE, coap.REQUEST_ENTITY_INCOMPLETE)
    equal(sink.octets, b"a" * 128)


def test_a_sink_that_fails_ends_it():
    for fails in (0, 1):
        sink = Sink(fails)
        device, exchange = asking(how={"into": sink})
        answer(device, block(0))
        if fails:
            answer(device, block(1))
        ended(device, exchange, coap.INCOMPLETE)
        equal((device.failure.args[0], exchange.body.failure is device.failure), (28, True))

    class Full:
        def write(self, octets):
            return 0

    device, exchange = asking(how={"into": Full()})
    answer(device, block(0))
    ended(device, exchange, coap.INCOMPLETE)


def test_echo_in_the_middle():
    # RFC 9175 section 2.3: Echo 252 in a response alone is `d2 ef`; behind Block2 23 it is 229 = 13 + 216
    device, exchange = asking()
    answer(device, block(0))
    out = answer(device, "64 81 0002 00000002 d2 ef abcd")
    equal(out, [octets("44 01 0003 00000003" + PATH + "c1 13 d2 d8 abcd")])
    # what came before it is not lost, and the next block is asked for without
    equal(answer(device, from_first(3, 1, "d1 0a")), wanted(2, 4))
    answer(device, "64 81 0004 00000004 d2 ef abce")
    answer(device, from_first(5, 2, "d1 0a", False))
    equal(len(ended(device, exchange, coap.RESPONSE).payload), 384)


def test_nstart_holds_between_blocks():
    # another request that waits takes its turn, then the next block
    device, exchange = asking()
    device.request(coap.Message(coap.GET), PEER, 0)
    out = answer(device, block(0))
    equal(len(out), 1)


def test_max_body_0_does_not_know_blocks():
    # a critical option in an acknowledgement: ignored; in a confirmable response: Reset
    device, exchange = asking(max_body=0)
    equal(answer(device, block(0)), [])
    equal(answer(device, "44 45 5001 00000001 d1 0a 0b" + FULL), [octets("70 00 5001")])
    equal(events(device), [])
