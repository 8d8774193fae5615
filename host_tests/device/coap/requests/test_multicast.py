# SPDX-License-Identifier: MIT
"""Requests to a group and from who asks one: RFC 7252 section 8, RFC 7959 section 2.8, RFC 7967 section 2 for what a
server of a group says."""

import coap
from coap.endpoint.multicast import LEISURE
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, respond, run, sent, taken
from common import equal, raises

GROUP = ("224.0.1.187", 5683)
CORE = "b1 61"  # Uri-Path "a"


# ---- a client


def asking(wait=LEISURE, now=0, **named):
    device = endpoint(**named)
    exchange = device.request(coap.Message(coap.GET, type=coap.NON, token=b"\xaa"), GROUP, now, many=wait)
    equal(taken(device), [(octets("51 01 0001 aa"), GROUP)])
    return device, exchange


def heard(device):
    """(peer, payload) of the responses that came."""
    out = []
    for kind, _, message in events(device):
        equal(kind, coap.RESPONSE)
        out.append(message and (message.peer, bytes(message.payload)))
    return out


def test_each_of_many_is_heard_until_the_time_is_over():
    device, exchange = asking()
    equal(device.next_deadline(), 5000)
    equal(answer(device, "51 45 7001 aa ff 31", 100, PEER), [])
    equal(answer(device, "51 45 7001 aa ff 32", 200, OTHER), [])  # the message ID is of another peer
    equal(heard(device), [(PEER, b"1"), (OTHER, b"2")])
    device.poll(5000)
    equal(one_event(device), (coap.RESPONSE, exchange, None))
    equal((device.next_deadline(), device.stats["timeouts"], sent(device)), (None, 0, []))


def test_a_response_that_comes_twice_is_heard_once():
    device, _ = asking()
    for _ in range(2):
        equal(answer(device, "51 45 7001 aa ff 31"), [])
    equal(heard(device), [(PEER, b"1")])
    equal(device.stats["duplicates"], 1)
    # a confirmable one is acknowledged each time
    for _ in range(2):
        equal(answer(device, "41 45 7002 aa ff 32"), [octets("60 00 7002")])
    equal(heard(device), [(PEER, b"2")])


def test_nothing_of_others_is_taken():
    device, _ = asking()
    equal(answer(device, "51 45 7001 bb ff 31"), [])  # another token
    equal(answer(device, "61 45 0009 aa ff 31"), [])  # an acknowledgement of what was not sent
    equal(answer(device, "51 45 7002 aa 91 78"), [])  # a critical option that nobody knows: 9
    equal(heard(device), [])
    equal(device.stats["unmatched"], 3)


def test_what_comes_late_gets_no_reset():
    device, _ = asking()
    device.poll(5000)
    events(device)
    equal(answer(device, "51 45 7001 aa ff 31", 6000), [])
    equal(heard(device), [])


def test_the_first_block_is_a_response():
    # RFC 7959 section 2.8: the rest is fetched from that peer alone
    device, _ = asking()
    equal(answer(device, "51 45 7001 aa d1 0a 08 ff" + "61" * 16), [])
    equal(heard(device), [(PEER, b"a" * 16)])


def test_errors_of_many_are_responses_too():
    device, _ = asking()
    equal(answer(device, "51 84 7001 aa"), [])
    equal([message.code for _, _, message in events(device)], [coap.NOT_FOUND])


def test_a_request_to_many_is_not_confirmable():
    # section 8.1
    device = endpoint()
    for message in (
        coap.Message(coap.GET),
        coap.Message(coap.EMPTY, type=coap.NON),
        coap.Message(coap.GET, options=[(coap.OBSERVE, b"")], type=coap.NON),
        coap.Message(coap.PUT, b"1", [(coap.BLOCK1, b"\x08")], coap.NON),
        coap.Message(coap.PUT, bytes(2000), type=coap.NON),
    ):
        raises(coap.MessageError, lambda message=message: device.request(message, GROUP, 0, many=LEISURE))
    equal((sent(device), events(device), device.next_deadline()), ([], [], None))


def test_it_is_cancelled_like_others():
    device, exchange = asking()
    device.cancel(exchange, 0)
    equal(answer(device, "51 45 7001 aa ff 31"), [])
    equal((events(device), device.next_deadline()), ([], None))


def test_it_is_one_of_the_exchanges_that_are_open():
    device, _ = asking()
    for _ in range(coap.Endpoint.MAX_EXCHANGES - 1):
        device.request(coap.Message(coap.GET), PEER, 0)
    message = coap.Message(coap.GET, type=coap.NON)
    raises(coap.BusyError, lambda: device.request(message, GROUP, 0, many=LEISURE))


