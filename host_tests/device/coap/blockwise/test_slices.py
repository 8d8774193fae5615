# SPDX-License-Identifier: MIT
"""The server's side of Block2: RFC 7959 sections 2.4, 2.7 and 3: for all methods, at the size that is asked for or a
smaller one, and without being asked where a response is larger than a datagram.

Block2 is 23: alone `d1 0a value`, before Block1 27 delta 4. The value is number << 4 | more << 3 | exponent.
"""

from hashlib import sha256

import coap
from coap.observe.server import Observers
from coap_scene import OTHER, PEER, answer, endpoint, events, octets, one_event, respond, run, sent
from common import equal, raises
from oscore_scene import CLIENT, pair

BODY = bytes([i & 255 for i in range(3000)])


def asked(device, text, code=coap.CONTENT, body=BODY, now=0, options=(), peer=PEER):
    """The decoded answer to a request, whose handler gives `body`."""
    device.receive(octets(text), peer, now)
    respond(device, code, body, now, options)
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


def test_a_get_whose_answer_is_larger_than_a_datagram():
    # nobody asked for blocks: 0/1/1024, then as the client asks
    device = endpoint()
    message = asked(device, "41 01 0001 aa")
    equal(message.code, coap.CONTENT)
    got(message, 0, 1, 6)
    got(asked(device, "41 01 0002 bb d1 0a 16"), 1, 1, 6)
    got(asked(device, "41 01 0003 cc d1 0a 26"), 2, 0, 6)
    equal(device.next_deadline(), None)


def test_an_answer_that_just_fits_is_not_cut():
    # head 4, token 1, marker 1: 1146 octets are a datagram of 1152
    device = endpoint()
    message = asked(device, "41 01 0001 aa", body=BODY[:1146])
    equal((message.options, len(message.payload)), ([], 1146))
    got(asked(device, "41 01 0002 aa", body=BODY[:1147]), 0, 1, 6, BODY[:1147])


def test_the_block_is_no_larger_than_a_datagram():
    # SZX 6 is asked for, 256 octets fit beside nothing, so 128; then the numbers are of the smaller size: octet 1024 is
    # block 8 of 128
    device = endpoint(max_datagram=256)
    got(asked(device, "41 01 0001 aa d1 0a 06"), 0, 1, 3)
    got(asked(device, "41 01 0002 aa d1 0a 16"), 8, 1, 3)
    got(asked(device, "41 01 0003 aa d2 0a 0173"), 23, 0, 3)  # 23/0/128: the last 56
    got(asked(endpoint(max_datagram=32), "41 01 0001 aa d1 0a 06"), 0, 1, 0)


def test_a_datagram_too_small_for_any_block():
    device = endpoint(max_datagram=20)
    answer(device, "41 01 0001 aa")
    incoming = one_event(device)[1]
    raises(coap.MessageError, device.respond, incoming, coap.Message(coap.CONTENT, BODY), 0)
    device.respond(incoming, coap.Message(coap.INTERNAL_SERVER_ERROR), 0)
    equal(sent(device), [octets("61 a0 0001 aa")])


def test_exponent_7_is_reserved():
    # section 2.2: "MUST lead to a 4.00 Bad Request"
    device = endpoint()
    for mid, code in enumerate(("01", "02", "03")):
        # no handler runs
        equal(go_on(device, "41 %s %04x aa d1 0a 07" % (code, mid)).code, coap.BAD_REQUEST)


def test_a_post_with_block2_0_0_32():
    # the handler runs once; the rest of its response is kept
    device = endpoint()
    body = BODY[:80]
    got(asked(device, "41 02 0001 aa b1 61 c1 01", coap.CHANGED, body), 0, 1, 1, body)
    got(go_on(device, "41 02 0002 bb b1 61 c1 11"), 1, 1, 1, body)
    message = go_on(device, "41 02 0003 cc b1 61 c1 21")
    equal((message.code, message.token), (coap.CHANGED, b"\xcc"))
    got(message, 2, 0, 1, body)


