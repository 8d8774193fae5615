# SPDX-License-Identifier: MIT
"""Messages that come again, and floods of them: RFC 7252 sections 4.2, 4.3, 4.5 and 11.3."""

import gc

import coap
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, respond, run, sent
from common import Random, equal

ACK = octets("61 45 1234 aa ff 31")


def answered(device, now=0, peer=PEER, mid=0x1234, payload=b"1"):
    """A confirmable request that gets its answer at once."""
    device.receive(octets("41 01 %04x aa" % mid), peer, now)
    respond(device, payload=payload, now=now)
    return sent(device)


def is_duplicate(device, now=0, peer=PEER, mid=0x1234):
    """Whether the request comes again as a duplicate; where not, it is answered like a new one."""
    before = device.stats["duplicates"]
    device.receive(octets("41 01 %04x aa" % mid), peer, now)
    for _, incoming, _ in events(device):
        device.respond(incoming, coap.Message(coap.CONTENT, b"1"), now)
    sent(device)
    return device.stats["duplicates"] > before


def test_a_duplicate_gets_the_same_answer_and_runs_nothing():
    device = endpoint()
    equal(answered(device), [ACK])
    for now in (1, 2000, 45000):
        equal(answer(device, "41 01 1234 aa", now), [ACK])
    equal(events(device), [])
    equal(device.stats["duplicates"], 3)


def test_duplicates_are_known_for_exchange_lifetime():
    # 247 s from the first, however often it comes
    device = endpoint()
    answered(device, now=5000)
    for now in (100000, 251999):
        assert is_duplicate(device, now)
    assert not is_duplicate(device, 252000)


def test_non_confirmable_duplicates_are_known_for_non_lifetime():
    # 145 s; a second answer to a NON is not sent
    device = endpoint()
    answer(device, "51 01 1234 aa")
    respond(device)
    equal(len(sent(device)), 1)
    equal(answer(device, "51 01 1234 aa", 144999), [])
    equal(events(device), [])
    equal(answer(device, "51 01 1234 aa", 145000), [])
    equal(one_event(device)[0], coap.REQUEST)


def test_a_duplicate_before_the_answer_is_acknowledged_at_once():
    # the peer waits; then the response is separate
    device = endpoint()
    answer(device, "41 01 1234 aa")
    equal(answer(device, "41 01 1234 aa", 100), [octets("60 00 1234")])
    kind, incoming, _ = one_event(device)
    device.respond(incoming, coap.Message(coap.CONTENT, b"1"), 200)
    equal(sent(device), [octets("41 45 0001 aa ff 31")])


def test_a_duplicate_after_the_empty_acknowledgement_gets_that_again():
    device = endpoint()
    answer(device, "41 01 1234 aa")
    run(device, 250)
    equal(answer(device, "41 01 1234 aa", 2000), [octets("60 00 1234")])
    respond(device, payload=b"1", now=2100)
    sent(device)
    equal(answer(device, "41 01 1234 aa", 2200), [octets("60 00 1234")])
    equal(events(device), [])


def test_a_non_confirmable_duplicate_before_the_answer_is_ignored():
    device = endpoint()
    answer(device, "51 01 1234 aa")
    equal(answer(device, "51 01 1234 aa"), [])
    one_event(device)


def test_the_same_message_id_of_another_peer_is_no_duplicate():
    device = endpoint()
    answered(device)
    for peer in (OTHER, (PEER[0], PEER[1] + 1)):
        assert not is_duplicate(device, peer=peer)


def test_another_request_under_a_used_message_id_is_no_duplicate():
    # 4.2: what is retransmitted is the same message. A peer that was restarted chose its first ID at random (4.4), and
    # comes to IDs that it used before within EXCHANGE_LIFETIME: its token, its payload or its options differ.
    device = endpoint()
    answer(device, "41 02 1234 aa ff 31")
    respond(device, coap.CHANGED, b"")
    first = sent(device)
    equal(first, [octets("61 44 1234 aa")])
    for now, other in enumerate(("41 02 1234 ab ff 31", "41 02 1234 aa ff 32", "41 02 1234 aa b1 61 ff 31")):
        equal(answer(device, other, 1000 + now), [])
        _, incoming, message = one_event(device)
        equal((message.mid, bytes(message.payload)), (0x1234, octets(other)[-1:]))
        device.respond(incoming, coap.Message(coap.BAD_REQUEST), 1000 + now)
        equal(sent(device), [octets("61 80 1234") + bytes(message.token)])
        equal(answer(device, other, 1100), [octets("61 80 1234") + bytes(message.token)])
    equal(answer(device, "41 02 1234 aa ff 31", 2000), first)  # and each of them is known
    equal((events(device), device.stats["duplicates"]), ([], 4))