def test_thousands_who_answer_take_no_more_than_a_few():
    device, _ = asking()
    for port in range(2000):
        device.receive(octets("51 45 7001 aa ff 31"), ("192.0.2.9", port), 0)
        equal(len(events(device)), 1)
    assert len(device.seen()._entries) <= coap.Endpoint.MAX_DUPLICATES


# ---- a server


def hear(device, text, now=0, peer=PEER, leisure=LEISURE):
    """What goes out at once for a datagram that came by multicast."""
    device.receive(octets(text), peer, now, leisure)
    return sent(device)


def test_a_response_goes_out_at_leisure():
    # a random part of 5 s: a quarter here
    device = endpoint(b"\x40\x00")
    equal(hear(device, "51 01 1234 aa" + CORE), [])
    respond(device, payload=b"1")
    equal(sent(device), [])
    equal(device.next_deadline(), 1250)
    equal(run(device, 10000), [(1250, octets("51 45 4001 aa ff 31"))])
    equal((device.next_deadline(), device.stats["abandoned"]), (None, 0))


def test_one_that_takes_longer_than_its_leisure_goes_out_at_once():
    device = endpoint()
    equal(hear(device, "51 01 1234 aa" + CORE), [])
    respond(device, payload=b"1", now=3000)
    device.poll(3000)
    equal(sent(device), [octets("51 45 0001 aa ff 31")])


def test_each_waits_for_its_own_time():
    device = endpoint(b"\x80\x00")
    hear(device, "51 01 1234 aa" + CORE)
    hear(device, "51 01 1234 bb" + CORE, 100, OTHER)
    for _, incoming, _ in events(device):
        device.respond(incoming, coap.Message(coap.CONTENT, b"1"), 200)
    device.poll(2500)
    equal([peer for _, peer in taken(device)], [PEER])
    device.poll(2600)
    equal([peer for _, peer in taken(device)], [OTHER])


def test_a_request_that_comes_twice_runs_and_is_answered_once():
    device = endpoint()
    hear(device, "51 01 1234 aa" + CORE)
    respond(device, payload=b"1")
    hear(device, "51 01 1234 aa" + CORE, 10)
    equal(answer(device, "51 01 1234 aa" + CORE, 20), [octets("51 45 0001 aa ff 31")][:0])
    equal(events(device), [])
    device.poll(30)
    equal(sent(device), [octets("51 45 0001 aa ff 31")])
    equal(hear(device, "51 01 1234 aa" + CORE, 40), [])
    equal((events(device), device.next_deadline()), ([], None))


def test_what_would_help_nobody_is_not_sent():
    # section 8.2: an error, or nothing to say
    for code, payload in ((coap.NOT_FOUND, b""), (coap.INTERNAL_SERVER_ERROR, b"no"), (coap.CONTENT, b"")):
        device = endpoint()
        hear(device, "51 01 1234 aa" + CORE)
        respond(device, code, payload)
        equal((run(device, 300000), device.next_deadline()), ([], None))


def test_who_asks_may_say_what_is_wanted():
    # RFC 7967 section 2: 258 - 11 = 247, less 13 is ea. An empty option wants all, 2 wants errors alone
    for option, code, payload, goes in (
        ("d0 ea", coap.NOT_FOUND, b"", True),
        ("d0 ea", coap.CONTENT, b"", True),
        ("d1 ea 02", coap.NOT_FOUND, b"", True),
        ("d1 ea 02", coap.CONTENT, b"1", False),
        ("d1 ea 1a", coap.CONTENT, b"1", False),
    ):
        device = endpoint()
        hear(device, "51 01 1234 aa" + CORE + option)
        respond(device, code, payload)
        equal(len(run(device, 300000)), int(goes))


def test_a_resource_decides():
    device = endpoint()
    hear(device, "51 01 1234 aa" + CORE)
    _, incoming, _ = one_event(device)
    incoming.quiet = 0
    device.respond(incoming, coap.Message(coap.NOT_FOUND), 0)
    equal(len(run(device, 300000)), 1)


def test_nothing_else_is_let_in_and_nothing_is_rejected():
    # section 8.1: no Reset to multicast. RFC 7959 section 2.8: blocks beyond the first are for one peer
    for text in (
        "40 00 1234",  # a ping
        "41 01 1234 aa" + CORE,  # a confirmable request
        "51 01 1234 aa" + CORE + "21 78",  # 13 is critical, and nobody knows it
        "51 01 1234 aa 11 01 a1 61",  # If-Match, which this endpoint does not evaluate
        "51 01 1234 aa 10" + "d1 16 78",  # Proxy-Uri
        "51 03 1234 aa" + CORE + "d1 03 08 ff" + "61" * 16,  # Block1
        "51 01 1234 aa" + CORE + "c1 18",  # Block2 1/1/...
        "51 45 1234 aa ff 31",  # a response
        "61 45 1234 aa ff 31",
        "70 00 1234",
        "51 01 1234",  # a token that is not there
        "51 21 1234 aa",  # a code of class 1
        "00",
        "",
        "51 02 1234 aa ff" + "61" * 1200,
    ):
        device = endpoint()
        equal(hear(device, text), [])
        equal((events(device), device.next_deadline()), ([], None))
        equal(device.stats["refused"], 1)


