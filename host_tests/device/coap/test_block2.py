# SPDX-License-Identifier: MIT
"""Long responses to the device's own GET in blocks: RFC 7959 sections 2.4 and 3.1.

Block2 is 23: alone `d1 0a value`, behind Uri-Path 11 `c1 value`. The value is number << 4 | more << 3 | exponent;
128 octets have exponent 3, so 0/1/128 of the RFC is 0b, 1/0/128 is 13.
"""

import coap
from coap_scene import PEER, answer, endpoint, events, octets, one_event, run, sent
from common import equal

PATH = "b6" + b"status".hex()
FULL = "ff" + "61" * 128


def asking(options=(), **named):
    device = endpoint(**named)
    request = coap.Message(coap.GET, options=coap.path_options("/status") + list(options))
    exchange = device.request(request, PEER, 0, "mine")
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


def wanted(number):
    # the next request: a new message ID, a new token, N/0/128
    return [octets("44 01 %04x %08x %s c1 %02x" % (number + 1, number + 1, PATH, number << 4 | 3))]


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
    # ETag 4 is 01, then 02; Block2 behind it has delta 19 = 13 + 6
    device, exchange = asking()
    answer(device, block(0, before="41 01 d1 06"))
    answer(device, block(1, before="41 02 d1 06"))
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


def test_only_a_get_is_asked_for_more():
    device = endpoint()
    exchange = device.request(coap.Message(coap.POST), PEER, 0, "mine")
    sent(device)
    answer(device, block(0))
    ended(device, exchange, coap.INCOMPLETE)


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