def test_another_request_is_no_duplicate_where_the_code_alone_is_kept():
    device = endpoint()
    for mid in range(200):
        device.receive(octets("41 02 %04x aa ff 31" % mid), PEER, 0)
        respond(device, coap.CHANGED, b"")
        sent(device)
    equal(answer(device, "41 02 0007 aa ff 31", 1000), [octets("61 44 0007 aa")])
    equal(answer(device, "41 02 0007 bb ff 32", 1000), [])
    equal(bytes(one_event(device)[2].payload), b"2")


def test_a_thousand_requests_under_one_message_id():
    # What is kept of each tells it from any other: of those before it, two hundred or more are known.
    device = endpoint()
    random = Random(1).bytes
    last = []
    for number in range(1000):
        datagram = octets("41 02 1234 aa ff") + random(8)
        device.receive(datagram, PEER, number)
        respond(device, coap.CHANGED, b"", number)
        sent(device)
        last = last[-199:] + [datagram]
    equal(device.stats["duplicates"], 0)
    for datagram in last:
        device.receive(datagram, PEER, 1000)
        equal(sent(device), [octets("61 44 1234 aa")])
    equal(events(device), [])


def test_another_request_is_no_duplicate_of_one_that_waits_for_its_answer():
    device = endpoint()
    answer(device, "41 02 1234 aa ff 31")
    _, first, _ = one_event(device)
    answer(device, "41 02 1234 bb ff 32")
    _, second, _ = one_event(device)
    device.respond(second, coap.Message(coap.CHANGED), 100)
    device.respond(first, coap.Message(coap.CONTENT), 100)
    equal(sent(device), [octets("61 44 1234 bb"), octets("61 45 1234 aa")])


def test_a_separate_response_under_a_used_message_id_is_taken():
    device = endpoint()
    for token in (b"\xaa", b"\xbb"):
        device.request(coap.Message(coap.GET, token=token), PEER, 0)
        sent(device)
        datagram = octets("41 45 1234") + token
        device.receive(datagram, PEER, 100)
        equal(sent(device), [octets("60 00 1234")])
        equal(one_event(device)[0], coap.RESPONSE)


def test_a_separate_response_that_comes_again_is_acknowledged_again():
    # within EXCHANGE_LIFETIME; afterwards its token is unknown and it is reset
    device = endpoint()
    device.request(coap.Message(coap.GET, token=b"\xaa"), PEER, 0)
    sent(device)
    for now in (0, 246999):
        equal(answer(device, "41 45 1234 aa", now), [octets("60 00 1234")])
    one_event(device)
    equal(answer(device, "41 45 1234 aa", 247000), [octets("70 00 1234")])


def test_an_abandoned_request_stays_a_duplicate():
    # given up at 247,250; had it come again at 200,000, it would still be known
    device = endpoint()
    answer(device, "41 01 1234 aa")
    run(device, 200000)
    one_event(device)
    assert is_duplicate(device, 200000)


def test_the_table_is_bounded():
    # 32 answers, and 256 IDs beside them
    device = endpoint()
    for mid in range(400):
        answered(device, mid=mid)
        assert len(device.seen()._entries) <= 32
    assert not is_duplicate(device, mid=0)  # the oldest were forgotten
    for mid in range(200, 400):
        assert is_duplicate(device, mid=mid)


def test_the_33rd_request_does_not_make_the_first_run_again():
    # 4.5: "the recipient SHOULD process any request or response in the message only once"
    device = endpoint()
    for mid in range(33):
        answered(device, now=10 * mid, mid=mid)
    equal(answer(device, "41 01 0000 aa", 1330), [octets("61 a3 0000 aa")])  # 5.03: the answer is gone
    equal(events(device), [])
    # for its 247 s; the ID is kept in seconds
    assert is_duplicate(device, 246000, mid=0)
    assert not is_duplicate(device, 249000, mid=0)


def test_what_is_said_where_the_answer_is_gone():
    # 2.04 (44) with nothing else and errors (80) say it all in their code; what had a payload or options says 5.03
    device = endpoint()
    cases = ((coap.CHANGED, b"", 0x44), (coap.BAD_REQUEST, b"why", 0x80), (coap.CHANGED, b"text", 0xA3))
    for mid, (code, payload, _) in enumerate(cases):
        device.receive(octets("41 02 %04x aa" % mid), PEER, 0)
        respond(device, code, payload)
    device.receive(octets("51 02 0003 aa"), PEER, 0)  # non-confirmable: its answer is never said again
    respond(device)
    device.receive(octets("41 02 0004 aa"), PEER, 0)
    _, incoming, _ = one_event(device)
    device.poll(250)
    device.respond(incoming, coap.Message(coap.CHANGED), 250)  # acknowledged first, answered separately
    device.receive(octets("60 00 %04x" % device._mid), PEER, 260)
    sent(device)
    for mid in range(100, 140):
        answered(device, mid=mid)
    for mid, (_, _, code) in enumerate(cases):
        equal(answer(device, "41 02 %04x aa" % mid), [octets("61 %02x %04x aa" % (code, mid))])
    equal(answer(device, "51 02 0003 aa"), [])
    equal(answer(device, "41 02 0004 aa"), [octets("60 00 0004")])
    equal(events(device), [])


