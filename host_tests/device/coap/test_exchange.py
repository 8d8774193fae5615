# SPDX-License-Identifier: MIT
"""Which answer belongs to which request: RFC 7252 sections 4.2, 4.3, 5.2 and 5.3."""

import coap
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, respond, run, sent, taken
from common import equal, raises

REBOUND = (PEER[0], PEER[1] + 1)


def asking(token=b"\xaa", type=coap.CON, **named):
    """An endpoint whose one request, MID 1, is on the air, and its exchange."""
    device = endpoint(**named)
    exchange = device.request(coap.Message(coap.GET, token=token, type=type), PEER, 0, "mine")
    equal(len(sent(device)), 1)
    return device, exchange


def ended(device, exchange, code=coap.CONTENT):
    """The one event is the response to this exchange, and nothing is left to do."""
    kind, same, message = one_event(device)
    equal((kind, message.code, same is exchange, same.tag), (coap.RESPONSE, code, True, "mine"))
    equal(device.next_deadline(), None)


def test_a_piggybacked_response_ends_the_exchange():
    device, exchange = asking()
    equal(answer(device, "61 45 0001 aa ff 31"), [])
    ended(device, exchange)


def test_an_error_is_a_response():
    device, exchange = asking()
    answer(device, "61 84 0001 aa")
    ended(device, exchange, coap.NOT_FOUND)


def test_a_separate_response_after_the_acknowledgement():
    device, exchange = asking()
    equal(answer(device, "60 00 0001"), [])
    equal(answer(device, "41 45 1234 aa"), [octets("60 00 1234")])
    ended(device, exchange)


def test_a_separate_response_before_the_acknowledgement():
    # section 5.2.2: the response stops the retransmissions; the late acknowledgement finds nothing
    device, exchange = asking()
    equal(answer(device, "41 45 1234 aa"), [octets("60 00 1234")])
    ended(device, exchange)
    equal(answer(device, "60 00 0001"), [])
    equal(device.stats["unmatched"], 1)


def test_a_separate_response_without_any_acknowledgement():
    device, exchange = asking()
    equal([tick for tick, _ in run(device, 5000)], [2000])
    equal(answer(device, "41 45 1234 aa", 5000), [octets("60 00 1234")])
    ended(device, exchange)


def test_a_separate_response_in_a_non_confirmable_message():
    device, exchange = asking()
    answer(device, "60 00 0001")
    equal(answer(device, "51 45 1234 aa"), [])
    ended(device, exchange)


def test_a_non_confirmable_request_and_its_response():
    device, exchange = asking(type=coap.NON)
    equal(answer(device, "51 45 1234 aa"), [])
    ended(device, exchange)


def test_a_confirmable_response_to_a_non_confirmable_request():
    device, exchange = asking(type=coap.NON)
    equal(answer(device, "41 45 1234 aa"), [octets("60 00 1234")])
    ended(device, exchange)


def test_an_acknowledgement_of_a_non_confirmable_request_is_ignored():
    device, exchange = asking(type=coap.NON)
    answer(device, "60 00 0001")
    equal(device.stats["unmatched"], 1)
    answer(device, "51 45 1234 aa")
    ended(device, exchange)


def test_an_acknowledgement_that_comes_twice():
    device, exchange = asking()
    answer(device, "60 00 0001")
    answer(device, "60 00 0001")
    answer(device, "51 45 1234 aa")
    ended(device, exchange)


def test_another_token_does_not_match():
    device, exchange = asking()
    equal(answer(device, "61 45 0001 ab"), [])
    equal(answer(device, "61 45 0001"[:-2] + "01"), [])
    equal(answer(device, "60 45 0001"), [])  # no token at all
    equal(answer(device, "62 45 0001 aa00"), [])
    equal(events(device), [])
    answer(device, "61 45 0001 aa")
    ended(device, exchange)


def test_another_message_id_does_not_match_a_piggybacked_response():
    device, exchange = asking()
    equal(answer(device, "61 45 0002 aa"), [])
    equal(answer(device, "60 00 0002"), [])
    equal(answer(device, "70 00 0002"), [])
    equal(events(device), [])
    equal(device.stats["unmatched"], 3)
    answer(device, "61 45 0001 aa")
    ended(device, exchange)


