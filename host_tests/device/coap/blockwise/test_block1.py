# SPDX-License-Identifier: MIT
"""Long requests to the device in blocks, and blocks of its responses: RFC 7959.

Block1 is 27 and stands behind Uri-Path 11 here: delta 16 = 13 + 3, so `d1 03 value`. The value is
number << 4 | more << 3 | exponent; 128 octets have exponent 3 (16 << 3), so 0/1/128 of the RFC is 0b, 1/1/128 is 1b.
"""

import coap
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, respond, run, sent
from common import Random, equal

PATH = "b7" + b"options".hex()  # 11 << 4 | 7
FULL = "ff" + "61" * 128


def block(mid, value, payload=FULL, path=PATH, first="40 03"):
    """CON PUT of one block."""
    return "%s %04x %s d1 03 %02x %s" % (first, mid, path, value, payload)


def continued(mid, value):
    # 2.31 = 2 << 5 | 31 = 5f; Block1 alone: delta 27 = 13 + 14 -> d1 0e
    return [octets("60 5f %04x d1 0e %02x" % (mid, value))]


def incomplete(mid):
    return [octets("60 88 %04x" % mid)]  # 4.08


def test_the_put_of_figure_7():
    # 1:0/1/128, 1:1/1/128, 1:2/0/128: one request, 2.04 with the last Block1
    device = endpoint()
    equal(answer(device, block(0x1234, 0x0B)), continued(0x1234, 0x0B))
    equal(answer(device, block(0x1235, 0x1B, "ff" + "62" * 128)), continued(0x1235, 0x1B))
    equal(events(device), [])
    equal(answer(device, block(0x1236, 0x23, "ff 6363")), [])
    kind, incoming, message = one_event(device)
    equal((kind, message.code, message.path), (coap.REQUEST, coap.PUT, "/options"))
    equal(bytes(message.payload), b"a" * 128 + b"b" * 128 + b"cc")
    device.respond(incoming, coap.Message(coap.CHANGED), 0)
    equal(sent(device), [octets("60 44 1236 d1 0e 23")])
    equal(device.next_deadline(), None)


def test_a_body_in_one_block():
    device = endpoint()
    equal(answer(device, block(1, 0x03, "ff 6363")), [])
    respond(device, coap.CHANGED)
    equal(sent(device), [octets("60 44 0001 d1 0e 03")])


def test_a_block_of_size_16():
    # exponent 0: a value of 0/0/16 is no octet at all
    device = endpoint()
    equal(answer(device, block(1, 0x08, "ff" + "61" * 16)), continued(1, 0x08))
    equal(answer(device, block(2, 0x10, "ff 62")), [])
    equal(bytes(one_event(device)[2].payload), b"a" * 16 + b"b")


def test_a_block_that_comes_again_gets_the_same_answer_and_counts_once():
    device = endpoint()
    for _ in range(3):
        equal(answer(device, block(1, 0x0B)), continued(1, 0x0B))
    equal(answer(device, block(2, 0x13, "ff 62")), [])
    respond(device, coap.CHANGED)
    done = sent(device)
    equal(answer(device, block(2, 0x13, "ff 62")), done)
    equal(events(device), [])


def test_a_missing_block():
    device = endpoint()
    answer(device, block(1, 0x0B))
    equal(answer(device, block(2, 0x2B)), incomplete(2))
    # what came so far still stands
    equal(answer(device, block(3, 0x13, "ff 62")), [])
    equal(len(one_event(device)[2].payload), 129)


def test_a_first_block_that_never_came():
    device = endpoint()
    equal(answer(device, block(1, 0x1B)), incomplete(1))
    equal(answer(device, block(2, 0x13, "ff 62"))[0][:2], octets("60 88"))
    equal(events(device), [])


def test_a_first_block_starts_anew():
    device = endpoint()
    answer(device, block(1, 0x0B))
    equal(answer(device, block(2, 0x0B, "ff" + "62" * 128)), continued(2, 0x0B))
    answer(device, block(3, 0x13, "ff 63"))
    equal(bytes(one_event(device)[2].payload), b"b" * 128 + b"c")