def test_the_sixth_large_answer_does_not_make_the_first_run_again():
    # six answers of 1,000 octets, of which 4,096 are kept
    device = endpoint()
    for mid in range(6):
        answered(device, mid=mid, payload=bytes(1000))
    assert sum([len(e.answer) for e in device.seen()._entries if not isinstance(e.answer, int)]) <= 4096
    equal(answer(device, "41 01 0000 aa", 1000), [octets("61 a3 0000 aa")])
    equal(events(device), [])
    equal(len(answer(device, "41 01 0005 aa", 1000)[0]), 1006)


def test_a_separate_response_of_a_peer_is_known_long_after():
    device = endpoint()
    device.request(coap.Message(coap.GET, token=b"\xaa"), PEER, 0)
    sent(device)
    equal(answer(device, "41 45 1234 aa"), [octets("60 00 1234")])
    one_event(device)
    for mid in range(40):
        answered(device, mid=mid)
    events(device)
    equal(answer(device, "41 45 1234 aa", 1000), [octets("60 00 1234")])
    equal(events(device), [])


def test_many_peers_keep_the_table_small():
    # a thousand addresses: 32 entries, and 16 peers of whom IDs are kept
    device = endpoint()
    for host in range(1000):
        answered(device, peer=("192.0.2.1", host))
    equal((len(device.seen()._entries), len(device.seen()._ids)), (32, 16))
    device.poll(300000)
    equal((device.seen()._entries, device.seen()._ids), ([], {}))


def test_a_further_peer_costs_the_one_with_most_requests_nothing():
    """docs/coap.md: 32 message IDs are remembered, whatever was answered. Here nothing but codes."""
    device = endpoint()
    peers = ["busy"] * 8 + ["10.0.0.%d" % number for number in range(24)]
    for mid, peer in enumerate(peers):
        answered(device, peer=peer, mid=mid, payload=b"")
    for mid, peer in enumerate(peers):
        assert is_duplicate(device, peer=peer, mid=mid), (mid, peer)


def test_requests_that_nobody_answers_leave_the_table():
    device = endpoint()
    now = 0
    for mid in range(100):
        device.receive(octets("41 01 %04x aa" % mid), PEER, now)
        now += 100000
        device.poll(now)
    events(device)
    now += 300000
    device.poll(now)
    device.poll(now + 250)
    device.poll(now + 600000)
    equal((device.seen()._entries, device._incoming), ([], []))


def test_one_peer_cannot_make_the_table_forget_another():
    device = endpoint()
    answered(device, peer=OTHER)
    for mid in range(200):
        answered(device, mid=mid)
    assert is_duplicate(device, peer=OTHER)


def test_large_answers_of_one_peer_do_not_make_the_table_forget_another():
    # 20 answers of 1,000 octets; 4,096 octets are kept in all
    device = endpoint()
    answered(device, peer=OTHER)
    for mid in range(20):
        answered(device, mid=mid, payload=bytes(1000))
    assert is_duplicate(device, peer=OTHER)
    assert is_duplicate(device, mid=19)


def test_what_has_expired_makes_room_first():
    # 31 non-confirmable ones that live 145 s, after a confirmable one that lives 247 s
    device = endpoint()
    answered(device, peer=OTHER)
    for mid in range(31):
        device.receive(octets("51 01 %04x aa" % mid), PEER, 0)
        respond(device)
    answered(device, now=146000)
    for mid in range(20):
        answered(device, now=146000, peer=OTHER, mid=mid)
    assert is_duplicate(device, 146001, OTHER)


def test_what_has_expired_does_not_come_back_when_the_clock_wraps():
    # 4 days are more than half of the 6.2 days that ticks last, so that past and future look alike
    device = endpoint()
    answered(device)
    for day in range(1, 8):
        device.poll(day * 86400000)
    assert not is_duplicate(device, 7 * 86400000)


def test_a_flood_of_one_peer_is_refused_without_state():
    # four of one peer are taken; the fifth gets 4.29 (0x9d) with Max-Age 2 (delta 13 + 1: d1 01 02)
    device = endpoint()
    for mid in range(4):
        equal(answer(device, "41 01 %04x aa" % mid), [])
    for _ in range(2):
        equal(answer(device, "41 01 0004 bb"), [octets("61 9d 0004 bb d1 01 02")])
    equal(answer(device, "51 01 0005 bb"), [])  # non-confirmable: silence
    equal(len(events(device)), 4)
    equal(device.stats["refused"], 3)
    # another peer is still served
    equal(answer(device, "41 01 0004 bb", peer=OTHER), [])
    equal(one_event(device)[0], coap.REQUEST)