def test_another_peer_does_not_match():
    # section 5.3.2: token and endpoint; a port is part of an endpoint
    for peer in (OTHER, REBOUND):
        device, exchange = asking()
        for datagram in ("61 45 0001 aa", "51 45 1234 aa", "60 00 0001", "70 00 0001"):
            equal(answer(device, datagram, 0, peer), [])
        equal(answer(device, "41 45 1234 aa", 0, peer), [octets("70 00 1234")])
        equal(events(device), [])
        answer(device, "61 45 0001 aa")
        ended(device, exchange)


def test_the_same_token_may_be_in_use_with_two_peers():
    device = endpoint()
    first = device.request(coap.Message(coap.GET, token=b"\xaa"), PEER, 0)
    second = device.request(coap.Message(coap.GET, token=b"\xaa"), OTHER, 0)
    answer(device, "61 45 0002 aa", 0, OTHER)
    assert one_event(device)[1] is second
    answer(device, "61 45 0001 aa", 0, PEER)
    assert one_event(device)[1] is first


def test_a_request_that_waits_for_its_turn_has_no_answer_yet():
    device = endpoint()
    device.request(coap.Message(coap.GET, token=b"\xaa"), PEER, 0)
    device.request(coap.Message(coap.GET, token=b"\xbb"), PEER, 0)
    sent(device)
    equal(answer(device, "61 45 0002 bb"), [])
    equal(answer(device, "60 00 0002"), [])
    equal(events(device), [])


def test_a_token_is_chosen_where_there_is_none():
    # four octets, never one that is in use with that peer
    tokens = [b"\x00\x00\x00\x01", b"\x00\x00\x00\x02", b"\x00\x00\x00\x01", b"\x00\x00\x00\x01"]
    device = coap.Endpoint(random=lambda size: bytes(2) if size == 2 else tokens.pop())
    for _ in range(2):
        device.request(coap.Message(coap.GET, type=coap.NON), PEER, 0)
    equal(sent(device), [octets("54 01 0001 00000001"), octets("54 01 0002 00000002")])


def test_a_reset_ends_the_exchange():
    for type in (coap.CON, coap.NON):
        device, exchange = asking(type=type)
        equal(answer(device, "70 00 0001"), [])
        equal(one_event(device), (coap.RESET, exchange, None))
        equal(device.next_deadline(), None)


def test_a_ping_of_ours():
    # an empty confirmable message; Reset is its good end (section 4.3)
    device = endpoint()
    exchange = device.ping(PEER, 0, "mine")
    equal(sent(device), [octets("40 00 0001")])
    equal(answer(device, "60 00 0001"), [])  # nothing to acknowledge
    equal(events(device), [])
    equal(answer(device, "70 00 0001"), [])
    equal(one_event(device), (coap.RESET, exchange, None))


def test_a_ping_that_nobody_answers():
    device = endpoint()
    exchange = device.ping(PEER, 0)
    run(device, 62000)
    equal(device.stats["retransmitted"], 4)
    equal(one_event(device), (coap.TIMEOUT, exchange, None))


def test_a_ping_of_a_peer():
    device = endpoint()
    for _ in range(2):  # nothing is kept of it: each is answered
        equal(answer(device, "40 00 1234"), [octets("70 00 1234")])
    equal(events(device), [])
    equal(device.next_deadline(), None)


def test_cancel_forgets():
    device, exchange = asking()
    device.cancel(exchange, 0)
    equal(device.next_deadline(), None)
    equal(answer(device, "61 45 0001 aa"), [])
    equal(answer(device, "41 45 1234 aa"), [octets("70 00 1234")])
    equal(events(device), [])
    device.cancel(exchange, 0)  # again: nothing


def test_busy_when_all_exchanges_are_open():
    device = endpoint()
    exchanges = [device.request(coap.Message(coap.GET), PEER, 0) for _ in range(device.MAX_EXCHANGES)]
    raises(coap.BusyError, device.request, coap.Message(coap.GET), OTHER, 0)
    raises(coap.BusyError, device.ping, OTHER, 0)
    device.cancel(exchanges[3], 0)
    device.ping(OTHER, 0)


def test_busy_with_requests_leaves_room_for_answers():
    # separate responses are not requests of ours: a full client still serves
    device = endpoint()
    for _ in range(device.MAX_EXCHANGES):
        device.request(coap.Message(coap.GET), OTHER, 0)
    answer(device, "41 01 1234 aa")
    kind, incoming, _ = one_event(device)
    run(device, 250)
    device.respond(incoming, coap.Message(coap.CONTENT), 300)
    equal([peer for _, peer in taken(device)], [PEER])