def test_all_methods_whose_answer_is_large_run_once():
    for code in ("02", "03", "04", "05", "07"):  # POST, PUT, DELETE, FETCH, iPATCH
        device = endpoint()
        got(asked(device, "41 %s 0001 aa b1 61" % code, coap.CHANGED), 0, 1, 6)
        got(go_on(device, "41 %s 0002 aa b1 61 c1 16" % code), 1, 1, 6)
        got(go_on(device, "41 %s 0003 aa b1 61 c1 26" % code), 2, 0, 6)


def test_what_fits_the_block_needs_nothing_kept():
    device = endpoint()
    got(asked(device, "41 02 0001 aa d1 0a 01", coap.CHANGED, b"x" * 32), 0, 0, 1, b"x" * 32)
    equal(device.next_deadline(), None)


def test_the_client_may_turn_to_smaller_blocks():
    # section 2.4: octets 0 to 1023, then 256 at a time: 4/1/256
    device = endpoint()
    asked(device, "41 02 0001 aa", coap.CHANGED)
    got(go_on(device, "41 02 0002 aa d1 0a 44"), 4, 1, 4)


def test_the_rest_belongs_to_one_request_and_one_peer():
    device = endpoint()
    asked(device, "41 02 0001 aa b1 61", coap.CHANGED)
    for peer, text in (
        (OTHER, "41 02 0002 aa b1 61 c1 16"),
        (PEER, "41 02 0003 aa b1 62 c1 16"),
        (PEER, "41 03 0004 aa b1 61 c1 16"),
    ):
        equal(go_on(device, text, peer=peer).code, coap.REQUEST_ENTITY_INCOMPLETE)
    equal(go_on(device, "41 02 0005 aa b1 61 c1 f6").code, coap.BAD_REQUEST)  # behind the end
    got(go_on(device, "41 02 0006 aa b1 61 c1 16"), 1, 1, 6)
    equal(go_on(endpoint(), "41 02 0001 aa d1 0a 12").code, coap.REQUEST_ENTITY_INCOMPLETE)


def test_a_block_of_the_rest_whose_answer_is_lost():
    device = endpoint()
    asked(device, "41 02 0001 aa", coap.CHANGED)
    last = go_on(device, "41 02 0002 aa d1 0a 26")
    again = answer(device, "41 02 0002 aa d1 0a 26", 2000)
    equal(bytes(coap.decode(again[0]).payload), bytes(last.payload))
    # under another message ID too, as long as the first may be lost
    got(go_on(device, "41 02 0003 aa d1 0a 26", 20000), 2, 0, 6)


def test_the_rest_is_forgotten():
    # 247 s after the last block that was asked for; 45 s after the end
    device = endpoint()
    asked(device, "41 02 0001 aa", coap.CHANGED)
    equal(device.next_deadline(), 247000)
    go_on(device, "41 02 0002 aa d1 0a 16", 100000)
    equal(device.next_deadline(), 347000)
    go_on(device, "41 02 0003 aa d1 0a 26", 200000)
    equal(device.next_deadline(), 245000)
    run(device, 245000)
    equal((device.next_deadline(), device.bodies), (None, []))
    equal(go_on(device, "41 02 0004 aa d1 0a 16", 245000).code, coap.REQUEST_ENTITY_INCOMPLETE)


def test_three_rests_are_kept_and_two_a_peer():
    device = endpoint()
    peers = [("192.0.2.%d" % host, 5683) for host in range(1, 4)]
    for mid, path in ((1, "61"), (2, "62"), (3, "63")):
        asked(device, "41 02 %04x aa b1 %s" % (mid, path), coap.CHANGED, peer=peers[0])
    equal(len(device.bodies), 2)
    # its own first one made room
    equal(go_on(device, "41 02 0004 aa b1 61 c1 16", peer=peers[0]).code, coap.REQUEST_ENTITY_INCOMPLETE)
    got(go_on(device, "41 02 0005 aa b1 62 c1 16", peer=peers[0]), 1, 1, 6)
    got(go_on(device, "41 02 0006 aa b1 63 c1 16", peer=peers[0]), 1, 1, 6)
    got(go_on(device, "41 02 0007 aa b1 62 c1 26", peer=peers[0]), 2, 0, 6)
    for peer in peers[1:]:
        asked(device, "41 02 0001 aa b1 61", coap.CHANGED, peer=peer)
        equal(len(device.bodies), 3)
    # who had two lost the older one
    equal(go_on(device, "41 02 0008 aa b1 62 c1 16", peer=peers[0]).code, coap.REQUEST_ENTITY_INCOMPLETE)
    for peer, path in ((peers[0], "63"), (peers[1], "61"), (peers[2], "61")):
        got(go_on(device, "41 02 0009 aa b1 %s c1 16" % path, peer=peer), 1, 1, 6)
    # they are no bodies that come in: three of those have room beside them
    for peer in peers:
        equal(go_on(device, "41 02 000a aa d1 0e 08 ff" + "61" * 16, peer=peer).code, coap.CONTINUE)