def test_who_is_not_admitted_is_not_told():
    for code in (coap.BAD_OPTION, coap.FORBIDDEN):
        device = endpoint(admit=lambda message, peer, code=code: code)
        equal(hear(device, "51 01 1234 aa" + CORE), [])
        equal((events(device), device.next_deadline()), ([], None))


def test_one_block_may_be_asked_for():
    device = endpoint()
    hear(device, "51 01 1234 aa" + CORE + "c1 00")  # Block2 0/0/16
    respond(device, payload=b"a" * 20)
    ((_, out),) = run(device, 1)
    response = coap.decode(out)
    equal((response.uint(coap.BLOCK2), bytes(response.payload)), (8, b"a" * 16))  # 0/1/16


def test_observe_of_many_is_a_get():
    device = endpoint()
    hear(device, "51 01 1234 aa 60 51 61")
    equal(one_event(device)[2].options, [(coap.URI_PATH, b"a")])


def test_one_asker_does_not_take_all_places():
    device = endpoint(b"\xff\xff")
    for mid in range(8):
        device.receive(octets("51 01 12%02x aa" % mid + CORE), PEER, 0, LEISURE)
    equal(len(events(device)), coap.Endpoint.MAX_INCOMING_PER_PEER // 2)
    hear(device, "51 01 1234 aa" + CORE, peer=OTHER)
    equal(len(events(device)), 1)


def test_answers_that_wait_for_their_leisure_take_no_places_of_others():
    # they wait for up to 5 s, and anybody can forge who asks: who asks this endpoint alone hears no 4.29 for that
    device = endpoint(b"\xff\xff")
    for port in range(100):
        hear(device, "51 01 1234 aa" + CORE, peer=("192.0.2.9", port))
    for _ in range(2):  # as if by a peer that will ask this endpoint alone
        hear(device, "51 01 1200 aa" + CORE, peer=PEER)
    asked = events(device)
    equal(len(asked), coap.Endpoint.MAX_INCOMING // 2)
    for _, incoming, _ in asked:
        device.respond(incoming, coap.Message(coap.CONTENT, b"1"), 0)
    for mid in range(coap.Endpoint.MAX_INCOMING_PER_PEER):
        for peer in (PEER, OTHER):
            equal(answer(device, "41 01 13%02x aa" % mid + CORE, 0, peer), [])
    equal(len(events(device)), coap.Endpoint.MAX_INCOMING)
    # and the other way round: a group is heard while those have all of theirs
    device.poll(5000)
    sent(device)
    hear(device, "51 01 1235 aa" + CORE, 5000, OTHER)
    equal(len(events(device)), 1)


def test_what_is_protected_is_not_let_in():
    # RFC 8613 section 1: groups are left to another document. 9 OSCORE, an empty one
    from oscore_scene import pair

    _, server = pair()
    server.endpoint.receive(octets("51 02 1234 aa 90 ff" + "61" * 20), PEER, 0, LEISURE)
    equal((sent(server.endpoint), events(server.endpoint)), ([], []))
    equal(server.endpoint.stats["refused"], 1)


def test_what_comes_afterwards_is_for_this_endpoint_alone():
    device = endpoint()
    hear(device, "51 01 1234 aa" + CORE)
    events(device)
    equal(answer(device, "51 01 1235 aa" + CORE), [])
    respond(device, coap.NOT_FOUND)
    equal(sent(device), [octets("51 84 0001 aa")])


def test_a_group_of_endpoints():
    # section 8: three servers, each with its own chance, and one of them has nothing to say
    client = endpoint()
    exchange = client.request(coap.Message(coap.GET, type=coap.NON), GROUP, 0, many=6000)
    ((datagram, _),) = taken(client)
    servers = {("192.0.2.1%d" % n, 5683): endpoint(bytes((n * 0x40, 0))) for n in range(3)}
    for address in sorted(servers):
        device = servers[address]
        device.receive(datagram, PEER, 20, LEISURE)
        last = address[0].endswith("2")
        respond(device, coap.NOT_FOUND if last else coap.CONTENT, address[0].encode())
        for tick, out in run(device, 10000):
            client.receive(out, address, tick + 20)
    equal(heard(client), [(("192.0.2.1%d" % n, 5683), b"192.0.2.1%d" % n) for n in range(2)])
    client.poll(6000)
    equal(one_event(client), (coap.RESPONSE, exchange, None))