def test_a_message_that_does_not_fit_is_refused_and_leaves_nothing():
    # with max_body there are blocks: test_uploading.py
    device = endpoint(max_datagram=64, max_body=0)
    raises(coap.MessageError, device.request, coap.Message(coap.POST, bytes(60)), PEER, 0)
    equal(device.next_deadline(), None)
    equal(sent(device), [])
    # 4 + token 4 + marker + 55 = 64 fits
    device.request(coap.Message(coap.POST, bytes(55)), PEER, 0)
    equal(len(sent(device)[0]), 64)


def test_a_piggybacked_response():
    device = endpoint()
    answer(device, "41 01 1234 aa")
    respond(device, payload=b"1")
    equal(sent(device), [octets("61 45 1234 aa ff 31")])
    equal(device.next_deadline(), None)


def test_a_response_that_takes_longer_is_separate():
    device = endpoint()
    answer(device, "41 01 1234 aa")
    kind, incoming, _ = one_event(device)
    equal(run(device, 1000), [(250, octets("60 00 1234"))])
    device.respond(incoming, coap.Message(coap.CONTENT, b"1"), 1000)
    equal(sent(device), [octets("41 45 0001 aa ff 31")])
    equal(answer(device, "60 00 0001", 1100), [])
    equal(device.next_deadline(), None)
    equal(events(device), [])


def test_a_separate_response_that_is_reset():
    device = endpoint()
    answer(device, "41 01 1234 aa")
    kind, incoming, _ = one_event(device)
    run(device, 250)
    device.respond(incoming, coap.Message(coap.CONTENT), 300)
    sent(device)
    equal(answer(device, "70 00 0001", 400), [])
    equal(device.next_deadline(), None)
    equal(events(device), [])


def test_a_response_to_a_non_confirmable_request():
    device = endpoint()
    answer(device, "51 02 1234 aa")
    respond(device, coap.CHANGED, now=5000)
    equal(sent(device), [octets("51 44 0001 aa")])
    equal(device.next_deadline(), None)


def test_a_second_answer_does_nothing():
    device = endpoint()
    answer(device, "41 01 1234 aa")
    incoming = respond(device)
    equal(len(sent(device)), 1)
    device.respond(incoming, coap.Message(coap.NOT_FOUND), 0)
    equal(sent(device), [])
    # the same for a separate one, under way
    answer(device, "41 01 1235 aa")
    incoming = one_event(device)[1]
    run(device, 250)
    for _ in range(2):
        device.respond(incoming, coap.Message(coap.CONTENT), 300)
    equal(len(sent(device)), 1)


def test_an_answer_to_a_request_given_up_does_nothing():
    # CON: empty acknowledgement at 250 ms, given up EXCHANGE_LIFETIME (247 s) after it; NON: after 145 s
    for datagram, end in (("41 01 1234 aa", 247250), ("51 01 1234 aa", 145000)):
        device = endpoint()
        answer(device, datagram)
        incoming = one_event(device)[1]
        run(device, end - 1)
        equal(device.stats["abandoned"], 0)
        run(device, end)
        equal(device.stats["abandoned"], 1)
        device.respond(incoming, coap.Message(coap.CONTENT), end)
        equal(sent(device), [])


def test_an_answer_that_does_not_fit_can_be_replaced():
    # piggybacked and separate: the request stays open after the error, and is given up in the end all the same
    for wait in (0, 250):
        device = endpoint(max_datagram=64, max_body=0)
        answer(device, "41 01 1234 aa")
        incoming = one_event(device)[1]
        run(device, wait)
        raises(coap.MessageError, device.respond, incoming, coap.Message(coap.CONTENT, bytes(64)), wait)
        assert device.next_deadline() is not None
        device.respond(incoming, coap.Message(coap.INTERNAL_SERVER_ERROR), wait)
        equal(sent(device)[0][1], 0xA0)


def test_both_sides_may_use_the_same_message_id():
    # message IDs belong to their sender (section 4.4)
    device, exchange = asking()
    answer(device, "41 01 0001 bb")
    kind, incoming, _ = one_event(device)
    equal(kind, coap.REQUEST)
    device.respond(incoming, coap.Message(coap.CHANGED), 0)
    equal(sent(device), [octets("61 44 0001 bb")])
    answer(device, "61 45 0001 aa")
    ended(device, exchange)