def etag(body):
    """How the ETag of a body is made where its response has none."""
    return sha256(body).digest()[:4]


def test_a_content_that_changed_shows_in_its_etag():
    # section 2.4: the client "MUST NOT" put blocks of two representations together; the ETag tells them apart
    device = endpoint()
    first = asked(device, "41 01 0001 aa")
    second = asked(device, "41 01 0002 aa d1 0a 16")
    equal([each.option(coap.ETAG) for each in (first, second)], [etag(BODY)] * 2)
    changed = BODY[:-1] + b"!"
    third = asked(device, "41 01 0003 aa d1 0a 26", body=changed)
    equal(third.option(coap.ETAG), etag(changed))


def test_an_etag_is_made_for_a_content_in_several_blocks_alone():
    device = endpoint()
    for text, code, body in (
        ("41 01 0001 aa", coap.CONTENT, b"short"),
        ("41 01 0002 aa d1 0a 02", coap.CONTENT, b"fits a block"),
        (
            "41 02 0003 aa",
            coap.CHANGED,
            BODY,
        ),  # an ETag of a 2.04 would be the resource's (RFC 7252 section 5.10.6.1)
        ("41 01 0004 aa", coap.NOT_FOUND, BODY),
    ):
        equal(asked(device, text, code, body).option(coap.ETAG), None)
    message = asked(device, "41 01 0005 aa", options=[(coap.ETAG, b"mine")])
    equal([value for number, value in message.options if number == coap.ETAG], [b"mine"])


class Numbers:
    known = True
    number = 5

    def next_number(self):
        self.number += 1
        return self.number


def test_a_notification_that_is_longer_than_a_datagram():
    # section 2.6: its first block comes with Observe and ETag, the rest is asked for without Observe
    device = endpoint()
    observers = Observers(device, 0, Numbers())
    device.receive(octets("41 01 0001 aa 60 51 61"), PEER, 0)
    observers.respond(one_event(device)[1], coap.Message(coap.CONTENT, BODY), 0)
    message = coap.decode(sent(device)[0])
    got(message, 0, 1, 6)
    assert message.option(coap.OBSERVE) is not None
    observers.changed("/a", 1000)
    changed = bytes(reversed(BODY))
    observers.respond(one_event(device)[1], coap.Message(coap.CONTENT, changed), 1000)
    message = coap.decode(sent(device)[0])
    equal((message.token, message.option(coap.ETAG)), (b"\xaa", etag(changed)))
    got(message, 0, 1, 6, changed)
    assert message.option(coap.OBSERVE) is not None
    answer(device, "60 00 %04x" % message.mid, 1000)
    for mid, value, expected in ((2, "16", (1, 1, 6)), (3, "26", (2, 0, 6))):
        message = asked(device, "41 01 %04x bb b1 61 c1 %s" % (mid, value), body=changed, now=1000)
        equal((message.option(coap.ETAG), message.option(coap.OBSERVE)), (etag(changed), None))
        got(message, *expected, changed)


def test_any_block_may_be_asked_for():
    device = endpoint()
    for mid, number in enumerate((2, 0, 1, 2, 0)):
        value = number << 4 | 6
        got(asked(device, "41 01 %04x aa d1 0a %02x" % (mid, value)), number, int(number < 2), 6)