def test_blocks_of_another_request_do_not_mix():
    # another path, method, content-format (12: delta 1 behind the path) or peer
    others = (
        block(2, 0x1B, path="b1 78"),
        block(2, 0x1B, first="40 02"),
        "40 03 0002" + PATH + "11 32 d1 02 1b" + FULL,
    )
    for other in others:
        device = endpoint()
        answer(device, block(1, 0x0B))
        equal(answer(device, other), incomplete(2))
    device = endpoint()
    answer(device, block(1, 0x0B))
    equal(answer(device, block(2, 0x1B), peer=OTHER), incomplete(2))


def test_the_token_may_change_from_block_to_block():
    device = endpoint()
    answer(device, block(1, 0x0B, first="40 03"))
    equal(answer(device, "41 03 0002 aa" + PATH + "d1 03 1b" + FULL), [octets("61 5f 0002 aa d1 0e 1b")])


def test_a_block_of_the_wrong_size():
    # one octet less with more to come; the last may be short but not longer; exponent 7 is reserved. 4.00 = 80
    device = endpoint()
    for value, payload in ((0x0B, "ff" + "61" * 127), (0x03, "ff" + "61" * 129), (0x0F, FULL), (0x07, FULL)):
        equal(answer(device, block(value, value, payload))[0][:2], octets("60 80"))
        answer(device, block(0x100, 0x1B))
    equal(events(device), [])


def test_a_body_that_is_too_large_by_its_own_word():
    # Size1 60: delta 33 behind Block1 = 13 + 20. 5000 = 1388; 4.13 = 8d with Size1 4096: d2 2f 1000
    device = endpoint()
    equal(answer(device, "40 03 0001 d1 0e 0b d2 14 1388" + FULL), [octets("60 8d 0001 d2 2f 1000")])
    equal(answer(device, "40 03 0002 d1 0e 1b" + FULL), incomplete(2))
    equal(device.next_deadline(), None)


def test_a_body_that_grows_too_large():
    # max_body 256: the third block is one too many
    device = endpoint(max_body=256)
    answer(device, block(1, 0x0B))
    equal(answer(device, block(2, 0x1B)), continued(2, 0x1B))
    equal(answer(device, block(3, 0x23, "ff 61")), [octets("60 8d 0003 d1 0e 23 d2 14 0100")])
    equal(device.next_deadline(), None)
    answer(device, block(4, 0x0B))
    answer(device, block(5, 0x13))
    equal(len(one_event(device)[2].payload), 256)


def test_max_body_0_does_not_know_blocks():
    # 4.02 with the number in words
    device = endpoint(max_body=0)
    equal(answer(device, block(1, 0x0B)), [octets("60 82 0001 ff") + b"option 27"])
    equal(answer(device, "40 01 0001 d1 0a 03"), [octets("60 82 0001 ff") + b"option 23"])


# Several bodies at once. 5.03 is a3; with Max-Age 14 of 10 s: d1 01 0a. Three may come, two of one peer; one of which
# nothing was heard for more than 3 * 2 s * 1.5 = 9 s (two losses in a row) makes room.

THIRD = ("192.0.2.3", 5683)
FOURTH = ("192.0.2.4", 5683)
OTHER_PATH = "b7" + b"another".hex()
THIRD_PATH = "b7" + b"thirdly".hex()


def busy(mid):
    return [octets("60 a3 %04x d1 01 0a" % mid)]


def test_three_bodies_at_once_and_no_fourth():
    device = endpoint()
    peers = (PEER, OTHER, THIRD)
    for peer in peers:
        equal(answer(device, block(1, 0x0B), peer=peer), continued(1, 0x0B))
    equal(answer(device, block(1, 0x0B), peer=FOURTH), busy(1))
    # each peer goes on, and the end of one is room for another
    for peer in peers:
        equal(answer(device, block(2, 0x13), peer=peer), [])
        respond(device, coap.CHANGED)
        sent(device)
    equal(answer(device, block(2, 0x0B), peer=FOURTH), continued(2, 0x0B))


def test_interleaved_bodies_of_one_peer():
    # to two paths, block by block in turn
    device = endpoint()
    equal(answer(device, block(1, 0x0B)), continued(1, 0x0B))
    equal(answer(device, block(2, 0x0B, "ff" + "62" * 128, OTHER_PATH)), continued(2, 0x0B))
    equal(answer(device, block(3, 0x1B)), continued(3, 0x1B))
    equal(answer(device, block(4, 0x13, "ff 63", OTHER_PATH)), [])
    kind, incoming, message = one_event(device)
    equal((message.path, bytes(message.payload)), ("/another", b"b" * 128 + b"c"))
    equal(answer(device, block(5, 0x23, "ff 64")), [])
    kind, incoming, message = one_event(device)
    equal((message.path, bytes(message.payload)), ("/options", b"a" * 256 + b"d"))