def test_a_flood_of_many_peers_is_refused_too():
    device = endpoint()
    for host in range(8):
        equal(answer(device, "41 01 0001 aa", peer=("h", host)), [])
    equal(answer(device, "41 01 0001 aa", peer=("h", 8))[0][:2], octets("61 9d"))
    incoming = events(device)[0][1]
    device.respond(incoming, coap.Message(coap.CONTENT), 0)
    sent(device)
    equal(answer(device, "41 01 0001 aa", peer=("h", 8)), [])  # a place is free again


def test_admit_refuses_before_anything_is_kept():
    asked = []

    def admit(message, peer):
        asked.append((message.path, peer))
        return coap.FORBIDDEN if peer != PEER else None

    device = endpoint(admit=admit)
    # 4.03 = 0x83
    for _ in range(2):
        equal(answer(device, "41 01 1234 aa b1 61", peer=OTHER), [octets("61 83 1234 aa")])
    equal(answer(device, "51 01 1234 aa b1 61", peer=OTHER), [])
    equal(events(device), [])
    equal(device.next_deadline(), None)
    equal(device.stats["duplicates"], 0)
    answer(device, "41 01 1234 aa b1 61")
    equal(one_event(device)[0], coap.REQUEST)
    equal(asked, [("/a", OTHER)] * 3 + [("/a", PEER)])


def test_a_link_that_takes_nothing_costs_the_oldest_datagrams():
    device = endpoint()
    for mid in range(100):
        device.receive(octets("41 01 %04x aa" % mid), PEER, 0)
        respond(device)
    out = sent(device)
    equal(len(out), device.MAX_QUEUE)
    equal(out[-1], octets("61 45 0063 aa"))
    equal(device.stats["dropped"], 100 - device.MAX_QUEUE)


def test_what_others_ask_for_at_will_fills_half_of_the_queue():
    device = endpoint()
    for mid in range(100):
        device.receive(octets("40 00 %04x" % mid), PEER, 0)
    out = sent(device)
    equal((len(out), out[0]), (device.MAX_QUEUE // 2 + 1, octets("70 00 0000")))
    equal(device.stats["dropped"], 100 - len(out))


def test_refusals_do_not_push_out_what_is_ours():
    # 4.02 (13 is critical, and unknown), 4.03, 4.29, 4.13 for what is too long: each at the will of who sends
    for admit, text in (
        (None, "41 01 %04x aa d1 00 61"),
        (lambda message, peer: coap.FORBIDDEN, "41 01 %04x aa"),
        (None, "41 01 %04x aa"),
        (None, "41 03 %04x aa ff" + "61" * 1200),
    ):
        device = endpoint(admit=admit)
        device.request(coap.Message(coap.GET, token=b"\xaa"), OTHER, 0)
        for mid in range(100):
            device.receive(octets(text % mid), PEER, 0)
        out = sent(device)
        equal((len(out), out[0]), (device.MAX_QUEUE // 2 + 1, octets("41 01 0001 aa")))


def flood(device, random, count, now):
    """Requests, pings, responses and acknowledgements of 1,000 peers; one in eight requests is answered."""
    for _ in range(count):
        now += random.below(100)
        peer = ("192.0.2.%d" % random.below(250), random.below(4))
        first = random.choice((0x41, 0x41, 0x51, 0x61))
        code = random.choice((0, 1, 2, 2, 69))
        head = bytes((first if code else first & 0xF0, code)) + random.bytes(2)
        device.receive(head + (b"\xaa\xb1a\xff" + bytes(random.below(64) + 1) if code else b""), peer, now)
        device.poll(now)
        while device.outgoing():
            pass
        while True:
            event = device.next_event()
            if event is None:
                break
            if random.below(8) == 0:
                device.respond(event[1], coap.Message(coap.CONTENT, bytes(random.below(200))), now)
    return now


def test_ten_thousand_datagrams_of_a_thousand_peers_leave_the_heap_as_it_was():
    device = endpoint()
    random = Random(7252)
    now = flood(device, random, 1000, 0)
    gc.collect()
    before = gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0
    now = flood(device, random, 10000, now)
    # all that is open ends, and what is left is the table of duplicates
    run(device, now + 500000)
    equal(device.next_deadline(), None)
    gc.collect()
    after = gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0
    assert after <= before, (before, after)
    equal(device.stats["received"], 11000)
    assert device.stats["refused"] > 1000, device.stats