def test_block1_and_block2_together():
    # figure 11 (section 3.3): a POST in blocks whose response comes in blocks. 128 octets each: exponent 3
    device = endpoint()
    full = "ff" + "61" * 128
    message = go_on(device, "41 02 0001 aa b1 61 c1 03 41 0b" + full)
    equal((message.code, message.options), (coap.CONTINUE, [(coap.BLOCK1, b"\x0b")]))
    message = asked(device, "41 02 0002 aa b1 61 c1 03 41 13" + full, coap.CHANGED)
    equal(message.uint(coap.BLOCK1), 0x13)
    got(message, 0, 1, 3)
    message = go_on(device, "41 02 0003 aa b1 61 c1 13")
    equal(message.option(coap.BLOCK1), None)
    got(message, 1, 1, 3)


def test_a_separate_response_in_blocks():
    device = endpoint()
    answer(device, "41 01 0001 aa")
    _, incoming, _ = one_event(device)
    device.poll(250)
    sent(device)
    device.respond(incoming, coap.Message(coap.CONTENT, BODY), 300)
    (datagram,) = sent(device)
    message = coap.decode(datagram)
    equal((message.type, message.token), (coap.CON, b"\xaa"))
    got(message, 0, 1, 6)


def test_options_of_the_response_stand_in_each_block():
    # ETag 4 and Content-Format 12; Size2 28 where it is asked for (section 4): 3000 = 0bb8
    device = endpoint()
    options = [(coap.ETAG, b"v1"), (coap.CONTENT_FORMAT, b"\x32")]
    message = asked(device, "41 01 0001 aa d1 0a 16 50", options=options)
    equal(
        [option for option in message.options if option[0] != coap.BLOCK2],
        options + [(coap.SIZE2, b"\x0b\xb8")],
    )
    got(message, 1, 1, 6)


def test_an_error_fits_or_is_cut_too():
    device = endpoint()
    message = asked(device, "41 01 0001 aa d1 0a 12", coap.NOT_FOUND, b"no such thing")
    equal((message.code, message.options, bytes(message.payload)), (coap.NOT_FOUND, [], b"no such thing"))
    message = asked(device, "41 01 0002 aa", coap.NOT_FOUND)
    equal(message.code, coap.NOT_FOUND)
    got(message, 0, 1, 6)


def test_non_confirmable_requests_too():
    device = endpoint()
    got(asked(device, "51 02 0001 aa", coap.CHANGED), 0, 1, 6)
    got(go_on(device, "51 02 0002 aa d1 0a 16"), 1, 1, 6)


def test_max_body_0_knows_no_blocks():
    device = endpoint(max_body=0)
    answer(device, "41 01 0001 aa")
    incoming = one_event(device)[1]
    raises(coap.MessageError, device.respond, incoming, coap.Message(coap.CONTENT, BODY), 0)


def test_what_is_kept_is_no_longer_the_callers():
    device = endpoint()
    body = bytearray(BODY)
    asked(device, "41 02 0001 aa", coap.CHANGED, body)
    body[1024:] = bytes(len(body) - 1024)
    got(go_on(device, "41 02 0002 aa d1 0a 16"), 1, 1, 6)


def test_our_own_client_gets_a_large_answer():
    server, client = endpoint(), endpoint()
    client.request(coap.Message(coap.GET, options=coap.path_options("/a")), OTHER, 0)
    while True:
        for datagram in sent(client):
            server.receive(datagram, PEER, 0)
        for _, incoming, _ in events(server):
            server.respond(incoming, coap.Message(coap.CONTENT, BODY), 0)
        for datagram in sent(server):
            client.receive(datagram, OTHER, 0)
        done = events(client)
        if done:
            break
    ((kind, _, message),) = done
    equal((kind, bytes(message.payload)), (coap.RESPONSE, BODY))


def test_under_oscore_each_block_fits():
    client, server = pair()
    for size in (1100, 1110, 1120, 1130, 1140, 3000):
        (request,) = client.ask(server, code=coap.POST, alone=True)
        ((datagram, _),) = server.take(request, CLIENT, payload=BODY[:size])
        assert len(datagram) <= 1152, len(datagram)
        client.events.clear()
        client.take(datagram, server.address)
        ((kind, _, message),) = client.events
        if message.option(coap.BLOCK2) is None:
            equal(bytes(message.payload), BODY[:size])
        else:
            got(message, 0, 1, 6, BODY[:size])