def test_a_request_tag_tells_two_bodies_of_one_path_apart():
    # RFC 9175 section 3.2: option 292, here behind Block1 27: delta 265 = 13 + 252 -> d1 fc
    def tagged(mid, value, tag, payload=FULL):
        return "40 03 %04x %s d1 03 %02x d1 fc %02x %s" % (mid, PATH, value, tag, payload)

    device = endpoint()
    equal(answer(device, tagged(1, 0x0B, 0xA1)), continued(1, 0x0B))
    equal(answer(device, tagged(2, 0x0B, 0xA2, "ff" + "62" * 128)), continued(2, 0x0B))
    equal(answer(device, block(3, 0x1B)), incomplete(3))  # none is not one of them
    for mid, tag, whole in ((4, 0xA2, b"b" * 128 + b"c"), (5, 0xA1, b"a" * 128 + b"c")):
        equal(answer(device, tagged(mid, 0x13, tag, "ff 63")), [])
        equal(bytes(one_event(device)[2].payload), whole)


def test_one_peer_does_not_use_the_places_of_others():
    device = endpoint()
    equal(answer(device, block(1, 0x0B)), continued(1, 0x0B))
    equal(answer(device, block(2, 0x0B, path=OTHER_PATH)), continued(2, 0x0B))
    for mid in range(3, 10):
        equal(answer(device, block(mid, 0x0B, path=THIRD_PATH)), busy(mid))
    equal(answer(device, block(1, 0x0B), peer=OTHER), continued(1, 0x0B))
    # those under way are not disturbed
    equal(answer(device, block(10, 0x1B)), continued(10, 0x1B))


def test_a_body_that_is_quiet_makes_room():
    device = endpoint()
    for number, peer in enumerate((PEER, OTHER, THIRD)):
        equal(answer(device, block(1, 0x0B), number * 1000, peer), continued(1, 0x0B))
    equal(answer(device, block(1, 0x0B), 9000, FOURTH), busy(1))
    equal(answer(device, block(2, 0x0B), 9001, FOURTH), continued(2, 0x0B))
    equal(answer(device, block(2, 0x1B), 9001), incomplete(2))  # it was this one
    equal(answer(device, block(2, 0x1B), 9001, OTHER), continued(2, 0x1B))
    equal(len(device.bodies), 3)
    # of a peer that has two, its own
    equal(answer(device, block(3, 0x0B, path=OTHER_PATH), 9001, OTHER), busy(3))


def test_who_has_two_loses_its_own():
    device = endpoint()
    for mid, path in ((1, PATH), (2, OTHER_PATH)):
        answer(device, block(mid, 0x0B, path=path), mid * 1000)
    answer(device, block(1, 0x0B), 0, OTHER)
    equal(answer(device, block(3, 0x0B, path=THIRD_PATH), 10001), continued(3, 0x0B))
    equal(answer(device, block(2, 0x1B), 10001, OTHER), continued(2, 0x1B))
    equal(answer(device, block(4, 0x1B), 10001), incomplete(4))


def test_whole_bodies_that_wait_for_an_answer_count():
    device = endpoint()
    for mid in (1, 3):
        answer(device, block(mid, 0x0B))
        answer(device, block(mid + 1, 0x13))
    equal(len(events(device)), 2)
    equal(answer(device, block(5, 0x0B)), busy(5))
    equal(answer(device, block(1, 0x0B), peer=OTHER), continued(1, 0x0B))
    equal(answer(device, block(1, 0x0B), peer=THIRD), busy(1))


def flooded(peers):
    """How often of 12 times a peer can send a body while others begin four a second and end none."""
    device = endpoint()
    random = Random(9175)
    served = 0
    for now in range(0, 120000, 250):
        peer = ("198.51.100.1", 1024 + random.below(peers))
        answer(device, block(random.below(65536), 0x0B, path="b2%04x" % random.below(65536)), now, peer)
        assert len(device.bodies) <= 3
        assert len([body for body in device.bodies if body.owner == peer]) <= 2
        mid = now // 10000
        if now % 10000 == 0 and answer(device, block(mid, 0x0B), now, OTHER) == continued(mid, 0x0B):
            answer(device, block(mid + 0x1000, 0x13), now, OTHER)
            respond(device, coap.CHANGED, now=now)
            equal(sent(device), [octets("60 44 %04x d1 0e 13" % (mid + 0x1000))])
            served += 1
    assert len(device.seen()._entries) <= device.MAX_DUPLICATES
    return served


def test_floods_of_bodies_that_never_end():
    # from one address: all others are served. From many: some, since places become free all the time
    equal(flooded(1), 12)
    assert flooded(60000) >= 1


def test_a_block_again_under_a_new_message_id():
    device = endpoint()
    for mid in (1, 2):
        equal(answer(device, block(mid, 0x0B)), continued(mid, 0x0B))
    for mid in (3, 4, 5):
        equal(answer(device, block(mid, 0x1B, "ff" + "62" * 128)), continued(mid, 0x1B))
    # other octets are another block: it does not fit in
    equal(answer(device, block(6, 0x1B)), incomplete(6))
    equal(answer(device, block(7, 0x23, "ff 63")), [])
    equal(bytes(one_event(device)[2].payload), b"a" * 128 + b"b" * 128 + b"c")


def test_blocks_may_become_smaller():
    # section 2.3: 0/1/128, then as 8/1/16 (value 0088: 00 88), 9/0/16 = 90
    device = endpoint()
    equal(answer(device, block(1, 0x0B)), continued(1, 0x0B))
    equal(answer(device, block(2, 0x88, "ff" + "62" * 16)), continued(2, 0x88))
    equal(answer(device, block(3, 0x90, "ff 63")), [])
    equal(bytes(one_event(device)[2].payload), b"a" * 128 + b"b" * 16 + b"c")


def test_a_block_that_is_larger_than_a_datagram():
    # section 2.9.3: 4.13 says what would fit. 512 octets (exponent 5) on 256: 128 fit (256 - 64 = 192), so Block1
    # 0/0/128 = 03, and Size1 60 (delta 33 = 13 + 20) is what a body may have, 4096
    device = endpoint(max_datagram=256)
    equal(
        answer(device, block(1, 0x0D, "ff" + "61" * 512)),
        [octets("60 8d 0001 d1 0e 03 d2 14 1000")],
    )
    # the second block of it: octet 512 is block 4 of 128: 43
    equal(
        answer(device, block(2, 0x1D, "ff" + "61" * 512)),
        [octets("60 8d 0002 d1 0e 43 d2 14 1000")],
    )


def test_a_number_that_can_not_be_said_in_smaller_blocks():
    # 0xfffff/1/1024 to who takes datagrams of 128: number << 4 would have 24 bits
    device = endpoint(max_datagram=128)
    options = [(coap.URI_PATH, b"a"), (coap.BLOCK1, b"\xff\xff\xfe")]
    request = coap.encode(coap.Message(coap.PUT, bytes(200), options, mid=1))
    (reply,) = [coap.decode(each) for each in answer(device, request.hex())]
    equal((reply.code, reply.option(coap.BLOCK1)), (coap.REQUEST_ENTITY_TOO_LARGE, b"\x02"))
    equal(device.stats["failed"], 0)


def test_a_body_is_forgotten_after_exchange_lifetime_without_a_block():
    # 247 s, counted from the last block
    device = endpoint()
    answer(device, block(1, 0x0B))
    answer(device, block(2, 0x1B), 100000)
    equal(device.next_deadline(), 347000)
    device.poll(346999)
    equal(answer(device, block(3, 0x2B), 346999), continued(3, 0x2B))
    device.poll(346999 + 247000)
    equal(device.next_deadline(), None)
    equal(answer(device, block(4, 0x3B), 600000), incomplete(4))


def test_non_confirmable_blocks():
    # NON 2.31 with a message ID of ours, 1
    device = endpoint()
    equal(answer(device, block(9, 0x0B, first="50 03")), [octets("50 5f 0001 d1 0e 0b")])
    equal(answer(device, block(10, 0x13, first="50 03")), [])
    respond(device, coap.CHANGED)
    equal(sent(device), [octets("50 44 0002 d1 0e 13")])


def test_a_separate_answer_to_the_last_block():
    device = endpoint()
    answer(device, block(1, 0x0B))
    answer(device, block(2, 0x13))
    equal(run(device, 250), [(250, octets("60 00 0002"))])
    respond(device, coap.CHANGED, now=300)
    equal(sent(device), [octets("40 44 0001 d1 0e 13")])


def test_an_error_for_the_whole_body_has_its_block1_too():
    # 4.15 = 8f
    device = endpoint()
    answer(device, block(1, 0x0B))
    answer(device, block(2, 0x13))
    respond(device, coap.UNSUPPORTED_CONTENT_FORMAT)
    equal(sent(device), [octets("60 8f 0002 d1 0e 13")])


def test_only_the_cache_key_tells_bodies_apart():
    # RFC 7252 section 5.4.2: (number & 0x1e) == 0x1c is NoCacheKey: Echo 252, Size2 28, Size1 60, 0x3fc. After a
    # restart under OSCORE the Echo stands in the first block alone. Request-Tag 292 is part of the key.
    def blocks(first, second):
        device = endpoint()
        answers = []
        for mid, value, options in ((1, b"\x0b", first), (2, b"\x1b", second)):
            options = [(coap.URI_PATH, b"a"), (coap.BLOCK1, value)] + options
            request = coap.Message(coap.POST, bytes(128), options, mid=mid)
            device.receive(coap.encode(request), PEER, 0)
            answers += [out[1] for out in sent(device)]
        return answers

    going_on, wrong = [coap.CONTINUE] * 2, [coap.CONTINUE, coap.REQUEST_ENTITY_INCOMPLETE]
    for number in (coap.ECHO, coap.SIZE2, coap.SIZE1, 0x3FC):
        equal(blocks([(number, b"\x01")], []), going_on)
        equal(blocks([], [(number, b"\x01")]), going_on)
        equal(blocks([(number, b"\x01")], [(number, b"\x02")]), going_on)
    for number in (292, coap.CONTENT_FORMAT, coap.URI_QUERY, 0x3FA):
        equal(blocks([(number, b"\x01")], []), wrong)


# Block2 of a request: what part of the response is wanted. 23 = 13 + 10: d1 0a


def part(value, body=b"a" * 64 + b"b" * 64 + b"cc"):
    device = endpoint()
    answer(device, "40 01 0001 d1 0a %02x" % value)
    respond(device, payload=body)
    return sent(device)[0]


def test_a_response_in_the_blocks_that_are_asked_for():
    # 0/0/64: exponent 2; answers 0/1/64 = 0a, 1/1/64 = 1a, 2/0/64 = 22. ETag 4 is the beginning of the SHA-256 of the
    # whole, 413bb6c5 by sha256sum; Block2 behind it has delta 19 = 13 + 6
    equal(part(0x02), octets("60 45 0001 44 413bb6c5 d1 06 0a ff") + b"a" * 64)
    equal(part(0x12), octets("60 45 0001 44 413bb6c5 d1 06 1a ff") + b"b" * 64)
    equal(part(0x22), octets("60 45 0001 44 413bb6c5 d1 06 22 ff") + b"cc")


def test_a_response_that_fits_the_block_that_is_asked_for():
    equal(part(0x02, b"cc"), octets("60 45 0001 d1 0a 02 ff") + b"cc")
    equal(part(0x02, b""), octets("60 45 0001 d1 0a 02"))
    equal(part(0x02, b"c" * 64), octets("60 45 0001 d1 0a 02 ff") + b"c" * 64)


def test_a_block_behind_the_end():
    equal(part(0x32)[:2], octets("60 80"))


def test_a_body_that_cannot_be_joined():
    # where there is no memory in a row: length, octets and pieces are there all the same, and it can be the answer
    from coap.blockwise import Pieces

    body = Pieces([b"a" * 512, b"bc"])
    equal((len(body), bytes(body)), (514, b"a" * 512 + b"bc"))
    device = endpoint(max_datagram=256)
    answer(device, "40 02 0001 d1 0a 03")
    respond(device, coap.CHANGED, body)
    equal(sent(device), [octets("60 44 0001 d1 0a 0b ff") + b"a" * 128])
